"""What `dimsync map preview` prints: rows before and after, and what becomes of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import TextWrapper

from engine.compare.forecast import FIELDS, Changed, Forecast
from engine.errors import SourceError
from engine.model.dimension import Dimension
from engine.model.wanted import Wanted
from engine.observe.terminal import brief, safe
from engine.sources.preview import Preview, Shown

PREVIEW_SCHEMA = "dimsync.preview/1"

WIDTH = 80
INDENT = 10  # width of the labels
MOST = 10  # lines of one kind that are shown


def preview_lines(file: Path, how: str, found: Preview, against: Forecast | None, select: str) -> Iterator[str]:
    """Yield what becomes of a file, for people. `select`: the selector of the company whose source it is."""
    wanted = found.wanted
    yield brief(f"{file}, as {how} reads it" if select else f"{file}, read with {how}", WIDTH)
    yield ""
    for row in found.shown:
        yield from _row(row)
    if found.shown:
        yield ""
    yield _labelled("rows", totals(wanted))
    if found.types:
        yield _labelled("types", ", ".join(f"{code} {count:,}" for code, count in found.types.items()))
    yield from _several("left out", left_out(wanted))
    for at, fault in enumerate(faults(wanted)):
        yield from _wrapped("" if at else "invalid", fault)
    for doubt in found.doubts:
        yield from _wrapped("doubt", doubt)
    yield from () if against is None else _against(against)
    yield from _wrapped("next", _next(found, select))


def _row(row: Shown) -> Iterator[str]:
    cells = "  ".join(f"{name}={value}" for name, value in row.before.items() if value is not None and value != "")
    yield _labelled("" if row.line is None else f"line {row.line:,}", cells)
    if row.after is not None:
        code = f"  (code {row.after.code})" if row.after.code else ""
        yield _labelled("  becomes", f"{row.after.type_code} {row.after.erp_id}  {row.after.name}{code}")
    elif row.fault:
        yield _labelled("  invalid", row.fault)
    else:
        yield _labelled("  out", row.out)


def totals(*every: Wanted) -> str:
    """Return the balance of reading in one line; of several sources their sums."""
    left_out, invalid = sum(each.left_out for each in every), sum(each.invalid for each in every)
    parts = [f"{sum(len(each.rows) for each in every):,} to send"]
    parts += [f"{left_out:,} left out"] if left_out else []
    parts += [f"{invalid:,} invalid"] if invalid else []
    return f"{sum(each.read_rows for each in every):,} read = {' + '.join(parts)}"


def left_out(wanted: Wanted) -> list[str]:
    """Return why rows are left out, each reason with its number of rows."""
    return [
        f"{each.rows:,}  {each.words}{f', {each.type_code}' if each.type_code else ''}" for each in wanted.left_out_by
    ]


def faults(wanted: Wanted) -> Iterator[str]:
    """Yield each kind of fault once, with the number of rows and the first of them."""
    rows = Counter(problem.code for problem in wanted.problems)
    for code, count in rows.most_common():
        first = next(problem for problem in wanted.problems if problem.code == code)
        place = f"line {first.line:,}: " if first.line is not None else ""
        yield f"{count:,}  {code}, first {place}{first.message}"


def _against(found: Forecast) -> Iterator[str]:
    """Yield how the file differs from what the ledger knows."""
    changed = len({each.row.key for each in found.changed})
    counts_of = (("new", len(found.new)), ("changed", changed), ("gone", len(found.gone)), ("the same", found.same))
    yield _labelled("ledger", ", ".join(f"{count:,} {what}" for what, count in counts_of))
    yield from _several("  new", [f"{row.type_code} {row.erp_id}  {row.name}" for row in found.new])
    yield from _several("  changed", [_change(each) for each in found.changed])
    yield from _several("  gone", [f"{row.type_code} {row.erp_id}  {row.name}" for row in found.gone])


def _change(each: Changed) -> str:
    what = f"{each.row.type_code} {each.row.erp_id}  {FIELDS[each.field]}"
    return f"{what}: {each.before or 'none'} -> {each.after or 'none'}"


def _next(found: Preview, select: str) -> str:
    wanted = found.wanted
    if wanted.invalid:
        return "correct these rows in the ERP, or leave them out with `where` in the mapping; then look again"
    if not wanted.rows:
        return "nothing would be sent: compare `where` of the mapping with the values that are left out"
    return f"dimsync plan --select {select}" if select else "give a company this file and mapping, then dimsync plan"


def failure_lines(file: Path, error: SourceError) -> Iterator[str]:
    """Yield why a file cannot be read at all, and what to do."""
    yield from _wrapped("failed", safe(str(error)))
    yield from _wrapped("next", f"correct the mapping or the export; `dimsync map guess {file}` proposes a mapping")


def _labelled(label: str, text: str) -> str:
    return f"{label:<{INDENT}} {brief(text, WIDTH - INDENT - 1)}".rstrip()


def _several(label: str, texts: Sequence[str]) -> Iterator[str]:
    """Yield each text as a line; the label stands before the first."""
    for at, text in enumerate(texts[:MOST]):
        yield _labelled("" if at else label, text)
    if len(texts) > MOST:
        yield _labelled("", f"and {len(texts) - MOST:,} more")


def _wrapped(label: str, text: str) -> Iterator[str]:
    first, later = f"{label:<{INDENT}} ", " " * (INDENT + 1)
    wrapper = TextWrapper(
        WIDTH, initial_indent=first, subsequent_indent=later, break_long_words=False, break_on_hyphens=False
    )
    yield from wrapper.wrap(safe(text))


def preview_json(file: Path, how: str, found: Preview, against: Forecast | None) -> dict[str, object]:
    """Return the same as a document."""
    wanted = found.wanted
    return {
        "schema": PREVIEW_SCHEMA,
        "file": str(file),
        "mapping": how,
        "error": None,
        **counts(wanted),
        "types": dict(found.types),
        "left_out_by": [each._asdict() for each in wanted.left_out_by],
        "problems": [
            {"code": each.code, "key": each.key, "message": each.message, "line": each.line} for each in wanted.problems
        ],
        "rows": [
            {
                "line": row.line,
                "before": dict(row.before),
                "after": None if row.after is None else _dimension(row.after),
                "left_out": row.out or None,
                "invalid": row.fault or None,
            }
            for row in found.shown
        ],
        "doubts": list(found.doubts),
        "diff": None if against is None else _difference(against),
    }


def _difference(found: Forecast) -> dict[str, object]:
    return {
        "new": [_dimension(row) for row in found.new],
        "changed": [
            {"unique_key": each.row.key, "field": each.field, "before": each.before, "after": each.after}
            for each in found.changed
        ],
        "gone": [_dimension(row) for row in found.gone],
        "same": found.same,
    }


def failure_json(file: Path, how: str, error: SourceError) -> dict[str, object]:
    """Return the document of a file that cannot be read at all."""
    return {"schema": PREVIEW_SCHEMA, "file": str(file), "mapping": how, "error": str(error), "line": error.line}


def counts(wanted: Wanted) -> dict[str, object]:
    """Return the balance of reading as a document has it."""
    return {
        "read_rows": wanted.read_rows,
        "source_rows": wanted.source_rows,
        "left_out": wanted.left_out,
        "invalid": wanted.invalid,
    }


def _dimension(row: Dimension) -> dict[str, object]:
    return {
        "unique_key": row.key,
        "type": row.type_label,
        "dimension_type_code": row.type_code,
        "name": row.name,
        "code": row.code,
        "erp_dimension_id": row.erp_id,
    }
