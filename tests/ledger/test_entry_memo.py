"""A memo of a company's entries is read in place of them, and never tells anything else than they do."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from zlib import crc32

import pytest

from engine.errors import LedgerError
from engine.ledger.jobs import entries, rows
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension
from engine.model.ledger_writes import GoodEnd, Intent, Learned, Settlement, SourceLines
from engine.model.row_record import Agreement
from tests.ledger.values import ANCHOR, HARBOR, NOON, ORIGIN, certificate, known, known_rows, stray
from tests.sandbox.memory import memory_ledger, perform

KEYS = ["a", "b", "c0", "d", "é", "Z", "z", "0", "~", "\U0001f600", "￿", "a\0b", "a\0c", 'q"\\', "k9", "k10"]
HISTORIES = 40
STEPS = 14

Act = Callable[[SqliteLedger, Random], Awaitable[object]]


async def settle(ledger: SqliteLedger, rng: Random) -> None:
    """Acknowledge some rows, and lose the outcome of others."""
    keys = rng.sample(KEYS, rng.randint(1, 5))
    name = f"chunk {rng.random()}"
    await ledger.begin(HARBOR, Intent(id=name, run_id="run-1", keys=tuple(keys), at=NOON))
    if rng.random() < 0.2:
        await ledger.recover(HARBOR)
        return
    lost = tuple(key for key in keys if rng.random() < 0.2)
    stored = known_rows(*(key for key in keys if key not in lost), name=f"Name {rng.randrange(3)}")
    await ledger.settle(HARBOR, Settlement(intent_id=name, at=NOON, rows=stored, unknown=lost, created=1))


async def learn(ledger: SqliteLedger, rng: Random) -> None:
    """Take over a listing, with or without news."""
    shown = {
        key: known(key, "Shown", seen=rng.choice([None, stray(key)])) for key in rng.sample(KEYS, rng.randint(0, 2))
    }
    gone = tuple(key for key in rng.sample(KEYS, rng.randint(0, 2)) if key not in shown)
    await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=shown, gone=gone, run_id="run-1"))


async def agree(ledger: SqliteLedger, rng: Random) -> None:
    await ledger.agree(HARBOR, {key: Agreement(shown={"name": "N"}) for key in rng.sample(KEYS, 2)})


async def rekey(ledger: SqliteLedger, rng: Random) -> None:
    one, other = rng.sample(KEYS, 2)
    await ledger.rekey(HARBOR, {one: other}, NOON)


async def distrust(ledger: SqliteLedger, rng: Random) -> None:
    if rng.random() < 0.3:
        await ledger.distrust(HARBOR)


async def write_another(ledger: SqliteLedger, _rng: Random) -> None:
    await ledger.learn(ANCHOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows(*KEYS)))
    await ledger.gather(ANCHOR)


async def gather(ledger: SqliteLedger, _rng: Random) -> None:
    await ledger.gather(HARBOR)


def line_of(row: Dimension) -> int:
    """Return the hash of the line that tells a row."""
    return crc32(repr(row).encode()) + 2**63


async def gather_with_lines(ledger: SqliteLedger, rng: Random) -> None:
    """Write the memo as a run does whose source has rows of which some are others than the entries, or none."""
    rows = [known.row for known in (await ledger.read(HARBOR)).rows.values()]
    wanted = [row._replace(name="Not as known") if rng.random() < 0.2 else row for row in rows if rng.random() < 0.8]
    wanted.append(known("never sent").row)
    rng.shuffle(wanted)
    lines = SourceLines(wanted, list(map(line_of, wanted)))
    await ledger.end_well(HARBOR, GoodEnd(gathers=True, lines=lines))


async def by_hand(ledger: SqliteLedger, rng: Random) -> None:
    """Change rows as a person does, with another program."""
    key, other = rng.sample(KEYS, 2)
    statements = [
        ("update rows set name = 'by hand' where key = ?", (key,)),
        ("update rows set key = ? where key = ? and not exists (select 1 from rows where key = ?1)", (other, key)),
        ("update or replace rows set scope = 2 where scope = 1 and key = ?", (key,)),
        ("update or replace rows set scope = 1 where scope = 2 and key = ?", (key,)),
        ("delete from rows where key = ?", (key,)),
        ("insert or replace into rows select * from rows where key = ?", (key,)),
    ]
    await ledger._thread.write(lambda connection: connection.execute(*rng.choice(statements)).rowcount)


async def lose(ledger: SqliteLedger, rng: Random) -> None:
    """Delete or damage a part of a memo."""
    statements = [
        "delete from entry_memos where scope = 1",
        "delete from entry_parts where part = 0",
        "delete from entry_parts where part = 4",
        "delete from changed_entries",
        "delete from changed_entries where key < 'c'",
        "update entry_parts set entries = substr(entries, 1, 40)",
        "update entry_parts set entries = '[]'",
        "update entry_parts set entries = '[[],[1]]'",
        "update entry_parts set entries = 'null' where part = 4",
    ]
    await ledger._thread.write(lambda connection: connection.execute(rng.choice(statements)).rowcount)


ACTS: tuple[Act, ...] = (
    settle,
    settle,
    settle,
    learn,
    agree,
    rekey,
    distrust,
    write_another,
    gather,
    gather_with_lines,
    gather_with_lines,
    by_hand,
    lose,
)


async def read_without(ledger: SqliteLedger) -> CompanyRecord:
    """Return what is read without any memo, which stays."""

    def work(connection: sqlite3.Connection) -> CompanyRecord:
        connection.execute("savepoint without")
        for table in ("entry_memos", "entry_parts", "changed_entries"):
            connection.execute(f"delete from {table}")  # noqa: S608  our own tables
        record = rows.read(connection, HARBOR)
        connection.execute("rollback to without")
        connection.execute("release without")
        return record

    return await ledger._thread.alone(work)


def told(record: CompanyRecord) -> list[object]:
    """Return all rows of a record in their order."""
    return list(record.rows.items())


def told_by_lines(record: CompanyRecord) -> int:
    """Return how many rows are told by their lines. Such a line is the row's."""
    rows = [known.row for known in record.rows.values()]
    told = [] if record.lines is None else list(zip(record.lines, rows, strict=True))
    assert all(hashed == line_of(row) for hashed, row in told if hashed)
    return sum(bool(hashed) for hashed, _ in told)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_memo_tells_what_the_entries_do(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PART_ROWS", 4)

    async def play() -> tuple[int, int]:
        rng, hits, by_lines = Random(seed), 0, 0
        with memory_ledger() as ledger:
            await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
            await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows(*KEYS[:9])))
            await gather_with_lines(ledger, rng)
            by_lines += told_by_lines(await ledger.read(HARBOR))
            for _ in range(STEPS):
                act = rng.choice(ACTS)
                await act(ledger, rng)
                record = await ledger.read(HARBOR)
                assert told(record) == told(await read_without(ledger)), act.__name__
                for key in KEYS[:3]:
                    life = await ledger.life(HARBOR, key)
                    assert life.known == record.rows.get(life.wire_key)
                hits += record.scattered < len(record.rows)
                by_lines += told_by_lines(record)
        return hits, by_lines

    assert min(perform(play())) > 0


def test_only_what_changed_is_read_one_by_one() -> None:
    async def play() -> list[int]:
        with memory_ledger() as ledger:
            scattered = []

            async def note() -> None:
                scattered.append((await ledger.read(HARBOR)).scattered)

            await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows(*KEYS)))
            await note()
            await ledger.gather(HARBOR)
            await note()
            later = NOON + timedelta(days=1)
            await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=later, rows=known_rows("a", name="New")))
            await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=later, gone=("b",)))
            await note()
            await ledger.gather(HARBOR)
            await note()
            return scattered

    assert perform(play()) == [len(KEYS), 0, 2, 0]


def test_a_memo_ends_once_much_has_changed() -> None:
    """So that a first load after it does not note each of its rows."""

    async def play() -> list[int]:
        keys = [f"{number:03}" for number in range(200)]
        with memory_ledger() as ledger:
            await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows(*keys)))
            await ledger.gather(HARBOR)
            scattered: list[int] = []
            for count in (100, 1):
                rows = known_rows(*keys[len(scattered) * 100 :][:count], name="New")
                await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=rows))
                scattered.append((await ledger.read(HARBOR)).scattered)
            return scattered

    assert perform(play()) == [100, 200]


async def test_a_key_that_is_no_text_is_told(ledger: SqliteLedger) -> None:
    await ledger.learn(HARBOR, Learned(certificate=certificate(3), at=NOON, rows=known_rows("a")))
    with pytest.raises(LedgerError):
        await ledger.life(HARBOR, "\udcff")


async def test_a_company_that_was_never_written_has_nothing_to_gather(ledger: SqliteLedger) -> None:
    await ledger.gather(HARBOR)
    assert (await ledger.read(HARBOR)).rows == {}
