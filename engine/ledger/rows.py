"""What is known of companies' remote rows: the SQL, and the jobs that run it on the ledger's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from sys import intern
from typing import Any

import orjson

from engine.ledger import scopes
from engine.ledger.texts import from_text, optional_instant, to_json, to_text
from engine.model.dimension import Dimension, RemoteRow
from engine.model.known import Acknowledged, Known, Learned, Rejection
from engine.model.settings import Scope

READ = """
    select key, type_code, type_label, name, erp_id, code, remote_id, confirmed + 2 * settled + 4 * code_known, seen
    from rows where scope = ? order by key
"""
FLAGS = tuple((bool(flags & 1), bool(flags & 2), bool(flags & 4)) for flags in range(8))
"""(confirmed, settled, code_known) by the number that `READ` makes of them: one column to fetch instead of three."""

READ_TRIED = """
    select key from rows
    where scope = ? and not confirmed and not settled and remote_id is not null and acked_at is null
      and type_code <> ''
"""  # one that a listing has shown since it was sent has no values of its own
READ_STRAYS = "select id, type_code, type_label, name, erp_id, code, key from strays where scope = ? order by position"
READ_WIRE_KEYS = "select source_key, wire_key from wire_keys where scope = ? order by source_key"
READ_REJECTIONS = "select key, fingerprint, at, message from rejections where scope = ? order by key"
YOUNGEST_INTENT = "select max(at) from intents where scope = ?"

ACKNOWLEDGE = """
    insert or replace into rows (scope, key, type_code, type_label, name, erp_id, code, remote_id, confirmed, settled,
                                 code_known, seen, acked_at, run_id)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
ADOPT = """
    insert into rows (scope, key, type_code, type_label, name, erp_id, code, remote_id, confirmed, settled,
                      code_known, seen)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (scope, key) do update set
        type_code = excluded.type_code, type_label = excluded.type_label, name = excluded.name,
        erp_id = excluded.erp_id, code = excluded.code, remote_id = excluded.remote_id,
        confirmed = excluded.confirmed, settled = excluded.settled, code_known = excluded.code_known,
        seen = excluded.seen
"""  # who acknowledged the entry, and when, stays
FORGET = "delete from rows where scope = ? and key = ?"
FORGET_STRAYS = "delete from strays where scope = ?"
PUT_STRAY = """
    insert into strays (scope, position, id, type_code, type_label, name, erp_id, code, key)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

# `tuple.__new__` is what `_make` calls, less a Python frame a row.
_dimension = partial(tuple.__new__, Dimension)
_known = partial(tuple.__new__, Known)

READ_REVERTS = "select key, at from reverts where scope = ? order by key, at"
FORGET_REVERTS = "delete from reverts where scope = ? and at < ?"
ADD_REVERT = "insert or ignore into reverts (scope, key, at) values (?, ?, ?)"
REVERTS_KEPT = timedelta(days=14)  # DESIGN section 5


def read(connection: sqlite3.Connection, scope: Scope) -> Acknowledged:
    """Return all that is known of a company, rows in the order of their keys (1-2 us a row)."""
    scope_id = scopes.find(connection, scope)
    if scope_id is None:
        return Acknowledged()
    return Acknowledged(
        rows=entries(connection.execute(READ, (scope_id,))),
        strays=tuple(map(RemoteRow._make, connection.execute(READ_STRAYS, (scope_id,)))),
        rejections=_read_rejections(connection, scope_id),
        tried=frozenset(key for (key,) in connection.execute(READ_TRIED, (scope_id,))),
        reverts=tuple((key, from_text(at)) for key, at in connection.execute(READ_REVERTS, (scope_id,))),
        wire_keys=dict(connection.execute(READ_WIRE_KEYS, (scope_id,)).fetchall()),
        state=scopes.read_state(connection, scope_id),
        left_over=optional_instant(*connection.execute(YOUNGEST_INTENT, (scope_id,)).fetchone()),
        lost_at=optional_instant(*connection.execute(scopes.LOST_AT, (scope_id,)).fetchone()),
    )


def entries(fetched: Iterable[tuple[Any, ...]]) -> dict[str, Known]:
    """Return the entries of rows whose columns are those of `READ`, by key."""
    rows: dict[str, Known] = {}
    for key, type_code, type_label, name, erp_id, code, remote_id, flags, seen in fetched:
        # A company has a handful of types: one string for each of them, not one for each row.
        row = _dimension((key, intern(type_code), intern(type_label), name, erp_id, code))
        shown = None if seen is None else RemoteRow(**orjson.loads(seen))
        rows[key] = _known((row, remote_id, *FLAGS[flags], shown))
    return rows


def reverted(connection: sqlite3.Connection, scope: Scope, keys: Sequence[str], at: datetime) -> None:
    """Note rows that are pushed back, and forget what is too old to count."""
    scope_id = scopes.number(connection, scope)
    connection.execute(FORGET_REVERTS, (scope_id, to_text(at - REVERTS_KEPT)))
    connection.executemany(ADD_REVERT, ((scope_id, key, to_text(at)) for key in keys))


def _read_rejections(connection: sqlite3.Connection, scope_id: int) -> dict[str, Rejection]:
    found = connection.execute(READ_REJECTIONS, (scope_id,))
    return {key: Rejection(fingerprint, from_text(at), message) for key, fingerprint, at, message in found}


def learn(connection: sqlite3.Connection, scope: Scope, learned: Learned) -> None:
    """Take over what a whole listing showed."""
    scope_id = scopes.number(connection, scope)
    connection.executemany(FORGET, [(scope_id, key) for key in sorted(learned.gone)])
    connection.executemany(ADOPT, _columns(scope_id, learned.rows))
    if learned.strays is not None:
        connection.execute(FORGET_STRAYS, (scope_id,))
        connection.executemany(PUT_STRAY, ((scope_id, at, *stray) for at, stray in enumerate(learned.strays)))
    scopes.listed(connection, scope_id, learned.certificate, learned.at)
    if learned.rows or learned.gone or learned.strays is not None:
        scopes.changed(connection, scope_id, learned.run_id)


def acknowledge(
    connection: sqlite3.Connection, scope_id: int, rows: Mapping[str, Known], at: datetime, run_id: str
) -> None:
    """Write the entries of rows that an answer to this run acknowledged."""
    connection.executemany(ACKNOWLEDGE, _columns(scope_id, rows, to_text(at), run_id))


def _columns(scope_id: int, rows: Mapping[str, Known], *ends: str) -> Iterator[tuple[object, ...]]:
    """Return the columns of each entry in the order of the keys: in random order, writing costs several times as much.

    Booleans become integers here (`+`): sqlite3 looks for an adapter for anything but its own types, at length.
    """
    for key in sorted(rows):
        (_, *values), remote_id, confirmed, settled, code_known, seen = rows[key]
        shown = None if seen is None else to_json(seen._asdict())
        yield scope_id, key, *values, remote_id, +confirmed, +settled, +code_known, shown, *ends
