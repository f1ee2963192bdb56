"""Requests per API key and UTC day: counted in blocks before they are sent, so that no crash counts too few.

The column `account` holds `Account.key_id`; an older dimsync wrote the account's id there (`carry_over`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_text
from engine.model.quota import DayUse, UsedUp, block

READ = """
    select used, used_up_at, per_day, reserve, reason, tries from quotas
    where origin = ? and account = ? and day = ?
"""
CHARGE = """
    insert into quotas (origin, account, day, used) values (?1, ?2, ?3, max(0, ?4))
    on conflict (origin, account, day) do update set used = max(0, used + ?4)
"""
NOTE = """
    insert into quotas (origin, account, day, used, used_up_at, per_day, reserve, reason, tries)
    values (?, ?, ?, 0, ?, ?, ?, ?, ?)
    on conflict (origin, account, day) do update set
        used_up_at = excluded.used_up_at, per_day = excluded.per_day, reserve = excluded.reserve,
        reason = excluded.reason, tries = excluded.tries
"""
TAKE_BACK = """
    update quotas set used_up_at = null, per_day = null, reserve = null, reason = null, tries = 0
    where origin = ? and account = ? and day = ? and used_up_at = ?
"""
IS_OLD = """
    select exists (select 1 from quotas where origin = :origin and account = :account_id)
        or exists (select 1 from pauses where origin = :origin and account = :account_id)
        or exists (select 1 from page_sizes where origin = :origin and account = :account_id)
"""
CARRY_OVER = (
    """
    insert into quotas (origin, account, day, used, used_up_at, per_day, reserve, reason)
    select origin, :key_id, day, used, used_up_at, per_day, reserve, reason
    from quotas where origin = :origin and account = :account_id
    on conflict (origin, account, day) do update set
        used = quotas.used + excluded.used, used_up_at = coalesce(quotas.used_up_at, excluded.used_up_at),
        per_day = coalesce(quotas.per_day, excluded.per_day), reserve = coalesce(quotas.reserve, excluded.reserve),
        reason = coalesce(quotas.reason, excluded.reason)
    """,
    "delete from quotas where origin = :origin and account = :account_id",
    """
    update pauses set account = :key_id where origin = :origin and account = :account_id
        and not exists (select 1 from pauses as newer where newer.origin = :origin and newer.account = :key_id)
    """,
    "delete from pauses where origin = :origin and account = :account_id",  # where the key has a newer one
    """
    update page_sizes set account = :key_id where origin = :origin and account = :account_id
        and not exists (select 1 from page_sizes as newer where newer.origin = :origin and newer.account = :key_id)
    """,
    "delete from page_sizes where origin = :origin and account = :account_id",  # where the key has a newer one
)
FORGET = "delete from quotas where day < substr(?, 1, 10)"  # of an instant; its own day is kept: it may be today


def read(connection: Connection, origin: str, key_id: str, day: date) -> DayUse:
    """Return what is known of a key's day; a day without a line has no requests used."""
    found = connection.execute(READ, (origin, key_id, day.isoformat())).fetchone()
    if found is None:
        return DayUse(day=day)
    used, at, *said = found
    used_up = None
    if at is not None:
        per_day, reserve, reason, tries = said
        used_up = UsedUp(at=from_text(at), per_day=per_day, reserve=reserve, reason=reason, tries=tries)
    return DayUse(day=day, used=used, used_up=used_up)


def reserve(connection: Connection, origin: str, key_id: str, day: date, usable: int, most: int) -> int:
    """Count a block of what is left of `usable` requests, at most `most`; return how many it has."""
    requests = block(usable - read(connection, origin, key_id, day).used, most)
    if requests:
        charge(connection, origin, key_id, day, requests)
    return requests


def charge(connection: Connection, origin: str, key_id: str, day: date, requests: int) -> None:
    """Count requests; a negative number gives back requests that were counted and not sent."""
    connection.execute(CHARGE, (origin, key_id, day.isoformat(), requests))


def note(connection: Connection, origin: str, key_id: str, day: date, used_up: UsedUp) -> None:
    """Note that the API called a key's day used up."""
    said = (to_text(used_up.at), used_up.per_day, used_up.reserve, used_up.reason, used_up.tries)
    connection.execute(NOTE, (origin, key_id, day.isoformat(), *said))


def take_back(connection: Connection, origin: str, key_id: str, day: date, at: datetime) -> None:
    """Forget that the API called a key's day used up at that moment, as it has answered well since."""
    connection.execute(TAKE_BACK, (origin, key_id, day.isoformat(), to_text(at)))


def is_under_old_names(connection: Connection, origin: str, account_ids: Collection[str]) -> bool:
    """Return whether an older dimsync wrote anything under these account ids, instead of under the API keys."""
    asked = ({"origin": origin, "account_id": account_id} for account_id in account_ids)
    return any(connection.execute(IS_OLD, each).fetchone()[0] for each in asked)


def carry_over(connection: Connection, origin: str, key_ids: Mapping[str, str]) -> None:
    """Move what stands under account ids to the API keys; counts are added. `key_ids`: by account id."""
    for account_id, key_id in key_ids.items():
        for statement in CARRY_OVER:
            connection.execute(statement, {"origin": origin, "account_id": account_id, "key_id": key_id})
