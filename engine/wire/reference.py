"""The reference contract (`contract/reference.openapi.json`): the vendor's newer one.

Spelled differently from `guide`: `erp_type`, `ottimate_type` and `reference_id`; `code` is required; listings show key
and code where a row has them; `costtype` in one word; the bulk path has no slash at its end; partial failure is 201.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from engine.model.dimension import Dimension, RemoteRow, canonical_type
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.wire import reading

TYPE_CODES = (
    "account",
    "location",
    "department",
    "class",
    "project",
    "customer",
    "entity",
    "item",
    "warehouse",
    "task",
    "costtype",
    "employee",
    "taxcode",
    "property",
    "company",
    "subsidiary",
)
"""As the contract spells them."""

SPELLED = {canonical_type(code): code for code in TYPE_CODES}


class Reference:
    """Codec of the reference contract."""

    name: Final = "reference"
    type_codes: Final = frozenset(SPELLED)
    needs_code: Final = True
    most_rows: Final = 100
    bulk_path: Final = "/dimensions/bulk"
    create_path: Final = "/dimensions"

    def list_path(self, company_id: int, page: int, limit: int) -> str:
        """Return path and query of a page.

        Neither filtered by `erp_type` (a wrong label would make a full table look empty) nor `detail=basic` (which
        leaves out what is compared).
        """
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
        """Encode one row of a bulk request; one without a code takes its ERP id for it."""
        return orjson.dumps(self._fields(row))

    def bulk_body(self, company_id: int, rows: Sequence[bytes]) -> bytes:
        """Join encoded rows into a bulk request."""
        return b'{"ottimate_company_id":%d,"dimensions":[%s]}' % (company_id, b",".join(rows))

    def bulk(self, body: bytes) -> BulkAnswer:
        """Decode a bulk answer: 201, whether or not rows failed."""
        return reading.read_bulk(body)

    def create_body(self, company_id: int, row: Dimension) -> bytes:
        """Encode the request that creates one row."""
        return orjson.dumps({"ottimate_company_id": company_id, **self._fields(row)})

    def created(self, body: bytes, company_id: int) -> RemoteRow:
        """Decode its answer, which is flat."""
        return reading.read_created(body, company_id)

    def _fields(self, row: Dimension) -> dict[str, str]:
        return {
            "erp_type": row.type_label,
            "ottimate_type": SPELLED.get(row.type_code, row.type_code),
            "name": row.name,
            "code": row.erp_id if row.code is None else row.code,
            "reference_id": row.key,
            "erp_dimension_id": row.erp_id,
        }


DIALECT = Reference()
