"""What mappings leave out of sources, and why, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from engine.cli.show.wrapping import hang, wrap
from engine.model.result import CompanyResult, RunResult
from engine.model.wanted import LeftOut, tell_left_out
from engine.observe.terminal import LONGEST_NAME, brief, safe

FEW_REASONS = 3
"""Reasons shown of a run as a whole."""


def left_out_totals(result: RunResult, width: int) -> Iterator[Text]:
    """Yield how many rows the mappings left out of all that were read, and the commonest reasons; else nothing."""
    totals = result.totals
    if not totals.left_out:
        return
    counts = f"{totals.read_rows or 0:,} = {totals.source_rows or 0:,} of the sources + {totals.left_out:,} left out"
    reasons = _summed(reason for one in result.companies for reason in one.left_out_by)
    why = f": {tell_left_out(reasons, FEW_REASONS)}" if reasons else ""
    yield from hang("read", safe(counts + why), width)


def left_out_lines(companies: Sequence[CompanyResult], width: int) -> Iterator[Text]:
    """Yield for each company that has rows left out which ones: all reasons that are kept of it."""
    for company in companies:
        if count := company.balance.left_out:
            head = f"{company.company_id}  {brief(company.name, LONGEST_NAME)}  {count:,} left out by the mapping"
            yield from wrap(head, "", width)
            for reason in company.left_out_by:
                kind = f" of type {reason.type_code}" if reason.type_code else ""
                yield from wrap(safe(f"{reason.rows:,}{kind}: {reason.words}"), "  ", width)
            yield Text()


def _summed(reasons: Iterable[LeftOut]) -> list[LeftOut]:
    """Return each reason once over all companies and types, the most rows first."""
    rows: dict[LeftOut, int] = {}
    for reason in reasons:
        alike = reason._replace(type_code=None, rows=0)
        rows[alike] = rows.get(alike, 0) + reason.rows
    found = [alike._replace(rows=count) for alike, count in rows.items()]
    return sorted(found, key=lambda reason: (-reason.rows, reason))
