"""How a run that is under way is told: words and figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from engine.cli.desk.grouping import CALM
from engine.cli.desk.kinds import KINDS
from engine.cli.desk.moments import span
from engine.observe.terminal import LONGEST_MESSAGE, LONGEST_NAME, brief
from engine.observe.view import AtWork, Day, Trouble, View, Wait

LONGEST_AT_WORK, SHORTEST_AT_WORK = 40, 8
"""Characters of the name of a company at work, as there is room: what is done with it stands behind."""

NEAR_LIMIT = 0.9
"""From this part of the allowed request rate on, the rate is what the run waits for."""


def count(number: int, word: str) -> str:
    """Return a figure and what it counts, in the singular or the plural."""
    if number == 1:
        return f"1 {word}"
    return f"{number:,} {word[:-1]}ies" if word.endswith("y") else f"{number:,} {word}s"


def left_words(seconds: float) -> str:
    """Return how long something still takes, as roughly as it is known."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 95:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 90 * 60:
        return f"about {max(2, round(seconds / 60))} min left"
    return f"about {span(timedelta(seconds=round(seconds / 600) * 600))} left"


def clock_words(seconds: float) -> str:
    """Return how long something has taken, such as "1:12" or "1:02:33"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def rows_figures(view: View) -> list[str]:
    """Return the figures of companies and rows."""
    return [
        f"{view.finished:,} of {count(view.companies, 'company')}",
        count(view.rows, "source row"),
        f"{view.listed:,} listed",
        f"{view.written:,} written",
    ]


def request_figures(view: View) -> list[str]:
    """Return the figures of requests: how many, how fast, and what is left of the day."""
    needed = None if view.needed is None else max(view.requests, _roughly(view.needed))
    told = [
        count(view.requests, "request") if needed is None else f"{view.requests:,} of about {count(needed, 'request')}"
    ]
    if view.per_second is not None:
        told.append(_rate(view.per_second, view.ceiling))
    if view.at_once:
        told.append(f"{view.at_once:,} at once")
    return told if view.day is None else [*told, _day(view.day)]


def line_words(view: View) -> str:
    """Return how a run stands in one line."""
    left = [] if view.left_s is None else [left_words(view.left_s)]
    return ", ".join([*rows_figures(view), *request_figures(view), *left])


def _roughly(number: int) -> int:
    """Return a number in two digits."""
    digits = len(str(number))
    return round(number, 2 - digits) if digits > 2 else number


def _rate(per_second: float, ceiling: float | None) -> str:
    rate = f"{per_second:,.0f}"
    if ceiling is None:
        return f"{rate}/s"
    most = f"{ceiling:,.0f}" if ceiling >= 10 else f"{ceiling:g}"
    return f"{rate}/s, the limit" if per_second >= NEAR_LIMIT * ceiling else f"{rate} of {most}/s"


def _day(day: Day) -> str:
    keys = f" ({day.keys:,} keys)" if day.keys > 1 else ""
    return f"{day.left:,} of {day.usable:,} left today{keys}"


def waits(view: View) -> Iterator[tuple[str, str]]:
    """Yield who waits, each with a colour: in this run, for another run, and for the next day."""
    for wait in view.waits:
        yield wait_words(wait), "red" if wait.seconds is None else "yellow"
    for trouble in view.troubles:
        if trouble.gravity in CALM:
            companies = count(trouble.companies, "company")
            yield f"{trouble.code}: {companies} until the next run: {brief(trouble.message, LONGEST_MESSAGE)}", "cyan"
    if view.day is not None and view.day.short:
        short = count(_roughly(view.day.short), "request")
        yield f"about {short} too few today: the rest waits until 00:00 UTC", "yellow"


def wait_words(wait: Wait) -> str:
    """Return who waits, for how long, and why; or who can do no more."""
    who = count(wait.number, wait.kind) if wait.number > 1 else f"{wait.kind} {brief(wait.name, LONGEST_NAME)}"
    if wait.seconds is None:
        return f"{who} can do no more in this run: {brief(wait.reason, LONGEST_MESSAGE)}"
    return f"{who} for {span(timedelta(seconds=max(1.0, wait.seconds)))}: {brief(wait.reason, LONGEST_MESSAGE)}"


def kind_of(trouble: Trouble) -> tuple[str, str]:
    """Return a word for how grave it is, and a colour."""
    return KINDS[trouble.gravity]


def trouble_words(trouble: Trouble) -> str:
    """Return how many companies have it, which was the first, and what that one tells."""
    first, message = company_words(trouble.company_id, trouble.name), brief(trouble.message, LONGEST_MESSAGE)
    if trouble.companies == 1:
        return f"{first}: {trouble.code}: {message}"
    return f"{count(trouble.companies, 'company')}: {trouble.code}, such as {first}: {message}"


def count_words(trouble: Trouble) -> str:
    """Return how many companies have by now what was told of one before."""
    first = company_words(trouble.company_id, trouble.name)
    many = count(trouble.companies, "company")
    return f"{kind_of(trouble)[0]} {many} by now: {trouble.code}, such as {first}"


def company_words(company_id: int, name: str, most: int = LONGEST_NAME) -> str:
    """Return a company's id, and its name if it is known, in `most` characters."""
    return f"{company_id} {brief(name, most)}".rstrip()


def work_words(one: AtWork, cells: int) -> str:
    """Return what is done with a company, in about `cells` cells: a long name is cut, what is done is not."""
    room = cells - len(f"{one.company_id} : {one.step}")
    return f"{company_words(one.company_id, one.name, min(LONGEST_AT_WORK, max(SHORTEST_AT_WORK, room)))}: {one.step}"
