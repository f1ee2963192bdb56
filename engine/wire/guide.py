"""The guide contract (`contract/guide.openapi.json`), the default.

Spelled differently from `reference`: `type`, `dimension_type_code` (`dimension_type` when read) and `unique_key`;
`code` is optional; neither key nor code is listed; the bulk path ends in a slash; partial failure is 207.
"""

from __future__ import annotations

from typing import Final

from engine.model.dimension import Dimension
from engine.wire.common import Common


class Guide(Common):
    """Codec of the guide contract."""

    name: Final = "guide"
    type_codes: Final = frozenset({"account", "location", "department", "project", "task", "cost_type", "item"})
    lists_keys: Final = False
    needs_code: Final = False
    most_rows: Final = 1_000  # our own limit: the guide states none
    bulk_path: Final = "/dimensions/bulk-create/"

    def fields(self, row: Dimension) -> dict[str, str]:
        """Return a row by the guide's names for requests, without the code if it has none."""
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
