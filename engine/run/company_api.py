"""One company's rows in Ottimate as an object: listed, looked up, counted, created and brought to given values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol, TypeAlias

from engine.errors import EngineError
from engine.model.dimension import Dimension, RemoteRow
from engine.model.invoice import Invoice, Lookup
from engine.model.listing import Certificate, Page
from engine.model.settings import Account, Allow, Company, VerifyMode
from engine.net.client import CompanyClient
from engine.run.looks import Looks
from engine.run.lookup import invoices_of, look_up_all
from engine.run.remote_rows import CompanyRows
from engine.run.run import Pending

Found: TypeAlias = list[RemoteRow]
Lookups: TypeAlias = list[Lookup]


class Write(Protocol):
    """Returns the run that writes rows of a company, as `Engine.put` does."""

    def __call__(
        self, company: Company, rows: Iterable[Dimension], *, allow: Iterable[Allow], creates_only: bool
    ) -> Pending:
        """Return the run, not begun."""
        ...


class ListedRows:
    """A company's rows, to be read by `async for`, and the proof that they are all.

    They are listed when they are first read; read again, the same rows come, and nothing is sent.
    """

    def __init__(self, looks: Looks, company_id: int, account: Account) -> None:
        """Take `looks`, by which the rows are listed when they are first read."""
        self._looks = looks
        self._company_id = company_id
        self._account = account
        self._listed: CompanyRows | None = None  # None: nothing was read yet

    async def __aiter__(self) -> AsyncIterator[RemoteRow]:
        """List the company whole, then give its rows: what is not proven to be whole gives none."""
        if self._listed is None:
            self._listed = await (await self._looks.remote(self._company_id, self._account)).listed()
        for row in self._listed.rows:
            yield row

    @property
    def certificate(self) -> Certificate:
        """What was declared and seen. Raises `EngineError` before the first row was asked for."""
        if self._listed is None or self._listed.certificate is None:
            raise EngineError("nothing was listed yet: read the rows, `async for row in rows`; then there is a proof")
        return self._listed.certificate


class CompanyApi:
    """One company, to look at and to write to, under its account's limits and token.

        client = engine.client(123)
        async for row in (rows := client.list()): ...
        assert rows.certificate.whole
        result = await client.upsert([Dimension("K1", "account", "Account", "Cash", "1000")])

    Looking raises `ApiError` and, where the account is stopped, `AccountParked`; the next call tries anew. Writing is a
    run of its own: what became of each row is in its result. Both raise `EngineError` once the engine was left.
    """

    def __init__(self, company: Company, account: Account, looks: Looks, write: Write) -> None:
        self._company = company
        self._account = account
        self._looks = looks
        self._write = write
        self._client: CompanyClient | None = None  # None: nothing was asked yet

    @property
    def company_id(self) -> int:
        """The company's id, `ottimate_company_id`."""
        return self._company.id

    def list(self) -> ListedRows:
        """List all rows, in the order of type and ERP id: ceil(rows / 100) requests. Nothing is sent before it is read.

        No row is given before the listing is proven whole; until then the company is locked, so that no run writes it.
        Reading raises `IncompleteListing`, `TenantLeak` and, while a run has the company, `Locked`, too.
        """
        return ListedRows(self._looks, self._company.id, self._account)

    async def page(self, number: int, limit: int) -> Page:
        """Read one page of its listing, from 1, of `limit` rows. `Rejected` may mean that the limit is refused."""
        return await (await self._opened()).page(number, limit)

    async def one(self, row_id: str) -> RemoteRow | None:
        """Read one row by its id in Ottimate, in one request; None: there is none of this company's."""
        return await (await self._opened()).one(row_id)

    async def get(self, what: str) -> Found:
        """Return the rows that a key, an ERP id or an id in Ottimate means, as `Engine.get` does."""
        return await self._looks.meant(self._company.id, self._account, what)

    async def count(self) -> int:
        """Return how many rows Ottimate says that the company has: one request, and no proof.

        If what Ottimate says may be the count of one page only, the company is listed: see `list`.
        """
        client = await self._opened()
        page, size = await client.first_page(kind="probe")
        if page.foreign is None and not client.channel.key.pages.may_go_on(page, size):
            return page.declared
        listed = await (await self._looks.remote(self._company.id, self._account)).listed()
        return len(listed.rows)

    async def lookup(
        self,
        invoices: Iterable[Invoice | Mapping[str, object]],
        *,
        require: Collection[str] = (),
        verify: VerifyMode | None = None,
    ) -> Lookups:
        """Tell whether the dimensions that invoices name exist in this company, as `Engine.lookup` does.

        An invoice that names no company is this company's; to name another company is a finding.
        """
        read = [
            replace(each, company_id=self._company.id) if each.company_id is None else each
            for each in invoices_of(invoices)
        ]
        return await look_up_all(
            {self._company.id: self._company},
            read,
            require,
            lambda company: self._looks.invoice_lookup(company, self._account, verify),
        )

    def create(self, row: Dimension, *, allow: Iterable[Allow] = ()) -> Pending:
        """Return the run that creates one row, to await or to watch; it costs what `Engine.put` says.

        A row that is there as it is wanted is `unchanged`, so that a call may be repeated; one that is there with other
        values is held (`exists`, exit 4), and stays as it is. Raises `ConfigError` for a company that is read-only.
        """
        return self._write(self._company, [row], allow=allow, creates_only=True)

    def upsert(self, rows: Iterable[Dimension], *, allow: Iterable[Allow] = ()) -> Pending:
        """Return the run that creates or updates these rows and no others, to await or to watch.

        They are compared, cut into requests and acknowledged as those of a sync, so that rows in order cost nothing.
        No guard looks at them as a whole: single rows are held where they could do harm that cannot be undone, of which
        `allow` lets `look-alike` pass. Raises `ConfigError` for a company that is read-only (`write=False`).
        """
        return self._write(self._company, rows, allow=allow, creates_only=False)

    async def _opened(self) -> CompanyClient:
        """Return the client; a new one if the account was stopped, as the reason may be over by now."""
        if self._client is None or self._client.channel.parked is not None:
            self._client = await self._looks.client(self._company.id, self._account)
        return self._client
