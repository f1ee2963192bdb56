"""The accounts of one run: a channel for each, what its API user sees, and what is remembered of its key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import inf

import anyio

from engine.model.events import Emit, Parked
from engine.model.outcome import Problem
from engine.model.result import AccountDay, Requests
from engine.model.settings import Account, NamedCompany
from engine.net.channel import Channel
from engine.net.limits.budget import Budget, ListingBudget
from engine.net.telling import Listens
from engine.net.trouble.host import Host
from engine.run.dependencies import Dependencies
from engine.run.key_memory import KeyMemory
from engine.run.tasks import Lines
from engine.run.visibility import Visible
from engine.run.work import Work

AT_ONCE = 8
"""Credentials providers that are asked at a time."""


class RunAccounts:
    """Opens the channels of a run, and writes down at its end what was learnt of the keys."""

    def __init__(
        self, dependencies: Dependencies, work: Work, *, origin: str, lines: Lines, emit: Emit, listens: Listens
    ) -> None:
        self._dependencies = dependencies
        self._bounds = work.bounds
        self._fresh = work.fresh
        self._origin = origin
        self._lines = lines
        self._emit = emit
        self._listens = listens
        self._budget = Budget(left=work.bounds.requests)
        self._memory = KeyMemory(
            ledger=dependencies.ledger,
            origin=origin,
            now=dependencies.now,
            rests=work.mode.spares_accounts,
            fresh=work.fresh,
        )
        self._host = Host()
        self._channels: dict[str, Channel] = {}  # by account's name
        self._visible: dict[str, Visible] = {}  # by account's name

    async def open(self, accounts: Iterable[Account], companies: Collection[NamedCompany], started_s: float) -> None:
        """Open a channel for each account, as earlier runs left its key. `started_s`: on the event loop's clock."""
        parts, opened = self._dependencies, list(accounts)
        by_account: dict[str, list[int]] = {account.name: [] for account in opened}
        for each in companies:
            by_account[each.account].append(each.company_id)
        await self._ask_for_credentials(opened)
        known = [parts.key(each).account for each in opened]
        await parts.ledger.carry_over(self._origin, {each.account_id: each.key_id for each in known if not each.fault})
        self._host = Host(companies)
        for account in opened:
            channel = Channel(
                parts.key(account),
                parts.settings.api,
                self._lines.over(parts.transport(account)),
                emit=self._emit,
                now=parts.now,
                rng=parts.rng,
                budget=self._budget,
                host=self._host,
                give_up_at_s=started_s + (self._bounds.seconds or inf),
                listens=self._listens,
            )
            if channel.parked is not None:
                await self._emit(Parked(account=account.name, reason=str(channel.parked)))
            await self._memory.recall(channel)
            self._channels[account.name] = channel
            self._visible[account.name] = Visible(
                channel, parts.ledger, self._origin, by_account[account.name], now=parts.now, fresh=self._fresh
            )

    async def _ask_for_credentials(self, accounts: Iterable[Account]) -> None:
        """Ask the providers of accounts whose credentials are not known; a few at a time, as they may be one vault."""
        places = anyio.CapacityLimiter(AT_ONCE)

        async def ask(account: Account) -> None:
            async with places:
                await self._dependencies.key(account).credentials.known()

        async with anyio.create_task_group() as tasks:
            for account in accounts:
                if account.credentials is not None:
                    tasks.start_soon(ask, account)

    def channel(self, account: str) -> Channel:
        """Return the channel of an account, by its name."""
        return self._channels[account]

    def visible(self, account: str) -> Visible:
        """Return what an account's API user sees, by the account's name."""
        return self._visible[account]

    def listing_budgets(self, days: Iterable[AccountDay]) -> dict[str, ListingBudget]:
        """Return what each account may spend on listings: half of what is left of its day."""
        return {day.account: ListingBudget(left=day.left, budget=self._budget) for day in days}

    async def days(self) -> tuple[AccountDay, ...]:
        """Return what is used of each key's day."""
        return await self._memory.days(self._channels.values())

    async def keep(self) -> None:
        """Write down what was learnt of directories and keys. Raises `LedgerError`."""
        for each in self._visible.values():
            await each.keep()
        await self._memory.keep(self._channels.values())

    def spent(self) -> list[Requests]:
        """Return the requests of each account that belong to no company."""
        return [channel.spent.requests() for channel in self._channels.values()]

    def problems(self) -> list[Problem]:
        """Return what is to be said of the accounts: the host is down, or a directory could not be read."""
        if self._host.down is not None:  # then nobody could read a directory
            return [Problem(code="host-down", message=str(self._host.down))]
        return [Problem(code="directory", message=each.trouble) for each in self._visible.values() if each.trouble]
