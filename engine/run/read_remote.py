"""Reading a company's rows in Ottimate: a probe of their number, or the whole listing, if there is room for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

import anyio

from engine.compare.remote_view import RemoteView
from engine.errors import BudgetSpent, IncompleteListing
from engine.ledger.store import Rows
from engine.model.company_record import CompanyState
from engine.model.events import Emit, Listed, PageRead
from engine.model.listing import Certificate, Page
from engine.model.settings import CompanyKey
from engine.model.wording import counted
from engine.net.client import CompanyClient
from engine.net.known_pages import PageFacts
from engine.net.limits.budget import ListingBudget
from engine.net.paginator import paginate
from engine.run.listed_pages import ListedPages

READINGS = 3
"""How often a listing is read that does not prove whole: rows that are added meanwhile are no reason to give up."""

First = tuple[Page, int]
"""The first page of a listing, and the page size that it was asked for with."""


@dataclass(slots=True, kw_only=True)
class RemoteReader:
    """Reads one company. What was found on the way stays readable when a reading fails."""

    company_key: CompanyKey
    client: CompanyClient
    ledger: Rows
    listing_budget: ListingBudget | None = None  # for the pages of listings; None: as much as it takes
    now: Callable[[], datetime]
    emit: Emit
    verified_at: datetime | None = None  # when what the ledger knows was last held against Ottimate
    certificate: Certificate | None = None  # of the last reading
    facts: Mapping[bytes, PageFacts] = field(default_factory=dict)  # of its pages, by the hash of their bytes

    async def probe(self, state: CompanyState) -> First | None:
        """Ask for the row count. None: it is the expected one; else the page that came with it, to go on from."""
        page, size = await self.client.first_page(kind="probe")
        if page.declared != state.remote_count or page.foreign is not None:
            return page, size
        self.verified_at = self.now()
        with anyio.CancelScope(shield=True):
            await self.ledger.checked(self.company_key, self.verified_at)
        return None

    def pages(self, rows: int, size: int | None = None) -> int:
        """Return how many requests it takes to list `rows` rows. `size`: rows a page; None: as granted last."""
        return max(1, ceil(rows / (size or self.client.channel.key.pages.rows)))

    def takes(self, pages: int, *, after: int = 0) -> bool:
        """Keep room for the pages of a listing, sent after `after` other requests; False: there is none."""
        return self.listing_budget is None or self.listing_budget.take(pages, after=after)

    async def read(self, first: First | None, rows: int | None, *, is_reserved: bool) -> ListedPages:
        """Return the whole listing, or raise `IncompleteListing` after three readings that did not prove whole.

        `rows`: how many there were lately; None: not known. `is_reserved`: its pages are kept already. Raises
        `BudgetSpent` where there is no room for it.
        """
        expected = self.pages(rows or 0)
        if not is_reserved and first is None:
            self._need(expected)
        for reading in range(READINGS):
            page, size = first or await self.client.first_page()
            if not is_reserved and reading == 0:
                self._need(self.pages(page.declared, size) - (1 if first else expected))
            first = None
            pages, certificate = await self._read_once(page, size)
            if certificate.whole and (pages.are_known or len(pages.view) == certificate.unique):
                return pages
        raise IncompleteListing(f"read {READINGS} times and never whole: {certificate.describe()}; nothing is written")

    async def _read_once(self, first: Page, size: int) -> tuple[ListedPages, Certificate]:
        dialect, company_id = self.client.dialect, self.company_key.company_id
        pages = ListedPages(RemoteView(shows_keys=dialect.lists_keys, resource=dialect.resource))
        async with paginate(self.client, first, size) as listing:
            async for page in listing:
                pages.take(page)
                await self.emit(PageRead(company_id=company_id, rows=len(page.rows), declared=page.declared))
        self.certificate, self.facts = listing.certificate, pages.facts
        await self.emit(Listed(company_id=company_id, certificate=listing.certificate))
        return pages, listing.certificate

    def _need(self, pages: int) -> None:
        """Keep room for a listing's pages, or raise `BudgetSpent`."""
        if pages > 0 and not self.takes(pages):
            text = (
                f"its listing takes {counted(pages, 'more request')}, which is more than listings may still use in this"
                " run (half of what is left of the day, less with a budget); the next run goes on from there"
            )
            raise BudgetSpent(text)
