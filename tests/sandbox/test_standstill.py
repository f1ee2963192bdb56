"""A company of which nothing is new is not compared again; whatever could be new ends that."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine import Company, Dimension, Guards
from engine.ledger.sqlite.ledger import open_ledger
from engine.model.ledger_writes import Intent
from engine.model.origin import origin_of
from engine.model.result import CompanyResult
from engine.model.settings import CompanyKey, Verify, VerifyMode
from engine.sources.files import FileSource
from tests.sandbox.conftest import World, assert_exact, columns, company, dims, kinds, watch

pytestmark = pytest.mark.sockets

ROWS = dims(30)
FIELDS = ("unique_key", "dimension_type_code", "type", "name", "erp_dimension_id", "code")


class Stage:
    """One company, its source in a file."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.path = folder / "1.ndjson"
        self.settings: dict[str, Any] = {}
        self.write(ROWS)
        world.place(1)

    def write(self, rows: Sequence[Dimension], *more: bytes) -> None:
        """Export these rows."""
        lines = [orjson.dumps({name: value for name, value in zip(FIELDS, row, strict=True) if value}) for row in rows]
        self.path.write_bytes(b"\n".join([*lines, *more]))

    @property
    def company(self) -> Company:
        return Company(id=1, name="Company 1", source=FileSource(self.path), **self.settings)

    @property
    def company_key(self) -> CompanyKey:
        return CompanyKey(
            origin=origin_of(self.world.sandbox.base_url), account=self.world.accounts[0].account_id, company_id=1
        )

    async def run(self, **options: Any) -> CompanyResult:
        return (await self.world.sync(self.company, **options)).companies[0]

    async def is_still(self) -> bool:
        """Return whether the ledger says that nothing is new."""
        async with await open_ledger(self.world.ledger_url) as ledger:
            state = await ledger.brief(self.company_key)
            return state is not None and state.clean is not None

    async def settle(self) -> CompanyResult:
        """Load it, and run once more: that finds nothing to do."""
        assert (await self.run()).state == "synced"
        found = await self.run()
        assert (found.state, await self.is_still()) == ("unchanged", True)
        return found


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Stage:
    return Stage(world, tmp_path)


async def test_a_run_over_what_has_not_changed_says_the_same(stage: Stage) -> None:
    """Whole, but for the moment: columns, evidence and state are those of the run that compared."""
    compared = await stage.settle()
    stage.world.clock.forward(hours=1)
    result = await stage.run()
    assert result == compared
    assert (columns(result), kinds(result.requests)) == ({"unchanged": 30}, {})
    async with stage.world.engine() as engine:
        events, _ = await watch(engine, stage.company)
    assert [type(event).__name__ for event in events] == [
        "RunStarted",
        "Scheduled",
        "CompanyStarted",
        "SourceRead",
        "Planned",
        "CompanyFinished",
        "RunFinished",
    ]


async def test_adopted_rows_stay_told(world: World, tmp_path: Path) -> None:
    stage = Stage(world, tmp_path)
    world.place(1, [row._replace(code=None) for row in ROWS], keys=False)
    stage.write([row._replace(code=None) for row in ROWS])
    for _ in range(3):
        result = await stage.run()
        assert (columns(result), result.balance.adopted) == ({"unchanged": 30}, 30)
    assert await stage.is_still()


async def edit(stage: Stage) -> None:
    stage.write([ROWS[0]._replace(name="Edited"), *ROWS[1:]])


async def spoil(stage: Stage) -> None:
    stage.write(ROWS, b'{"unique_key": "bad"}')


async def relabel(stage: Stage) -> None:
    stage.settings["relabel"] = True


async def hold(stage: Stage) -> None:
    stage.settings["guards"] = Guards(mass_create_rows=7)


async def probe(stage: Stage) -> None:
    stage.world.verify = Verify(mode=VerifyMode.PROBE)


async def week(stage: Stage) -> None:
    stage.world.clock.forward(days=30)


async def distrust(stage: Stage) -> None:
    async with await open_ledger(stage.world.ledger_url) as ledger:
        await ledger.distrust(stage.company_key)


async def begin(stage: Stage) -> None:
    """A run with another source is killed after its first commit, and the source is put back."""
    async with await open_ledger(stage.world.ledger_url) as ledger:
        intent = Intent(id="dead.1.1", run_id="dead", keys=(ROWS[0].key,), at=stage.world.clock())
        await ledger.begin(stage.company_key, intent)


@pytest.mark.parametrize("change", [edit, spoil, relabel, hold, probe, week, distrust, begin])
async def test_whatever_could_be_new_is_looked_at(stage: Stage, change: Callable[[Stage], Awaitable[None]]) -> None:
    await stage.settle()
    await change(stage)
    async with stage.world.engine() as engine:
        events, run = await watch(engine, stage.company)
    (result,) = run.companies
    assert result.balance.adds_up
    wanted = [ROWS[0]._replace(name="Edited"), *ROWS[1:]] if change is edit else ROWS
    assert_exact(stage.world, 1, wanted)
    if change in {probe, week, begin, distrust}:
        assert result.requests.total
    if change is spoil:
        assert (columns(result), result.exit_code) == ({"unchanged": 30, "invalid": 1}, 3)
    assert any(type(event).__name__ == "Planned" for event in events)


async def test_a_source_that_was_another_in_between_is_compared(stage: Stage) -> None:
    """A, then B, then A again: the ledger knows B by then."""
    await stage.settle()
    await edit(stage)
    assert columns(await stage.run()) == {"unchanged": 29, "updated": 1}
    stage.write(ROWS)
    assert columns(await stage.run()) == {"unchanged": 29, "updated": 1}
    assert_exact(stage.world, 1, ROWS)


async def test_trouble_is_told_in_every_run(stage: Stage) -> None:
    """A company with a row that is invalid, or refused, is never taken for one that stands still."""
    stage.write(ROWS, b'{"unique_key": "bad"}')
    for _ in range(3):
        result = await stage.run()
        assert result.balance.invalid == 1
    assert not await stage.is_still()


async def test_a_company_that_another_run_holds_is_locked(stage: Stage) -> None:
    await stage.settle()
    async with await open_ledger(stage.world.ledger_url) as ledger, ledger.lock(stage.company_key):
        result = await stage.run()
    assert result.exit_code == 9


async def test_other_verbs_and_options_look_at_it(stage: Stage) -> None:
    await stage.settle()
    assert kinds((await stage.run(fresh=True)).requests) == {}
    async with stage.world.engine() as engine:
        planned = (await engine.plan([stage.company]).result()).companies[0]
        assert planned.plan is not None
        assert columns(planned) == {"unchanged": 30}
        checked = (await engine.check([stage.company]).result()).companies[0]
        assert checked.requests.total


class Odd:
    """A program's source that calls something else its digest."""

    async def digest(self) -> bytes:
        raise ValueError("no such thing")

    async def __aiter__(self) -> AsyncIterator[Dimension]:
        for row in ROWS:
            yield row


async def test_a_source_whose_digest_fails_is_read(world: World) -> None:
    world.place(1)
    for _ in range(2):
        await world.sync(company(1, ROWS))  # which tells its digest: from now on the ledger says that nothing is new
    (result,) = (await world.sync(Company(id=1, source=Odd()))).companies
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 30})


async def test_l26_runs_that_find_nothing_to_do_leave_a_line_each(world: World, tmp_path: Path) -> None:
    """Compared with the ledger, at a standstill, or after a probe: nothing of the company itself is written down."""
    world.place(1)
    world.place(2)
    fleet = [company(1, dims(5)), company(2, dims(5))]
    await world.sync(*fleet)
    for _ in range(30):
        world.clock.forward(hours=1)
        last = await world.sync(*fleet)
        assert [one.state for one in last.companies] == ["unchanged", "unchanged"]
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        lines = connection.execute("select count(*), count(distinct run_id) from run_companies").fetchone()
        longest = connection.execute("select max(length(result)) from runs").fetchone()[0]
    assert (lines, longest < 4_000) == ((2, 1), True)
    async with await open_ledger(world.ledger_url) as ledger:
        origin = origin_of(world.sandbox.base_url)
        assert [line.well_at for line in await ledger.last_syncs(origin)] == [last.finished_at] * 2
        assert [run.companies for run in await ledger.history(origin, 99)] == [2] * 31
