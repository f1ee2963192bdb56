"""A contract as the sandbox knows it: column names, required fields, and how answers are built.

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
"""The columns that `detail=basic` keeps: not documented, and inferred from those that the vendor's file requires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One contract. The column `ottimate_company_id` is the same in all."""

    name: str
    bulk_path: str
    columns: Mapping[str, str]  # in requests, by the field of `Values`
    type_codes: tuple[str, ...]
    needs: frozenset[str]  # optional fields of `Values` that a written row must have under this contract
    company_required: bool  # whether a listing must name a company
    detail: bool  # whether a listing can be reduced by `detail=basic`
    partial_status: int  # status of a bulk answer when some rows failed
    error_shape: Literal["guide", "bare"]  # the form of bulk errors, unless a fault asks for the other one
    listed: Callable[[Row], Mapping[str, object]]  # a row as listings show it
    created: Callable[[Row], Mapping[str, object]]  # a row as the answer to its creation shows it

    @property
    def key(self) -> str:
        """The column of the upsert key, in requests and errors."""
        return self.columns["key"]

    @property
    def label(self) -> str:
        """The column of the type's display label; a listing's filter has this name, too."""
        return self.columns["label"]

    def page(self, made: PageMade) -> Answer:
        """Return the answer with one page. Each stored row is encoded only once; its bytes are joined here."""
        count = b'"count":%d,' % made.count if made.tells_count else b""
        head = b'{"version":"%s",%s"page":%d,"limit":%d,"dimensions":['
        numbers = (VERSION.encode(), count, made.page, made.limit)
        show = self._basic if made.basic else self._show
        return Answer(
            status=200, body=head % numbers + b",".join([show(row, made.respell) for row in made.rows]) + b"]}"
        )

    def single(self, row: Row, respell: Respell | None = None) -> Answer:
        """Return the answer to a GET of one row."""
        shown = self._show(row, respell)
        return Answer(status=200, body=b'{"version":"%s","dimension":%s}' % (VERSION.encode(), shown))

    def one_made(self, row: Row, respell: Respell | None = None) -> Answer:
        """Return the answer to the creation of one row: the row's fields without an envelope."""
        shown = dict(self.created(row))
        body = shown if respell is None else respell(shown, row.company_id)
        return Answer(status=201, body=orjson.dumps({"version": VERSION, **body}))

    def bulk(self, done: BulkDone) -> Answer:
        """Return a bulk answer. Its status may tell that rows failed, but is a success (2xx) even if all did."""
        failed = done.errors or done.error_count
        return Answer(status=self.partial_status if failed else 201, body=orjson.dumps(self.outcome(done)))

    def outcome(self, done: BulkDone) -> dict[str, object]:
        """Return the object of a bulk answer, which the results of a batch may also hold."""
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
        """Return the encoded row. Unless `respell` is given it is kept with the row, in place of another contract's."""
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
