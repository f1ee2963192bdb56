"""What a world is put through: runs with the clock standing still, then 30 days of a scheduler; and what must hold."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil, floor

from engine import Api, Company, CompanyResult, Dimension, Guards, Limits, RunResult, Settings, State, Verify
from engine.model.balance import add
from engine.model.settings import Adopt
from tests.sandbox.conftest import Rows
from tests.worlds.draw import World
from tests.worlds.server import Row, Server, key_of
from tests.worlds.stage import BASE_URL, MORNING, Clock, Stage, account, new_ledger, perform

MOST_RUNS = 6
"""So many runs, with the clock standing still, may cost requests. The next ones cost none."""

DAYS = 30
HOUR = timedelta(minutes=61)
"""Of a scheduler: a little more than one, so that what was put off for an hour is due at the next run."""

SPAN_S = DAYS * 24 * HOUR.total_seconds()
VERIFY = Verify()
ATTEMPTS = 2
"""Sends of one request. The product's own default is 6, and says nothing else."""

DOUBLING = {"list:count-off", "list:false-empty", "list:same-page", "list:stale", "inserted"}
"""Ways under which a row may come to stand beside one that is there: pages hide that, or its update makes another."""

THROTTLED = 210
"""Requests that are answered with 429 and nothing else before that is taken for a used-up day, or for a company's own
trouble: a throttle is no attempt, and it is waited out for 10 minutes, in waits of 3 s at the shortest."""

FIRST_HOURS = 9
MOST_COSTLY = 6
"""So many of the first 9 hourly runs may cost something: two are due (rests of 1 h and of 6 h), and a try may lead to
the next."""

READINGS = 3
"""A listing that does not prove whole is read so often in one run."""

FIRST_COSTS = 10
"""What a company may cost beyond all else, once: its first load, and a repeat here and there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What is spent in 30 days."""

    requests: int
    runs: int  # that sent anything


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What was ever told of a company: what may rest, and so be tried again."""

    rows: int = 0  # refused and uncertain ones together, at most
    not_listed: set[str | None] = field(default_factory=set)  # keys
    reading: bool = False  # it was failed, held or deferred as a whole


class History:
    """One world's server and ledger, and the runs between them."""

    def __init__(self, world: World, database: sqlite3.Connection) -> None:
        self.world = world
        self.clock = Clock()
        self.server = Server(
            contract=world.contract,
            companies={company_id: f"Company {company_id}" for company_id in world.wanted},
            most_rows=world.most_rows,
            ways=deepcopy(world.ways),
            now=self.clock,
            rows=deepcopy(world.there),
        )
        limits = Limits(
            page_size=world.page_rows, chunk_rows=world.chunk_rows, max_attempts=ATTEMPTS, batch_wait_s=20.0
        )
        settings = Settings(
            accounts=(account(limits),),
            api=Api(base_url=BASE_URL, contract=world.contract),
            verify=VERIFY,
            guards=Guards(adopt=Adopt(world.adopt)),
        )
        self.stage = Stage(server=self.server, clock=self.clock, database=database, settings=settings)
        self.companies = [
            Company(id=company_id, name=f"Company {company_id}", source=Rows(rows))
            for company_id, rows in world.wanted.items()
        ]
        self.troubles = {company_id: Trouble() for company_id in world.wanted}
        self._believed: dict[int, set[str]] = {company_id: set() for company_id in world.wanted}
        self.is_account_troubled = False
        self.spent: list[tuple[datetime, int]] = []  # requests of each run, tokens that were granted left out
        self.told: list[str] = []  # how each run ended, for messages

    async def run(self) -> int:
        """Run once, as a scheduler does; check what it tells, and return what it cost."""
        began, calls, grants = self.clock(), len(self.server.calls), self.server.grants
        result = await self.stage.run(self.companies, seed=f"{self.world.seed} {len(self.spent)}")
        mine = self.server.calls[calls:]
        cost = len(mine) - (self.server.grants - grants)
        self.spent.append((began, cost))
        self.told.append(f"{began:%d %H:%M} exit {int(result.exit_code)}, {cost} requests: {_story(result)}")
        assert result.requests.total == len(mine), f"{result.requests.total} requests told, {len(mine)} received"
        self._check(result, calls)
        return cost

    def _check(self, result: RunResult, first: int) -> None:
        """Hold what a run tells against the server's own state."""
        assert result.totals.adds_up, "the totals do not add up"
        assert result.totals == add(each.balance for each in result.companies), "the totals are not the sums"
        assert [each.company_id for each in result.companies] == list(self.world.wanted), "a company is not told of"
        if result.exit_code == 0:
            assert all(each.exit_code == 0 for each in result.companies), "a company is not done, and the run is"
        self.is_account_troubled |= bool(result.problems)
        for each in result.companies:
            assert each.balance.adds_up, f"the books of company {each.company_id} do not add up"
            self._learn(each)
            believed = self._acknowledged(each, first)
            is_green = each.exit_code == 0 or each.state in {State.SYNCED, State.UNCHANGED}
            if is_green and (missing := list(self._missing(each, believed))):
                raise AssertionError(f"GREEN BUT WRONG: company {each.company_id} is {each.state}, and not: {missing}")
        doubles = list(self._doubles())
        assert not doubles, f"MADE TWICE: {doubles}"

    def _doubles(self) -> Iterator[Row]:
        """Yield rows that were made where one was: for the same key, or of the type and ERP id of a row that is listed.

        Of the latter none is the engine's doing where a person had rows of unconfirmed key pushed, or under `DOUBLING`;
        of the former none where the bulk call is no upsert, and another way has rows sent again.
        """
        keys: set[tuple[int, str | None]] = set()
        names = self.world.names
        is_resent = "inserted" in names and len(names) > 1
        is_theirs = self.world.adopt == "push" or not DOUBLING.isdisjoint(names)
        listed = {_face(row) for row in self.server.rows if row.maker is None and self.server.is_shown(row)}
        for row in self.server.rows:
            if row.maker is not None:
                is_again = (row.company_id, row.maker) in keys and not is_resent
                if is_again or (_face(row) in listed and not is_theirs):
                    yield row
                keys.add((row.company_id, row.maker))

    def _learn(self, result: CompanyResult) -> None:
        trouble, balance = self.troubles[result.company_id], result.balance
        trouble.rows = max(trouble.rows, (balance.rejected or 0) + (balance.uncertain or 0))
        trouble.not_listed |= {problem.key for problem in result.problems if problem.code == "not-listed"}
        whole = result.state in {State.FAILED, State.HELD, State.DEFERRED}
        trouble.reading |= whole
        self.is_account_troubled |= whole

    def _missing(self, result: CompanyResult, believed: set[str]) -> Iterator[Dimension]:
        """Yield wanted rows that are not there, and that the server has not just said to be there.

        An acknowledgement is believed until the company is listed: nobody could know better.
        """
        shown = {(row.values.type_code, row.values.erp_id): row for row in self.server.shown(result.company_id)}
        for row in self.world.wanted[result.company_id]:
            stored = shown.get((row.type_code, row.erp_id))
            if not (stored is not None and self._is_as_wanted(row, stored)) and row.key not in believed:
                yield row

    def _is_as_wanted(self, row: Dimension, stored: Row) -> bool:
        is_own = stored.values.key == row.key
        shows_code = is_own and stored.maker is not None
        return stored.values.name == row.name and (not shows_code or row.code in {None, stored.values.code})

    def _acknowledged(self, result: CompanyResult, first: int) -> set[str]:
        """Return the keys that were acknowledged since the company was last listed."""
        believed = self._believed[result.company_id]
        for call, status in self.server.calls[first:]:
            if call.company_id != result.company_id or not 200 <= status < 300:
                continue
            if call.what == "list" and result.evidence == "listing":
                believed.clear()
            elif call.what == "bulk":
                believed |= {key_of(item) for item in call.items}
        return believed

    async def stand_still(self) -> None:
        """Run until nothing is sent; then twice more."""
        for _ in range(MOST_RUNS):
            if await self.run() == 0:
                break
        for _ in range(2):
            calls = len(self.server.calls)
            await self.run()
            sent = dict(Counter(call.what for call, _ in self.server.calls[calls:]))
            assert not sent, f"PERPETUAL: at one moment, after {MOST_RUNS} runs, a run still sends {sent}"

    async def month(self, *, every_hour: bool) -> None:
        """Run as a scheduler does for 30 days, and hold what it cost against the bound."""
        self.clock.go()
        costly = 0
        for hour in every_hours() if every_hour else chosen_hours():
            self.clock.forward_to(MORNING + hour * HOUR)
            costly += await self.run() > 0
            if hour == FIRST_HOURS:
                text = f"{costly} of the first {FIRST_HOURS} runs sent something, at most {MOST_COSTLY}"
                assert costly <= MOST_COSTLY, f"HOURLY: {text}"
        bound = most(self)
        requests, runs = sum(cost for _, cost in self.spent), sum(cost > 0 for _, cost in self.spent)
        assert requests <= bound.requests, f"SPENT: {requests} requests in {DAYS} days, at most {bound.requests}"
        assert runs <= bound.runs, f"SPENT: {runs} runs in {DAYS} days sent something, at most {bound.runs}"


def _face(row: Row) -> tuple[int, str, str]:
    return row.company_id, row.values.type_code, row.values.erp_id


def every_hours() -> Iterator[int]:
    """Yield each hour of the days."""
    yield from range(1, DAYS * 24 + 1)


def chosen_hours() -> Iterator[int]:
    """Yield the hours at which most can happen: rests end after 1, 6 and 24 of them, checks are due after 24.

    Runs that are left out could only cost more; what is tried in every hour shows in the first ones.
    """
    yield from range(1, FIRST_HOURS + 1)
    for day in (1, 2, 3, 8, 9, 16, DAYS):
        yield 24 * day
        if day in {1, 8, DAYS}:
            yield 24 * day + 1


def tries() -> int:
    """Return how often what rests is tried in 30 days: once, after 1 h, after 6 h more, and then every 24 h."""
    return 3 + floor((SPAN_S / 3600 - 7) / 24)


def most(history: History) -> Cost:
    """Return what a world may cost in 30 days; tokens that are granted are left out.

    For each company:

    - a probe every 24 h, and a listing every 7 days less 30 %, each of as many pages as its rows fill, and one more;
    - 10 requests, once;
    - where rows were refused or uncertain: `tries()` times what it takes to send them together, apart down to each
      row, each request twice, and to look at them again;
    - where the company as a whole was failed, held or deferred: `tries()` times three readings, each page asked for
      twice;
    - three look-ups for each row that was acknowledged and not listed.

    For the account: its directory once a day; and where that or any company as a whole was in trouble, `tries()` times
    the directory and a witness, each asked for twice; and where a 429 was answered, as many requests as it takes to
    give up, once for each company and twice for the key: what is known not to end is not waited out again;
    where a token was refused, one more for each run that costs anything.
    """
    world = history.world
    requests = runs = 1 + ceil(SPAN_S / 86_400)
    for company_id, trouble in history.troubles.items():
        stored = sum(row.company_id == company_id for row in history.server.rows)
        pages = stored // min(world.page_rows, world.most_rows) + 1
        probes = ceil(SPAN_S / VERIFY.probe_after_s)
        listings = 1 + ceil(SPAN_S / (0.7 * VERIFY.verify_after_s))
        looks = 3 * len(trouble.not_listed)
        requests += probes + listings * pages + FIRST_COSTS + looks
        runs += probes + listings + FIRST_COSTS + looks
        if trouble.rows:
            requests += tries() * (ATTEMPTS * 2 * trouble.rows + READINGS * pages)
            runs += tries()
        if trouble.reading:
            requests += tries() * READINGS * pages * ATTEMPTS
            runs += tries()
    if history.is_account_troubled:
        requests += tries() * 2 * ATTEMPTS
        runs += tries()
    if any(status == 429 for _, status in history.server.calls):
        requests += (2 + len(history.troubles)) * THROTTLED
    if any(call.what == "token" and status >= 300 for call, status in history.server.calls):
        requests += runs
    return Cost(requests=requests, runs=runs)


def _story(result: RunResult) -> str:
    """Return how a run ended, in a line."""
    parts = []
    for each in result.companies:
        codes = Counter(problem.code for problem in each.problems)
        parts.append(f"{each.company_id} {each.state} {each.evidence} {dict(codes)}")
    return "; ".join([*parts, *(f"{problem.code}: {problem.message[:80]}" for problem in result.problems)])


def play(world: World, *, every_hour: bool = False) -> History:
    """Put a world through its runs; what does not hold is raised with the world's line and the last runs."""

    async def go(history: History) -> None:
        try:
            await history.stand_still()
            await history.month(every_hour=every_hour)
        except Exception as error:
            shown = "\n  ".join(history.told[:8] + ["..."] * (len(history.told) > 16) + history.told[-8:])
            said = error if isinstance(error, AssertionError) else f"RAISED {type(error).__name__}: {error}"
            raise AssertionError(f"{said}\n{world}\n  {shown}") from error

    with new_ledger() as database:
        history = History(world, database)
        perform(go(history))
    return history
