"""Which dimension of a company stands for which of its locations."""

from __future__ import annotations

from engine.compare.remote_view import as_known
from engine.model.company_record import CompanyRecord

LOCATION = "location"
"""Type code of the dimensions that stand for locations."""


def erp_ids_of(record: CompanyRecord) -> dict[str, str]:
    """Return the ERP ids of a company's locations by folded name, as the ledger knows them.

    Nothing but the name joins a location of the directory to a dimension, so that a name which several dimensions bear
    is left out.
    """
    found: dict[str, set[str]] = {}
    for row in as_known(record).rows.values():
        if row.type_code == LOCATION:
            found.setdefault(row.name.casefold(), set()).add(row.erp_id)
    return {name: min(ids) for name, ids in found.items() if len(ids) == 1}
