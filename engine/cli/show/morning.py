"""The morning's screen: how the fleet stands, from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from rich.text import Text

from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import CALM, CauseGroup
from engine.cli.desk.moments import clock, span
from engine.cli.desk.morning import Configured, KeyDay, Morning
from engine.cli.desk.remedy import remedy
from engine.cli.show.causes import cause_head, companies_of, examples, to_type, who
from engine.cli.show.wrapping import wrap
from engine.model.balance import ExitCode
from engine.model.standing import RunTimes
from engine.observe.terminal import LONGEST_NAME, brief, figures, safe, tell

FEW_ACCOUNTS = 3
"""Up to this many accounts are each told of; of more, only those whose day is nearly used."""

MOST_CAUSES = 12
"""New causes that are told with an example and a remedy, and causes known before that are told with a remedy."""

MOST_LINES = 40
"""Lines of examples of one cause, where a company is asked for by its id; the JSON output has all problems."""


def morning_lines(shown: Morning, width: int, groups: Mapping[int, Sequence[str]], config: str) -> Iterator[Text]:
    """Yield the screen in lines of `width` cells; commands are never wrapped."""
    yield from _last(shown, width)
    yield Text()
    yield from _asking(shown, width, groups, config)
    yield from _waiting(shown, width)
    yield from (line for day in _keys(shown) for line in wrap(_key(day, shown.now), "", width))
    yield Text(f"{shown.in_order:,} of {_companies(len(shown.companies))} in order", style="bold green")


def company_lines(
    one: Configured, shown: Morning, width: int, groups: Mapping[int, Sequence[str]], config: str
) -> Iterator[Text]:
    """Yield all that is remembered of one company: `shown` is of it alone."""
    yield from wrap(
        f"{one.where.company_id} {brief(one.name, LONGEST_NAME)}, account {safe(one.where.account)}", "", width
    )
    if one.last is None or one.told is None:
        yield from wrap("no sync has finished with it yet", "", width)
        return
    well = f"; last in order {_moment(one.last.well_at, shown.now)}" if one.last.well_at else "; never in order"
    yield from wrap(
        f"{one.last.state} at {_moment(one.last.at, shown.now)}{well}: {figures(one.told.balance)}", "", width
    )
    if one.rests_until is not None:
        until = f"{_moment(one.rests_until, shown.now)} ({span(one.rests_until - shown.now)})"
        yield from wrap(f"it rests until {until}, unless its source changes; sooner with --fresh", "", width)
    for cause in shown.causes:
        if cause.code == "resting":  # which is told above
            continue
        yield Text()
        yield cause_head(cause, shown.now, width)
        yield from examples(cause, MOST_LINES, width)
        if cause.needs_person:
            yield from to_type(remedy(cause, groups, config=config), width)


def _last(shown: Morning, width: int) -> Iterator[Text]:
    last, now = shown.last, shown.now
    if last is None or last.finished_at is None:
        yield Text("No sync has finished yet", style="bold")
    else:
        took = span(last.finished_at - last.started_at)
        text = f"Last sync {_moment(last.started_at, now)}, {span(now - last.started_at)} ago, took {took}"
        yield Text(text if shown.running else f"{text}   (none running)", style="bold")
    for run in shown.running:
        yield from wrap(f"A {run.verb} is under way since {_moment(run.started_at, now)}, {_ago(run, now)}", "", width)
    for run in shown.died[:1]:
        text = f"The {run.verb} that began {_moment(run.started_at, now)}, {_ago(run, now)} ago, died before its end"
        more = f" (and {len(shown.died) - 1:,} more since)" if len(shown.died) > 1 else ""
        yield from wrap(f"{text}{more}: nothing is lost, and the next sync goes on from there", "", width)
    if shown.overdue:
        yield from wrap(_overdue(shown), "", width)


def _overdue(shown: Morning) -> str:
    """Return how many companies no sync has taken up since they were due."""
    first = shown.overdue[0]
    one = f"Company {first.company_id} has been due since"
    who = one if len(shown.overdue) == 1 else f"{len(shown.overdue):,} companies have been due, the first since"
    return f"{who} {_moment(first.since, shown.now)}: does the scheduler run dimsync sync --due?"


def _ago(run: RunTimes, now: datetime) -> str:
    return span(now - run.started_at)


def _asking(shown: Morning, width: int, groups: Mapping[int, Sequence[str]], config: str) -> Iterator[Text]:
    """Yield what needs a person: first what is new, with examples, then what was known before."""
    own = [each for each in shown.problems if gravity(each.code) not in {ExitCode.DONE, *CALM}]
    for problem in own:
        yield from wrap(f"The last sync as a whole: {tell(problem)}", "", width)
    if own:
        yield Text()
    if shown.new:
        yield Text(f"{_needing(shown.new)} you: new in the last sync", style="bold")
        for number, cause in enumerate(shown.new):
            yield cause_head(cause, shown.now, width)
            if number < MOST_CAUSES:
                yield from who(cause, width)
                yield from examples(cause, 1, width)
                yield from to_type(remedy(cause, groups, config=config), width)
        yield Text()
    if shown.known:
        yield Text(f"{_needing(shown.known)} you: known since before", style="bold")
        for number, cause in enumerate(shown.known):
            yield cause_head(cause, shown.now, width)
            if number < MOST_CAUSES:
                yield from who(cause, width)
                yield from _known(cause, width, groups, config)
        yield Text()


def _known(cause: CauseGroup, width: int, groups: Mapping[int, Sequence[str]], config: str) -> list[Text]:
    """Return what to type about a cause that was known before: of one company, what tells all about it."""
    if len(cause.companies) == 1:
        settings = f" -c {config}" if config != "dimsync.toml" else ""
        return [Text(f"    all about it: dimsync status{settings} {cause.companies[0].company_id}", style="bold")]
    return to_type(remedy(cause, groups, config=config), width)


def _needing(causes: Sequence[CauseGroup]) -> str:
    count = len({(one.account, one.company_id) for cause in causes for one in cause.companies})
    return f"{count:,} {'company needs' if count == 1 else 'companies need'}"


def _waiting(shown: Morning, width: int) -> Iterator[Text]:
    """Yield what waits for nobody, and until when."""
    lines = [line for cause in shown.waiting for line in wrap(_wait_words(cause, shown), "  ", width)]
    if shown.resting:
        lines += wrap(_rest_words(shown.resting, shown.now), "  ", width)
    if never := shown.never:
        ids = f" ({never[0].where.company_id})" if len(never) == 1 else ""
        text = f"{_companies(len(never))}{ids} never synced: dimsync sync --select state:never"
        lines += wrap(text, "  ", width)
    if lines:
        yield Text("Waits for nobody", style="bold")
        yield from lines
        yield Text()


def _wait_words(cause: CauseGroup, shown: Morning) -> str:
    text = f"{companies_of(cause)}: {tell(cause.example.problem)}"
    if cause.code != "quota":
        return text
    accounts = {each.account for each in cause.companies}
    closed = [day.use.closed_until(shown.now, day.account.limits) for day in shown.keys if day.account.name in accounts]
    known = [each for each in closed if each is not None]
    until = min(known) if known else datetime.combine(shown.now.date() + timedelta(days=1), time(), UTC)
    return f"{companies_of(cause)} until quota returns {_moment(until, shown.now)} ({span(until - shown.now)})"


def _rest_words(resting: Sequence[datetime], now: datetime) -> str:
    """Return until when companies rest; `resting` is sorted."""
    first, last = _moment(resting[0], now), _moment(resting[-1], now)
    until = (
        f"until {first} ({span(resting[0] - now)})"
        if first == last
        else f"until {first} at the soonest, {last} at the latest"
    )
    rest = "company rests" if len(resting) == 1 else "companies rest"
    return f"{len(resting):,} {rest} {until}, unless the source changes; sooner with --fresh"


def _keys(shown: Morning) -> list[KeyDay]:
    return [each for each in shown.keys if len(shown.keys) <= FEW_ACCOUNTS or each.is_near_its_end(shown.now)]


def _key(day: KeyDay, now: datetime) -> str:
    limits, until = day.account.limits, day.use.closed_until(now, day.account.limits)
    counted = f"{day.use.used:,} of {limits.requests_per_day:,} requests today, {limits.reserve_per_day:,} reserved"
    closed = f"; the API says that all are used: tried again from {until:%H:%M} UTC" if until else ""
    return f"account {safe(day.account.name)}: {counted}{closed}"


def _companies(count: int) -> str:
    return f"{count:,} {'company' if count == 1 else 'companies'}"


def _moment(moment: datetime, now: datetime) -> str:
    return f"{clock(moment, now)} UTC"
