"""The reference contract (`contract/reference.openapi.json`): the vendor's newer one.

Spelled differently from `guide`: `erp_type`, `ottimate_type` and `reference_id`; `code` is required; listings show key
and code where a row has them; `costtype` in one word; the bulk path has no slash at its end; partial failure is 201.
"""

from __future__ import annotations

from typing import Final

from engine.model.dimension import Dimension, canonical_type
from engine.wire.common import Common

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
"""Type codes in this contract's own spelling."""

SPELLED = {canonical_type(code): code for code in TYPE_CODES}


class Reference(Common):
    """Codec of the reference contract."""

    name: Final = "reference"
    type_codes: Final = frozenset(SPELLED)
    lists_keys: Final = True
    needs_code: Final = True
    most_rows: Final = 100
    bulk_path: Final = "/dimensions/bulk"

    def fields(self, row: Dimension) -> dict[str, str]:
        """Return a row by the reference's names. The code of a row without one is its ERP id."""
        return {
            "erp_type": row.type_label,
            "ottimate_type": SPELLED.get(row.type_code, row.type_code),
            "name": row.name,
            "code": row.erp_id if row.code is None else row.code,
            "reference_id": row.key,
            "erp_dimension_id": row.erp_id,
        }


DIALECT = Reference()
