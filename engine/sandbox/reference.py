"""The reference contract, written from the vendor's own file (`contract/reference.openapi.json`).

`erp_type` is the label, `ottimate_type` the code and `reference_id` the upsert key, read as written. Listings show the
key and `code` where a row has them, may be reduced by `detail=basic`, and need no company. Bulk:
`POST /v1/dimensions/bulk`, 201 even when rows failed; its errors are typed as id and name alone.
"""

from __future__ import annotations

from engine.sandbox.contract import Contract
from engine.sandbox.tenant import Row

SPELLED = {"cost_type": "costtype"}  # type codes that this contract spells unlike the guide


def _listed(row: Row) -> dict[str, object]:
    values = row.values
    shown = {
        "id": row.id,
        "name": values.name,
        "erp_type": values.label,
        "code": values.code,
        "reference_id": values.key,
        "ottimate_type": SPELLED.get(values.type_code, values.type_code),
        "erp_dimension_id": values.erp_id,
        "ottimate_company_id": row.company_id,
    }
    return {column: value for column, value in shown.items() if value is not None}


CONTRACT = Contract(
    name="reference",
    bulk_path="/v1/dimensions/bulk",
    key="reference_id",
    label="erp_type",
    type_code="ottimate_type",
    type_codes=(
        *("account", "location", "department", "class", "project", "customer", "entity", "item"),
        *("warehouse", "task", "costtype", "employee", "taxcode", "property", "company", "subsidiary"),
    ),
    code_required=True,
    company_required=False,
    detail=True,
    partial_status=201,
    error_shape="bare",
    listed=_listed,
    created=_listed,
)
