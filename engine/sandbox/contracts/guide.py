"""The guide contract, written from the documents alone.

`type` is the label; the code is `dimension_type_code` in requests and `dimension_type` in answers; the upsert key is
`unique_key`. Listings show neither the key nor `code`. Bulk: `POST /v1/dimensions/bulk-create/`, 201 or 207.
"""

from __future__ import annotations

from engine.model.dimension import canonical_type
from engine.sandbox.contract import Contract
from engine.sandbox.exchange import instant
from engine.sandbox.tenant import FIELDS, Row


def _listed(row: Row) -> dict[str, object]:
    values = row.values._replace(type_code=canonical_type(row.values.type_code))  # its spellings are the guide's
    shown = {field.guide_listed: getattr(values, field.name) for field in FIELDS if field.guide_listed}
    return {"id": row.id, **shown, "ottimate_company_id": row.company_id}


def _created(row: Row) -> dict[str, object]:
    return {**_listed(row), "created_date": instant(row.created_at)}


CONTRACT = Contract(
    name="guide",
    bulk_path="/v1/dimensions/bulk-create/",
    columns={field.name: field.guide for field in FIELDS},
    type_codes=("account", "location", "department", "project", "task", "cost_type", "item"),
    needs=frozenset(),
    company_required=True,
    detail=False,
    partial_status=207,
    error_shape="guide",
    listed=_listed,
    created=_created,
)
