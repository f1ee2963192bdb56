"""What a contract is to the sandbox: names of columns, what is asked for, and how answers are put together.

Pure data and bytes; `guide.CONTRACT` and `reference.CONTRACT` are the two values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import orjson

from engine.sandbox.exchange import Answer, BulkDone, PageMade, Respell, RowError
from engine.sandbox.tenant import Row

VERSION = "1.0.0"
BASIC = ("id", "name", "erp_type", "erp_dimension_id")
"""What `detail=basic` leaves of a row: the columns that the vendor's file requires (API-FACTS 2.3, inferred)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract. `name`, `erp_dimension_id`, `code` and `ottimate_company_id` are the same in all."""

    name: str
    bulk_path: str
    key: str  # the column of the upsert key, in requests and errors
    label: str  # of the type's display label; a listing's filter bears this name too
    type_code: str  # of the standard type, in requests
    type_codes: tuple[str, ...]
    code_required: bool  # of a written row
    company_required: bool  # of a listing
    detail: bool  # whether a listing can be reduced by `detail=basic`
    partial_status: int  # of a bulk answer to rows of which some failed
    error_shape: Literal["guide", "bare"]  # of bulk errors, unless a fault wants the other
    listed: Callable[[Row], Mapping[str, object]]  # a row as listings show it
    created: Callable[[Row], Mapping[str, object]]  # a row as its creation is answered

    def page(self, made: PageMade) -> Answer:
        """Spell one page; each stored row is encoded once and its bytes are joined here."""
        count = b'"count":%d,' % made.count if made.tells_count else b""
        head = b'{"version":"%s",%s"page":%d,"limit":%d,"dimensions":['
        numbers = (VERSION.encode(), count, made.page, made.limit)
        show = self._basic if made.basic else self._show
        return Answer(
            status=200, body=head % numbers + b",".join([show(row, made.respell) for row in made.rows]) + b"]}"
        )

    def single(self, row: Row, respell: Respell | None = None) -> Answer:
        """Spell the answer to a GET of one row."""
        shown = self._show(row, respell)
        return Answer(status=200, body=b'{"version":"%s","dimension":%s}' % (VERSION.encode(), shown))

    def one_made(self, row: Row, respell: Respell | None = None) -> Answer:
        """Spell the answer to the creation of one row: flat."""
        shown = dict(self.created(row))
        body = shown if respell is None else respell(shown, row.company_id)
        return Answer(status=201, body=orjson.dumps({"version": VERSION, **body}))

    def bulk(self, done: BulkDone) -> Answer:
        """Spell a bulk answer. Its status may say that rows failed; even when all did it is none of refusal."""
        failed = done.errors or done.error_count
        return Answer(status=self.partial_status if failed else 201, body=orjson.dumps(self.outcome(done)))

    def outcome(self, done: BulkDone) -> dict[str, object]:
        """Return a bulk answer's object, which a batch may hold too."""
        body = {
            "version": VERSION,
            "success_count": done.success_count,
            "created_count": done.created_count,
            "updated_count": done.updated_count,
            "error_count": done.error_count,
            "created": _names(done.created),
            "updated": _names(done.updated),
            "errors": [self._error(error, done.error_shape or self.error_shape) for error in done.errors],
        }
        return body if done.respell is None else done.respell(body, done.company_id)

    def _error(self, error: RowError, shape: str) -> dict[str, object]:
        if shape == "bare":
            return {name: value for name, value in (("id", error.id), ("name", error.name)) if value is not None}
        return {"index": error.at, self.key: error.key, "error": error.message, "type": error.kind}

    def _show(self, row: Row, respell: Respell | None) -> bytes:
        """Return the row's bytes, kept with it unless respelled; another contract's are replaced."""
        if respell is not None:
            return orjson.dumps(respell(dict(self.listed(row)), row.company_id))
        if row.shown is None or row.shown[0] != self.name:
            row.shown = (self.name, orjson.dumps(self.listed(row)))
        return row.shown[1]

    def _basic(self, row: Row, respell: Respell | None) -> bytes:
        basic = {name: value for name, value in self.listed(row).items() if name in BASIC}
        return orjson.dumps(basic if respell is None else respell(basic, row.company_id))


def _names(rows: Iterable[Row]) -> list[dict[str, str]]:
    return [{"id": row.id, "name": row.values.name} for row in rows]
