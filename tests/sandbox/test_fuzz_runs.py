"""Whole runs as properties: whatever server, source, others and fate do, no run is green but wrong.

A case is a small fleet with a history of runs: rows that are there, sources that change, people who meddle, scripted
trouble, runs that are stopped, cancelled or killed. After each run its claims are held against the sandbox's record.
`DIMSYNC_FUZZ=20` plays twenty times as many cases, and other ones each time (`--hypothesis-seed=N` repeats them).
"""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any, NamedTuple, cast

import aiohttp
import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import (
    Allow,
    Api,
    Company,
    CompanyResult,
    Dimension,
    Engine,
    ExitCode,
    Guards,
    Limits,
    Problem,
    RunResult,
    Settings,
    Verify,
    VerifyMode,
)
from engine.compare.freshness import Evidence
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.model.balance import add
from engine.model.company_record import KEY_MISMATCH, OVERWRITTEN, CompanyRecord
from engine.model.dimension import NaturalKey, canonical_type
from engine.model.ledger_writes import Intent
from engine.model.origin import origin_of
from engine.model.outcome import Column
from engine.model.settings import Adopt, CompanyKey
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.faults.scheduled_fault import ScheduledFault
from engine.sandbox.service import Options, Service
from engine.sandbox.tenant import Row, Tenant, Values
from engine.sandbox.ways import parse_ways
from tests.empty_ledgers import empty_ledger
from tests.fresh import FRESH
from tests.sandbox.conftest import DEMO, DIRECTORY, Rows, World, account, columns, company, dims, slugs
from tests.sandbox.fuzz import Desk, Fate, StageLoop
from tests.sandbox.line import BASE_URL, Line
from tests.sandbox.test_switch import speak

MORE = int(os.environ.get("DIMSYNC_FUZZ", "0"))
CASES = 60 * max(1, MORE)
"""For each contract, all drawn anew: see `tests/fresh.py`."""

HISTORIES = settings(
    derandomize=not MORE,
    database=None,
    deadline=None,
    max_examples=CASES,
    backend=FRESH,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)

MORNING = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
KEYS = [f"k{n}" for n in range(7)]
TYPES = [("account", "Account"), ("department", "Department"), ("cost_type", "Cost Type")]
NAMES = ["Rent", "rent", "Miete", "Caf\u00e9", "Rent 2"]
IDS = ["1", "01", "2", "3", "4", "A", "a", "00"]
CODES = [None, "c1", "c2"]

ROWS = [
    Dimension(key, *kind, name, erp_id, code)
    for code, erp_id, name, kind, key in product(CODES, IDS, NAMES, TYPES, KEYS)
]
OWNERS = ["ours", "theirs", "nobody's"]
EDITS = ["name", "name", "erp_id", "code", "type_code", "drop", "add", "add", "spoil", "double", "swap", "back"]
MEDDLING = ["name", "code", "erp_id", "add", "remove"]


class Edit(NamedTuple):
    """One change of a source, or of what is there: what, at which row (counted round), and where the news are from."""

    what: str
    at: int
    news: Dimension


class Act(NamedTuple):
    """One run, and what happens before it; edits by the company's place in the fleet."""

    hours: int
    edits: list[tuple[int, Edit]]
    meddling: list[tuple[int, Edit]]
    rules: list[dict[str, Any]]
    fate: tuple[str, int] | None
    mode: VerifyMode
    fresh: bool
    allow: str | None


class Fleet(NamedTuple):
    """How a case begins."""

    there: list[list[tuple[str, Dimension]]]  # for each company: whose row, and which
    kept: list[int]  # how many of these its source has, too
    wanted: list[list[Dimension]]  # and what else it has
    max_limit: int
    max_attempts: int
    chunk_rows: int
    adopt: Adopt
    replay_bytes: int
    seed: int
    ways: tuple[Mapping[str, Any], ...] = ()  # of the server, as `parse_ways` takes them
    keys: Mapping[str, str] = {}  # key -> another one in its place
    relabel: bool = False


def on(operation: str, **rule: Any) -> dict[str, Any]:
    return {"match": {"operation": operation}, **rule}


STATUSES: list[dict[str, Any]] = [
    {"status": 500},
    {"status": 503, "commit": True},
    {"status": 504},
    {"status": 504, "commit": True},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 429, "headers": {"Retry-After": "4000"}},
    {"status": 429, "body": '{"message":"Limit Exceeded"}'},
    {"status": 401, "envelope": "expired"},
    {"status": 403, "envelope": "not now"},
    {"status": 404, "envelope": "not here"},
    {"status": 400, "envelope": "no"},
    {"status": 409, "envelope": "busy"},
    {"status": 307, "headers": {"Location": "/elsewhere"}},
]
CUTS: list[dict[str, Any]] = [
    {"effect": "reset"},
    {"effect": "reset", "commit": True},
    {"effect": "hang"},
    {"effect": "hang", "commit": True},
    {"effect": "truncated"},
    {"effect": "malformed"},
    {"effect": "html"},
    {"effect": "latency", "seconds": 18, "jitter": 10},
    {"effect": "slow-drip", "pause_s": 2},
    {"effect": "slow-drip", "pause_s": 5},
    {"effect": "expire-tokens"},
]
BULK: list[dict[str, Any]] = [
    *(
        {"effect": "lying-counter", "counter": f"{name}_count", "by": by}
        for name, by in product(["success", "created", "updated", "error"], [-1, 1])
    ),
    {"effect": "missing-errors"},
    *(
        {"effect": "error-style", "keyless": keyless, "first": first, "shuffled": shuffled, "shape": shape}
        for keyless, first, shuffled, shape in product([False, True], [0, 1], [False, True], ["guide", "bare"])
    ),
    *({"effect": "reject-rows", "erp_id": erp_id} for erp_id in ["1$", "[23]", "a"]),
    {"effect": "reject-rows", "name": "Rent"},
    {"effect": "reject-rows", "key": "k[0-3]"},
    *({"effect": "poison", "key": "k1", "status": status} for status in [400, 413, 422]),
    {"effect": "too-many-rows", "above": 1},
    *({"effect": "batch", "polls": 1, "style": style} for style in ["answer", "rows", "opaque"]),
    {"effect": "batch", "polls": 100},
    {"effect": "status", "status": 208, "body": "", "commit": True},
    {"effect": "status", "status": 208, "body": ""},
]
LIST: list[dict[str, Any]] = [
    {"effect": "clamp-limit", "limit": 2},
    {"effect": "refuse-limit", "above": 50},
    {"effect": "lying-count", "by": 1},
    {"effect": "lying-count", "by": 2},
    {"effect": "shifted-page", "by": 1},
    {"effect": "shifted-page", "by": -1},
    {"effect": "repeat-page"},
    {"effect": "drift"},
    {"effect": "foreign-row", "company": 2},
    {"effect": "foreign-row", "company": 77},
]
TROUBLE: list[dict[str, Any]] = [
    *(on("bulk", **rule) for rule in BULK * 2),
    *(on("list", **rule) for rule in LIST * 2),
    *(on(operation, effect="status", **rule) for rule in STATUSES for operation in ("bulk", "bulk", "list", "get")),
    *(on(operation, **rule) for rule in CUTS for operation in ("bulk", "bulk", "bulk", "list", "get")),
    *(on(operation, **rule) for rule in CUTS for operation in ("token", "companies", "progress", "results")),
]
AFTER: list[dict[str, Any]] = [{}, {"after": 1}, {"after": 2}]
OFTEN: list[dict[str, Any]] = [{"times": 1}, {"times": 2}, {}, {"share": 0.5}, {"share": 0.3, "times": 2}]
TIMES = [{**after, **often} for after, often in product(AFTER, OFTEN)]

edits = st.builds(Edit, st.sampled_from(EDITS), st.integers(0, 6), st.sampled_from(ROWS))
meddling = st.builds(Edit, st.sampled_from(MEDDLING), st.integers(0, 6), st.sampled_from(ROWS))
rules = st.builds(lambda effect, times: {**effect, **times}, st.sampled_from(TROUBLE), st.sampled_from(TIMES))
fates = st.tuples(st.sampled_from(["kill", "kill", "stop", "cancel", "storm"]), st.integers(1, 60))
acts = st.builds(
    Act,
    hours=st.sampled_from([0, 0, 1, 25, 200]),
    edits=st.lists(st.tuples(st.integers(0, 2), edits), max_size=4),
    meddling=st.just([]) | st.lists(st.tuples(st.integers(0, 2), meddling), max_size=2),
    rules=st.lists(rules, max_size=3),
    fate=st.none() | st.none() | fates,
    mode=st.sampled_from([VerifyMode.AUTO, VerifyMode.AUTO, VerifyMode.FULL, VerifyMode.PROBE, VerifyMode.NONE]),
    fresh=st.booleans(),
    allow=st.sampled_from([None, None, None, "canary", "look-alike", "vanished-company", "flapping"]),
)


def own_keys(rows: list[Dimension]) -> list[Dimension]:
    return list({row.key: row for row in rows}.values())


rows = st.lists(st.sampled_from(ROWS), max_size=5)
there = st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(ROWS)), max_size=5)
fleets = st.integers(1, 3).flatmap(
    lambda size: st.builds(
        Fleet,
        there=st.lists(there, min_size=size, max_size=size),
        kept=st.lists(st.integers(0, 5), min_size=size, max_size=size),
        wanted=st.lists(rows, min_size=size, max_size=size),
        max_limit=st.sampled_from([100, 2, 3]),
        max_attempts=st.sampled_from([3, 1, 2, 6]),
        chunk_rows=st.sampled_from([100, 1, 2, 3]),
        adopt=st.sampled_from([Adopt.TRUST, Adopt.TRUST, Adopt.PUSH, Adopt.HOLD]),
        replay_bytes=st.sampled_from([65_536, 10]),
        seed=st.integers(0, 99),
        ways=st.just(()),
        keys=st.just({}),
    )
)
PLAIN = Fleet(
    there=[],
    kept=[],
    wanted=[],
    max_limit=100,
    max_attempts=3,
    chunk_rows=100,
    adopt=Adopt.TRUST,
    replay_bytes=65_536,
    seed=0,
)
histories = st.tuples(fleets, st.lists(acts, min_size=1, max_size=4))


@dataclass(slots=True, kw_only=True)
class Here:
    """One company of a case: what its source holds, and what is known of who did what to it."""

    id: int
    source: list[Dimension | Mapping[str, object]]
    keys: Mapping[str, str] = field(default_factory=dict)  # key -> another one in its place
    former: list[list[Dimension | Mapping[str, object]]] = field(default_factory=list)
    blind: bool = False  # others changed something since it was last listed whole
    coded: set[str] = field(default_factory=set)  # ids of rows whose code others set
    ever: set[tuple[str, ...]] = field(default_factory=set)  # all rows that its source ever held, codes apart
    links: dict[str, str | None] = field(default_factory=dict)  # key -> remote id, as the ledger had it before
    listed: dict[str, Values] = field(default_factory=dict)  # what this run's comparison was shown
    tried: bool = False  # a person let rows of unconfirmed key be sent
    mismatched: bool = False  # its keys led nowhere
    frozen: bool = False  # a bulk request came since
    before: dict[str, tuple[int, Values]] = field(default_factory=dict)  # what was there when this run began
    record: CompanyRecord = field(default_factory=CompanyRecord)  # what the ledger held after the last run

    def dressed(self, row: Dimension) -> Dimension:
        """Return a row as this company's own: names tell whose they are."""
        return row._replace(key=self.keys.get(row.key, row.key), name=f"{row.name} ~{self.id}")

    def valid(self) -> dict[str, Dimension]:
        """Return the rows that can be sent: those of a key of their own."""
        uses = Counter(row.key if isinstance(row, Dimension) else str(row["unique_key"]) for row in self.source)
        return {row.key: row for row in self.source if isinstance(row, Dimension) and uses[row.key] == 1}

    def invalid(self) -> tuple[set[str], set[NaturalKey]]:
        """Return keys and natural keys of the rows that cannot."""
        good = self.valid()
        keys: set[str] = set()
        natural: set[NaturalKey] = set()
        for row in self.source:
            if isinstance(row, Dimension):
                if row.key not in good:
                    keys.add(row.key)
                    natural.add((row.type_code, row.erp_id))
            else:
                keys.add(str(row["unique_key"]))
                natural.add((str(row["dimension_type_code"]), str(row["erp_dimension_id"])))
        return keys, natural

    def edit(self, edit: Edit) -> None:
        """Change the source."""
        self.former.append(list(self.source))
        rows, news = self.source, self.dressed(edit.news)
        at = edit.at % len(rows) if rows else 0
        old = rows[at] if rows else None
        if edit.what == "add":
            self.source = [row for row in rows if not isinstance(row, Dimension) or row.key != news.key] + [news]
        elif edit.what == "back":
            self.source = list(self.former[edit.at % len(self.former)])
        elif edit.what == "drop" or not isinstance(old, Dimension):
            self.source = rows[:at] + rows[at + 1 :]
        elif edit.what == "spoil":
            rows[at] = {
                "unique_key": old.key,
                "dimension_type_code": old.type_code,
                "type": old.type_label,
                "name": "",
                "erp_dimension_id": old.erp_id,
            }
        elif edit.what == "double":
            rows.append(old._replace(name=news.name))
        elif edit.what == "swap":
            other = rows[(at + 1) % len(rows)]
            if isinstance(other, Dimension):
                rows[(at + 1) % len(rows)] = other._replace(erp_id=old.erp_id)
                rows[at] = old._replace(erp_id=other.erp_id)
        elif edit.what == "type_code":
            rows[at] = old._replace(type_code=news.type_code, type_label=news.type_label)
        else:
            rows[at] = old._replace(**{edit.what: getattr(news, edit.what)})


def shown(values: Values) -> NaturalKey:
    return canonical_type(values.type_code), values.erp_id


class Case:
    """A fleet, its sandbox and its ledger, and the runs between them."""

    def __init__(
        self, contract: str, fleet: Fleet, database: sqlite3.Connection, check: type[Check] | None = None
    ) -> None:
        self.check = check or Check
        self.contract = contract
        self.fleet = fleet
        self.database = database
        self.rng = Random(fleet.seed)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        options = Options(
            contract="guide" if contract == "guide" else "reference",
            max_limit=fleet.max_limit,
            replay_bytes=fleet.replay_bytes,
            seed=fleet.seed,
            ways=parse_ways(list(fleet.ways)),
        )
        self.service = Service(options, tenant=Tenant(), clock=self.now, second=self._loop.time)
        self.here = [self._settle(place, *given) for place, given in enumerate(zip(*fleet[:3], strict=True))]
        self.loose_ends = False  # the run before this one died: the server may still be at its requests
        self.first = 0  # number of this run's first request
        self.is_calm = True  # no trouble in any run so far: nothing that was sent is in doubt

    def now(self) -> datetime:
        return MORNING + timedelta(seconds=self._loop.time() - self._began)

    def _settle(self, place: int, there: list[tuple[str, Dimension]], kept: int, wanted: list[Dimension]) -> Here:
        here = Here(id=place + 1, source=[], keys=self.fleet.keys)
        ours: set[str] = set()
        values = []
        for number, (owner, plain) in enumerate(there):
            row = here.dressed(plain)
            if owner == "ours" and self.stored_key(row.key) not in ours:
                ours.add(self.stored_key(row.key))
                values.append(self.service.ways.store(Values(*row), here.id))
            else:
                values.append(Values(f"x{number}" if owner == "theirs" else None, *row[1:]))
        self.service.place(here.id, values, name=f"Company {here.id}")
        here.coded = {row.id for row in self.rows(here)}
        here.source += own_keys([here.dressed(row) for row in [*(row for _, row in there[:kept]), *wanted]])
        return here

    def stored_key(self, key: str) -> str:
        """Return what all keys that lead to one row of this server have in common."""
        ways = self.service.ways
        stored = ways.store(Values(key, "", "", "", ""), 0).key or ""
        return stored.casefold() if ways.folds_keys(0) else stored

    def rows(self, here: Here) -> list[Row]:
        return self.service.tenant.companies[here.id].rows

    def meddle(self, here: Here, edit: Edit) -> None:
        """Let somebody change something in Ottimate."""
        company, tenant = self.service.tenant.companies[here.id], self.service.tenant
        row = company.rows[edit.at % len(company.rows)] if company.rows else None
        here.blind = True
        means_wanted = any(
            (edit.news.type_code, edit.news.erp_id) == (each.type_code, each.erp_id) for each in here.valid().values()
        )
        if means_wanted and not self.is_calm and self.contract == "guide":  # NOT_TO_BE_TOLD
            return
        if edit.what == "add" or row is None:
            owner = f"y{self.service._number}" if edit.at % 2 else None
            made = tenant.insert(company, Values(owner, *here.dressed(edit.news)[1:]), by=0, at=self.now())
            here.coded.add(made.id)
        elif edit.what == "remove":
            if len(company.rows) > 1:
                tenant.remove(company, row)
        else:
            news = getattr(here.dressed(edit.news), edit.what)
            tenant.change(company, row, row.values._replace(**{edit.what: news}))
            if edit.what == "code":
                here.coded.add(row.id)

    def watch(self, turn: ScheduledFault) -> None:
        """Keep what a listing began with, as long as nothing of the run's own was written."""
        here = next((here for here in self.here if here.id == turn.call.company_id), None)
        if here is None or turn.call.number < self.first:  # of a run that is dead by now
            return
        if turn.call.operation == "bulk":
            here.frozen = True
        elif turn.call.operation == "list" and turn.call.page == 1 and not here.frozen:
            here.listed = {row.id: row.values for row in self.rows(here)}

    async def play(self, act: Act) -> RunResult | None:
        """Let time pass and others act, then run once; None: the run did not live to tell."""
        await asyncio.sleep(act.hours * 3600.0)
        for place, edit in act.edits:
            self.here[place % len(self.here)].edit(edit)
        for place, edit in act.meddling:
            self.meddle(self.here[place % len(self.here)], edit)
        self.service.script.replace(parse_rules(act.rules))
        for here in self.here:
            here.tried = here.tried or act.allow == "canary" or self.fleet.adopt is Adopt.PUSH
            here.ever |= {row[:5] for row in here.valid().values()}
            here.before = {row.id: (row.revision, row.values) for row in self.rows(here)}
            here.frozen, here.listed = False, {}
            here.links = {key: known.remote_id for key, known in here.record.rows.items()}
        self.service.log.clear()
        self.first = self.service._number + 1
        self.is_calm = self.is_calm and not act.rules and not act.fate
        fate = Fate(act.fate[1] if act.fate else None)
        result = await self._run(act, fate)
        await self.check(self, act, result).all()
        self.loose_ends = fate.is_dead or (act.fate is not None and act.fate[0] == "storm" and result is None)
        return result

    async def acknowledged(self, here: Here) -> CompanyRecord:
        """Return what the ledger holds of a company."""
        ledger = SqliteLedger(Desk(self.database, Fate()), MemoryLocks().hold)
        return await ledger.read(CompanyKey(origin=origin_of(BASE_URL), account=DEMO.account_id, company_id=here.id))

    async def _run(self, act: Act, fate: Fate) -> RunResult | None:
        line = Line(service=self.service, fate=fate, rng=self.rng, watch=self.watch)
        ledger = SqliteLedger(Desk(self.database, fate), MemoryLocks().hold)
        limits = Limits(max_attempts=self.fleet.max_attempts, chunk_rows=self.fleet.chunk_rows)
        settings = Settings(
            accounts=(account(limits=limits),),
            api=Api(base_url=BASE_URL, contract=self.contract),
            verify=Verify(mode=act.mode),
            guards=Guards(shrink_share=0.0, adopt=self.fleet.adopt),
        )
        session = cast("aiohttp.ClientSession", line)
        engine = Engine(settings, session=session, ledger=ledger, now=self.now, rng=self.rng)
        try:
            async with engine:
                return await self._strike(engine, act, fate)
        except BaseException:
            if not fate.is_dead:
                raise
            return None

    async def _strike(self, engine: Engine, act: Act, fate: Fate) -> RunResult | None:
        """Run, with what is to befall the run; None: it did not end by itself."""
        companies = [
            Company(id=here.id, name=f"Company {here.id}", source=Rows(here.source), relabel=self.fleet.relabel)
            for here in self.here
        ]
        allow = [Allow(act.allow, here.id) for here in self.here] if act.allow else []
        pending = engine.sync(companies, fresh=act.fresh, allow=allow)
        what = act.fate[0] if act.fate else ""
        if what == "stop":
            async with pending as run:
                fate.strike = lambda: run.stop(ExitCode.INTERRUPTED)
                async for _ in run:
                    pass
            return run.result
        if what == "storm":
            return await self._storm(pending.result(), fate)
        with anyio.CancelScope() as scope:
            if what == "cancel":
                fate.strike = scope.cancel
            return await pending.result()
        return None

    async def _storm(self, run: Any, fate: Fate) -> RunResult | None:
        """Run until all tasks are cancelled at once, as at the end of `asyncio.run`."""
        others = asyncio.all_tasks()
        task: asyncio.Task[RunResult] = asyncio.ensure_future(run)

        def strike() -> None:
            for each in asyncio.all_tasks() - others:
                each.cancel()

        fate.strike = strike
        try:
            return await task
        except (asyncio.CancelledError, BaseExceptionGroup):
            if fate.moments < (fate.at or 0):
                raise
            return None


UNLISTED = "no listing has shown it since"
HOLDS = {"ambiguous", "look-alike", "key-unconfirmed", "key-shift", "flapping", "not-listed"}
NOT_THERE = "read back: it is not there"


class Check:
    """What must hold after a run, against the sandbox's record."""

    def __init__(self, case: Case, act: Act, result: RunResult | None) -> None:
        self.case = case
        self.act = act
        self.result = result

    async def all(self) -> None:
        if self.result is not None:
            self._books(self.result)
        for place, here in enumerate(self.case.here):
            told = self.result.companies[place] if self.result else None
            self._written(here)
            await self._ledger(here)
            if told is not None:
                self._company(here, told)

    def _met(self, here: Here) -> bool:
        """Whether a key led to a row that was there, and that nobody could know to be its own."""
        return self.case.contract == "guide" and any(
            here.before.get(row.id, (row.revision,))[0] != row.revision
            and here.links.get(row.values.key or "") != row.id
            for row in self.case.rows(here)
        )

    def _books(self, result: RunResult) -> None:
        """The figures agree with each other, and with the requests that came."""
        assert result.totals.adds_up, "the totals do not add up"
        assert result.totals == add(each.balance for each in result.companies), "the totals are not the sums"
        received = len(self.case.service.log)
        assert result.requests.total == received, f"{result.requests.total} requests told, {received} received"
        if result.exit_code == 0:
            assert all(each.exit_code == 0 for each in result.companies), "a company is not done, and the run is"

    def _company(self, here: Here, told: CompanyResult) -> None:
        balance = told.balance
        assert balance.adds_up, f"the books of company {here.id} do not add up"
        if balance.source_rows is not None:
            assert balance.source_rows == len(here.source), "a source row is not counted"
            assert balance.invalid == len(here.source) - len(here.valid()), "an invalid row is not counted as such"
        if balance.remote_rows is not None:  # listed, and to the end
            here.blind = False
        sees_all = not here.blind
        if told.exit_code == 0:
            open_rows = [balance.rejected, balance.held, balance.deferred, balance.uncertain, balance.invalid]
            assert not any(open_rows), "green with rows that are not done"
            if sees_all:
                wrong = list(self.wrong(here))
                assert not wrong, f"GREEN BUT WRONG: {wrong}"
        here.mismatched = here.mismatched or any(problem.code == "key-mismatch" for problem in told.problems)
        if sees_all:
            self._doubles(here, told)
            self._counts(here, told)
        self._problems(here, told)
        self._orphans(here, told)

    def is_stored(self, row: Dimension, values: Values, *, code: bool = True) -> bool:
        """Whether these values are a wanted row's. The reference contract cannot say that there is no code."""
        if (row.type_code, row.erp_id, row.name) != (*shown(values), values.name):
            return False
        return not code or row.code == values.code or (row.code is None and self.case.contract == "reference")

    def is_blind(self, here: Here, row: Row) -> bool:
        """Whether nobody can see a row's code: the guide shows none, and of the reference's those that there are."""
        return row.id in here.coded and (self.case.contract == "guide" or row.values.code is None)

    def wrong(self, here: Here) -> Iterator[str]:
        """Yield the valid rows of a source that are not there as they should."""
        stored, taken = self.case.rows(here), set[str]()
        wanted = sorted(here.valid().values(), key=lambda row: all(each.values.key != row.key for each in stored))
        for row in wanted:
            own = [each for each in stored if each.values.key == row.key]
            found = own + [each for each in stored if each not in own and each.id not in taken]
            equal = (each for each in found if self.is_stored(row, each.values, code=not self.is_blind(here, each)))
            mine = next(equal, None)
            if mine is None:
                yield f"{row} is there as {[each.values for each in own]}"
            else:
                taken.add(mine.id)

    def _written(self, here: Here) -> None:
        """What changed in this run is what a source row asks for, and nothing else."""
        wanted = here.valid()
        for row in self.case.rows(here):
            revision, values = here.before.get(row.id, (0, None))
            if revision == row.revision or row.values.name.startswith("Added meanwhile"):
                continue
            meant = wanted.get(row.values.key or "")
            is_meant = meant is not None and self.is_stored(meant, row.values)
            if not is_meant and self.case.loose_ends:
                is_meant = (row.values.key, canonical_type(row.values.type_code)) in {each[:2] for each in here.ever}
            assert is_meant, f"company {here.id} got what it should not: {values} -> {row.values}"
            if values is not None and shown(values)[0] == shown(row.values)[0]:
                assert values.label == row.values.label, f"a label was changed: {values} -> {row.values}"
            if values != row.values:
                here.coded.discard(row.id)

    def _doubles(self, here: Here, told: CompanyResult) -> None:
        """No row was made where one was already, but for canaries that a person let fly; and those are no green run."""
        mine = {entry.number for entry in self.case.service.log}
        keys = here.valid()
        doubles = {
            row.id: (row.values, other.values)
            for row in self.case.rows(here)
            if row.created_by in mine
            for other in self.case.rows(here)
            if other is not row and shown(other.values) == shown(row.values) and other.values.key not in keys
        }
        if here.tried and told.exit_code != 0:  # test_a_canary_of_a_dead_run_is_no_row_of_ours
            return
        assert not doubles, f"MADE TWICE: {doubles}"

    def _counts(self, here: Here, told: CompanyResult) -> None:
        """Rows that came to be are accounted for."""
        balance = told.balance
        rows = [row for row in self.case.rows(here) if not row.values.name.startswith("Added meanwhile")]
        made = sum(row.id not in here.before for row in rows)
        changed = sum(row.id in here.before and here.before[row.id][1] != row.values for row in rows)
        open_rows = (balance.uncertain or 0) + (balance.rejected or 0)
        if not self.case.loose_ends:
            assert made <= (balance.created or 0) + open_rows, f"{made} rows were made, and told are {balance}"
            assert made + changed <= (balance.created or 0) + (balance.updated or 0) + open_rows, "a change is not told"
        if told.exit_code == 0 and not self.case.loose_ends:
            # of two rows of one name in a chunk that was sent twice, nobody can tell which was there already
            most = made + changed if self.act.rules else made
            assert made <= (balance.created or 0) <= most, f"{made} rows were made, and told are {balance}"

    def _problems(self, here: Here, told: CompanyResult) -> None:
        """What is told of a row is so: held ones were left alone, those that are not there are not."""
        wanted, before = here.valid(), {values.key: values for _, values in here.before.values()}
        now = {row.values.key: row.values for row in self.case.rows(here) if row.values.key is not None}
        for problem in told.problems:
            if problem.key is None:
                continue
            if problem.code not in {"rejected", "uncertain", "landed"} and not self.case.loose_ends:
                assert before.get(problem.key) == now.get(problem.key), f"sent although {problem}"
            values = now.get(problem.key)
            if problem.code == "landed":
                assert values is not None, f"it is not there: {problem}"
                assert self.is_stored(wanted[problem.key], values), f"it is not there: {problem}"
            was_there = self.case.contract == "guide" and problem.key in before
            if problem.code == "uncertain" and problem.message.endswith(NOT_THERE) and not was_there:
                assert values is None or not self.is_stored(wanted[problem.key], values), f"it is there: {problem}"

    def _orphans(self, here: Here, told: CompanyResult) -> None:
        """No row that the source means is told to be an orphan, and none that is not there."""
        balance, listed = told.balance, here.listed
        if balance.remote_rows is None or balance.orphans is None or told.evidence != "listing":
            return  # where the ledger or a probe was enough at first, what was listed is what this run has written, too
        assert balance.remote_rows == len(listed), f"{balance.remote_rows} rows told, {len(listed)} there"
        invalid_keys, invalid_natural = here.invalid()
        wanted = here.valid()
        natural = Counter((row.type_code, row.erp_id) for row in wanted.values())
        borne = Counter(map(shown, listed.values()))
        keys = Counter(values.key for values in listed.values())
        meant = 0
        for values in listed.values():
            key = values.key if self.case.contract == "reference" else None
            bearers = [row for row in wanted.values() if (row.type_code, row.erp_id) == shown(values)]
            meant += (
                (key is not None and (key in wanted or key in invalid_keys))
                or shown(values) in invalid_natural
                or (
                    len(bearers) == 1
                    and borne[shown(values)] == 1
                    and not keys[bearers[0].key]
                    and bearers[0].key not in here.links
                )
            )
        assert balance.orphans <= len(listed) - meant, f"FALSE ORPHANS: {balance}, {natural}, {listed}"

    async def _ledger(self, here: Here) -> None:
        """What the ledger holds for certain is so."""
        record = here.record = await self.case.acknowledged(here)
        lost_create = any(not known.outcome_known and known.remote_id is None for known in record.rows.values())
        is_noted = record.state.failure in {KEY_MISMATCH, OVERWRITTEN}
        if here.blind or record.left_over is not None or lost_create or is_noted:  # listed anew before it is believed
            return
        stored = {row.id: row.values for row in self.case.rows(here)}
        strays = {(stray.type_code, stray.erp_id) for stray in record.keyless}
        for key, known in record.rows.items():
            is_one_of_those = known.remote_id is None and (known.row.type_code, known.row.erp_id) in strays
            is_memory = known.remote_id is None and key not in here.valid()  # that tells a key which was shifted
            is_missed = key in record.resting and record.resting[key].code == "not-listed"  # told, and held
            if (
                not known.outcome_known or known.seen is not None or is_one_of_those or is_memory or is_missed
            ):  # those are not believed
                continue
            found = (
                [stored.get(known.remote_id)]
                if known.remote_id
                else [values for values in stored.values() if values.key == key]
            )
            row = known.row
            assert any(
                values is not None and (row.type_code, row.erp_id, row.name) == (*shown(values), values.name)
                for values in found
            ), f"the ledger holds {known} as certain, and there is {found}"


CALM = Act(hours=25, edits=[], meddling=[], rules=[], fate=None, mode=VerifyMode.FULL, fresh=True, allow=None)


class Heal:
    """The trouble is over: what is held then has its reason, and the next run has nothing to send."""

    def __init__(self, case: Case) -> None:
        self.case = case

    async def all(self) -> None:
        result = await self.case.play(CALM)
        assert result is not None
        if result.exit_code != 0:
            result = await self.case.play(CALM._replace(allow="vanished-company"))
            assert result is not None
        if any(told.balance.held and told.balance.updated for told in result.companies):
            # a row was written that another one looked like: whether that is held still, the next run can tell
            result = await self.case.play(CALM)
            assert result is not None
        for here, told in zip(self.case.here, result.companies, strict=True):
            self._reasons(here, told)
        again = await self.case.play(CALM._replace(hours=0, fresh=False, mode=VerifyMode.AUTO))
        assert again is not None
        bulks = [entry for entry in self.case.service.log if entry.operation == "bulk"]
        assert not bulks, f"sent again: {bulks}"
        is_doubled = any(problem.code == "ambiguous" for told in result.companies for problem in told.problems)
        if not is_doubled and not any(here.mismatched for here in self.case.here):  # test_what_a_listing_..., test_...
            assert again.exit_code == result.exit_code, f"{result.exit_code} became {again.exit_code}"
        if result.exit_code == 0 and not any(here.mismatched for here in self.case.here):
            asked = [entry.operation for entry in self.case.service.log if entry.operation not in {*DIRECTORY, "token"}]
            assert not asked, f"asked again: {asked}"

    def _reasons(self, here: Here, told: CompanyResult) -> None:
        balance = told.balance
        if here.tried and any(problem.code == "key-mismatch" for problem in told.problems):
            return
        stuck = (balance.rejected, balance.deferred, balance.uncertain)
        assert not any(stuck), f"not healed: {balance} {told.problems}"
        assert told.state in {"synced", "unchanged", "partial"}, f"not healed: {told}"
        assert told.exit_code == (4 if balance.held else 3 if balance.invalid else 0), f"{told}"
        for problem in told.problems:
            if problem.code in HOLDS and problem.key is not None:
                assert self._is_true(here, here.valid()[problem.key], problem), f"without reason: {problem}"

    def _is_true(self, here: Here, row: Dimension, problem: Problem) -> bool:
        """Whether the record bears out what holds a row."""
        slug = problem.code
        stored = [each.values for each in self.case.rows(here)]
        natural = [values for values in stored if shown(values) == (row.type_code, row.erp_id)]
        sharing = [
            each for each in here.valid().values() if (each.type_code, each.erp_id) == (row.type_code, row.erp_id)
        ]
        # it was sent under another key, the outcome got lost, and that no listing shows it proves nothing
        is_memory = not natural and UNLISTED in problem.message
        if slug == "ambiguous":
            keyed = [values for values in stored if values.key == row.key]
            others = [values for values in natural if values.key != row.key or self.case.contract == "guide"]
            return is_memory or len(natural) > 1 or len(sharing) > 1 or len(keyed) > 1 or bool(others)
        if slug == "look-alike":
            folded = row.erp_id.casefold().lstrip("0") or "0"
            if row.type_code not in {shown(values)[0] for values in stored}:
                return any((values.erp_id, values.name) == (row.erp_id, row.name) for values in stored)
            return any(
                shown(values)[0] == row.type_code
                and ((values.erp_id.casefold().lstrip("0") or "0") == folded or values.name == row.name)
                for values in stored
            )
        if slug == "key-unconfirmed":
            named = re.search(r"dim_[0-9a-f]+", problem.message)
            remote = self.case.service.tenant.row(named[0]) if named else None
            is_ours = remote is not None and remote.values.key == row.key and remote.created_by != 0
            return not is_ours or self.case.contract == "guide"  # whose answers may have left that open
        if slug == "not-listed":
            return all(values.key != row.key for values in stored)
        if slug == "key-shift":
            return is_memory or len(sharing) > 1 or any(values.key != row.key for values in natural)
        return slug == "flapping"


@dataclass(slots=True)
class Tally:
    """What was played."""

    cases: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def take(self, result: RunResult | None) -> None:
        self.ends["runs"] += 1
        self.ends[f"exit {int(result.exit_code)}" if result else "died"] += 1
        if result:
            self.ends.update(
                column.value for column in Column for each in result.companies if getattr(each.balance, column.value)
            )
            self.ends.update(str(each.evidence) for each in result.companies if each.evidence)


async def _live(contract: str, fleet: Fleet, acts: list[Act], tally: Tally) -> None:
    with empty_ledger() as database:
        case = Case(contract, fleet, database)
        tally.cases += 1
        for act in acts:
            tally.take(await case.play(act))
        await Heal(case).all()


@pytest.mark.long
@pytest.mark.timeout(0 if MORE else 600)
@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning"
)  # a death before a task's first step
@pytest.mark.parametrize("contract", ["guide", "reference"])
def test_no_history_ends_green_but_wrong(contract: str, record_property: Callable[[str, object], None]) -> None:
    tally = Tally()

    @HISTORIES
    @given(histories)
    def live(history: tuple[Fleet, list[Act]]) -> None:
        with asyncio.Runner(loop_factory=StageLoop) as fresh:  # time begins anew
            fresh.run(_live(contract, *history, tally))

    live()
    record_property("played", dict(sorted(tally.ends.items())))
    assert tally.cases >= CASES
    assert {
        "exit 0",
        "exit 3",
        "exit 4",
        "exit 10",
        "exit 130",
        "died",
        *Column,
        *Evidence,
    } <= tally.ends.keys()


# What these runs have found, each by itself.

NOT_TO_BE_TOLD = pytest.mark.xfail(
    strict=True,
    reason="the guide shows no keys: a row that somebody adds by hand for one of ours that did not land, before the"
    " next run, looks like ours that landed late, and is made twice",
)


def row(key: str, erp_id: str, name: str, type_code: str = "account") -> Dimension:
    return Dimension(key, type_code, type_code.title(), name, erp_id)


MISCOUNTED = on("bulk", effect="lying-counter", counter="success_count", by=-1)
DONE_BEFORE = on("bulk", effect="status", status=208, body="", commit=True, times=1)


@pytest.mark.parametrize("rule", [MISCOUNTED, DONE_BEFORE], ids=["miscounted", "repeated"])
async def test_a_create_that_met_a_row_is_noticed(world: World, rule: dict[str, Any]) -> None:
    there = row("k1", "1", "Rent")
    world.place(1, [there])
    world.script(rule)
    result = await world.sync_one(1, [there._replace(key="k0"), row("k1", "7", "Miete")])
    assert result.exit_code != 0


@pytest.mark.parametrize("how", ["kill", "stop", "cancel", "storm"])
def test_a_run_that_ends_before_it_looks_again_leaves_that_to_the_next(how: str) -> None:
    there = row("k1", "1", "Rent")
    wanted = [there._replace(key="k0"), row("k1", "7", "Miete"), row("k2", "8", "Miete", "department")]
    fleet = PLAIN._replace(there=[[("ours", there)]], kept=[0], wanted=[wanted])

    async def live(at: int) -> None:
        with empty_ledger() as database:
            case = Case("guide", fleet, database)
            await case.play(CALM._replace(hours=0, fate=(how, at)))
            await case.play(CALM._replace(hours=0, mode=VerifyMode.AUTO, fresh=False))

    for at in range(1, 40):
        with asyncio.Runner(loop_factory=StageLoop) as stage:
            stage.run(live(at))


async def test_a_canary_of_a_dead_run_is_no_row_of_ours(either_world: World) -> None:
    world = either_world
    wanted = row("k0", "1", "Rent")._replace(code="c")
    world.place(1, [wanted], keys=False)
    if world.contract == "reference":
        company = world.sandbox.tenant.companies[1]
        world.sandbox.tenant.change(company, company.rows[0], company.rows[0].values._replace(key=None))
    assert columns(await world.sync_one(1, [wanted])) == {"unchanged": 1}
    scope = CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=1)
    async with world.open_ledger() as ledger:
        await ledger.begin(scope, Intent(id="i", run_id="r", keys=("k0",), at=world.clock()))
    result = await world.sync_one(1, [wanted._replace(name="Miete")])
    assert (slugs(result), world.sent("bulk")) == (["key-unconfirmed"], 0)


async def test_a_listing_makes_no_row_of_ours_of_what_a_dead_run_tried_out(either_world: World) -> None:
    world = either_world
    ours = row("k3", "1", "Rent")._replace(code="c")
    world.place(1, [ours])
    company = world.sandbox.tenant.companies[1]
    world.sandbox.tenant.insert(company, Values(*row("", "2", "Miete"))._replace(key=None), by=0, at=world.clock())
    assert columns(await world.sync_one(1, [ours])) == {"unchanged": 1}
    wanted = [ours, row("k1", "2", "Café")._replace(code="c")]
    scope = CompanyKey(origin=origin_of(world.sandbox.base_url), account=DEMO.account_id, company_id=1)
    async with world.open_ledger() as ledger:
        await ledger.begin(scope, Intent(id="i", run_id="r", keys=("k1",), at=world.clock()))
    for verify in (Verify(mode=VerifyMode.FULL), Verify(mode=VerifyMode.FULL), Verify()):
        world.verify = verify
        result = await world.sync_one(1, wanted)
        assert (slugs(result), world.sent("bulk")) == (["key-unconfirmed"], 0)


async def test_a_company_that_was_held_for_its_keys_is_listed_anew(world: World) -> None:
    mine, other = row("k0", "1", "Rent"), row("x", "2", "Miete")
    world.place(1, [mine])
    world.sandbox.tenant.insert(world.sandbox.tenant.companies[1], Values(*other), by=0, at=world.clock())
    held = (await world.sync(company(1, [mine._replace(erp_id="2")]), allow=[("canary", 1)])).companies[0]
    assert "key-mismatch" in slugs(held)
    result = await world.sync_one(1, [mine], fresh=True)
    assert result.exit_code != 0 or world.stored(1)[0] == mine


async def test_a_company_whose_keys_lead_again_is_free_although_a_row_is_invalid(world: World) -> None:
    world.place(1)
    await world.sync_one(1, dims(4))
    wanted = [row._replace(name=f"New {row.name}") for row in dims(2)] + dims(2, first=2)
    world.script({"effect": "ignore-keys"})
    assert "key-mismatch" in slugs(await world.sync_one(1, wanted))
    world.script()
    broken = {"unique_key": "bad"}
    assert (await world.sync_one(1, [*wanted, broken], fresh=True)).exit_code == 3
    assert (await world.sync_one(1, [*wanted, broken])).exit_code == 3


async def test_a_lost_create_that_met_a_row_is_not_told_to_be_missing(world: World) -> None:
    world.place(1, [row("k0", "1", "Rent")])
    world.limit(max_attempts=1)
    world.script(on("bulk", effect="html"))
    wanted = row("k0", "7", "Miete")
    result = await world.sync_one(1, [wanted])
    assert world.stored(1) == [wanted]
    assert not any(problem.message.endswith(NOT_THERE) for problem in result.problems)


async def test_what_a_listing_holds_the_ledger_holds_too(world: World) -> None:
    world.place(1)
    wanted = [row("k0", "1", "Rent"), row("k1", "7", "Rent", "department")]  # of one name: answers tell no ids
    assert columns(await world.sync_one(1, wanted)) == {"created": 2}
    tenant = world.sandbox.tenant
    tenant.insert(tenant.companies[1], Values("x", *row("x", "1", "Miete")[1:]), by=0, at=world.clock())
    world.verify = Verify(mode=VerifyMode.FULL)
    assert slugs(await world.sync_one(1, wanted)) == ["ambiguous"]
    world.verify = Verify()
    assert slugs(await world.sync_one(1, wanted)) == ["ambiguous"]


@pytest.mark.parametrize("contract", [pytest.param("guide", marks=NOT_TO_BE_TOLD), "reference"])
async def test_a_row_that_somebody_adds_for_a_lost_one_is_not_doubled(world: World, contract: str) -> None:
    speak(world, contract)
    world.place(1)
    world.limit(max_attempts=1)
    world.script(on("bulk", effect="reset"))
    wanted = row("k0", "1", "Rent")._replace(code="c")
    (lost,) = (await world.sync_one(1, [wanted])).problems
    assert lost.message.endswith(NOT_THERE)
    world.script()
    tenant = world.sandbox.tenant
    tenant.insert(tenant.companies[1], Values(None, *wanted[1:]), by=0, at=world.clock())
    await world.sync_one(1, [wanted])
    assert len(tenant.companies[1].rows) == 1


async def test_what_a_source_row_bears_is_no_orphan(world: World) -> None:
    other, mine = row("x", "7", "Rent"), row("y", "8", "Miete")
    world.place(1, [other, mine])
    world.verify = Verify(mode=VerifyMode.FULL)
    assert (await world.sync_one(1, [mine._replace(key="k0")])).balance.orphans == 1
    result = await world.sync_one(1, [other._replace(key="k0")])
    assert result.balance.orphans == 0
