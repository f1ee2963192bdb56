"""Whether an invoice's location is its company's, and which dimension of the company stands for it."""

from __future__ import annotations

from engine.compare.lookup import MOST_NEAREST, folded
from engine.compare.remote_view import as_known
from engine.model.company_record import CompanyRecord
from engine.model.directory import Directory, VisibleLocation
from engine.model.invoice import Finding, Invoice

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


def look_up_location(invoice: Invoice, directory: Directory) -> tuple[Finding, ...]:
    """Return what is wrong with the location that an invoice names. The API names a location's company, without its id.

    `directory`: with locations. The invoice names a location and a company.
    """
    names = {company.id: company.name for company in directory.companies}
    own = folded(names.get(invoice.company_id or 0, ""))
    locations = directory.locations or ()
    found = next((each for each in locations if each.id == invoice.location_id), None)
    near = tuple(f"{each.id} {each.name}" for each in locations if own and folded(each.company) == own)[:MOST_NEAREST]
    if found is None:
        text = f"the account has no location {invoice.location_id}"
        return (Finding("no-such-location", "ottimate_location_id", text, near),)
    if not own:
        text = f"the account's list does not show company {invoice.company_id}, so that nothing shows whose it is"
        return (Finding("location-unclear", "ottimate_location_id", text),)
    if folded(found.company) != own:
        text = f"location {found.id} {found.name!r} is of {_owner(found, directory)}"
        return (Finding("foreign-location", "ottimate_location_id", text, near),)
    if sum(folded(name) == own for name in names.values()) > 1:
        text = f"several companies are called {found.company!r}, so that nothing shows which of them it is of"
        return (Finding("location-unclear", "ottimate_location_id", text),)
    return ()


def _owner(location: VisibleLocation, directory: Directory) -> str:
    owners = [each for each in directory.companies if folded(each.name) == folded(location.company)]
    return f"company {owners[0].id} {location.company!r}" if len(owners) == 1 else f"company {location.company!r}"
