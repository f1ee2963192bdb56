"""The guide contract (`contract/guide.openapi.json`), the default.

Spelled differently from `reference`: `type`, `dimension_type_code` (`dimension_type` when read) and `unique_key`;
`code` is optional; neither key nor code is listed; the bulk path ends in a slash; partial failure is 207.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.wire import reading


class Guide:
    """Codec of the guide contract."""

    name: Final = "guide"
    type_codes: Final = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
    needs_code: Final = False
    most_rows: Final = 1_000  # our own ceiling: the guide states none
    bulk_path: Final = "/dimensions/bulk-create/"
    create_path: Final = "/dimensions"

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of a page. Never filtered by type: a wrong label would make a full table look empty."""
        return f"/dimensions?ottimate_company_id={company_id}&page={page}&limit={limit}"

    def page(self, body: bytes, company_id: int) -> Page:
        """Decode a page of a listing."""
        return reading.read_page(body, company_id)

    def one_path(self, row_id: str) -> str:
        """Return the path of one row."""
        return reading.one_path(row_id)

    def one(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode one row."""
        return reading.read_one(body, company_id)

    def row(self, row: Dimension) -> bytes:
        """Encode one row of a bulk request: the full record, as nobody says what an upsert does to fields left out."""
        return orjson.dumps(self._fields(row))

    def bulk_body(self, company_id: int, rows: Sequence[bytes]) -> bytes:
        """Join encoded rows into a bulk request."""
        return b'{"ottimate_company_id":%d,"dimensions":[%s]}' % (company_id, b",".join(rows))

    def bulk(self, body: bytes) -> BulkAnswer:
        """Decode a bulk answer, 201 or 207 alike."""
        return reading.read_bulk(body)

    def create_body(self, company_id: int, row: Dimension) -> bytes:
        """Encode the request that creates one row."""
        return orjson.dumps({"ottimate_company_id": company_id, **self._fields(row)})

    def created(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode its answer, which is flat."""
        return reading.read_created(body, company_id)

    def _fields(self, row: Dimension) -> dict[str, str]:
        fields = {
            "type": row.type_label,
            "dimension_type_code": row.type_code,
            "name": row.name,
            "unique_key": row.key,
            "erp_dimension_id": row.erp_id,
        }
        if row.code is not None:
            fields["code"] = row.code
        return fields


DIALECT = Guide()
