"""What differs, row by row and field by field: the output of `--details`.

Texts come from sources and from Ottimate, so each passes `brief` and reaches rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.text import Text

from engine.cli.show.wrapping import RULER
from engine.guards.registry import COMPANY_GUARDS, REGISTRY, Level
from engine.model.balance import State
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.outcome import Problem
from engine.model.result import CompanyResult
from engine.observe.terminal import LONGEST_NAME, brief

MOST_ROWS = 200
"""Rows shown of one company, where few companies are shown; the JSON output has all of them."""

MOST_ROWS_EACH = 20
"""Rows shown of one company, where many are shown."""

FEW_COMPANIES = 2
"""Up to this many companies each get `MOST_ROWS`."""

LONGEST_VALUE = 200
"""Characters shown of one value; the JSON output has all of them."""

LEAD = 10
"""Characters shown before the first difference of two values whose beginnings are equal."""

TO_SEND = frozenset({"missing", "differs"})
"""Kinds of rows that a plan would send."""

HANG = 4
"""Cells by which the continuation of a wrapped line is indented."""

ROW_GUARDS = frozenset(each.slug for each in REGISTRY if each.level is Level.ROW) - {"stored-otherwise"}
"""Guards that hold single rows. A row that is stored otherwise is not held: it was sent."""

GLYPHS = {
    "missing": ("+", "green"),
    "differs": ("~", "yellow"),
    "orphan": ("-", "red"),
    "unsettled": ("?", "magenta"),
    "spelled": ("=", "dim"),
}
"""The glyph and colour of each kind of difference."""


def detail_lines(companies: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield each company's differences, if any, in lines of `width` cells, with an empty line after each company.

    Rows that a guard holds are marked `#`, whatever differs; those of which nothing differs come after the others. Last
    come the rows that are the same, and that Ottimate spells its own way.
    """
    shown = [company for company in companies if company.differences or company.spellings or _held(company)]
    most = MOST_ROWS if len(shown) <= FEW_COMPANIES else MOST_ROWS_EACH
    for company in shown:
        held = _held(company)
        told = {difference.key for difference in company.differences}
        alone = [problem for key, problem in held.items() if key not in told]
        rows: list[Difference | Problem] = [*company.differences, *alone, *company.spellings]
        yield from _hung(Text(f"{company.company_id}  {brief(company.name, LONGEST_NAME)}", style="bold"), 0, width)
        for row in rows[:most]:
            if isinstance(row, Problem):
                yield from _hung(Text("#", style="yellow").append(f" {tell_row(row)}", style="default"), 2, width)
            else:
                yield from _row(row, _holding(company, row, held), width)
        if (left := len(rows) - most) > 0:
            yield from _hung(Text(f"and {left:,} more: --output json shows all", style="dim"), 2, width)
        yield Text()


def _held(company: CompanyResult) -> dict[str, Problem]:
    """Return the problems of rows that a guard holds, by the rows' keys."""
    return {each.key: each for each in company.problems if each.key is not None and each.code in ROW_GUARDS}


def _holding(company: CompanyResult, row: Difference, held: Mapping[str, Problem]) -> str:
    """Return the code of the guard that holds a row, alone or with its company; empty: none does."""
    if row.key is not None and row.key in held:
        return held[row.key].code
    if company.state is not State.HELD or row.kind not in TO_SEND:
        return ""
    return next((each.code for each in company.problems if each.code in COMPANY_GUARDS), "")


def tell_row(problem: Problem) -> str:
    """Return the key of a row and why it is held, in one line."""
    return f"{brief(problem.key or '', LONGEST_NAME)}   held: {problem.code}"


def _row(difference: Difference, held_by: str, width: int) -> Iterator[Text]:
    """Yield a line for the row and one for each differing field. Without fields, the row's line says who changed it."""
    glyph, colour = ("#", "yellow") if held_by else GLYPHS[difference.kind]
    key = difference.key if difference.key is not None else difference.remote_id or ""
    parts = [brief(part, LONGEST_NAME) for part in (key, difference.type_code, difference.name)]
    line = Text()
    line.append(glyph, style=colour)
    line.append(f" {'  '.join(part for part in parts if part)}")
    if difference.kind == "unsettled":
        line.append("   sent, and its outcome is not known", style="dim")
    elif not difference.fields:
        line.append(f"   {difference.whose}", style="dim")
    if held_by:
        line.append(f"   held: {held_by}", style="yellow")
    yield from _hung(line, 2, width)
    for field in difference.fields:
        yield from _hung(_field(field), 6, width)


def _field(field: FieldDifference) -> Text:
    """Return `name: 'remote' -> 'source'   who changed it`, and what else was sent, agreed or answered.

    `'remote' for 'source'`: it is that value, in Ottimate's spelling.
    """
    start = _start(field.remote, field.source)
    there = "not shown" if field.remote is None else _quoted(field.remote, start)
    line = Text()
    arrow = "for" if field.whose is Whose.SPELLED else "->"
    line.append(f"{field.name}: {there} {arrow} {'none' if field.source is None else _quoted(field.source, start)}")
    line.append(f"   {field.whose}", style="dim")
    notes = [f"{words} {_quoted(value, start)}" for words, value in what_else(field)]
    if notes:
        line.append(f" ({', '.join(notes)})", style="dim")
    return line


SENT = frozenset({Whose.SPELLED, Whose.NOT_APPLIED, Whose.UNVERIFIED})
"""Of a field of which this is said, it is always told how it was sent."""


def what_else(field: FieldDifference) -> Iterator[tuple[str, str]]:
    """Yield a field's other values that are to be told, beside those of both sides; each behind its words."""
    if field.acknowledged is not None and field.whose in SENT:
        yield "sent", field.acknowledged
    elif field.acknowledged is not None and field.acknowledged not in {field.remote, field.source}:
        yield "last acknowledged", field.acknowledged
    if field.spelled is not None and field.spelled != field.remote:
        yield "agreed spelling", field.spelled
    if field.answered is not None:
        yield "answered", field.answered


def _start(there: str | None, source: str | None) -> int:
    """Return the index from which two values are shown: 0, unless their difference would be cut off."""
    if there is None or source is None or brief(there, LONGEST_VALUE) != brief(source, LONGEST_VALUE):
        return 0
    apart = (number for number, (one, other) in enumerate(zip(there, source, strict=False)) if one != other)
    return max(0, next(apart, min(len(there), len(source))) - LEAD)


def _quoted(value: str, start: int) -> str:
    return f"'{'…' if start else ''}{brief(value[start:], LONGEST_VALUE)}'"


def _hung(text: Text, indent: int, width: int) -> Iterator[Text]:
    """Yield a text in lines of `width` cells; later lines are indented by `HANG` more, and long words are broken."""
    room = max(20, width - indent - HANG)
    lines = [text] if text.cell_len <= room + HANG else text.wrap(RULER, room, overflow="fold")
    for number, line in enumerate(lines):
        line.rstrip()
        yield Text(" " * (indent + (HANG if number else 0))).append_text(line)
