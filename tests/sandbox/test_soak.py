"""Weeks of runs in trouble, on a clock of their own: books that add up, a fleet that ends exact, and nothing left over.

Every kind of trouble has its turns, at a few per cent of the requests; runs are killed; sources are edited meanwhile.
`DIMSYNC_SOAK=1` takes 300 companies and more runs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import aiohttp
import anyio
import pytest

from engine import Allow, Api, Dimension, Engine, Limits, RunResult, Settings, Verify, VerifyMode
from engine.ledger.sqlite.database import open_file
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import FileLocks, MemoryLocks
from engine.model.balance import add
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Tenant
from tests.sandbox.conftest import World, account, assert_exact, company, dims
from tests.sandbox.fuzz import Desk, Fate, StageLoop
from tests.sandbox.line import BASE_URL, GATEWAY_S, Line
from tests.sandbox.test_fuzz_runs import BULK, CUTS, LIST, MORNING, STATUSES, on
from tests.threads import lasting_threads

IS_LONG = "DIMSYNC_SOAK" in os.environ
COMPANIES, RUNS = (300, 120) if IS_LONG else (20, 28)
SHARE = 0.03
AT_ONCE = 12  # kinds of trouble in one run

TROUBLE = [
    *(on("bulk", **rule) for rule in BULK),
    *(on("list", **rule) for rule in LIST),
    *(on(operation, effect="status", **rule) for rule in STATUSES for operation in ("bulk", "list", "get")),
    *(on(operation, **rule) for rule in CUTS for operation in ("bulk", "list", "get", "token", "companies")),
]


def wanted_at_first(company_id: int) -> list[Dimension]:
    """Return a company's rows; each seventh has the name of the one before it, so that answers cannot tell them."""
    rows = [row._replace(name=f"{row.name} of {company_id}") for row in dims(12 + company_id % 30)]
    return [row._replace(name=rows[n - 1].name) if n % 7 == 6 else row for n, row in enumerate(rows)]


class Soak:
    """A fleet, its server and its ledger, over all its runs; each has an event loop and a ledger object of its own."""

    def __init__(self, connection: sqlite3.Connection, *, companies: int) -> None:
        self.connection = connection
        self.rng = Random(11)
        self.sources = {company_id: wanted_at_first(company_id) for company_id in range(1, companies + 1)}
        self.former = {company_id: set(rows) for company_id, rows in self.sources.items()}  # all that it ever held
        self.ends: Counter[str] = Counter()
        self.troubled: list[str] = []  # companies of the last run
        self.requests = 0
        self.passed = timedelta()
        self._since: Callable[[], float] = float
        self.service = Service(Options(), tenant=Tenant(), clock=self.now, second=self.second)
        for company_id in self.sources:
            self.service.place(company_id)

    def second(self) -> float:
        return self.passed.total_seconds() + self._since()

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self.second())

    def edit(self) -> None:
        """Let a third of the sources change: a name, a code or an id, a row more or less, or one that comes back."""
        for company_id in self.rng.sample(sorted(self.sources), len(self.sources) // 3):
            rows, turn = self.sources[company_id], self.rng.randrange(10**6)
            at, what = self.rng.randrange(len(rows)), self.rng.choice(["name", "code", "erp_id", "add", "drop", "back"])
            if what == "add":
                rows += [row._replace(name=f"{row.name} of {company_id}") for row in dims(2, first=10_000 + 2 * turn)]
            elif what == "drop" and len(rows) > 10:
                rows.pop(at)
            elif what == "back":
                here = {row.key for row in rows}
                gone = sorted(row for row in self.former[company_id] if row.key not in here)
                rows += gone[:1]
            elif what in Dimension._fields:
                rows[at] = rows[at]._replace(**{what: f"{what} {company_id} {turn}"})
            self.former[company_id].update(rows)

    def run(self, *, fate: Fate | None = None, mode: VerifyMode = VerifyMode.AUTO, leave: bool = False) -> None:
        """Sync once, as a process of its own would, and hold the books against the record."""
        self.service.log.clear()
        with asyncio.Runner(loop_factory=StageLoop) as stage:
            self._since = stage.get_loop().time
            result = stage.run(self._run(fate or Fate(), mode, leave=leave))
            self.passed, self._since = timedelta(seconds=self.second()), float
        self.requests += len(self.service.log)
        if result is None:
            self.ends["killed"] += 1
        else:
            self.check(result)

    async def _run(self, fate: Fate, mode: VerifyMode, *, leave: bool) -> RunResult | None:
        """Sync, and let the server finish what it has begun; None: the client was killed."""
        line = Line(service=self.service, fate=fate, rng=self.rng, watch=lambda _: None)
        settings = Settings(
            accounts=(account(limits=Limits(max_attempts=3, chunk_rows=10)),),
            api=Api(base_url=BASE_URL),
            verify=Verify(mode=mode),
        )
        ledger = SqliteLedger(Desk(self.connection, fate), MemoryLocks().hold)
        session = cast("aiohttp.ClientSession", line)
        companies = [company(company_id, rows) for company_id, rows in self.sources.items()]
        result = None
        try:
            async with Engine(settings, session=session, ledger=ledger, now=self.now, rng=self.rng) as engine:
                allow = [Allow("canary", company_id) for company_id in self.sources] if leave else []
                result = await engine.sync(companies, fresh=leave, allow=allow).result()
        except BaseException:
            if not fate.is_dead:
                raise
        assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"
        await asyncio.sleep(GATEWAY_S)
        return result

    def check(self, result: RunResult) -> None:
        """The books add up, and no company is green but wrong."""
        self.ends[f"exit {int(result.exit_code)}"] += 1
        self.troubled = [str(each) for each in result.companies if each.exit_code]
        assert result.totals == add(each.balance for each in result.companies)
        assert result.totals.source_rows == sum(map(len, self.sources.values()))
        assert result.requests.total == len(self.service.log)
        for each in result.companies:
            assert each.balance.adds_up, each
            self.ends[str(each.state)] += 1
            if each.exit_code == 0:
                assert self.wrong(each.company_id) == [], f"green but wrong: {each}"

    def wrong(self, company_id: int) -> list[Dimension]:
        """Return the rows of a source that are not there as they should."""
        stored = {row.values.key: row.values for row in self.service.tenant.companies[company_id].rows}
        return [row for row in self.sources[company_id] if stored.get(row.key) != tuple(row)]

    def doubles(self) -> list[tuple[int, str]]:
        """Return what is there twice, by key or by type and ERP id."""
        found = []
        for company_id, its in self.service.tenant.companies.items():
            keys = Counter(str(row.values.key) for row in its.rows)
            natural = Counter(f"{row.values.type_code} {row.values.erp_id}" for row in its.rows)
            found += [(company_id, key) for key, times in (*keys.items(), *natural.items()) if times > 1]
        return found

    def suffer(self, turn: int) -> None:
        """Let hours pass, sources change and some kinds of trouble be about, and run; each eighth run is killed."""
        self.passed += timedelta(hours=self.rng.choice([0.2, 1, 5, 12, 26]))
        self.edit()
        rules = [TROUBLE[(AT_ONCE * turn + n) % len(TROUBLE)] | {"share": SHARE} for n in range(AT_ONCE)]
        self.service.script.replace(parse_rules(rules))
        fate = Fate(self.rng.randrange(1, 8 * len(self.sources))) if turn % 8 == 5 else None
        self.run(fate=fate, mode=self.rng.choice([VerifyMode.FULL, VerifyMode.AUTO, VerifyMode.AUTO]))

    def heal(self) -> None:
        """The trouble is over: two runs later all is as it should be, and the third asks for nothing.

        A row that a dead run made, and that the source changed since, is held under the guide: a person lets it go.
        """
        self.service.script.replace([])
        for _ in range(2):
            self.passed += timedelta(hours=25)
            self.run(mode=VerifyMode.FULL, leave=True)
        before = self.requests
        self.run()
        assert self.troubled == []
        assert self.requests == before
        assert {company_id: wrong for company_id in self.sources if (wrong := self.wrong(company_id))} == {}
        assert self.doubles() == []


def in_use() -> Counter[str]:
    """Return how many objects of the engine's own live, by their kind.

    Rows of sources are the tests', and statements are kept once they are made: one for each number of rows, of a few.
    """
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        name
        for kind in kinds
        if (name := f"{kind.__module__}.{kind.__qualname__}").startswith(("engine.", "anyio.", "asyncio."))
        and not name.startswith(("engine.sandbox.", "engine.model.dimension."))
        and not name.endswith(".statements.Statement")
    )


def test_weeks_of_trouble_end_exact(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    with closing(open_file(tmp_path / "ledger.db", FileLocks(tmp_path / "ledger.locks"))) as connection:
        connection.execute("pragma synchronous = off")
        soak = Soak(connection, companies=COMPANIES)
        soak.run()
        before: Counter[str] = Counter()
        for turn in range(RUNS):
            soak.suffer(turn)
            before = before or in_use()  # after the first: what is imported late is there by then
        after = in_use()
        soak.heal()
    told = {"days": soak.passed.days, "requests": soak.requests, "ends": dict(sorted(soak.ends.items()))}
    sys.stdout.write(f"{told}\n")
    record_property("soak", told)
    assert after - before == Counter()


# On real sockets and with the ledger's thread: fewer kinds of trouble, as time is real, and a count of what is left.

SOCKET_TROUBLE: list[dict[str, Any]] = [
    {"effect": "reset"},
    {"effect": "reset", "commit": True},
    {"effect": "truncated"},
    {"effect": "malformed"},
    {"effect": "html"},
    {"effect": "slow-drip", "pieces": 3, "pause_s": 0.01},
    {"effect": "latency", "seconds": 0.01, "jitter": 0.02},
    {"effect": "expire-tokens"},
    {"effect": "status", "status": 400, "envelope": "no", "match": {"operation": "bulk"}},
]


def descriptors() -> list[str]:
    """Return what this process has open; sockets and pipes by their kind."""
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.exists())
    return sorted(str(link).split("[")[0] for link in links)


def engine_bytes() -> int:
    """Return the memory that lines of the engine hold on to; the sandbox's apart."""
    gc.collect()
    mine = [
        tracemalloc.Filter(True, f"*/engine/{part}/*") for part in ("run", "send", "net", "ledger", "compare", "wire")
    ]
    return sum(each.size for each in tracemalloc.take_snapshot().filter_traces(mine).statistics("filename"))


async def settled(world: World, threads: int) -> None:
    """Wait until the sandbox has seen that its client is gone, and the ledger's thread has ended."""
    runner = world.sandbox._runner
    assert runner is not None
    assert runner.server is not None
    with anyio.fail_after(10):
        while runner.server.connections or len(asyncio.all_tasks()) > 1 or lasting_threads() > threads:  # noqa: ASYNC110  no event tells
            await anyio.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.sockets
async def test_runs_in_trouble_leave_no_task_thread_socket_file_or_memory(world: World) -> None:
    world.limit(max_attempts=2, chunk_rows=10)
    sources = {n: wanted_at_first(n) for n in range(1, 7)}
    for n in sources:
        world.place(n)
    seen, threads = [], lasting_threads()
    gc.freeze()  # each collection below walks what this test makes, not what others left
    tracemalloc.start()
    try:
        for turn in range(8):
            world.script(*(rule | {"share": SHARE} for rule in SOCKET_TROUBLE))
            world.clock.forward(hours=25)
            for n, rows in sources.items():
                rows[turn % 12] = rows[turn % 12]._replace(name=f"Name {n} {turn}")
            world.sandbox.service.log.clear()
            async with world.unchecked_engine() as engine:
                companies = [company(n, rows) for n, rows in sources.items()]
                world.check(await engine.sync(companies, fresh=True).result(), companies)
            await settled(world, threads)
            seen.append((descriptors(), engine_bytes()))
    finally:
        tracemalloc.stop()
    assert [files for files, _ in seen] == [seen[0][0]] * len(seen)
    assert max(held for _, held in seen[4:]) < max(held for _, held in seen[:4]) + 20_000, seen
    world.script()
    world.clock.forward(hours=25)
    result = await world.sync(*(company(n, rows) for n, rows in sources.items()), fresh=True)
    assert result.exit_code == 0
    for n, rows in sources.items():
        assert_exact(world, n, rows)
