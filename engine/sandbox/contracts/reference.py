"""The reference contract, written from the vendor's own file (`contract/reference.openapi.json`).

`erp_type` is the label, `ottimate_type` the code and `reference_id` the upsert key, read as written. Listings show the
key and `code` where a row has them, may be reduced by `detail=basic`, and need no company. Bulk:
`POST /v1/dimensions/bulk`, 201 even when rows failed; its errors are typed as id and name alone.
"""

from __future__ import annotations

from engine.sandbox.contract import Contract
from engine.sandbox.tenant import FIELDS, Row

SPELLED = {"cost_type": "costtype"}  # type codes that this contract spells unlike the guide


def _listed(row: Row) -> dict[str, object]:
    values = row.values._replace(type_code=SPELLED.get(row.values.type_code, row.values.type_code))
    shown = {field.reference: getattr(values, field.name) for field in FIELDS}
    return {
        "id": row.id,
        **{column: value for column, value in shown.items() if value is not None},
        "ottimate_company_id": row.company_id,
    }


CONTRACT = Contract(
    name="reference",
    bulk_path="/v1/dimensions/bulk",
    columns={field.name: field.reference for field in FIELDS},
    type_codes=(
        *("account", "location", "department", "class", "project", "customer", "entity", "item"),
        *("warehouse", "task", "costtype", "employee", "taxcode", "property", "company", "subsidiary"),
    ),
    needs=frozenset({"code"}),
    company_required=False,
    detail=True,
    partial_status=201,
    error_shape="bare",
    listed=_listed,
    created=_listed,
)
