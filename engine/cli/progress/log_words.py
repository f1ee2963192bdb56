"""What a log file tells of each event of a run: a level of `logging` and a sentence. Pure."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import gravity_of
from engine.cli.desk.moments import span
from engine.cli.progress.words import company_words, count
from engine.model.balance import ExitCode
from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    Listed,
    Parked,
    Planned,
    RunFinished,
    RunStarted,
    Scheduled,
    SourceRead,
    Waiting,
    WidthChanged,
)
from engine.model.result import CompanyResult, RunResult
from engine.observe.terminal import figures, tell

Entry: TypeAlias = tuple[int, str]
"""A level of `logging`, and a text that may hold anything."""

MOST_PROBLEMS = 20
"""Problems of one company that are told; the result has all of them."""

MILD = frozenset({ExitCode.STOPPED, ExitCode.LOCKED, ExitCode.REJECTED, ExitCode.HELD, ExitCode.STALE})
"""Exit codes that are warnings. All others but 0 and 6 are errors."""


def entries(event: Event) -> Iterator[Entry]:
    """Yield what is told of an event; nothing of single pages and requests, of which there are too many."""
    match event:
        case CompanyFinished():
            yield from _company(event.result)
        case RunFinished():
            yield from _run(event.result)
        case Waiting():
            who = f"account {event.account}" if event.company_id is None else f"company {event.company_id}"
            yield logging.WARNING, f"{who} waits {span(timedelta(seconds=max(1.0, event.seconds)))}: {event.reason}"
        case Parked():
            yield logging.ERROR, f"account {event.account} can do no more in this run: {event.reason}"
        case _:
            if text := _step(event):
                yield logging.INFO, text


def level_of(code: int) -> int:
    """Return the level that an exit code calls for."""
    if code in {ExitCode.DONE, ExitCode.PENDING}:
        return logging.INFO
    return logging.WARNING if code in MILD else logging.ERROR


def _step(event: Event) -> str:
    """Return what is told of a step that a run takes; empty: nothing."""
    match event:
        case RunStarted():
            return f"run {event.run_id} begins: {count(event.companies, 'company')}"
        case Scheduled():
            requests = sum(company.requests for company in event.companies)
            return f"about {count(requests, 'request')} to read {count(len(event.companies), 'company')}"
        case CompanyStarted():
            return f"company {company_words(event.company_id, event.name)}: begins"
        case SourceRead():
            return f"company {event.company_id}: {count(event.rows, 'source row')}, {event.invalid:,} invalid"
        case Listed():
            return f"company {event.company_id}: listed: {event.certificate.describe()}"
        case Planned():
            plan = f"{event.creates:,} to create, {event.updates:,} to update, {event.held:,} held"
            chunks = count(event.chunks, "bulk request")
            return f"company {event.company_id}: by {event.evidence}: {event.unchanged:,} unchanged, {plan}, {chunks}"
        case ChunkSettled():
            rows = f"{event.created:,} created, {event.updated:,} updated, {event.rejected:,} rejected"
            return f"company {event.company_id}: bulk request answered: {rows}, {event.uncertain:,} uncertain"
        case WidthChanged():
            return f"account {event.account}: {count(event.places, 'request')} at once from now on: {event.reason}"
        case _:
            return ""


def _company(result: CompanyResult) -> Iterator[Entry]:
    who = f"company {company_words(result.company_id, result.name)}"
    requests = count(result.requests.total, "request")
    text = f"{who}: {result.state}, exit {int(result.exit_code)}: {figures(result.balance)}, {requests}"
    yield level_of(result.exit_code), text
    for problem in result.problems[:MOST_PROBLEMS]:
        yield level_of(gravity_of(problem, result)), f"company {result.company_id}: {tell(problem)}"
    if (more := len(result.problems) - MOST_PROBLEMS) > 0:
        yield level_of(result.exit_code), f"company {result.company_id}: {count(more, 'more problem')}"


def _run(result: RunResult) -> Iterator[Entry]:
    for problem in result.problems:
        yield level_of(gravity(problem.code)), tell(problem)
    took = span(timedelta(seconds=result.elapsed_s))
    requests = count(result.requests.total, "request")
    text = f"run {result.run_id} ends: exit {int(result.exit_code)}: {figures(result.totals)}, {requests}, took {took}"
    yield level_of(result.exit_code), text
