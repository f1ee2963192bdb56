"""Which rows a source would create, change or lose, compared with the ledger alone. For people; no run uses it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.compare.rekey import rekeyed
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted

FIELDS = {"type_code": "type", "erp_id": "ERP id", "name": "name", "code": "code"}
"""Fields that are compared, and what people call them. Labels are not compared in runs, either."""


class Changed(NamedTuple):
    """A field that the source has otherwise than the ledger."""

    row: Dimension  # the source's
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A source against the ledger. Rows are matched by their keys alone; a run matches by more than that."""

    new: tuple[Dimension, ...]
    changed: tuple[Changed, ...]
    gone: tuple[Dimension, ...]  # of the types that the source has
    same: int


def forecast(wanted: Wanted, record: CompanyRecord) -> Forecast:
    """Return how the rows of a source differ from those that the ledger knows."""
    rows = rekeyed(wanted, record.wire_keys).rows
    known = record.rows
    changed = [each for row in rows if row.key in known for each in _changed(row, known[row.key])]
    keys, types = {row.key for row in rows}, {row.type_code for row in rows}
    return Forecast(
        new=tuple(row for row in rows if row.key not in known),
        changed=tuple(changed),
        gone=tuple(
            each.row
            for key, each in known.items()
            if key not in keys and key not in wanted.invalid_keys and each.row.type_code in types
        ),
        same=sum(row.key in known for row in rows) - len({each.row.key for each in changed}),
    )


def _changed(row: Dimension, record: RowRecord) -> Iterator[Changed]:
    for field in FIELDS:
        before, after = getattr(record.row, field), getattr(row, field)
        if before != after and (field != "code" or record.code_known):
            yield Changed(row, field, before, after)
