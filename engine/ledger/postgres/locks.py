"""Locks of a Postgres ledger: advisory ones of its session, which the server frees however a process ends.

They belong to the connection that writes. Whoever has lost it can write nothing under a lock that was lost with it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from engine.ledger.postgres.session import Session
from engine.model.settings import CompanyKey

TAKE = "select pg_try_advisory_lock(?)"
FREE = "select pg_advisory_unlock(?)"
HOLDER = """
    select application_name from pg_locks join pg_stat_activity using (pid)
    where locktype = 'advisory' and objsubid = 1 and granted and classid = ? and objid = ?
          and pg_locks.database = (select oid from pg_database where datname = current_database())
"""
LOW = 0xFFFFFFFF


def company_number(company_key: CompanyKey) -> int:
    """Return the number of a company's lock, one for all of its resources."""
    return _number("company", company_key.origin, company_key.account, company_key.company_id)


def run_number(run_id: str) -> int:
    """Return the number of the lock by which a run is known to be under way."""
    return _number("run", run_id)


def take(session: Session, number: int) -> bool:
    """Take a lock at once; return whether it was free."""
    ((is_taken,),) = session.execute(TAKE, (number,)).fetchall()
    return bool(is_taken)


def free(session: Session, number: int) -> None:
    """Free a lock that this session holds."""
    session.execute(FREE, (number,))


def holder(session: Session, number: int) -> str | None:
    """Return the name of the session that holds a lock; None: nobody holds it."""
    found = session.execute(HOLDER, (number >> 32 & LOW, number & LOW)).fetchone()
    return None if found is None else str(found[0])


def _number(*parts: Any) -> int:
    """Return a number of 64 bits that no other lock is likely to have."""
    digest = sha256(repr(("dimsync", *parts)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
