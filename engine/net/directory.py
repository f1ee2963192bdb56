"""List the accounts, companies and locations that an account's API user sees; a listing that is not whole raises."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from engine.errors import IncompleteListing, OutOfScope, Rejected, WrongContract
from engine.model.directory import Directory, VisibleAccount, VisibleCompany, VisibleLocation
from engine.net.call import Call
from engine.net.channel import Channel
from engine.net.retry import Policy
from engine.wire.directory import (
    DirectoryPage,
    accounts_path,
    companies_path,
    locations_path,
    read_accounts,
    read_companies,
    read_locations,
)

T = TypeVar("T", VisibleAccount, VisibleCompany, VisibleLocation)

SIZES = (100, 20)
"""Entries a page to ask for. No maximum is documented; where 100 is refused, 20 is the API's own default."""

MOST = 20_000
"""Entries that a directory is read to: 200 requests of 100. More would use up the quota of a day."""


async def read_visible(channel: Channel, now: datetime) -> Directory:
    """List an account's companies, which is all that a sync has to know: ceil(companies / 100) requests as a rule.

    Raises `ApiError`, `AccountParked`, and `IncompleteListing` when fewer companies showed than were declared, or more
    than `MOST` are.
    """
    return Directory(at=now, companies=await _companies(channel))


async def read_directory(channel: Channel, now: datetime) -> Directory:
    """List accounts, companies and locations, for people to look at. Raises what `read_visible` raises."""
    return Directory(
        at=now,
        rest_at=now,
        companies=await _companies(channel),
        locations=await _list(
            channel, "locations", partial(locations_path, channel.account.account_id), read_locations
        ),
        accounts=await read_reached(channel),
    )


async def read_reached(channel: Channel) -> tuple[VisibleAccount, ...]:
    """List the accounts that an account's credentials reach; its own id is not asked for. Raises the same."""
    return await _list(channel, "accounts", accounts_path, read_accounts)


async def _companies(channel: Channel) -> tuple[VisibleCompany, ...]:
    """List the account's companies. Raises `AccountParked` also when its credentials do not reach the account."""
    account = channel.account
    try:
        return await _list(channel, "companies", partial(companies_path, account.account_id), read_companies)
    except OutOfScope as error:
        if error.status != 404:
            raise
        reached = [each.id for each in await read_reached(channel)]
        if not reached or account.account_id in reached:
            raise
        text = f"account {account.name}: there is no {account.account_id!r} among the accounts that its credentials"
        reason = WrongContract(f"{text} reach ({', '.join(reached[:5])}); check its account_id", status=404)
        raise await channel.park(reason) from error


async def _list(
    channel: Channel, what: str, path: Callable[[int, int], str], read: Callable[[bytes], DirectoryPage[T]]
) -> tuple[T, ...]:
    """Read page after page from 1 on. If entries are missing then, also read page 0: the API may count from there."""
    first, size = await _first(channel, path, read)
    if first.declared > MOST:
        raise IncompleteListing(
            f"account {channel.account.name}: {first.declared:,} {what} are declared, and at most {MOST:,} are read"
        )
    seen: dict[int | str, T] = {entry.id: entry for entry in first.entries}
    number, grows = 1, bool(seen)
    while grows and len(seen) < first.declared:
        number, before = number + 1, len(seen)
        page = await _page(channel, path(number, size), read)
        seen |= {entry.id: entry for entry in page.entries}
        grows = len(seen) > before
    if len(seen) < first.declared:
        seen |= {entry.id: entry for entry in (await _page(channel, path(0, size), read)).entries}
    if len(seen) != first.declared:
        raise IncompleteListing(
            f"account {channel.account.name}: {first.declared} {what} are declared and {len(seen)} shown"
        )
    return tuple(sorted(seen.values()))


async def _first(
    channel: Channel, path: Callable[[int, int], str], read: Callable[[bytes], DirectoryPage[T]]
) -> tuple[DirectoryPage[T], int]:
    """Return page 1, and the page size to ask for from now on: the one that was not refused."""
    for size in SIZES[:-1]:
        try:
            return await _page(channel, path(1, size), read), size
        except Rejected:
            continue
    return await _page(channel, path(1, SIZES[-1]), read), SIZES[-1]


async def _page(channel: Channel, path: str, read: Callable[[bytes], DirectoryPage[T]]) -> DirectoryPage[T]:
    call: Call[DirectoryPage[T]] = Call(
        kind="directory",
        method="GET",
        path=path,
        read=lambda answer: read(answer.body),
        policy=Policy(max_attempts=channel.account.limits.max_attempts),
        spent=channel.spent,
    )
    return await channel.call(call)
