"""Requests per API key and UTC day: counted in blocks before they are sent, so that no crash counts too few."""

from __future__ import annotations

import sqlite3
from datetime import date

from engine.ledger.texts import from_text, to_text
from engine.model.quota import DayUse, UsedUp, block

READ = """
    select used, used_up_at, per_day, reserve, reason from quotas where origin = ? and account = ? and day = ?
"""
CHARGE = """
    insert into quotas (origin, account, day, used) values (?1, ?2, ?3, max(0, ?4))
    on conflict (origin, account, day) do update set used = max(0, used + ?4)
"""
NOTE = """
    insert into quotas (origin, account, day, used, used_up_at, per_day, reserve, reason)
    values (?, ?, ?, 0, ?, ?, ?, ?)
    on conflict (origin, account, day) do update set
        used_up_at = excluded.used_up_at, per_day = excluded.per_day, reserve = excluded.reserve,
        reason = excluded.reason
"""
FORGET = "delete from quotas where day < substr(?, 1, 10)"  # an instant: its own day stays, which may be today


def read(connection: sqlite3.Connection, origin: str, account: str, day: date) -> DayUse:
    """Return what is known of a key's day; nothing was used of one that nothing is known of."""
    found = connection.execute(READ, (origin, account, day.isoformat())).fetchone()
    if found is None:
        return DayUse(day=day)
    used, at, per_day, reserve, reason = found
    used_up = None if at is None else UsedUp(at=from_text(at), per_day=per_day, reserve=reserve, reason=reason)
    return DayUse(day=day, used=used, used_up=used_up)


def reserve(connection: sqlite3.Connection, origin: str, account: str, day: date, usable: int) -> int:
    """Count a block of what is left of `usable` requests, and return how many that are."""
    requests = block(usable - read(connection, origin, account, day).used)
    if requests:
        charge(connection, origin, account, day, requests)
    return requests


def charge(connection: sqlite3.Connection, origin: str, account: str, day: date, requests: int) -> None:
    """Count requests, or give back (below 0) what was counted and not sent."""
    connection.execute(CHARGE, (origin, account, day.isoformat(), requests))


def note(connection: sqlite3.Connection, origin: str, account: str, day: date, used_up: UsedUp) -> None:
    """Note that the API called a key's day used up."""
    said = (to_text(used_up.at), used_up.per_day, used_up.reserve, used_up.reason)
    connection.execute(NOTE, (origin, account, day.isoformat(), *said))
