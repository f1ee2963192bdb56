"""What differs, row by row and field by field, for people: `--details`.

Texts come from sources and from Ottimate: all of them pass `brief` and go into rich as `Text`, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.result import CompanyResult
from engine.observe.terminal import LONGEST_NAME, brief

MOST_ROWS = 200
"""Rows shown of one company; the JSON output has all of them."""

LONGEST_VALUE = 200
"""Characters of a value that are shown, likewise."""

LEAD = 10
"""Characters in front of the first difference that are shown of values which are the same for long."""

HANG = 4
"""Cells by which the rest of a wrapped line is further in."""

GLYPHS = {
    "missing": ("+", "green"),
    "differs": ("~", "yellow"),
    "orphan": ("-", "red"),
    "unsettled": ("?", "magenta"),
    "spelled": ("=", "dim"),
}
"""Each kind's glyph (DESIGN section 10) and colour."""


def detail_lines(companies: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield the differences of each company that has any, in lines of so many cells, an empty one behind each.

    Behind them stand the rows that are the same, and that Ottimate spells its own way.
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
    """Yield a line on the row, and one on each field. A row without fields says itself who made it so."""
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
    if field.record is not None and field.whose in SENT:
        yield "sent", field.record
    elif field.record is not None and field.record not in {field.remote, field.source}:
        yield "last acknowledged", field.record
    if field.spelled is not None and field.spelled != field.remote:
        yield "agreed spelling", field.spelled
    if field.answered is not None:
        yield "answered", field.answered


def _start(there: str | None, source: str | None) -> int:
    """Return from which character on two values are shown: 0, unless what differs would be cut off."""
    if there is None or source is None or brief(there, LONGEST_VALUE) != brief(source, LONGEST_VALUE):
        return 0
    apart = (number for number, (one, other) in enumerate(zip(there, source, strict=False)) if one != other)
    return max(0, next(apart, min(len(there), len(source))) - LEAD)


def _quoted(value: str, start: int) -> str:
    return f"'{'…' if start else ''}{brief(value[start:], LONGEST_VALUE)}'"


def _hung(text: Text, indent: int, width: int) -> Iterator[Text]:
    """Yield a text in lines of so many cells, all but the first further in; long words are broken rather than lost."""
    room = max(20, width - indent - HANG)
    lines = [text] if text.cell_len <= room + HANG else text.wrap(_RULER, room, overflow="fold")
    for number, line in enumerate(lines):
        line.rstrip()
        yield Text(" " * (indent + (HANG if number else 0))).append_text(line)


_RULER = Console(file=None, force_terminal=False, width=80, _environ={})  # rich wraps text by a console's rules
