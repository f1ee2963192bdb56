"""Several processes share one ledger, and any of them may be killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import engine
from engine.errors import Locked
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from tests.ledger.values import ANCHOR, HARBOR, blank, fresh, known

ROOT = Path(engine.__file__).parents[1]
PROLOGUE = """
import asyncio, os, resource, sys
from pathlib import Path
from engine.errors import LedgerError
from engine.ledger.sqlite.ledger import open_ledger
from engine.model.ledger_writes import Learned
from tests.ledger.values import *

def say(word):
    print(word, flush=True)

async def main():
    async with await open_ledger("sqlite:///ledger.db") as ledger:
        await play(ledger)
"""
EPILOGUE = "\nasyncio.run(main())\n"


@contextmanager
def process(folder: Path, play: str) -> Iterator[subprocess.Popen[str]]:
    """Run `play`, the body of a coroutine that has a ledger, in a process of its own; kill it in the end."""
    body = "async def play(ledger):\n" + "\n".join(f"    {line}" for line in play.strip().splitlines())
    with subprocess.Popen(
        [sys.executable, "-c", PROLOGUE + body + EPILOGUE],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def heard(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


HOLD = """
async with ledger.lock(HARBOR):
    say("held")
    sys.stdin.read()
"""


async def test_a_lock_holds_between_processes_until_its_holder_is_killed(on_disk: SqliteLedger, tmp_path: Path) -> None:
    with process(tmp_path, HOLD) as child:
        assert heard(child) == "held"
        with pytest.raises(Locked, match=f"another run holds the company .process {child.pid}."):
            async with on_disk.lock(HARBOR):
                pass
        async with on_disk.lock(ANCHOR):
            pass
        child.kill()
        child.wait()
        async with on_disk.lock(HARBOR):
            pass


CRASH = """
await ledger.begin(HARBOR, intent("done", "a", "b"))
await ledger.settle(HARBOR, settlement("done", "a", "b"))
await ledger.begin(HARBOR, intent("cut", "b", "c"))
say("begun")
sys.stdin.read()
"""


async def test_a_killed_writer_leaves_its_intents(on_disk: SqliteLedger, tmp_path: Path) -> None:
    with process(tmp_path, CRASH) as child:
        assert heard(child) == "begun"
        child.kill()
        child.wait()
    assert await on_disk.recover(HARBOR) == 2
    rows = (await on_disk.read(HARBOR)).rows
    assert rows == fresh({"a": known("a"), "b": known("b")._replace(outcome_known=False)}) | {"c": blank("c")}


BUSY = """
for n in range(10_000):
    await ledger.begin(HARBOR, intent(f"chunk-{n}", f"key-{n}"))
    say(f"begun {n}")
    await ledger.settle(HARBOR, settlement(f"chunk-{n}", f"key-{n}"))
    say(f"settled {n}")
"""


@pytest.mark.parametrize("lines", [1, 14, 33])
async def test_whatever_was_said_to_be_written_is_there_after_a_kill(lines: int, tmp_path: Path) -> None:
    with process(tmp_path, BUSY) as child:
        said = [heard(child) for _ in range(lines)]
        child.kill()
        said += child.communicate()[0].split("\n")
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        await ledger.recover(HARBOR)
        rows = (await ledger.read(HARBOR)).rows
    begun = {line.removeprefix("begun ") for line in said if line.startswith("begun")}
    settled = {line.removeprefix("settled ") for line in said if line.startswith("settled")}
    assert {f"key-{n}" for n in begun} <= set(rows)
    assert all(rows[f"key-{n}"].outcome_known for n in settled)
    assert len([key for key, entry in rows.items() if not entry.outcome_known]) <= 1


SHARE = """
for n in range(30):
    chunk = f"{os.getpid()}-{n}"
    await ledger.begin(HARBOR, intent(chunk, chunk))
    await ledger.settle(HARBOR, settlement(chunk, chunk))
"""


async def test_processes_that_open_a_new_file_at_once_all_succeed(tmp_path: Path) -> None:
    with (
        process(tmp_path, SHARE) as one,
        process(tmp_path, SHARE) as two,
        process(tmp_path, SHARE) as three,
    ):
        assert [child.wait() for child in (one, two, three)] == [0, 0, 0]
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as ledger:
        assert len((await ledger.read(HARBOR)).rows) == 90


FULL_DISK = """
await ledger.begin(HARBOR, intent("before", "a"))
size = Path("ledger.db-wal").stat().st_size
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
"""


def test_a_full_disk_fails_the_call_and_nothing_else(tmp_path: Path) -> None:
    with process(tmp_path, FULL_DISK) as child:
        refusal = heard(child)
        assert refusal.startswith(f"The ledger {tmp_path}/ledger.db failed: ")
        assert refusal.endswith("then run again.")
        assert (heard(child), heard(child)) == ("0", "3001")
        assert child.wait() == 0
