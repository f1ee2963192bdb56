"""The guide contract (`contract/guide.openapi.json`), the default.

Spelled differently from `reference`: `type`, `dimension_type_code` (`dimension_type` when read) and `unique_key`;
`code` is optional; neither key nor code is listed; the bulk path ends in a slash; partial failure is 207.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from engine.model.dimension import Dimension
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.wire import reading


class Guide:
    """Codec of the guide contract."""

    name: Final = "guide"
    type_codes: Final = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
    bulk_path: Final = "/dimensions/bulk-create/"

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of a page. Never filtered by type: a wrong label would make a full table look empty."""
        return f"/dimensions?ottimate_company_id={company_id}&page={page}&limit={limit}"

    def page(self, body: bytes, company_id: int) -> Page:
        """Decode a page of a listing."""
        return reading.read_page(body, company_id)

    def row(self, row: Dimension) -> bytes:
        """Encode one row of a bulk request: the full record, as nobody says what an upsert does to fields left out."""
        wire = {
            "type": row.type_label,
            "dimension_type_code": row.type_code,
            "name": row.name,
            "unique_key": row.key,
            "erp_dimension_id": row.erp_id,
        }
        if row.code is not None:
            wire["code"] = row.code
        return orjson.dumps(wire)

    def bulk_body(self, company_id: int, rows: Sequence[bytes]) -> bytes:
        """Join encoded rows into a bulk request."""
        return b'{"ottimate_company_id":%d,"dimensions":[%s]}' % (company_id, b",".join(rows))

    def bulk(self, body: bytes) -> BulkAnswer:
        """Decode a bulk answer, 201 or 207 alike."""
        return reading.read_bulk(body)


DIALECT = Guide()
