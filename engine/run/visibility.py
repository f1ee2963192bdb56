"""Which companies an account's API user may see: asked for once a day, and before anything is done for a company."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

import anyio

from engine.compare.backoff import next_try, rest_again
from engine.errors import AccountParked, ApiError, IncompleteListing, OutOfScope
from engine.ledger.keys import Directories, Keys
from engine.ledger.store import Rows
from engine.model.company_record import KEY_MISMATCH, CompanyState
from engine.model.directory import Directory, VisibleCompany
from engine.model.resting import RESTS, Rest
from engine.model.settings import CompanyKey
from engine.net.channel import Channel
from engine.net.directory import read_visible

FRESH_S = 86_400.0
"""A directory is read again after a day: companies come and go by the week, and each reading costs requests."""

DIRECTORY = "directory"
"""Name of the rest of an account whose companies could not be listed."""

OUT_OF_SCOPE = "out-of-scope"
"""A company's trouble when the directory does not show it."""


class Memory(Directories, Keys, Rows, Protocol):
    """The parts of the ledger that this uses."""


class Visible:
    """What one account's API user sees, within one run. The directory is listed once at most, for all companies.

    Runs of one engine that want it at the same time share that listing. `companies`: those of the run, by which alone
    it asks the ledger.
    """

    def __init__(
        self,
        channel: Channel,
        memory: Memory,
        origin: str,
        companies: Collection[int],
        *,
        now: Callable[[], datetime],
        fresh: bool = False,
    ) -> None:
        self._channel = channel
        self._memory = memory
        self._origin = origin
        self._companies = companies
        self._fresh = fresh
        self._now = now
        self._turn = anyio.Lock()
        self._known: dict[int, VisibleCompany] = {}
        self._known_at: datetime | None = None
        self._is_read = False  # the ledger's directory was looked at
        self._is_listed = False  # in this run, or by another one meanwhile; it is not tried twice
        self._tries_before = channel.key.directory_tries
        self._rest: Rest | None = None  # to be noted at the run's end: the directory could not be listed
        self.trouble: str | None = None  # why it could not be listed; then no company counts as not visible

    async def company(self, company_id: int) -> VisibleCompany | None:
        """Return a company as the directory shows it; None: that is not known.

        Raises `OutOfScope` when a whole directory that was listed in this run does not show it, or while it rests after
        an earlier search; and `AccountParked`, for an account without credentials whatever is known.
        """
        if self._channel.account.fault and (why := self._channel.parked) is not None:
            raise AccountParked(why)
        if (known := self._known.get(company_id)) is not None and self._is_fresh():
            return known
        async with self._turn:
            found = await self._remembered(company_id)
            if found is not None and self._is_fresh():
                return found
            if not self._is_listed:
                if found is None and self._is_fresh():
                    await self._refuse_resting(company_id)
                await self._look()
            if self.trouble is not None:
                return found
            found = self._known.get(company_id)
            if found is None:
                raise await self._missed(company_id)
            return found

    async def _remembered(self, company_id: int) -> VisibleCompany | None:
        if not self._is_read:
            await self._recall()
            self._is_read = True
        return self._known.get(company_id)

    async def _recall(self) -> None:
        directory = await self._memory.shown(self._origin, self._account_id, self._companies)
        if directory is not None:
            self._keep(directory)

    def _keep(self, directory: Directory) -> None:
        self._known = {company.id: company for company in directory.companies}
        self._known_at = directory.at

    def _is_fresh(self) -> bool:
        """Return whether the directory need not be read again; a clock that went back counts as "too old"."""
        if self._known_at is None:
            return False
        return self._is_listed or (not self._fresh and 0 <= (self._now() - self._known_at).total_seconds() < FRESH_S)

    async def _look(self) -> None:
        """List the directory, unless another run of this engine did since this one began, or it rests."""
        key = self._channel.key
        async with key.directory_turn:
            if key.directory_tries == self._tries_before:
                async with key.errand(DIRECTORY) as is_shared:
                    if not is_shared or not await self._was_listed_meanwhile():
                        await self._list()
                key.directory_tries, key.directory_trouble = key.directory_tries + 1, self.trouble
            elif key.directory_trouble is None:
                await self._recall()
            self.trouble = key.directory_trouble
            self._is_listed = True

    async def _was_listed_meanwhile(self) -> bool:
        """Return whether another worker has listed the directory since it was recalled here."""
        before = self._known_at
        await self._recall()
        return self._known_at is not None and self._known_at != before

    async def _list(self) -> None:
        account, account_id, now = self._channel.account, self._account_id, self._now()
        rest = (await self._memory.rests(self._origin, account_id)).get(DIRECTORY)
        if rest is not None and not self._fresh and rest.holds(now):
            self.trouble = f"{rest.message}; it is not tried again before {rest.retry_at:%Y-%m-%d %H:%M} UTC"
            return
        try:
            directory = await read_visible(self._channel, now)
        except (ApiError, IncompleteListing) as error:
            self.trouble = (
                f"the companies of account {account.name} could not be listed: {error}; whether a company may be seen"
                " shows when it is read"
            )
            self._rest = rest_again(rest, self.trouble, now)
        else:
            await self._take_over(directory, rests=rest is not None)

    async def _take_over(self, directory: Directory, *, rests: bool) -> None:
        self._keep(directory)
        with anyio.CancelScope(shield=True):
            await self._memory.remember_directory(self._origin, self._account_id, directory)
            if rests:
                await self._memory.remember_rest(self._origin, self._account_id, DIRECTORY, None)

    async def keep(self) -> None:
        """Note that a directory that could not be listed rests. It does not when the host was down."""
        if self._rest is not None and self._channel.host.down is None:
            await self._memory.remember_rest(self._origin, self._account_id, DIRECTORY, self._rest)

    async def _refuse_resting(self, company_id: int) -> None:
        """Raise `OutOfScope` for a company that an earlier run did not find, while that rests."""
        state, now = await self._state(company_id), self._now()
        rests = (
            state.retry_at is not None and state.retry_at - RESTS[-1] <= now < state.retry_at
        )  # else the clock leapt
        if state.failure == OUT_OF_SCOPE and rests and not self._fresh:
            until = f"it is looked for again from {state.retry_at:%Y-%m-%d %H:%M} UTC"
            raise OutOfScope(f"{state.failure_message or OUT_OF_SCOPE}; {until}", company_id=company_id)

    async def _missed(self, company_id: int) -> OutOfScope:
        """Note that the directory does not show a company, and return the error for it."""
        account = self._channel.account
        text = (
            f"not among the companies that the API user of account {account.name} ({account.account_id}) may see; check"
            " its id and its account: `dimsync companies --refresh` lists them anew"
        )
        before = await self._state(company_id)
        failures = before.failures + 1 if before.failure == OUT_OF_SCOPE else 1
        if before.failure != KEY_MISMATCH:  # which is graver
            note = CompanyState(
                failures=failures,
                retry_at=next_try(failures, self._now()),
                failure=OUT_OF_SCOPE,
                failure_message=text,
                last_good_rows=before.last_good_rows,
            )
            with anyio.CancelScope(shield=True):
                await self._memory.note(self._company_key(company_id), note)
        return OutOfScope(text, company_id=company_id)

    async def _state(self, company_id: int) -> CompanyState:
        return (await self._memory.read(self._company_key(company_id))).state

    def _company_key(self, company_id: int) -> CompanyKey:
        return CompanyKey(origin=self._origin, account=self._account_id, company_id=company_id)

    @property
    def _account_id(self) -> str:
        return self._channel.account.account_id
