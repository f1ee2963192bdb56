"""One company's run over a fake transport: its steps in their order, and which stop ends it in which state."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import anyio
import pytest

from engine.errors import SharedSource, SourceError
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.balance import ExitCode, State
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension
from engine.model.events import Event
from engine.model.outcome import Column
from engine.model.result import CompanyResult
from engine.model.settings import Company, Guards, Verify, VerifyMode
from engine.net.http.exchange import Answer
from engine.run.company_run import company_run
from engine.run.context import RunContext
from engine.run.mode import CHECK, PLAN, SYNC, Mode
from engine.run.sketches import Seen
from engine.run.thinking import LONG
from engine.run.visibility import Visible
from engine.run.work import Job
from engine.send.sender import WORKERS
from engine.sources.turn import SHORT
from engine.wire.guide import DIALECT
from tests.sandbox.memory import memory_ledger, perform
from tests.unit import model_api
from tests.unit.model_api import (
    COMPANY_KEY,
    NOON,
    ORIGIN,
    TAKES_S,
    ModelApi,
    account_with,
    channel_over,
    refusal,
    row,
)
from tests.unit.model_server import COMPANY

T = TypeVar("T")

ROWS = [row(number) for number in range(5)]


class Source:
    """A program's own rows, which notes on a list when it is read."""

    def __init__(self, rows: Sequence[Dimension], steps: list[str], fault: Exception | None = None) -> None:
        self._rows, self._steps, self._fault = rows, steps, fault

    async def digest(self) -> bytes:
        return blake2b(repr(self._rows).encode(), digest_size=16).digest()

    def __aiter__(self) -> AsyncIterator[Dimension]:
        return _Reading(self._rows, self._steps, self._fault)


class Asked:
    """A ledger that notes which calls about the company it is asked for."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._ledger, name)

        def call(*words: Any, **more: Any) -> Any:
            if COMPANY_KEY in words and name != "lock":
                self.calls.append(name)
            return method(*words, **more)

        return call


class _Reading:
    def __init__(self, rows: Sequence[Dimension], steps: list[str], fault: Exception | None) -> None:
        self._left, self._rows, self._fault = iter(rows), rows, fault
        self.digest: bytes | None = None  # when all are given
        steps.append("source")

    def __aiter__(self) -> _Reading:
        return self

    async def __anext__(self) -> Dimension:
        if self._fault is not None:
            raise self._fault
        for each in self._left:
            return each
        self.digest = blake2b(repr(self._rows).encode(), digest_size=16).digest()
        raise StopAsyncIteration


@dataclass(slots=True, kw_only=True)
class Stage:
    """A ledger and an API between which one company is run, once or again and again."""

    ledger: SqliteLedger
    api: ModelApi = field(default_factory=ModelApi)
    events: list[str] = field(default_factory=list)
    allowance: int = 100  # rows of a chunk

    async def run(
        self,
        rows: Sequence[Dimension] = ROWS,
        *,
        mode: Mode = SYNC,
        fault: Exception | None = None,
        ends_after_s: float | None = None,
        is_locked: bool = False,
        **context: Any,
    ) -> CompanyResult:
        """Run the company, and return its result as it stands when the run is over."""
        self.api.steps.clear()
        self.events.clear()
        account = account_with(chunk_rows=self.allowance)
        source = Source(rows, self.api.steps, fault)
        channel = channel_over(self.api, account, self.ledger, self._hear)
        given = RunContext(
            run_id=f"run-{len(self.api.asked)}",
            origin=ORIGIN,
            dialect=DIALECT,
            ledger=self.ledger,
            verify=Verify(),
            guards=Guards(),
            allowed=frozenset(),
            contract=DIALECT.name,
            mode=mode,
            fresh=False,
            now=lambda: NOON,
            emit=self._hear,
            company_ids=frozenset({COMPANY}),
            states=await self.ledger.states(ORIGIN),
            seen=Seen(now=lambda: NOON),
        )
        job = Job(company=Company(id=COMPANY, source=source), account=account)
        visible = Visible(channel, self.ledger, ORIGIN, [COMPANY], now=lambda: NOON)
        run = company_run(job, channel, visible, replace(given, **context))
        with anyio.move_on_after(ends_after_s):
            async with AsyncExitStack() as other:
                if is_locked:
                    await other.enter_async_context(self.ledger.lock(COMPANY_KEY))
                await run.run()
        result = run.result()
        await run.free()
        assert run.result() == result
        assert result.balance.adds_up
        return result

    async def _hear(self, event: Event) -> None:
        self.events.append(type(event).__name__)


def played(act: Callable[[Stage], Awaitable[T]], **fields: Any) -> tuple[T, Stage]:
    """Play one run in virtual time."""

    async def play() -> tuple[T, Stage]:
        with memory_ledger() as ledger:
            stage = Stage(ledger=ledger, **fields)
            return await act(stage), stage

    return perform(play())


def test_the_steps_of_a_first_load() -> None:
    result, stage = played(lambda stage: stage.run())

    assert stage.api.steps == ["oauth", "companies", "source", "dimensions", "bulk"]
    told = [name for name in stage.events if name not in {"RequestSent", "TokenFetched"}]
    assert told == ["CompanyStarted", "SourceRead", "PageRead", "Listed", "Planned", "ChunkSettled"]
    assert (result.state, result.exit_code, result.balance.created) == (State.SYNCED, ExitCode.DONE, 5)


def test_a_company_of_which_nothing_is_new_ends_before_its_source_is_read() -> None:
    async def thrice(stage: Stage) -> list[tuple[State, list[str]]]:
        return [((await stage.run()).state, list(stage.api.steps)) for _ in range(3)]

    results, stage = played(thrice)
    assert results[1:] == [
        (State.UNCHANGED, ["source"]),  # compared with what the ledger knows
        (State.UNCHANGED, []),
    ]
    assert stage.events == ["CompanyStarted", "SourceRead", "Planned"]


class Texts:
    """A ledger that notes, as a company ends, which texts its record has of its own."""

    def __init__(self, ledger: SqliteLedger, rows: Sequence[Dimension]) -> None:
        self._ledger = ledger
        self._theirs = {id(text) for each in rows for text in each}
        self.own: list[str] | None = None  # None: no company has ended

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def read(self, *words: Any, **more: Any) -> CompanyRecord:
        self._record = await self._ledger.read(*words, **more)
        return self._record

    async def end_well(self, *words: Any) -> None:
        table = self._record.entries.table
        columns = [table.column(name) for name in ("key", "name", "erp_id")]
        self.own = [text for column in columns for text in column if id(text) not in self._theirs]
        await self._ledger.end_well(*words)


@pytest.mark.parametrize("rows", [SHORT + 1, LONG + 1])
async def test_the_ledgers_rows_have_the_texts_of_the_source(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time, since a thread looks at the rows of a giant."""
    monkeypatch.setattr(model_api, "TAKES_S", 0.0)
    with memory_ledger() as ledger:
        stage = Stage(ledger=ledger, allowance=1_000)
        await stage.run([row(number) for number in range(rows)])
        again = [row(number) for number in range(rows)]
        again[1] = again[1]._replace(name="Another name")
        texts = Texts(ledger, again)
        await stage.run(again, ledger=texts)
    assert texts.own == [row(1).name]


LISTED = Verify(mode=VerifyMode.FULL)

PROBED = Verify(mode=VerifyMode.PROBE)

CALLS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], list[str]]] = {
    "a first load": ([], {}, ["read", "learn", "begin", "settle", "end_well"]),
    "compared with what the ledger knows": ([{}], {}, ["read", "end_well"]),
    "nothing is new": ([{}, {}], {}, ["brief"]),
    "probed, and nothing is new": ([{}, {}], {"verify": PROBED}, ["brief", "checked"]),
    "listed, and nothing is new": ([{}, {}], {"verify": LISTED}, ["read", "learn", "end_well"]),
    "listed for the second time": ([{}, {}, {}], {"verify": LISTED}, ["read", "learn", "end_well"]),
    "listed, and it shows the same": ([{}, {"verify": LISTED}], {"verify": LISTED}, ["brief", "learn"]),
    "planned": ([{}, {}], {"mode": PLAN}, ["read", "generation"]),
}
"""How the runs before it were, how this one is, and what it asks of the ledger."""


@pytest.mark.parametrize(("before", "context", "calls"), CALLS.values(), ids=CALLS)
def test_a_company_asks_the_ledger_for_few_things(
    before: list[dict[str, Any]], context: dict[str, Any], calls: list[str]
) -> None:
    """Each call is a way to the ledger's thread and back, which costs as much as reading 50 rows."""

    async def runs(stage: Stage) -> list[str]:
        for earlier in before:
            await stage.run(**earlier)
        asked: Any = Asked(stage.ledger)
        assert (await replace(stage, ledger=asked).run(**context)).exit_code == ExitCode.DONE
        return list(asked.calls)

    assert played(runs)[0] == calls


@pytest.mark.parametrize("mode", [PLAN, CHECK], ids=["plan", "check"])
def test_a_run_that_writes_nothing_ends_with_its_plan(mode: Mode) -> None:
    result, stage = played(lambda stage: stage.run(mode=mode))

    assert stage.api.steps == ["oauth", "companies", "source", "dimensions"]
    assert (result.balance.created, stage.api.server.rows) == (5, {})
    assert (result.plan is not None) == mode.keeps_plan


def meets(kind: str, answer: Answer) -> ModelApi:
    """Return an API that gives this answer to requests of one kind that carry no rows."""
    return ModelApi(reads=lambda each: answer if each == kind else None)


def page(**changes: Any) -> Answer:
    """Return a page of a listing with one row of which something is wrong."""
    shown = {
        "id": "dim_1",
        "name": "N",
        "type": "Account",
        "dimension_type": "account",
        "erp_dimension_id": "9",
        "ottimate_company_id": COMPANY,
    }
    document = {"count": 1, "page": 1, "limit": 100, "dimensions": [shown | changes]}
    return Answer(status=200, headers={}, body=json.dumps(document).encode())


BULK = ["oauth", "companies", "source", "dimensions", "bulk"]


class Stop(NamedTuple):
    """Something that stops a company, and how it ends then."""

    state: State
    exit_code: int
    code: str  # of the problem
    steps: list[str]  # requests and readings, in their order
    column: str | None  # where the rows stand; None: nobody knows them
    api: Callable[[], ModelApi] = ModelApi
    run: Mapping[str, Any] = {}


STOPS: Mapping[str, Stop] = {
    "refused before any request": Stop(
        State.FAILED, 1, "shared-source", [], None, run={"refused": {COMPANY: SharedSource("two have it")}}
    ),
    "the directory does not show it": Stop(
        State.FAILED,
        1,
        "out-of-scope",
        ["oauth", "companies"],
        None,
        api=lambda: meets("companies", Answer(status=200, headers={}, body=b'{"count": 0, "results": []}')),
    ),
    "its account is stopped, and its rows are counted all the same": Stop(
        State.DEFERRED,
        8,
        "authentication",
        ["oauth", "companies", "oauth", "companies", "source"],
        "deferred",
        api=lambda: meets("companies", refusal(401)),
    ),
    "its source cannot be read": Stop(
        State.FAILED, 1, "source", ["oauth", "companies", "source"], None, run={"fault": SourceError("torn")}
    ),
    "another run has it": Stop(
        State.LOCKED, 9, "locked", ["oauth", "companies", "source"], "deferred", run={"is_locked": True}
    ),
    "it may not be listed": Stop(
        State.FAILED,
        1,
        "out-of-scope",
        ["oauth", "companies", "source", "dimensions"],
        "deferred",
        api=lambda: meets("dimensions", refusal(403)),
    ),
    "a row of another company is listed": Stop(
        State.HELD,
        4,
        "tenant-leak",
        ["oauth", "companies", "source", "dimensions"],
        "held",
        api=lambda: meets("dimensions", page(ottimate_company_id=COMPANY + 1)),
    ),
    "a guard holds it": Stop(
        State.HELD,
        4,
        "mass-create",
        ["oauth", "companies", "source", "dimensions"],
        "held",
        run={"guards": Guards(min_rows=0, mass_create_rows=1)},
    ),
    "its bulk requests are refused": Stop(
        State.FAILED, 1, "out-of-scope", BULK, "deferred", api=lambda: ModelApi(lambda _asked, _api: refusal(403))
    ),
    "the run ends before it is listed": Stop(State.DEFERRED, 5, "", [], None, run={"ends_after_s": 0.0}),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_what_stops_a_company_says_how_it_ends(stop: Stop) -> None:
    result, stage = played(lambda stage: stage.run(**stop.run), api=stop.api())

    assert (result.state, int(result.exit_code)) == (stop.state, stop.exit_code), result.problems
    assert [problem.code for problem in result.problems if problem.key is None] == [stop.code] * bool(stop.code)
    assert stage.api.steps == stop.steps
    rows = {column.value: count for column in Column if (count := getattr(result.balance, column.value))}
    assert rows == ({} if stop.column is None else {stop.column: len(ROWS)})


def test_a_run_that_is_stopped_while_rows_are_out_counts_what_became_of_them() -> None:
    result, stage = played(lambda stage: stage.run(ends_after_s=TAKES_S / 2), allowance=1)

    assert (result.state, result.exit_code) == (State.DEFERRED, ExitCode.STOPPED)
    assert (result.balance.created, result.balance.deferred) == (WORKERS, len(ROWS) - WORKERS)
    assert stage.api.server.rows.keys() == {f"{number:03}" for number in range(WORKERS)}


def test_a_ledger_that_cannot_be_written_fails_the_company_before_anything_is_sent() -> None:
    async def broken(stage: Stage) -> CompanyResult:
        await stage.ledger._thread.read(lambda connection: connection.execute("pragma query_only = on"))
        return await stage.run()

    result, stage = played(broken)
    assert (result.state, [problem.code for problem in result.problems]) == (State.FAILED, ["ledger"])
    assert stage.api.asked == []


def test_a_company_whose_keys_led_nowhere_stops_there_and_in_later_runs() -> None:
    """The rows are sent as updates, and the server creates them."""

    async def again(stage: Stage) -> tuple[CompanyResult, CompanyResult]:
        await stage.run()
        stage.api.server.rows.clear()
        renamed = [each._replace(name=f"New {each.name}") for each in ROWS]
        return await stage.run(renamed), await stage.run(renamed)

    (first, second), stage = played(again, allowance=1)
    assert [problem.code for problem in first.problems if problem.key is None] == ["key-mismatch"]
    assert (first.state, second.state) == (State.HELD, State.HELD)
    assert stage.api.steps == ["source"]
    assert len(stage.api.server.rows) == WORKERS
