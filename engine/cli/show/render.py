"""A run's result for people: first the causes that need a person, then the totals, last notices and what to do next.

Names pass `safe`, and every text reaches rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from engine.cli.desk.grouping import CALM, grouped
from engine.cli.show.advice import Typed, advice
from engine.cli.show.cause_list import calm_lines, cause_lines
from engine.cli.show.causes import companies_of
from engine.cli.show.cost import Cost
from engine.cli.show.details import detail_lines
from engine.cli.show.left_out import left_out_lines
from engine.cli.show.totals import totals
from engine.cli.show.wrapping import LABEL, fit, hang
from engine.model.balance import ExitCode, State
from engine.model.result import LOOKING, CompanyResult, RunResult
from engine.observe.terminal import figures, needs_person, safe, tell

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
    """One line about a company."""

    state: str
    id: str
    name: str
    figures: str


def print_run(
    stream: TextIO,
    result: RunResult,
    typed: Typed,
    width: int | None = None,
    *,
    details: bool = False,
    cost: Cost | None = None,
    groups: Mapping[int, Sequence[str]] | None = None,
) -> None:
    """Print a run's result, in colours on a terminal that has them.

    `typed`: the command that made it, for the commands that are told. `width`: in cells; None: the terminal's.
    `details`: begin with what differs, row by row. `cost`: of a sync right after this plan. `groups`: by company id.
    """
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as shown:  # printing to a pipe without a reader, rich would end the program
        for text in (
            *(detail_lines(result.companies, console.width) if details else ()),
            *(left_out_lines(result.companies, console.width) if details else ()),
            *_screen(result, typed, console.width, cost, groups or {}),
        ):
            console.print(text, soft_wrap=True)
    stream.write(shown.get())


def _screen(
    result: RunResult, typed: Typed, width: int, cost: Cost | None, groups: Mapping[int, Sequence[str]]
) -> Iterator[Text]:
    troubled, others = _part(result.companies)
    causes = grouped(result.companies, run_at=result.finished_at)
    if troubled:
        count = len(troubled)
        yield Text(f"{count:,} {'company needs' if count == 1 else 'companies need'} a person", style="bold")
        asking = [each for each in causes if each.needs_person]
        yield from cause_lines(asking, result.finished_at, width, groups, typed.config)
        yield Text()
    yield from _changes(others if result.verb in LOOKING else [], width)
    if others:
        yield from _others(others, result.verb)
        yield from calm_lines([each for each in causes if each.gravity in CALM], width)
        yield Text()
    yield from totals(result, width, cost)
    for notice in (each for each in causes if each.gravity is ExitCode.DONE):
        yield from hang("notice", f"{companies_of(notice)}: {tell(notice.example.problem)}", width)
    yield from _end(result, typed, width)


def _part(companies: Iterable[CompanyResult]) -> tuple[list[CompanyResult], list[CompanyResult]]:
    listed = list(companies)
    return [one for one in listed if needs_person(one)], [one for one in listed if not needs_person(one)]


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


def _changes(companies: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield a line for each company that a plan would change."""
    lines = [
        Line("would change", str(one.company_id), safe(one.name), figures(one.balance))
        for one in companies
        if one.state is State.SYNCED
    ]
    if lines:
        yield from _columns(lines, width)
        yield Text()


def _others(others: Sequence[CompanyResult], verb: str) -> Iterator[Text]:
    """Yield one line about all companies that need no person."""
    words: dict[str, str] = {State.SYNCED: "to change"} if verb in LOOKING else {}
    states = Counter(str(one.state) for one in others)
    counts = [f"{states[state]:,} {words.get(state, str(state))}" for state in reversed(COLOURS) if states[state]]
    yield Text(", ".join(counts))


def _end(result: RunResult, typed: Typed, width: int) -> list[Text]:
    """Return the last line. Its command is never wrapped, so that it can be copied; a long one gets its own line."""
    words, command = advice(result, typed)
    style, label = _colour(result.exit_code), f"exit {int(result.exit_code)}"
    if LABEL + cell_len(words) + 1 + cell_len(command) <= width:
        return hang(label, f"{words} {command}", width, style=style)
    return [*hang(label, words, width, style=style), Text(f"{'':{LABEL}}{command}", style=style)]


def _colour(code: int) -> str:
    return {ExitCode.DONE: "bold green", ExitCode.FAILED: "bold red"}.get(ExitCode(code), "bold yellow")
