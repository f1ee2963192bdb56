"""The morning's screen: how the fleet stands, from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from engine.cli.desk.account_trouble import AccountTrouble
from engine.cli.desk.gravity import gravity
from engine.cli.desk.grouping import CALM, CauseGroup
from engine.cli.desk.kinds import KINDS
from engine.cli.desk.moments import clock, day_words, span
from engine.cli.desk.morning import Configured, Morning, is_near_its_end
from engine.cli.desk.remedy import account_remedy, remedy
from engine.cli.desk.swapped import Swapped
from engine.cli.show.causes import cause_head, companies_of, examples, to_type
from engine.cli.show.morning_new import Frame, new_lines
from engine.cli.show.wrapping import wrap
from engine.guards.swapped_source import WRONG_CLIENT
from engine.model.balance import ExitCode
from engine.model.quota import QuotaDay
from engine.model.standing import RunTimes, lies_ahead
from engine.observe.terminal import LONGEST_NAME, brief, figures, safe, tell

FEW_ACCOUNTS = 3
"""Up to this many accounts are each told of; of more, only those whose day is nearly used."""

MOST_RUNNING = 3
"""Runs under way that are each told of; of more, how many they are."""

MOST_KNOWN = 12
"""Causes known before that are told, each in a line; the JSON output has all."""

MOST_LINES = 40
"""Lines of examples of one cause, where a company is asked for by its id; the JSON output has all problems."""


def morning_lines(shown: Morning, frame: Frame) -> Iterator[Text]:
    """Yield the screen in lines of the frame's width; commands are never wrapped."""
    yield from _last(shown, frame.width)
    yield Text()
    yield from _whole(shown, frame.width)
    yield from _apart(list(new_lines(shown, frame)))
    yield from _told("Known since before", _known(shown, frame), frame.width)
    yield from _told("Waits for nobody", _waiting(shown), frame.width)
    yield from (line for day in _keys(shown) for line in wrap(_key(day), "", frame.width))
    for problem in shown.problems:
        if gravity(problem.code) is ExitCode.DONE:
            yield from wrap(f"Notice: {safe(problem.message)}", "", frame.width)
    yield Text(f"{shown.in_order:,} of {len(shown.companies):,} in order", style="bold green")


def company_lines(
    one: Configured, shown: Morning, width: int, groups: Mapping[int, Sequence[str]], config: str
) -> Iterator[Text]:
    """Yield all that is remembered of one company: `shown` is of it alone."""
    name = f"{one.where.company_id} {brief(one.name, LONGEST_NAME)}".rstrip()
    yield from wrap(f"{name}, account {safe(one.where.account)}", "", width)
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


def _apart(lines: list[Text]) -> list[Text]:
    """Return a part of the screen with an empty line below it; nothing for nothing."""
    return [*lines, Text()] if lines else []


def _last(shown: Morning, width: int) -> Iterator[Text]:
    last, now = shown.last, shown.now
    if last is None or last.finished_at is None:
        yield Text("No sync has finished yet", style="bold")
    else:
        took = span(last.finished_at - last.started_at)
        whose = "of one company" if shown.is_one_by_one else f"took {took}"
        ago = "by a wrong clock" if lies_ahead(last.finished_at, now) else f"{span(now - last.started_at)} ago"
        text = f"Last sync {_moment(last.started_at, now)}, {ago}, {whose}"
        yield Text(text if shown.running else f"{text}   (none running)", style="bold")
    if shown.is_one_by_one:
        yield from wrap(_one_by_one(shown), "", width)
    yield from _running(shown, width)
    for run in shown.died[:1]:
        text = f"The {run.verb} that began {_moment(run.started_at, now)}, {_ago(run, now)} ago, died before its end"
        more = f" (and {len(shown.died) - 1:,} more since)" if len(shown.died) > 1 else ""
        yield from wrap(f"{text}{more}: nothing is lost, and the next sync goes on from there", "", width)
    if shown.overdue:
        yield from wrap(_overdue(shown), "", width)


def _one_by_one(shown: Morning) -> str:
    """Return how many companies were synced within a day, where each has runs of its own."""
    told = f"{shown.fresh:,} of {_companies(len(shown.companies))} were synced within a day"
    one = shown.stalest
    if one is None or one.last is None:
        return told
    older = sum(each.last is not None for each in shown.companies) - shown.fresh
    return f"{told}; {older:,} longer ago, company {one.where.company_id} at {_moment(one.last.at, shown.now)}"


def _running(shown: Morning, width: int) -> Iterator[Text]:
    now, runs = shown.now, shown.running
    if len(runs) > MOST_RUNNING:
        first = min(runs, key=lambda run: run.started_at)
        began = f"{_moment(first.started_at, now)}, {_ago(first, now)}"
        yield from wrap(f"{len(runs):,} runs are under way, the first since {began}", "", width)
        return
    for run in runs:
        yield from wrap(f"A {run.verb} is under way since {_moment(run.started_at, now)}, {_ago(run, now)}", "", width)


def _overdue(shown: Morning) -> str:
    """Return how many companies no sync has taken up since they were due."""
    first = shown.overdue[0]
    one = f"Company {first.company_id} has been due since"
    who = one if len(shown.overdue) == 1 else f"{len(shown.overdue):,} companies have been due, the first since"
    runs = "dimsync schedule and a worker" if shown.is_one_by_one else "the scheduler run dimsync sync --due"
    do = f"do {runs} run" if shown.is_one_by_one else f"does {runs}"
    return f"{who} {_moment(first.since, shown.now)}: {do}?"


def _ago(run: RunTimes, now: datetime) -> str:
    return span(now - run.started_at)


def _whole(shown: Morning, width: int) -> list[Text]:
    """Return what the last sync as a whole told and what needs a person."""
    own = [each for each in shown.problems if gravity(each.code) not in {ExitCode.DONE, *CALM}]
    return _apart([line for each in own for line in wrap(f"The last sync as a whole: {tell(each)}", "", width)])


class _Entry(NamedTuple):
    """One thing that is told in few words."""

    text: str
    command: str = ""  # what to type; never wrapped


def _told(title: str, entries: Sequence[_Entry], width: int) -> list[Text]:
    """Return entries below their title, or behind it where there is one, and it fits the line."""
    if len(entries) == 1 and cell_len(line := f"{title}: {_joined(entries[0])}") <= width:
        only = Text(line)
        only.stylize("bold", 0, len(title) + 1)
        return [only]
    lines = [line for entry in entries for line in _below(entry, width)]
    return [Text(title, style="bold"), *lines] if lines else []


def _joined(entry: _Entry) -> str:
    return f"{entry.text}: {entry.command}" if entry.command else entry.text


def _below(entry: _Entry, width: int) -> list[Text]:
    """Return the lines of an entry; a command that does not fit behind the text stands below it."""
    if cell_len(line := f"  {_joined(entry)}") <= width:
        return [Text(line)]
    first, *more = wrap(f"{entry.text}:" if entry.command else entry.text, "  ", width)
    command = [Text(f"    {entry.command}")] if entry.command else []
    return [first, *(Text(f"  {line.plain}") for line in more), *command]


def _known(shown: Morning, frame: Frame) -> list[_Entry]:
    """Return what was known before the last sync and needs a person: by cause, who, for how long, what to type."""
    told = [_known_pair(pair, frame) for pair in shown.swapped if not shown.is_new(pair)]
    told += [_known_cause(cause, frame) for cause in shown.known]
    told += [_known_account(each, frame) for each in shown.accounts if not each.is_new]
    left = len(told) - MOST_KNOWN
    return [*told[:MOST_KNOWN], _Entry(f"and {left:,} more causes: --output json shows all")] if left > 0 else told


def _known_cause(cause: CauseGroup, frame: Frame) -> _Entry:
    since, count, kind = day_words(cause.since, frame.now), len(cause.companies), KINDS[cause.gravity][0]
    if cause.gravity is ExitCode.REJECTED and cause.rows:
        count, kind = cause.rows, "row" if cause.rows == 1 else "rows"
    if len(cause.companies) == 1:
        number = cause.companies[0].company_id
        return _Entry(f"{count:,} {kind}, {cause.code} ({number}, {since})", f"dimsync status{frame.settings} {number}")
    command = remedy(cause, frame.groups, config=frame.config)
    return _Entry(f"{count:,} {kind}, {cause.code} ({companies_of(cause)}, {since})", command)


def _known_pair(pair: Swapped, frame: Frame) -> _Entry:
    (one, other), since = pair.company_ids, day_words(pair.since, frame.now)
    command = f"dimsync sync{frame.settings} --select company:{one} --select company:{other}"
    return _Entry(f"2 held, {WRONG_CLIENT} ({one} and {other}, {since}), files swapped: swap them back, then", command)


def _known_account(trouble: AccountTrouble, frame: Frame) -> _Entry:
    waiting = f"{trouble.waiting:,} waiting, {day_words(trouble.since, frame.now)}"
    command = account_remedy(trouble.account, config=frame.config)
    return _Entry(f"account {brief(trouble.account, LONGEST_NAME)} refused ({waiting})", command)


def _waiting(shown: Morning) -> list[_Entry]:
    """Return what goes on by itself, and when."""
    told = [_Entry(_wait_words(cause, shown)) for cause in shown.waiting]
    if shown.resting:
        told.append(_Entry(_rest_words(shown.resting, shown.now)))
    if never := shown.never:
        ids = f" ({never[0].where.company_id})" if len(never) == 1 else ""
        told.append(_Entry(f"{_companies(len(never))}{ids} never synced", "dimsync sync --select state:never"))
    return told


def _wait_words(cause: CauseGroup, shown: Morning) -> str:
    count = f"{len(cause.companies):,}"
    if cause.code != "quota":
        return f"{companies_of(cause)}: {tell(cause.example.problem)}"
    accounts = {each.account for each in cause.companies}
    closed = [day.closed_until for day in shown.keys if day.account in accounts]
    known = [each for each in closed if each is not None]
    until = min(known) if known else datetime.combine(shown.now.date() + timedelta(days=1), time(), UTC)
    return f"{count} until quota returns {until:%H:%M} UTC ({span(until - shown.now)})"


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


def _keys(shown: Morning) -> list[QuotaDay]:
    return [each for each in shown.keys if len(shown.keys) <= FEW_ACCOUNTS or is_near_its_end(each)]


def _key(day: QuotaDay) -> str:
    counted = f"{day.used:,} of {day.per_day:,} requests today, {day.reserve:,} reserved"
    until = day.closed_until
    closed = f"; the API says that all are used: tried again from {until:%H:%M} UTC" if until else ""
    return f"account {safe(day.account)}: {counted}{closed}"


def _companies(count: int) -> str:
    return f"{count:,} {'company' if count == 1 else 'companies'}"


def _moment(moment: datetime, now: datetime) -> str:
    return f"{clock(moment, now)} UTC"
