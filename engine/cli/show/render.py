"""A run's result for people: first the companies that need a person, then the totals, last what to do next.

Names pass `safe`, and every text reaches rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from engine.cli.show.advice import Typed, advice
from engine.cli.show.cost import Cost
from engine.cli.show.details import detail_lines
from engine.cli.show.left_out import left_out_lines
from engine.cli.show.totals import totals
from engine.cli.show.wrapping import LABEL, fit, hang, wrap
from engine.model.balance import ExitCode, State
from engine.model.result import CompanyResult, RunResult
from engine.observe.terminal import figures, needs_person, safe, tell

ALIKE = 3
"""More companies than this with the same problem share one line, such as all companies of a refused account."""

DETAIL_LINES = 10
"""Lines for problems, over all companies in trouble: with three companies and the totals they fit 24 lines."""

MOST_PROBLEMS = 20
"""Problems shown of one company; the JSON output has all of them."""

MOST_IDS = 40
"""Companies named in one shared line; the JSON output has all of them."""

NARROWEST_NAME = 12

COLOURS: dict[str, str] = {
    State.FAILED: "red",
    State.HELD: "yellow",
    State.PARTIAL: "yellow",
    State.DEFERRED: "cyan",
    State.LOCKED: "cyan",
    State.SYNCED: "green",
    State.UNCHANGED: "green",
}


class Line(NamedTuple):
    """One line about a company, or about several with the same problem, and the problems below it."""

    state: str
    id: str
    name: str
    figures: str
    problems: tuple[str, ...] = ()
    members: str = ""  # the ids of the several companies


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

    `typed`: the command that made it, for the advice in the last line. `width`: in cells; None: the terminal's.
    `details`: begin with what differs, row by row. `cost`: of a sync right after this plan.
    """
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as shown:  # printing to a pipe without a reader, rich would end the program
        for text in (
            *(detail_lines(result.companies, console.width) if details else ()),
            *(left_out_lines(result.companies, console.width) if details else ()),
            *_screen(result, typed, console.width, cost),
        ):
            console.print(text, soft_wrap=True)
    stream.write(shown.get())


def _screen(result: RunResult, typed: Typed, width: int, cost: Cost | None) -> Iterator[Text]:
    troubled, others = _part(result.companies)
    yield from _trouble(troubled, width)
    yield from _changes(others if result.verb in {"plan", "check"} else [], width)
    if others:
        yield from _others(others, result.verb, width)
        yield Text()
    yield from totals(result, width, cost)
    yield from _end(result, typed, width)


def _part(companies: Iterable[CompanyResult]) -> tuple[list[CompanyResult], list[CompanyResult]]:
    listed = list(companies)
    return [one for one in listed if needs_person(one)], [one for one in listed if not needs_person(one)]


def _trouble(troubled: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield the companies that need a person, in the order of `COLOURS`, each with its problems."""
    if not troubled:
        return
    count = len(troubled)
    yield Text(f"{count:,} {'company needs' if count == 1 else 'companies need'} a person", style="bold")
    lines = _lines(troubled)
    room = max(1, DETAIL_LINES // len(lines))
    for line, head in zip(lines, _columns(lines, width), strict=True):
        yield head
        yield from _problems(line.problems, room, width)
        yield from wrap(line.members, "    ", width) if line.members else ()
    yield Text()


def _lines(companies: Sequence[CompanyResult]) -> list[Line]:
    """Return the lines, by state: one for each company, or one for several with the same state, account and problem."""
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
    """Yield the lines in columns. Where the width is too small, names are cut; ids and figures never are."""
    states = max(len(line.state) for line in lines)
    ids = max(len(line.id) for line in lines)
    numbers = max((cell_len(line.figures) for line in lines), default=0)
    names = max(cell_len(line.name) for line in lines)
    names = min(names, max(NARROWEST_NAME, width - states - ids - numbers - 6))
    for line in lines:
        name = line.name if not line.figures else fit(line.name, names)
        text = Text()
        text.append(f"{line.state:<{states}}", style=COLOURS.get(line.state, ""))
        text.append(f"  {line.id:>{ids}}  {name}  {line.figures}")
        text.rstrip()
        yield text


def _problems(problems: Sequence[str], room: int, width: int) -> Iterator[Text]:
    """Yield the first problems, each complete, as long as the next one fits into `room` lines; the first one always."""
    used = shown = 0
    for problem in problems[:MOST_PROBLEMS]:
        lines = wrap(problem, "    ", width)
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


def _others(others: Sequence[CompanyResult], verb: str, width: int) -> Iterator[Text]:
    """Yield one line about all companies that need no person, and the reasons why some of them wait."""
    if not others:
        return
    words: dict[str, str] = {State.SYNCED: "to change"} if verb in {"plan", "check"} else {}
    states = Counter(str(one.state) for one in others)
    counts = [f"{states[state]:,} {words.get(state, str(state))}" for state in reversed(COLOURS) if states[state]]
    yield Text(", ".join(counts))
    reasons = Counter(tell(one.problems[0]) for one in others if one.problems)
    for reason, count in reasons.most_common(ALIKE):
        yield from wrap(f"{count:,} {'company' if count == 1 else 'companies'}: {reason}", "    ", width)


def _end(result: RunResult, typed: Typed, width: int) -> list[Text]:
    """Return the last line. Its command is never wrapped, so that it can be copied; a long one gets its own line."""
    words, command = advice(result, typed)
    style, label = _colour(result.exit_code), f"exit {int(result.exit_code)}"
    if LABEL + cell_len(words) + 1 + cell_len(command) <= width:
        return hang(label, f"{words} {command}", width, style=style)
    return [*hang(label, words, width, style=style), Text(f"{'':{LABEL}}{command}", style=style)]


def _colour(code: int) -> str:
    return {ExitCode.DONE: "bold green", ExitCode.FAILED: "bold red"}.get(ExitCode(code), "bold yellow")
