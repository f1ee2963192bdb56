"""One cause of trouble for people: a line, who has it, and examples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.cells import cell_len
from rich.text import Text

from engine.cli.desk.grouping import CauseGroup
from engine.cli.desk.kinds import KIND_CELLS, KINDS
from engine.cli.desk.moments import since_words
from engine.cli.desk.remedy import lead
from engine.cli.show.wrapping import fit, wrap
from engine.guards.registry import WAY_OUT
from engine.model.result import CompanyResult
from engine.observe.terminal import LONGEST_NAME, brief, figures, safe, tell

NARROWEST_NAME = 12
NAMED = 3
"""Up to this many companies are told with their names; of more, ids alone, as many as fit one line."""


def companies_of(cause: CauseGroup) -> str:
    """Return how many companies have it."""
    count = len(cause.companies)
    return f"{count:,} {'company' if count == 1 else 'companies'}"


def cause_head(cause: CauseGroup, now: datetime, width: int) -> Text:
    """Return the line: what it does, its code, which company or how many, rows, and since when, at the right end.

    A company's name is cut to what fits; its id and its figures never are.
    """
    kind, colour = KINDS.get(cause.gravity, (str(cause.companies[0].state), ""))
    since = since_words(cause.since, now, is_new=cause.is_new)
    lead = f"{kind:<{KIND_CELLS}}  {cause.code}  "
    room = width - cell_len(lead) - (cell_len(since) + 2 if since else 0)
    what = _one(cause.companies[0], room) if len(cause.companies) == 1 else _many(cause)
    line = Text(lead, style="")
    line.stylize(colour, 0, KIND_CELLS)
    line.append(what)
    line.append(f"  {' ' * (room - cell_len(what))}{since}" if since else "", style="bold" if cause.is_new else "dim")
    return line


def _one(company: CompanyResult, room: int) -> str:
    lead, end = f"{company.company_id} ", f"  {figures(company.balance)}"
    name = safe(company.name)
    cells = max(NARROWEST_NAME, room - cell_len(lead) - cell_len(end))
    return lead + (name if cell_len(name) <= cells else fit(name, cells)) + end


def _many(cause: CauseGroup) -> str:
    rows = f", {cause.rows:,} {'row' if cause.rows == 1 else 'rows'}" if cause.rows else ""
    return companies_of(cause) + rows


def who(cause: CauseGroup, width: int) -> list[Text]:
    """Return the lines on which of several companies have it: with names and figures, or the ids that fit one line."""
    companies = cause.companies
    if len(companies) == 1:
        return []
    if len(companies) <= NAMED:
        return [
            line
            for each in companies
            for line in wrap(
                f"{each.company_id} {brief(each.name, LONGEST_NAME)}  {figures(each.balance)}".rstrip(), "    ", width
            )
        ]
    accounts = {each.account for each in companies}
    of = f" of account {brief(min(accounts), LONGEST_NAME)}" if len(accounts) == 1 else ""
    text, shown = f"companies{of}: {companies[0].company_id}", 1
    for each in companies[1:]:
        if len(text) + len(f", {each.company_id} and {len(companies):,} more") + 4 > width:
            break
        text, shown = f"{text}, {each.company_id}", shown + 1
    return wrap(f"{text} and {len(companies) - shown:,} more" if shown < len(companies) else text, "    ", width)


def examples(cause: CauseGroup, room: int, width: int) -> Iterator[Text]:
    """Yield one company's problems of a cause, each complete, while the next fits `room` lines; the first always."""
    example = cause.example
    own = [each.problem for each in cause.told if each.company is example.company]
    own = sorted(own, key=lambda problem: problem is not example.problem)
    lead = f"{example.company.company_id}: " if len(cause.companies) > 1 else ""
    used = shown = 0
    for problem in own:
        told = tell(problem).removeprefix(problem.code).removeprefix(":").strip()
        lines = wrap(lead + told.partition(f"; {WAY_OUT} ")[0], "    ", width)  # what to type is told below
        if shown and used + len(lines) > room:
            break
        yield from lines
        used, shown = used + len(lines), shown + 1
    if (left := len(own) - shown) and len(cause.companies) == 1:
        yield Text(safe(f"    and {left:,} more: --output json shows all"), style="dim")


def to_type(command: str, width: int, *, words: str = "") -> list[Text]:
    """Return the remedy behind its words; none: those that fit it. A command is never wrapped, so it can be copied."""
    words = words or lead(command)
    if 4 + len(words) + 1 + cell_len(command) <= width:
        return [Text(f"    {words} {command}", style="bold")]
    return [Text(f"    {words}", style="bold"), Text(f"    {command}", style="bold")]
