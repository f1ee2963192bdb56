"""Look at companies and at an account's directory as Ottimate shows them, outside of any run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from engine.errors import plain
from engine.ledger.protocols import Ledger
from engine.model.dimension import RemoteRow
from engine.model.directory import Directory, VisibleAccount
from engine.model.settings import Account, Company, CompanyKey, Verify, VerifyMode
from engine.net.channel import Channel
from engine.net.client import CompanyClient
from engine.net.directory import read_directory, read_reached, read_visible
from engine.run.inspect import ids_meant
from engine.run.lookup import InvoiceLookup
from engine.run.remote_rows import RemoteRows
from engine.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Makes readers. Requests go through a channel of their own, under the account's limits and token."""

    origin: str
    dialect: Dialect
    verify: Verify
    ledger: Ledger
    channel: Callable[[Account], Awaitable[Channel]]
    now: Callable[[], datetime]

    async def client(self, company_id: int, account: Account) -> CompanyClient:
        """Return one company's API."""
        return CompanyClient(await self.channel(account), self.dialect, company_id)

    async def remote(self, company_id: int, account: Account) -> RemoteRows:
        """Return the reader of a company's rows, which come from the ledger or a listing."""
        return RemoteRows(
            company_key=self._key(company_id, account),
            client=await self.client(company_id, account),
            ledger=self.ledger,
            now=self.now,
        )

    async def invoice_lookup(self, company: Company, account: Account, mode: VerifyMode | None) -> InvoiceLookup:
        """Return the lookup of a company's invoices. `mode`: what to look at remotely; None: as set."""
        verify = company.verify or self.verify
        return InvoiceLookup(
            company_key=self._key(company.id, account),
            remote=await self.remote(company.id, account),
            ledger=self.ledger,
            verify=verify if mode is None else replace(verify, mode=mode),
            directory=partial(self._directory, account),
        )

    async def meant(self, company_id: int, account: Account, what: str) -> list[RemoteRow]:
        """Return the rows that a key, an identifier or a remote id means, as the API shows them; a request for each."""
        record = await self.ledger.read(self._key(company_id, account))
        client = await self.client(company_id, account)
        ids = ids_meant(record, what) or (what,)
        return [row for each in ids if (row := await client.one(each)) is not None]

    async def directory(self, account: Account, *, refresh: bool) -> Directory:
        """Return the account's directory, whole: as the ledger has it, else, or to refresh it, from the API."""
        known = None if refresh else await self.ledger.directory(self.origin, account.account_id)
        if known is not None and known.locations is not None and known.accounts is not None:
            return known
        with plain():
            read = await read_directory(await self.channel(account), self.now())
        await self.ledger.remember_directory(self.origin, account.account_id, read)
        return read

    async def visible(self, account: Account) -> Directory:
        """Ask the API which companies the account's API user sees, and remember it as a run does."""
        with plain():
            read = await read_visible(await self.channel(account), self.now())
        await self.ledger.remember_directory(self.origin, account.account_id, read)
        return read

    async def reached(self, account: Account) -> tuple[VisibleAccount, ...]:
        """Ask the API which accounts an account's credentials reach: one request."""
        with plain():
            return await read_reached(await self.channel(account))

    async def _directory(self, account: Account, refresh: bool) -> Directory:
        return await self.directory(account, refresh=refresh)

    def _key(self, company_id: int, account: Account) -> CompanyKey:
        return CompanyKey(origin=self.origin, account=account.account_id, company_id=company_id)
