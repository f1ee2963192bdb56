"""What earlier runs noted to save time changes nothing else: without these notes, all is the same.

Histories are drawn from seeds: a server with up to two ways of its own, companies, and edits on both sides between
runs, some of them undone later. Each is played twice: with the notes deleted before each run, and with them kept, or
some of them deleted or damaged. After each run, both have sent the same requests, told the same, and left the same
ledger.

`DIMSYNC_WORLDS=2000 scripts/test tests/worlds -k memo` draws so many; `DIMSYNC_FIRST=5000` begins at that seed.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import Api, Company, Dimension, FileSource, Guards, Limits, RunResult, Settings, Verify, VerifyMode
from engine.model.settings import Adopt
from engine.run import good_end
from tests.sandbox.conftest import Rows
from tests.sandbox.fuzz import Died, Fate
from tests.worlds.draw import World, draw
from tests.worlds.server import Row, Server
from tests.worlds.stage import BASE_URL, Clock, Stage, account, new_ledger, perform
from tests.worlds.test_any_server import RULED

WORLDS = int(os.environ.get("DIMSYNC_WORLDS", "0")) or 12
FIRST = int(os.environ.get("DIMSYNC_FIRST", "0"))
"""The first seed: to draw others than the suite does."""

STEPS = 8
NOTES = ("entry_memos", "entry_parts", "changed_entries")
"""Tables that hold nothing but notes; a column of `scopes` holds the others."""

ORDER = {("attempts", "number"), ("attempts", "id")}
"""Columns that show in which order requests ended that were out at one time."""

LEFT_OUT = {"clean", "clean_source", "clean_listing", "applied_at", "result"}
"""Columns that are not compared: notes, and what has the moment in it, or stands elsewhere, too."""

WAITS_H = (0, 1, 25, 25, 240, 240)
"""Hours between two runs: a probe is due after a day, a listing after some seven."""

Edit = Callable[[Random, list[Dimension], list[Row]], object]


class Untold:
    """A source that cannot tell what it holds before it is read, such as a query."""

    def __init__(self, rows: list[Dimension]) -> None:
        self._rows = rows

    async def __aiter__(self) -> AsyncIterator[Dimension]:
        for row in self._rows:
            yield row


class Volatile(Rows):
    """A source whose bytes are others each time, such as a file that names the moment of its export."""

    _moments = count()

    async def digest(self) -> bytes:
        return b"%d" % next(self._moments)


NAMES = ("unique_key", "dimension_type_code", "type", "name", "erp_dimension_id", "code")


def objects_in_lines(rows: list[Dimension], path: Path) -> FileSource:
    """Return a source of objects, which have a code where the row has one."""
    objects = [{name: value for name, value in zip(NAMES, row, strict=True) if value is not None} for row in rows]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in objects))
    return FileSource(path)


def table_of_lines(rows: list[Dimension], path: Path) -> FileSource:
    """Return a source with a header."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([NAMES, *rows])
    return FileSource(path)


AUTO, FULL = Verify(mode=VerifyMode.AUTO), Verify(mode=VerifyMode.FULL)
SOURCES: dict[str, Callable[[list[Dimension]], Any]] = {"told": Rows, "untold": Untold, "volatile": Volatile}
FILES: dict[str, Callable[[list[Dimension], Path], FileSource]] = {
    "a.ndjson": objects_in_lines,
    "a.csv": table_of_lines,
}


def rename(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    at = rng.randrange(len(wanted))
    wanted[at] = wanted[at]._replace(name=f"Name {rng.randrange(4)}")


def relabel(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    at = rng.randrange(len(wanted))
    wanted[at] = wanted[at]._replace(type_label=f"Label {rng.randrange(3)}")


def recode(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    at = rng.randrange(len(wanted))
    wanted[at] = wanted[at]._replace(code=rng.choice([None, "c1", "c2"]))


def reorder(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    rng.shuffle(wanted)


def drop(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    if len(wanted) > 2:
        del wanted[rng.randrange(len(wanted))]


def add(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    number = rng.randrange(10**6)
    wanted.append(Dimension(f"new{number}", "account", "GL Account", f"New {number}", f"n{number}", None))


def double(rng: Random, wanted: list[Dimension], _there: list[Row]) -> None:
    """Add a row whose key, or whose type and ERP id, another one has."""
    row = rng.choice(wanted)
    wanted.append(row if rng.random() < 0.5 else row._replace(key=f"{row.key}x{rng.randrange(99)}"))


def rename_there(rng: Random, _wanted: list[Dimension], there: list[Row]) -> None:
    if there:
        row = rng.choice(there)
        row.values = row.values._replace(name=f"Theirs {rng.randrange(3)}")


def relabel_there(rng: Random, _wanted: list[Dimension], there: list[Row]) -> None:
    if there:
        row = rng.choice(there)
        row.values = row.values._replace(type_label="Their label")


def drop_there(rng: Random, _wanted: list[Dimension], there: list[Row]) -> None:
    if there:
        del there[rng.randrange(len(there))]


def add_there(rng: Random, wanted: list[Dimension], there: list[Row]) -> None:
    number = rng.randrange(10**6)
    values = Dimension("", "account", "GL Account", f"Stray {number}", rng.choice([f"s{number}", wanted[0].erp_id]))
    there.append(Row(id=f"stray{number}", company_id=0, key=None, values=values))


def reorder_there(rng: Random, _wanted: list[Dimension], there: list[Row]) -> None:
    rng.shuffle(there)


def nothing(_rng: Random, _wanted: list[Dimension], _there: list[Row]) -> None:
    """Change nothing."""


EDITS: tuple[Edit, ...] = (
    *(rename, relabel, recode, reorder, drop, add, double),
    *(rename_there, relabel_there, drop_there, add_there, reorder_there),
    *(nothing,) * 14,
)


class StillClock(Clock):
    """A wall clock that stands still during a run: how soon a request is sent changes no time that is told."""

    def forward_to(self, moment: datetime) -> None:
        """Leap ahead."""
        self._at = moment


@dataclass(slots=True, kw_only=True)
class Play:
    """One world, played from its beginning."""

    world: World
    database: sqlite3.Connection
    verify: Verify
    source: str
    forget: Callable[[sqlite3.Connection], object]  # what is done to notes before each run
    folder: Path  # of sources that are files
    clock: StillClock = field(default_factory=StillClock)
    wanted: dict[int, list[Dimension]] = field(default_factory=dict)
    there: dict[int, list[Row]] = field(default_factory=dict)
    stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        """Set the stage."""
        world = self.world
        self.wanted = deepcopy(world.wanted)
        server = Server(
            contract=world.contract,
            companies={company_id: f"Company {company_id}" for company_id in world.wanted},
            most_rows=world.most_rows,
            ways=deepcopy(world.ways),
            now=self.clock,
            rows=deepcopy(world.there),
        )
        settings = Settings(
            accounts=(account(Limits(page_size=world.page_rows, chunk_rows=world.chunk_rows, max_attempts=2)),),
            api=Api(base_url=BASE_URL, contract=world.contract),
            verify=self.verify,
            guards=Guards(adopt=Adopt(world.adopt)),
            companies_at_once=1,  # so that requests come in one order
        )
        self.stage = Stage(server=server, clock=self.clock, database=self.database, settings=settings)

    def edit(self, edit: Edit, company_id: int, rng: Random) -> None:
        """Change one company's source, or its rows on the server."""
        server = self.stage.server
        there = [row for row in server.rows if row.company_id == company_id]
        others = [row for row in server.rows if row.company_id != company_id]
        edit(rng, self.wanted[company_id], there)
        server.rows[:] = others + [replace(row, company_id=company_id) for row in there]

    def undo(self, company_id: int, before: tuple[list[Dimension], list[Row]]) -> None:
        """Let source and server of a company be as they were."""
        server = self.stage.server
        self.wanted[company_id] = list(before[0])
        server.rows[:] = [row for row in server.rows if row.company_id != company_id] + deepcopy(before[1])

    def state(self, company_id: int) -> tuple[list[Dimension], list[Row]]:
        """Return source and server of a company as they are."""
        rows = [row for row in self.stage.server.rows if row.company_id == company_id]
        return list(self.wanted[company_id]), deepcopy(rows)

    async def run(self, hours: float, seed: object, fate: Fate | None = None) -> dict[str, Any]:
        """Run once, some hours later; return all that must be the same."""
        self.clock.forward_to(self.clock() + timedelta(hours=hours))
        self.forget(self.database)
        companies = [
            Company(id=each, name=f"Company {each}", source=self._source(each, rows))
            for each, rows in self.wanted.items()
        ]
        before = len(self.stage.server.calls)
        result = await self.stage.run(companies, seed=seed, fate=fate)
        calls = Counter((*call[:5], status) for call, status in self.stage.server.calls[before:])
        return {"calls": calls, "result": told(result), "ledger": dict(contents(self.database))}

    def _source(self, company_id: int, rows: list[Dimension]) -> Any:
        """Return a company's source. Files of the same name are written anew for each run."""
        if (written := FILES.get(self.source)) is not None:
            return written(rows, self.folder / f"{company_id}{Path(self.source).suffix}")
        return SOURCES[self.source](rows)


def told(result: RunResult) -> list[object]:
    """Return what a run tells, but for what it took."""
    return [result.exit_code, result.totals, *map(repr, result.companies), *map(repr, result.problems)]


def contents(database: sqlite3.Connection) -> Iterator[tuple[str, list[object]]]:
    """Yield each table of a ledger, but for the notes."""
    for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
        if table in NOTES:
            continue
        columns = [name for _, name, *_ in database.execute(f"pragma table_info ({table})")]
        kept = [name for name in columns if name not in LEFT_OUT and (table, name) not in ORDER]
        yield table, sorted(database.execute(f"select {', '.join(kept)} from {table}"), key=repr)  # noqa: S608  our own


def keep(_database: sqlite3.Connection) -> None:
    """Leave all notes."""


def delete(database: sqlite3.Connection) -> None:
    """Delete all notes."""
    database.execute("update scopes set clean_listing = null, clean_source = null")
    for table in NOTES:
        database.execute(f"delete from {table}")  # noqa: S608  our own


def lose(rng: Random) -> Callable[[sqlite3.Connection], object]:
    """Return what deletes some notes, and damages or empties others."""

    def some(database: sqlite3.Connection) -> None:
        notes = database.execute("select id, clean_listing from scopes where clean_listing is not null").fetchall()
        for scope_id, note in notes:
            damaged = rng.choice([note, None, b"", note[:-1], note[: len(note) // 2], b"[]", b"\xff\x00"])
            database.execute("update scopes set clean_listing = ? where id = ?", (damaged, scope_id))
        if rng.random() < 0.3:
            database.execute(f"delete from {rng.choice(NOTES)}")  # noqa: S608  our own

    return some


def play(seed: int, folder: Path) -> None:
    """Play the history of a seed in two ways side by side."""
    rng = Random(f"memo {seed}")
    world = draw(seed, rng.choice([(), (), RULED]))
    verify = Verify(mode=rng.choice([VerifyMode.AUTO, VerifyMode.AUTO, VerifyMode.FULL, VerifyMode.PROBE]))
    source = rng.choice([*sorted(SOURCES), *FILES, *FILES])
    with ExitStack() as open_ledgers:
        forgets = (delete, keep if seed % 2 else lose(Random(seed)))
        plays = [
            Play(
                world=world,
                database=open_ledgers.enter_context(new_ledger()),
                verify=verify,
                source=source,
                forget=forget,
                folder=folder,
            )
            for forget in forgets
        ]
        kept: dict[int, list[tuple[list[Dimension], list[Row]]]] = {each: [] for each in world.wanted}
        story: list[str] = []
        for step in range(STEPS):
            hours, company_id, edit = rng.choice(WAITS_H), rng.choice(list(world.wanted)), rng.choice(EDITS)
            goes_back = bool(kept[company_id]) and rng.random() < 0.1
            kept[company_id].append(plays[0].state(company_id))
            drawn, back = rng.random(), rng.choice(kept[company_id])
            for each in plays:
                if goes_back:
                    each.undo(company_id, back)
                else:
                    each.edit(edit, company_id, Random(f"{seed} {step} {drawn}"))
            story.append(f"{'back' if goes_back else edit.__name__} in {company_id}, {hours} h")
            without, run = (perform(each.run(hours, f"{seed} {step}")) for each in plays)
            for what, expected in without.items():
                assert run[what] == expected, f"{world}, {verify.mode}: {what} differs after {'; '.join(story)}"


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS), ids=lambda seed: f"{seed}-")
def test_notes_of_earlier_runs_change_nothing(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(good_end, "MANY_SCATTERED", 1)
    play(seed, tmp_path)


@pytest.mark.parametrize("source", FILES)
def test_known_lines_are_not_parsed(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memo is falsified: what it says of a row is taken for what the row's line gives, and nothing is sent for it."""
    monkeypatch.setattr(good_end, "MANY_SCATTERED", 1)
    world = draw(3, ())
    company_id = next(iter(world.wanted))
    rows = [row._replace(code=f"c{number}") for number, row in enumerate(world.wanted[company_id])]
    world = replace(world, wanted={company_id: rows}, there=[], adopt="trust")
    with new_ledger() as database:
        play = Play(world=world, database=database, verify=AUTO, source=source, forget=keep, folder=tmp_path)
        for number in range(4):
            play.wanted[company_id] = [rows[0]._replace(name=f"New {number}"), *rows[1:]]
            perform(play.run(0, number))
        ((part,),) = database.execute("select entries from entry_parts").fetchall()
        keys, _, _, names, *_ = columns = json.loads(part)
        names[keys.index(rows[-1].key)] = "As nobody sent it"
        database.execute("update entry_parts set entries = ?", (json.dumps(columns),))
        play.wanted[company_id] = rows
        told = perform(play.run(0, "by lines"))["result"]
    assert (told[1].updated, told[1].unchanged) == (1, len(rows) - 1)


def with_times(rows: list[Dimension], path: Path, moments: Iterator[int] = count()) -> FileSource:  # noqa: B008  one for all
    """Return a source whose lines are others in each run, as each has the time of its export."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([(*NAMES, "exported_at"), *((*row, next(moments)) for row in rows)])
    return FileSource(path)


def test_a_memo_is_not_written_in_each_run_for_lines_that_are_always_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(good_end, "MANY_SCATTERED", 3)
    monkeypatch.setitem(FILES, "times.csv", with_times)
    world = draw(3, ())
    company_id = next(iter(world.wanted))
    rows = [row._replace(code=f"c{number}") for number, row in enumerate(world.wanted[company_id])]
    world = replace(world, wanted={company_id: rows}, there=[], adopt="trust")
    with new_ledger() as database:
        play = Play(world=world, database=database, verify=AUTO, source="times.csv", forget=keep, folder=tmp_path)
        memos = []
        for number in range(5):
            play.wanted[company_id] = [rows[0]._replace(name=f"New {number}"), *rows[1:]]
            perform(play.run(0, number))
            memos.append(database.execute("select entries from entry_parts").fetchall())
    assert memos[-1] == memos[-2] == memos[-3]
    assert memos[-1]


SCENES: dict[str, tuple[str, tuple[Edit, ...]]] = {
    "nothing has changed": ("volatile", ()),
    "a row was renamed in Ottimate": ("told", (rename_there,)),
    "rows were renamed on both sides": ("told", (rename, rename_there)),
    "rows of a file were renamed": ("a.csv", (rename, rename)),
    "a row was renamed in a file, and one in Ottimate": ("a.ndjson", (rename, rename_there)),
}
"""Which kind of source, and what is edited before the run that dies."""


@pytest.mark.parametrize("scene", SCENES)
def test_a_run_that_is_killed_at_any_step_leaves_what_the_next_ones_mend(
    scene: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run notes what it lists; the third goes by it, and dies."""
    monkeypatch.setattr(good_end, "MANY_SCATTERED", 1)
    source, edits = SCENES[scene]
    world = replace(draw(3, ()), chunk_rows=100, page_rows=5, adopt="trust")
    with new_ledger() as database:
        before = Play(world=world, database=database, verify=FULL, source=source, forget=keep, folder=tmp_path)
        for hours in (0, 1):
            perform(before.run(hours, hours))
        for edit in edits:
            before.edit(edit, next(iter(world.wanted)), Random(scene))
        expected = ended(before, None, set())
        deaths, seen = 0, set[str]()
        while (found := ended(before, deaths + 1, seen)) is not None:
            deaths += 1
            assert found in (SEEN, expected), f"killed at its moment {deaths}"
    assert deaths > len(seen) > 10


SEEN = "what an earlier death left"


def ended(before: Play, at: int | None, seen: set[str]) -> object:
    """Let a run die at one of its moments, and return what two runs after it tell and leave; None: it did not die.

    `seen`: what deaths have left in the ledger and on the server. If this one leaves no more, nothing runs after it.
    """
    with new_ledger() as database:
        before.database.backup(database)
        play = replace(before, database=database, forget=keep, clock=StillClock())
        play.wanted, fate = deepcopy(before.wanted), Fate(at)
        play.stage.server.rows[:] = deepcopy(before.stage.server.rows)
        play.clock.forward_to(before.clock())
        with suppress(Died, BaseExceptionGroup):
            perform(play.run(1, "dies", fate))
        if at is not None and not fate.is_dead:
            return None
        left = repr((list(database.iterdump()), play.stage.server.rows))
        if left in seen:
            return SEEN
        seen.add(left)
        perform(play.run(1, "first"))
        result = perform(play.run(1, "second"))["result"]
        rows = sorted((row.company_id, row.values) for row in play.stage.server.rows)
        return result, rows
