"""One run as the ledger remembers it: when, how it ended, who was what, and what to do about it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from engine.cli.codes import CODES
from engine.cli.desk.grouping import CALM, grouped
from engine.cli.desk.moments import span
from engine.cli.show.cause_list import calm_lines, cause_lines
from engine.cli.show.causes import companies_of
from engine.cli.show.totals import totals
from engine.cli.show.wrapping import hang, wrap
from engine.model.balance import ExitCode, State
from engine.model.past_run import PastResult
from engine.model.result import LOOKING, PastRun, RunResult
from engine.observe.terminal import needs_person, safe, tell


def story_lines(
    past: PastResult, width: int, groups: Mapping[int, Sequence[str]], config: str, *, is_newest: bool = True
) -> Iterator[Text]:
    """Yield the story of a finished run in lines of `width` cells; commands are never wrapped.

    `is_newest`: no run was begun after it.
    """
    result = past.result
    causes = grouped(result.companies, run_at=result.finished_at)
    yield from _head(result, width)
    if not is_newest:
        settings = "" if config == "dimsync.toml" else f" -c {shlex.quote(safe(config))}"
        yield from wrap(f"Other runs were begun since; how it is now: dimsync status{settings}", "", width)
    yield Text()
    needing = [one for one in result.companies if needs_person(one)]
    if needing:
        many = "company needed" if len(needing) == 1 else "companies needed"
        yield Text(f"{len(needing):,} {many} a person", style="bold")
        asking = [each for each in causes if each.needs_person]
        yield from cause_lines(asking, result.finished_at, width, groups, config)
        yield Text()
    yield from hang("companies", _states(past), width)
    yield from calm_lines([each for each in causes if each.gravity in CALM], width)
    yield from totals(result, width, None)
    for problem in result.problems:
        yield from hang("the run", tell(problem), width)
    for notice in (each for each in causes if each.gravity is ExitCode.DONE):
        yield from hang("notice", f"{companies_of(notice)}: {tell(notice.example.problem)}", width)


def endless_lines(run: PastRun, width: int, *, is_under_way: bool) -> Iterator[Text]:
    """Yield what is known of a run without an end."""
    yield Text(f"{run.verb} {safe(run.run_id)}", style="bold")
    yield Text(f"began {run.started_at:%Y-%m-%d %H:%M:%S} UTC")
    yield from _allowed(tuple(run.allowed.split()), width)
    if is_under_way:
        yield from wrap("It is under way: what it did is told here once it has ended.", "", width)
        return
    text = (
        "It died before its end, so its counts are not known. Nothing is lost: what it sent is written down row by row"
    )
    yield from wrap(f"{text} (`dimsync explain COMPANY KEY`), and the next sync goes on from there.", "", width)


def _head(result: RunResult, width: int) -> Iterator[Text]:
    code = int(result.exit_code)
    why = CODES[str(code)].cause.partition(";")[0].rstrip(".") if str(code) in CODES else ""
    yield Text(f"{result.verb} {safe(result.run_id)}", style="bold")
    took = span(result.finished_at - result.started_at)
    same_day = result.started_at.date() == result.finished_at.date()
    end = f"{result.finished_at:%H:%M:%S}" if same_day else f"{result.finished_at:%Y-%m-%d %H:%M:%S}"
    yield from wrap(f"began {result.started_at:%Y-%m-%d %H:%M:%S} UTC, ended {end} UTC, took {took}", "", width)
    yield from wrap(f"exit {code}: {why}" if why else f"exit {code}", "", width)
    yield from _allowed(result.allowed, width)
    if result.verb in LOOKING:
        yield from wrap(f"A {result.verb} writes nothing: the figures are what a sync would have done.", "", width)


def _allowed(allowed: Sequence[str], width: int) -> Iterator[Text]:
    if allowed:
        yield from wrap(f"let pass: {safe(', '.join(allowed))}", "", width)


def _states(past: PastResult) -> str:
    """Return how many companies ended in each state. Those of which the journal tells nothing were unchanged."""
    states = Counter(str(one.state) for one in past.result.companies)
    states[State.UNCHANGED] += past.companies - len(past.result.companies)
    words: dict[str, str] = {State.SYNCED: "to change"} if past.result.verb in LOOKING else {}
    parts = [f"{states[state]:,} {words.get(state, str(state))}" for state in STATES if states[state]]
    return f"{past.companies:,} = {' + '.join(parts)}" if parts else f"{past.companies:,}"


STATES = (State.UNCHANGED, State.SYNCED, State.PARTIAL, State.HELD, State.FAILED, State.DEFERRED, State.LOCKED)
"""In the order in which they are told."""
