"""What other processes do with the ledger in their folder: `python -m tests.ledger.plays NAME`."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from pathlib import Path

from anyio import sleep, sleep_forever

from engine.errors import LedgerError
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.ledger_writes import Learned, Settlement
from engine.model.outcome import Column, Outcome
from tests.ledger.values import HARBOR, NOON, ORIGIN, certificate, intent, known_rows, settlement

KEY = (ORIGIN, "00ff00ff00ff00ff")


def say(word: object) -> None:
    """Tell the test something."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def until_told() -> None:
    """Wait until the test lets it go on."""
    while not Path("go").exists():  # noqa: ASYNC110, ASYNC240  a file of another process has no event, and nothing waits
        await sleep(0.002)


async def hold(ledger: SqliteLedger) -> None:
    """Hold a company until killed."""
    async with ledger.lock(HARBOR):
        say("held")
        await sleep_forever()


async def begin(ledger: SqliteLedger) -> None:
    """Begin a chunk, and wait to be killed."""
    await ledger.begin(HARBOR, intent("chunk", "a"))
    say("begun")
    await sleep_forever()


async def crash(ledger: SqliteLedger) -> None:
    """Settle one chunk, begin another, and wait to be killed."""
    await ledger.begin(HARBOR, intent("done", "a", "b"))
    await ledger.settle(HARBOR, settlement("done", "a", "b"))
    await ledger.begin(HARBOR, intent("cut", "b", "c"))
    say("begun")
    await sleep_forever()


async def work(ledger: SqliteLedger) -> None:
    """Begin and settle one chunk after another, and tell each."""
    for n in range(10_000):
        await ledger.begin(HARBOR, intent(f"chunk-{n}", f"key-{n}"))
        say(f"begun {n}")
        await ledger.settle(HARBOR, settlement(f"chunk-{n}", f"key-{n}"))
        say(f"settled {n}")


async def share(ledger: SqliteLedger) -> None:
    """Write 30 rows that no other process writes."""
    for n in range(30):
        chunk = f"{os.getpid()}-{n}"
        await ledger.begin(HARBOR, intent(chunk, chunk))
        await ledger.settle(HARBOR, settlement(chunk, chunk))


async def spend(ledger: SqliteLedger) -> None:
    """Take a day's requests, once told to, and tell how many they were."""
    say("ready")
    await until_told()
    spent = 0
    while requests := await ledger.reserve_requests(*KEY, NOON.date(), 700):
        spent += requests
    say(spent)


async def reserve(ledger: SqliteLedger) -> None:
    """Take requests, and tell how many each time."""
    while True:
        say(await ledger.reserve_requests(*KEY, NOON.date(), 9_000))


async def write(_ledger: SqliteLedger) -> None:
    """Hold a transaction open until told otherwise."""
    with closing(sqlite3.connect("ledger.db", isolation_level=None)) as writer:
        writer.execute("begin immediate")
        writer.execute("update scopes set generation = 7, changed_by = 'another'")
        say("writing")
        await until_told()
        writer.execute("commit")


async def settle_and_crash(ledger: SqliteLedger) -> None:
    """Settle a chunk that was sent twice, begin another, and wait to be killed."""
    await ledger.begin(HARBOR, intent("done", "a"))
    outcome = Settlement(intent_id="done", at=NOON, outcomes=(Outcome("a", Column.CREATED),), sends=2, status=201)
    await ledger.settle(HARBOR, outcome)
    await ledger.begin(HARBOR, intent("cut", "a"))
    say("begun")
    await sleep_forever()


async def fill_the_disk(ledger: SqliteLedger) -> None:
    """Write more than there is room for, and again when there is room."""
    await ledger.begin(HARBOR, intent("before", "a"))
    size = Path("ledger.db-wal").stat().st_size  # noqa: ASYNC240  nothing else waits
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, resource.RLIM_INFINITY))
    many = Learned(certificate=certificate(3000), at=NOON, rows=known_rows(*map(str, range(3000))))
    try:
        await ledger.learn(HARBOR, many)
    except LedgerError as error:
        say(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    say(len((await ledger.read(HARBOR)).rows))
    await ledger.settle(HARBOR, settlement("before", "a"))
    await ledger.learn(HARBOR, many)
    say(len((await ledger.read(HARBOR)).rows))


PLAYS: Mapping[str, Callable[[SqliteLedger], Awaitable[None]]] = {
    play.__name__: play
    for play in (hold, begin, crash, work, share, spend, reserve, write, settle_and_crash, fill_the_disk)
}


async def main(name: str) -> None:
    """Open the ledger and play."""
    async with await open_ledger("sqlite:///ledger.db") as ledger:
        await PLAYS[name](ledger)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
