"""The rows that may be meant by what somebody typed: one line for each, which fits 80 cells."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from engine.cli.show.table import columns
from engine.cli.show.wrapping import wrap
from engine.compare.row_search import RowMatch
from engine.model.dimension import told as told_row
from engine.observe.terminal import LONGEST_NAME, brief, safe
from engine.run.inspect import Explanation

PLACES = {"source": "in the source", "ledger": "not in the source", "ottimate": "in Ottimate alone"}
"""Where a row is, in words. One that is left out is told with the reason."""


def hit_lines(told: Explanation, width: int) -> Iterator[str]:
    """Yield the rows that are meant, then what to type for one of them. Keys are never cut: they are to be typed."""
    what = brief(told.key, LONGEST_NAME)
    rows = "1 row is" if told.matching == 1 else f"{told.matching:,} rows are"
    yield from _wrapped(f"company {told.company_id}: {rows} meant by '{what}'", "", width)
    cells = [_cells(match) for match in told.matches]
    head, *lines = columns(("KEY", "ROW", "NAME", "WHERE"), cells)
    is_table = max(map(cell_len, lines)) <= width
    if is_table:
        yield head
    reasons = {each.row: each.why.words for each in told.left_out}
    for match, line, (key, *rest) in zip(told.matches, lines, cells, strict=True):
        yield from [line] if is_table else [key, *_wrapped(", ".join(rest), "    ", width)]
        if match.place == "left out" and match.row in reasons:
            yield from _wrapped(safe(reasons[match.row]), "    ", width)
    if (left := told.matching - len(told.matches)) > 0:
        yield f"and {left:,} more: type more of it"
    if any(match.key for match in told.matches):
        yield f"all about one of them: dimsync explain {told.company_id} KEY"
    if any(not match.key and match.remote_id for match in told.matches):
        yield f"what Ottimate shows of one without a key: dimsync get {told.company_id} ID"


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    return (line.plain for line in wrap(text, indent, width))


def _cells(match: RowMatch) -> tuple[str, ...]:
    key = safe(match.key) if match.key else f"(id {safe(match.remote_id)})" if match.remote_id else "-"
    texts = [brief(text, LONGEST_NAME) for text in (told_row(match.row), match.row.name)]
    return (key, *texts, PLACES.get(match.place, match.place))
