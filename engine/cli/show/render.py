"""A run's result for people: what needs somebody first, then what it all adds up to, last what to do next.

Every text goes into rich as `Text`, never as markup, and names pass `safe` before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from engine.cli.show.advice import Typed, advice
from engine.cli.show.cost import Cost
from engine.cli.show.details import detail_lines
from engine.model.balance import Balance, ExitCode, State
from engine.model.result import AccountDay, CompanyResult, Requests, RunResult
from engine.observe.terminal import figures, needs_person, safe, tell

ALIKE = 3
"""More companies than this that met the very same thing are shown as one: an account's trouble is one trouble."""

DETAIL_LINES = 10
"""Lines for problems over all companies in trouble: three of them and the totals fit a screen of 24."""

MOST_PROBLEMS = 20
"""Problems shown of one company; the JSON output has all of them."""

MOST_IDS = 40
"""Companies named of those that are alike; likewise."""

FEW_ACCOUNTS = 4
"""Accounts of which it is told what their day has left."""

NARROWEST_NAME = 12
LABEL = 10  # width of the labels in front of the totals

COLOURS: dict[str, str] = {
    State.FAILED: "red",
    State.HELD: "yellow",
    State.PARTIAL: "yellow",
    State.DEFERRED: "cyan",
    State.LOCKED: "cyan",
    State.SYNCED: "green",
    State.UNCHANGED: "green",
}

OUTCOMES = ("unchanged", "created", "updated", "rejected", "held", "deferred", "uncertain", "invalid")
REMOTE = ("matched", "contested", "orphans")
REQUESTS = ("list", "probe", "bulk", "batch", "retry")


class Line(NamedTuple):
    """One line about a company, or about several that are alike, and the problems below it."""

    state: str
    id: str
    name: str
    figures: str
    problems: tuple[str, ...] = ()
    members: str = ""  # who the several are


def print_run(
    stream: TextIO,
    result: RunResult,
    typed: Typed,
    width: int | None = None,
    *,
    details: bool = False,
    cost: Cost | None = None,
) -> None:
    """Print a run's result, in colours on a terminal that has them.

    `typed` is the command that made it, for the advice in the last line; `width` is the terminal's unless it is given;
    `details`: what differs comes first, row by row; `cost`: of what a plan would write.
    """
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as shown:  # rich would end the program when the stream is a pipe that nobody reads
        for text in (
            *(detail_lines(result.companies, console.width) if details else ()),
            *_screen(result, typed, console.width, cost),
        ):
            console.print(text, soft_wrap=True)
    stream.write(shown.get())


def _screen(result: RunResult, typed: Typed, width: int, cost: Cost | None) -> Iterator[Text]:
    troubled, calm = _part(result.companies)
    yield from _trouble(troubled, width)
    yield from _changes(calm if result.verb in {"plan", "check"} else [], width)
    if calm:
        yield from _calm(calm, result.verb, width)
        yield Text()
    yield from _totals(result, width, cost)
    yield from _end(result, typed, width)


def _part(companies: Iterable[CompanyResult]) -> tuple[list[CompanyResult], list[CompanyResult]]:
    listed = list(companies)
    return [one for one in listed if needs_person(one)], [one for one in listed if not needs_person(one)]


def _trouble(troubled: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield the companies that need a person, the worst kinds first as states go, each with its problems."""
    if not troubled:
        return
    count = len(troubled)
    yield Text(f"{count:,} {'company needs' if count == 1 else 'companies need'} a person", style="bold")
    lines = _lines(troubled)
    room = max(1, DETAIL_LINES // len(lines))
    for line, head in zip(lines, _columns(lines, width), strict=True):
        yield head
        yield from _problems(line.problems, room, width)
        yield from _wrap(line.members, "    ", width) if line.members else ()
    yield Text()


def _lines(companies: Sequence[CompanyResult]) -> list[Line]:
    """Return a line for each company, by state, or one for all of a state that met the same problem."""
    groups: dict[tuple[object, ...], list[CompanyResult]] = {}
    for one in companies:
        first = one.problems[0] if one.problems and one.problems[0].key is None else None
        groups.setdefault((one.state, one.account, tell(first) if first else one.company_id), []).append(one)
    lines = []
    for members in groups.values():
        lines += [_together(members)] if len(members) > ALIKE else [_alone(one) for one in members]
    order = list(COLOURS)
    return sorted(lines, key=lambda line: order.index(line.state))


def _alone(one: CompanyResult) -> Line:
    problems = tuple(tell(problem) for problem in one.problems)
    return Line(str(one.state), str(one.company_id), safe(one.name), figures(one.balance), problems)


def _together(members: Sequence[CompanyResult]) -> Line:
    first = members[0]
    ids = ", ".join(str(one.company_id) for one in members[:MOST_IDS])
    more = f" and {len(members) - MOST_IDS:,} more" if len(members) > MOST_IDS else ""
    name = f"companies of account {safe(first.account)}"
    problem = tell(first.problems[0])
    return Line(str(first.state), f"{len(members):,} x", name, "", (problem,), f"companies: {ids}{more}")


def _columns(lines: Sequence[Line], width: int) -> Iterator[Text]:
    """Yield the lines in columns. Names give way where the width is short, ids and figures never."""
    states = max(len(line.state) for line in lines)
    ids = max(len(line.id) for line in lines)
    numbers = max((cell_len(line.figures) for line in lines), default=0)
    names = max(cell_len(line.name) for line in lines)
    names = min(names, max(NARROWEST_NAME, width - states - ids - numbers - 6))
    for line in lines:
        name = line.name if not line.figures else _fit(line.name, names)
        text = Text()
        text.append(f"{line.state:<{states}}", style=COLOURS.get(line.state, ""))
        text.append(f"  {line.id:>{ids}}  {name}  {line.figures}")
        text.rstrip()
        yield text


def _fit(name: str, cells: int) -> str:
    """Return a name in exactly so many terminal cells; a longer one is cut and says so."""
    return set_cell_size(name, cells) if cell_len(name) <= cells else f"{set_cell_size(name, cells - 1)}…"


def _problems(problems: Sequence[str], room: int, width: int) -> Iterator[Text]:
    """Yield the first problems, whole, as long as there is room for another; the first one always."""
    used = shown = 0
    for problem in problems[:MOST_PROBLEMS]:
        lines = _wrap(problem, "    ", width)
        if shown and used + len(lines) > room:
            break
        yield from lines
        used, shown = used + len(lines), shown + 1
    if left := len(problems) - shown:
        yield Text(f"    and {left:,} more: --output json shows all", style="dim")


def _changes(companies: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield a line for each company that a plan would change."""
    lines = [_alone(one)._replace(state="would change") for one in companies if one.state is State.SYNCED]
    if lines:
        yield from _columns(lines, width)
        yield Text()


def _calm(calm: Sequence[CompanyResult], verb: str, width: int) -> Iterator[Text]:
    """Yield one line on all that need nobody, and why some of them wait."""
    if not calm:
        return
    words: dict[str, str] = {State.SYNCED: "to change"} if verb in {"plan", "check"} else {}
    states = Counter(str(one.state) for one in calm)
    counts = [f"{states[state]:,} {words.get(state, str(state))}" for state in reversed(COLOURS) if states[state]]
    yield Text(", ".join(counts))
    reasons = Counter(tell(one.problems[0]) for one in calm if one.problems)
    for reason, count in reasons.most_common(ALIKE):
        yield from _wrap(f"{count:,} {'company' if count == 1 else 'companies'}: {reason}", "    ", width)


def _totals(result: RunResult, width: int, cost: Cost | None) -> Iterator[Text]:
    if not result.companies:
        yield Text("nothing to send again" if result.verb == "retry" else "no company is selected")
    yield from _hang("rows", _sum(result.totals.source_rows, result.totals, OUTCOMES), width)
    if unread := sum(one.balance.source_rows is None for one in result.companies):
        yield from _hang("", f"{unread:,} {'company' if unread == 1 else 'companies'} not counted: not read", width)
    if result.totals.adopted:
        text = (
            f"{result.totals.adopted:,} of the unchanged rows are adopted: matched by type and id, keys not confirmed"
        )
        yield from _hang("", text, width)
    if result.totals.remote_rows is not None:
        yield from _hang("remote", _sum(result.totals.remote_rows, result.totals, REMOTE), width)
    if not result.totals.adds_up:
        yield from _hang("", "THIS DOES NOT ADD UP: the figures cannot be trusted", width, style="bold red")
    yield from _hang("requests", _requests(result.requests), width)
    if cost is not None:
        yield from _hang("to write", _cost(cost, result.days), width)
    pace = result.requests.total / result.elapsed_s if result.elapsed_s >= 1 else 0.0
    rate = f", {pace:,.0f} requests/s" if pace >= 1 else ""
    yield from _hang("time", f"{result.elapsed_s:,.1f} s{rate}, run {result.run_id}", width)


def _end(result: RunResult, typed: Typed, width: int) -> list[Text]:
    """Return the last line. A command in it is not wrapped, so that it can be copied: it moves to a line of its own."""
    words, command = advice(result, typed)
    style, label = _colour(result.exit_code), f"exit {int(result.exit_code)}"
    if LABEL + cell_len(words) + 1 + cell_len(command) <= width:
        return _hang(label, f"{words} {command}", width, style=style)
    return [*_hang(label, words, width, style=style), Text(f"{'':{LABEL}}{command}", style=style)]


def _sum(total: int | None, balance: Balance, columns: Iterable[str]) -> str:
    """Return the trial balance as an addition, without the columns that are zero."""
    if total is None:
        return "not known"
    parts = [f"{count:,} {column}" for column in columns if (count := getattr(balance, column))]
    return f"{total:,} = {' + '.join(parts)}" if parts else f"{total:,}"


def _requests(requests: Requests) -> str:
    """Return the requests by kind; tokens and directory, which no company's work needs more of, stand apart."""
    kinds = [f"{count:,} {kind}" for kind in REQUESTS if (count := getattr(requests, kind))]
    extras = {"for tokens": requests.token, "for the directory": requests.directory}
    apart = [f"{count:,} {what}" for what, count in extras.items() if count]
    total = f"{requests.total - requests.apart:,}{' = ' if kinds else ''}{' + '.join(kinds)}"
    return f"{total}, and {' and '.join(apart)}" if apart else total


def _cost(cost: Cost, days: Sequence[AccountDay]) -> str:
    """Return what a sync right after would take, and what the day has left."""
    kinds = [f"{count:,} {kind}" for kind in ("list", "probe", "bulk") if (count := getattr(cost, kind))]
    text = f"{cost.requests:,} {'request' if cost.requests == 1 else 'requests'}"
    text += f" = {' + '.join(kinds)}" if len(kinds) > 1 else ""
    text += f", some {cost.seconds:,.0f} s" if cost.seconds >= 1 else ""
    unread = f"and for {cost.unread:,} {'company' if cost.unread == 1 else 'companies'} not looked at"
    names = len(days) > 1
    left = [f"{day.left:,} left today{f' of {safe(day.account)}' if names else ''}" for day in days[:FEW_ACCOUNTS]]
    return "; ".join([f"{text}, {unread}" if cost.unread else text, *left])


def _hang(label: str, text: str, width: int, *, style: str = "") -> list[Text]:
    """Return a labelled text, wrapped under itself."""
    lines = _wrap(text, " " * LABEL, width)
    head = Text(f"{label:<{LABEL}}", style="bold")
    lines[0] = head.append_text(lines[0][LABEL:])
    for line in lines:
        line.stylize(style)
    return lines


def _wrap(text: str, indent: str, width: int) -> list[Text]:
    """Return the text in lines that fit behind `indent`; long words are broken rather than lost."""
    folded = Text(text).wrap(_RULER, max(20, width - len(indent)), overflow="fold")
    return [Text(f"{indent}{line.plain.rstrip()}") for line in folded] or [Text(indent)]


_RULER = Console(file=None, force_terminal=False, width=80, _environ={})  # rich wraps text by a console's rules


def _colour(code: int) -> str:
    return {ExitCode.DONE: "bold green", ExitCode.FAILED: "bold red"}.get(ExitCode(code), "bold yellow")
