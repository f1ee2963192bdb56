"""What telemetry and the log are told of runs: spans, metrics, records, and waits that add up."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, cast

import aiohttp
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from engine import Engine, LedgerError, OpenTelemetry, RequestAnswered, RequestSent, Telemetry, Waiting
from engine.model.events import Event
from engine.observe.logs import LOGGER
from engine.sandbox.server import Options
from tests.sandbox.conftest import OPEN, World, company, dims, memory_world, watch
from tests.sandbox.memory import perform


class Seen:
    """The spans and metrics of one test, in memory."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.traces = TracerProvider(shutdown_on_exit=False)
        self.traces.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = OpenTelemetry(tracer_provider=self.traces, meter_provider=self.meters)

    def engine(self, world: World) -> Engine:
        return engine_of(world, self.telemetry)

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if name in (None, span.name)]

    def parent(self, span: ReadableSpan) -> str:
        names = {each.context.span_id: each.name for each in self.spans() if each.context}
        return "" if span.parent is None else names[span.parent.span_id]

    def metric(self, name: str) -> dict[str, float]:
        """Return a metric's values by its attributes, but for the account."""
        found: dict[str, float] = {}
        data = self._reader.get_metrics_data()
        for one in data.resource_metrics if data else []:
            for metric in (each for scope in one.scope_metrics for each in scope.metrics if each.name == name):
                for point in metric.data.data_points:
                    told = {key: value for key, value in (point.attributes or {}).items() if key != "account"}
                    found[" ".join(map(str, told.values()))] = getattr(point, "value", getattr(point, "count", 0))
        return found


def engine_of(world: World, telemetry: Telemetry | None) -> Engine:
    session = cast("aiohttp.ClientSession", world.line)
    return Engine(
        world.settings, session=session, ledger=world.ledger, now=world.clock, rng=world.rng, telemetry=telemetry
    )


def throttled(seconds: int) -> dict[str, object]:
    """Return the effect of an answer that asks to wait."""
    return {"effect": "status", "status": 429, "headers": {"Retry-After": str(seconds)}}


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG, logger="dimsync"):
        yield caplog


async def test_spans_show_a_run_its_companies_listings_chunks_and_requests(world: World, seen: Seen) -> None:
    world.guards = OPEN
    world.place(1, dims(150))
    world.place(2)
    world.script({"effect": "status", "status": 503, "match": {"operation": "bulk", "company": 1}, "times": 1})
    async with seen.engine(world) as engine:
        with seen.traces.get_tracer("test").start_as_current_span("a request to the service"):
            result = await engine.sync([company(1, dims(400)), company(2, [])]).result()
    parents = Counter((span.name.removeprefix("dimsync."), seen.parent(span)) for span in seen.spans())
    (run,) = seen.spans("dimsync.run")
    assert parents == {
        ("a request to the service", ""): 1,
        ("run", "a request to the service"): 1,
        ("company", "dimsync.run"): 2,
        ("listing", "dimsync.company"): 2,
        ("chunk", "dimsync.company"): 3,
        ("request", "dimsync.listing"): 3,
        ("request", "dimsync.chunk"): 4,
        ("request", "dimsync.run"): result.requests.token + result.requests.directory,
    }
    assert run.attributes == {
        "dimsync.run_id": result.run_id,
        "dimsync.verb": "sync",
        "dimsync.companies": 2,
        "dimsync.requests": result.requests.total,
        "dimsync.exit_code": 0,
    }
    assert len(seen.spans("dimsync.request")) == result.requests.total


async def test_a_request_s_span_tells_status_attempt_and_id_and_no_value_of_a_row(world: World, seen: Seen) -> None:
    world.place(1)
    world.script({"effect": "status", "status": 503, "match": {"operation": "bulk"}, "times": 1})
    async with seen.engine(world) as engine:
        await engine.sync([company(1, dims(3))]).result()
    sends = [span for span in seen.spans("dimsync.request") if (span.attributes or {})["dimsync.kind"] == "bulk"]
    told = [dict(span.attributes or {}) for span in sends]
    assert [(each["http.response.status_code"], each["dimsync.attempt"]) for each in told] == [(503, 1), (201, 2)]
    assert all(each["dimsync.request_id"] for each in told)
    assert [span.status.status_code for span in sends] == [StatusCode.ERROR, StatusCode.UNSET]
    assert all(span.end_time and span.start_time and span.end_time >= span.start_time for span in seen.spans())
    everything = repr([(span.name, dict(span.attributes or {}), span.status.description) for span in seen.spans()])
    for secret in ("Name 0", "K0000", "demo-key", "demo-secret", "Bearer"):
        assert secret not in everything


async def test_metrics_count_what_the_result_counts(world: World, seen: Seen) -> None:
    world.place(1)
    refused = {"effect": "reject-rows", "key": "K00002"}
    world.script({**throttled(2), "match": {"operation": "bulk"}, "times": 1}, refused)
    async with seen.engine(world) as engine:
        result = await engine.sync([company(1, dims(5))]).result()
    requests = seen.metric("dimsync.requests")
    assert requests["bulk 429 False"] == requests["bulk 207 True"] == 1
    assert sum(requests.values()) == sum(seen.metric("dimsync.request.duration").values()) == result.requests.total
    assert seen.metric("dimsync.requests.throttled") == {"": 1}
    assert seen.metric("dimsync.requests.active") == {"": 0}
    assert seen.metric("dimsync.rows") == {"created": 4, "rejected": 1}
    assert seen.metric("dimsync.companies") == {"partial": 1}
    assert seen.metric("dimsync.runs") == {"sync 3": 1}
    assert seen.metric("dimsync.waits") == {"throttle": 2}
    assert seen.metric("dimsync.quota.left") == {"": result.days[0].left}
    assert seen.metric("dimsync.loop.lag")[""] >= 1


async def test_waits_and_stopped_accounts_are_events_of_spans(world: World, seen: Seen) -> None:
    world.place(1)
    used_up = {"effect": "status", "status": 429, "body": '{"message":"Limit Exceeded"}', "after": 2}
    world.script(
        {**throttled(2), "match": {"operation": "list"}, "times": 1},
        {"effect": "status", "status": 500, "match": {"operation": "list"}, "after": 1, "times": 1},
        {**used_up, "match": {"operation": "list"}},
    )
    async with seen.engine(world) as engine:
        await engine.sync([company(1, dims(3))]).result()
    (run,), (one,) = seen.spans("dimsync.run"), seen.spans("dimsync.company")
    assert [event.name for event in run.events] == ["dimsync.wait", "dimsync.parked"]
    assert [(event.attributes or {})["dimsync.kind"] for event in one.events] == ["repeat"]


async def test_requests_outside_of_a_run_belong_to_the_caller_s_span(world: World, seen: Seen) -> None:
    world.place(1, dims(3))
    async with seen.engine(world) as engine:
        with seen.traces.get_tracer("test").start_as_current_span("a look"):
            await engine.rows(company(1, []))
    assert {seen.parent(span) for span in seen.spans("dimsync.request")} == {"a look"}


async def test_a_run_that_breaks_ends_its_spans(world: World, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    world.place(1)
    assert world.ledger is not None

    async def fail(*_: Any) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(world.ledger, "states", fail)
    async with seen.engine(world) as engine:
        with pytest.raises(LedgerError):
            await engine.sync([company(1, dims(3))]).result()
    (run,) = seen.spans("dimsync.run")
    assert (run.status.status_code, run.status.description) == (StatusCode.ERROR, "LedgerError")


class Broken:
    """A program's own telemetry, with a mistake in it."""

    def __init__(self) -> None:
        self.asked = 0

    def take(self, event: Event, run_id: str | None) -> None:
        self.asked += 1
        raise ZeroDivisionError(run_id, event)

    def ended(self, run_id: str, error: BaseException | None) -> None:
        raise AssertionError(run_id, error)  # it is told nothing more

    def lagged(self, seconds: float) -> None:
        raise AssertionError(seconds)


async def test_telemetry_that_fails_ends_no_run(world: World, records: pytest.LogCaptureFixture) -> None:
    world.place(1)
    broken = Broken()
    async with engine_of(world, broken) as engine:
        result = await engine.sync([company(1, dims(3))]).result()
    assert (result.ok, broken.asked) == (True, 1)
    (told,) = [each for each in records.records if each.exc_info]
    assert (told.levelname, told.name, told.__dict__["run_id"]) == ("ERROR", "dimsync", result.run_id)


async def test_log_records_carry_ids_and_no_values_of_rows(world: World, records: pytest.LogCaptureFixture) -> None:
    world.place(1)
    world.script({"effect": "reject-rows", "key": "K00002"})
    async with world.unchecked_engine() as engine:
        result = await engine.sync([company(1, dims(5))]).result()
    mine = [each for each in records.records if each.name == "dimsync"]
    assert {each.__dict__["run_id"] for each in mine} == {result.run_id}
    answered = [each for each in mine if each.__dict__["request_id"]]
    assert len(answered) == result.requests.total
    assert [each.levelname for each in mine if each.levelno >= logging.WARNING] == ["WARNING"] * 2
    (finished,) = [each for each in mine if each.getMessage() == "company is partial: rejected"]
    assert (finished.__dict__["company_id"], finished.__dict__["account"]) == (1, "main")
    assert not [each for each in mine if "Name 0" in each.getMessage() or "K0000" in each.getMessage()]


def test_the_log_is_silent_until_a_program_sets_it_up() -> None:
    assert [type(each) for each in LOGGER.handlers] == [logging.NullHandler]
    assert (LOGGER.level, LOGGER.propagate) == (logging.NOTSET, True)


async def test_each_request_that_is_sent_is_answered_or_told_of_as_lost(world: World) -> None:
    world.place(1)
    world.script(
        {"effect": "reset", "commit": True, "match": {"operation": "bulk"}, "times": 1},
        {
            "effect": "status",
            "status": 429,
            "headers": {"Retry-After": "1"},
            "match": {"operation": "list"},
            "times": 1,
        },
    )
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(3)))
    sent = [event for event in events if isinstance(event, RequestSent)]
    answered = [event for event in events if isinstance(event, RequestAnswered)]
    assert len(sent) == len(answered) == result.requests.total
    (lost,) = [event for event in answered if event.status is None]
    assert (lost.kind, lost.attempt, lost.request_id) == ("bulk", 1, None)
    chunks = {event.chunk for event in answered if event.kind == "bulk"}
    assert chunks == {lost.chunk}, "both sends of a chunk name it"


WAITS = {
    "throttle": {**throttled(7), "match": {"operation": "bulk"}},
    "repeat": {"effect": "status", "status": 500, "match": {"operation": "bulk"}},
    "batch": {"effect": "batch", "polls": 3},
}


@pytest.mark.parametrize("kind", WAITS)
async def test_the_seconds_told_are_the_seconds_waited(world: World, kind: str) -> None:
    """Time is virtual: apart from waits, a run takes no more than its requests do, one after the other."""
    world.place(1)
    times = {} if kind == "batch" else {"times": 2}
    world.script({**WAITS[kind], **times})
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(3)))
    waits = [event for event in events if isinstance(event, Waiting)]
    assert {wait.kind for wait in waits} == {kind}
    requests_s = sum(event.seconds for event in events if isinstance(event, RequestAnswered))
    waited_s = sum(wait.seconds for wait in waits)
    assert 0.1 < waited_s <= result.elapsed_s <= waited_s + requests_s + 0.001


async def test_a_pause_that_many_requests_ask_for_is_told_once(world: World) -> None:
    world.guards = OPEN
    world.place(1)
    world.script(
        {
            "effect": "status",
            "status": 429,
            "headers": {"Retry-After": "30"},
            "match": {"operation": "bulk"},
            "times": 3,
        }
    )
    async with world.engine() as engine:
        events, result = await watch(engine, company(1, dims(400)))
    told = sum(event.seconds for event in events if isinstance(event, Waiting))
    assert told == pytest.approx(30, abs=0.5)
    assert result.elapsed_s == pytest.approx(told, abs=0.5)
    assert result.ok


def test_telemetry_that_goes_nowhere_costs_less_than_three_hundredths() -> None:
    """Counted are the bytecode instructions of six small companies, but for the sandbox's and its line's."""

    async def instructions(telemetry: OpenTelemetry | None) -> int:
        count = 0

        def step(_frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal count
            count += event == "opcode"
            return step

        def enter(frame: FrameType, _event: str, _argument: object) -> Any:
            is_ours = not {"tests", "sandbox"}.intersection(Path(frame.f_code.co_filename).parts)
            frame.f_trace_opcodes, frame.f_trace_lines = is_ours, False
            return step if is_ours else None

        with memory_world(Options()) as world:
            for number in range(1, 7):
                world.place(number, dims(10))
            fleet = [company(number, dims(20)) for number in range(1, 7)]
            async with engine_of(world, telemetry) as engine:
                sys.settrace(enter)
                await engine.sync(fleet).result()
                sys.settrace(None)
        return count

    perform(instructions(OpenTelemetry()))  # what happens once
    without, with_it = perform(instructions(None)), perform(instructions(OpenTelemetry()))
    assert 200_000 < without < with_it < 1.03 * without
