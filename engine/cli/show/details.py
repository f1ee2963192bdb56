"""What differs, row by row and field by field: the output of `--details`.

Texts come from sources and from Ottimate, so each passes `brief` and reaches rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from engine.cli.show.wrapping import RULER
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.result import CompanyResult
from engine.observe.terminal import LONGEST_NAME, brief

MOST_ROWS = 200
"""Rows shown of one company; the JSON output has all of them."""

LONGEST_VALUE = 200
"""Characters shown of one value; the JSON output has all of them."""

LEAD = 10
"""Characters shown before the first difference of two values whose beginnings are equal."""

HANG = 4
"""Cells by which the continuation of a wrapped line is indented."""

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

    After the differences come the rows that are the same, and that Ottimate spells its own way.
    """
    for company in companies:
        rows = (*company.differences, *company.spellings)
        if not rows:
            continue
        yield from _hung(Text(f"{company.company_id}  {brief(company.name, LONGEST_NAME)}", style="bold"), 0, width)
        for difference in rows[:MOST_ROWS]:
            yield from _row(difference, width)
        if (left := len(rows) - MOST_ROWS) > 0:
            yield from _hung(Text(f"and {left:,} more: --output json shows all", style="dim"), 2, width)
        yield Text()


def _row(difference: Difference, width: int) -> Iterator[Text]:
    """Yield a line for the row and one for each differing field. Without fields, the row's line says who changed it."""
    glyph, colour = GLYPHS[difference.kind]
    key = difference.key if difference.key is not None else difference.remote_id or ""
    parts = [brief(part, LONGEST_NAME) for part in (key, difference.type_code, difference.name)]
    line = Text()
    line.append(glyph, style=colour)
    line.append(f" {'  '.join(part for part in parts if part)}")
    if difference.kind == "unsettled":
        line.append("   sent, and its outcome is not known", style="dim")
    elif not difference.fields:
        line.append(f"   {difference.whose}", style="dim")
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
    """Yield what is to be told of a field beside its values on both sides, each value with its words."""
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
