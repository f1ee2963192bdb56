"""Which companies an account's API user may see: asked for once a day, and before anything is done for a company."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import anyio

from engine.errors import ApiError, IncompleteListing, OutOfScope
from engine.ledger.base import Directories
from engine.model.directory import Directory, VisibleCompany
from engine.net.channel import Channel
from engine.net.directory import read_visible

FRESH_S = 86_400.0
"""A directory is read again after a day (DESIGN section 7)."""

MISSED_S = 3_600.0
"""For a company that it does not show it is read again after an hour: it may have been granted meanwhile."""


class Visible:
    """What one account's API user sees, within one run: at most one listing, whoever asks first makes it for all."""

    def __init__(
        self,
        channel: Channel,
        directories: Directories,
        origin: str,
        *,
        now: Callable[[], datetime],
        fresh: bool = False,
    ) -> None:
        self._channel = channel
        self._directories = directories
        self._origin = origin
        self._fresh = fresh
        self._now = now
        self._turn = anyio.Lock()
        self._known: dict[int, VisibleCompany] = {}
        self._known_at: datetime | None = None
        self._is_read = False  # the ledger's directory was looked at
        self._is_listed = False  # in this run; it is not tried twice
        self.trouble: str | None = None  # why it could not be listed; then nobody is refused on its word

    async def company(self, company_id: int) -> VisibleCompany | None:
        """Return a company as the directory shows it; None: that is not known.

        Raises `OutOfScope` when a whole directory of this run does not show it, and `AccountParked`.
        """
        if (known := self._known.get(company_id)) is not None and self._is_fresh(FRESH_S):
            return known
        async with self._turn:
            found = await self._remembered(company_id)
            if self._is_fresh(FRESH_S if found is not None else MISSED_S):
                return found or self._found(company_id)
            if not self._is_listed:
                await self._list()
            if self.trouble is not None:
                return found
            return self._found(company_id)

    async def _remembered(self, company_id: int) -> VisibleCompany | None:
        if not self._is_read:
            directory = await self._directories.directory(self._origin, self._channel.account.account_id)
            if directory is not None:
                self._keep(directory)
            self._is_read = True
        return self._known.get(company_id)

    def _keep(self, directory: Directory) -> None:
        self._known = {company.id: company for company in directory.companies}
        self._known_at = directory.at

    def _is_fresh(self, for_s: float) -> bool:
        """Return whether the directory need not be read again; a clock that went back counts as "too old"."""
        if self._known_at is None:
            return False
        return self._is_listed or (not self._fresh and 0 <= (self._now() - self._known_at).total_seconds() < for_s)

    async def _list(self) -> None:
        try:
            directory = await read_visible(self._channel, self._now())
        except (ApiError, IncompleteListing) as error:
            self.trouble = (
                f"the companies of account {self._channel.account.name} could not be listed: {error}; whether a company"
                " may be seen shows when it is read"
            )
        else:
            await self._take_over(directory)
        self._is_listed = True

    async def _take_over(self, directory: Directory) -> None:
        self._keep(directory)
        with anyio.CancelScope(shield=True):
            await self._directories.remember_directory(self._origin, self._channel.account.account_id, directory)

    def _found(self, company_id: int) -> VisibleCompany:
        found = self._known.get(company_id)
        if found is None:
            account = self._channel.account
            raise OutOfScope(
                f"not among the {len(self._known)} companies that the API user of"
                f" account {account.name} ({account.account_id}) may see; check its id and its account: `dimsync"
                " companies --refresh` lists them anew",
                company_id=company_id,
            )
        return found
