"""Presets: a column map for each ERP that a mapping can start from. Types follow the table in the vendor's guide.

No ERP exports all of its lists in one file. A preset expects them joined in one: a row for each record, a column `Type`
with the ERP's word for the list, and for id, name, code and activity the column names of the ERP's own list exports.
Settings can override each part.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.sources.mapping import ColumnMap

KEY = "{company_id}:{type_code}:{erp_dimension_id}"


def _preset(
    types: Mapping[str, str], *, erp_id: str, name: str, code: str | None, where: Mapping[str, tuple[str, ...]]
) -> ColumnMap:
    """Return the map of an ERP. `types`: its word for a type -> type code; the word is also the label."""
    columns = {"dimension_type_code": "Type", "type": "Type", "erp_dimension_id": erp_id, "name": name}
    if code is not None:
        columns["code"] = code
    return ColumnMap(columns=columns, type_codes=types, key=KEY, where=where)


PRESETS: Mapping[str, ColumnMap] = {
    "netsuite": _preset(
        {"Account": "account", "Location": "location", "Department": "department", "Job": "project", "Item": "item"},
        erp_id="Internal ID",
        name="Name",
        code="Number",
        where={"Inactive": ("No",)},
    ),
    "intacct": _preset(
        {
            "GL Account": "account",
            "Location": "location",
            "Department": "department",
            "Project": "project",
            "Task": "task",
            "Cost Type": "cost_type",
            "Item": "item",
        },
        erp_id="ID",
        name="Name",
        code=None,
        where={"Status": ("active", "Active")},
    ),
    "business-central": _preset(
        {"GLAccount": "account", "Location": "location", "Department": "department", "Job": "project", "Item": "item"},
        erp_id="No.",
        name="Name",
        code=None,
        where={"Blocked": ("No", "false", "")},
    ),
    # The guide does not say which types "Branch/Location" and "Cost Code" are: map these in the settings.
    "acumatica": _preset(
        {"Account": "account", "Subaccount": "department", "Project": "project", "StockItem": "item"},
        erp_id="ID",
        name="Description",
        code=None,
        where={"Active": ("True", "true")},
    ),
    "quickbooks-online": _preset(
        {"Account": "account", "Department": "department", "Item": "item"},
        erp_id="Id",
        name="Name",
        code="AcctNum",
        where={"Active": ("true", "True")},
    ),
}
