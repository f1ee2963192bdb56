"""Looking up the dimensions that invoices name: one reading of a company for all of its invoices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest

from engine.compare.locations import look_up_location
from engine.compare.lookup import RowsByType, elsewhere, look_up, unknown_ids
from engine.ledger.protocols import Ledger
from engine.model.dimension import RemoteRow
from engine.model.directory import Directory
from engine.model.invoice import Finding, Invoice, Lookup
from engine.model.settings import Company, CompanyKey, Verify
from engine.run.remote_rows import CompanyRows, RemoteRows
from engine.run.thinking import think
from engine.wire.invoices import read_invoices

ReadDirectory = Callable[[bool], Awaitable[Directory]]
"""Reads an account's directory, with locations; True: from the API, although the ledger remembers one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLookup:
    """Looks up one company's invoices."""

    company_key: CompanyKey
    remote: RemoteRows
    ledger: Ledger
    verify: Verify
    directory: ReadDirectory

    async def look_up(self, invoices: Sequence[Invoice], require: Collection[str]) -> list[Lookup]:
        """Return what was found out about each invoice, in their order. Raises as `RemoteRows.enough`.

        Costs a probe and one listing at most, and the account's directory where an invoice names a location: from the
        ledger if it remembers the location, else from the API, once.
        """
        seen = await self.remote.enough(self.verify, partial(_are_there, invoices))
        rows = await think(len(seen.rows), partial(RowsByType, seen.rows))
        found = await think(len(seen.rows), lambda: [look_up(each, rows, require) for each in invoices])
        locations = await self._locations(invoices)
        return [
            self._lookup(
                each,
                seen,
                (
                    *findings,
                    *await self._elsewhere(each, rows),
                    *(look_up_location(each, locations) if locations and each.location_id is not None else ()),
                ),
            )
            for each, findings in zip(invoices, found, strict=True)
        ]

    def _lookup(self, invoice: Invoice, seen: CompanyRows, findings: tuple[Finding, ...]) -> Lookup:
        return Lookup(
            invoice=invoice.name,
            company_id=seen.company_id,
            evidence=str(seen.evidence),
            at=seen.at,
            dimensions=len(invoice.uses),
            findings=findings,
        )

    async def _elsewhere(self, invoice: Invoice, rows: RowsByType) -> tuple[Finding, ...]:
        """Return whether another company of the account has what this one does not, as the ledger knows it."""
        unknown = unknown_ids(invoice, rows)
        if not unknown:
            return ()
        bearing = await self.ledger.bearing(self.company_key, sorted({use.erp_id for use in unknown}))
        return elsewhere(unknown, bearing)

    async def _locations(self, invoices: Iterable[Invoice]) -> Directory | None:
        """Return the directory; None: no invoice names a location."""
        named = {each.location_id for each in invoices} - {None}
        if not named:
            return None
        known = await self.directory(False)
        if named <= {each.id for each in known.locations or ()}:
            return known
        return await self.directory(True)


def _are_there(invoices: Iterable[Invoice], rows: Iterable[RemoteRow]) -> bool:
    there = RowsByType(rows)
    return not any(unknown_ids(invoice, there) for invoice in invoices)


def invoices_of(invoices: Iterable[Invoice | Mapping[str, object]]) -> list[Invoice]:
    """Return the invoices of a call, read where they are JSON objects. Raises `BadInvoice`."""
    return [each for one in invoices for each in ((one,) if isinstance(one, Invoice) else read_invoices(one))]


async def look_up_all(
    companies: Mapping[int, Company],
    invoices: Sequence[Invoice],
    require: Collection[str],
    of: Callable[[Company], Awaitable[InvoiceLookup]],
) -> list[Lookup]:
    """Return what was found out about each invoice, in their order; each company is read once, in turn."""
    found: dict[int, Lookup] = {}
    places: dict[int, list[int]] = {}
    for place, invoice in enumerate(invoices):
        if invoice.company_id is not None and invoice.company_id in companies:
            places.setdefault(invoice.company_id, []).append(place)
        else:
            found[place] = _not_looked_up(invoice, companies.values())
    for company_id, own in places.items():
        of_company = await of(companies[company_id])
        told = await of_company.look_up([invoices[place] for place in own], require)
        found.update(zip(own, told, strict=True))
    return [found[place] for place in range(len(invoices))]


def _not_looked_up(invoice: Invoice, companies: Iterable[Company]) -> Lookup:
    """Return the lookup of an invoice whose company is not among those given."""
    if invoice.company_id is None:
        text = "it names no company: give it an ottimate_company_id, or say which company it is of"
    else:
        text = f"there is no company {invoice.company_id} in the settings"
    near = nsmallest(3, ((company.id, company.name) for company in companies))
    return Lookup(
        invoice=invoice.name,
        company_id=invoice.company_id,
        evidence=None,
        at=None,
        dimensions=len(invoice.uses),
        findings=(
            Finding(
                "no-such-company", "ottimate_company_id", text, tuple(f"{each} {name}".strip() for each, name in near)
            ),
        ),
    )
