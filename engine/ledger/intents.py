"""The crash protocol's two commits, before a request and after its answer, and what is done about a missing second."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime

from engine.errors import LedgerError
from engine.ledger import attempts, scopes
from engine.ledger.rows import acknowledge
from engine.ledger.texts import to_json, to_text
from engine.model.known import Intent, Rejection, Settlement
from engine.model.settings import Scope

BEGIN = "insert into intents (scope, id, run_id, at, keys) values (?, ?, ?, ?, ?)"
TAKE_KEYS = "insert into intent_keys (scope, key, intent) select ?, value, ? from json_each(?)"
IN_FLIGHT = "select key, intent from intent_keys where scope = ? and intent <> ? order by key"
FIND = "select keys, run_id from intents where scope = ? and id = ?"
AGAIN = "update intents set at = ? where scope = ? and id = ?"
END = "delete from intents where scope = ? and id = ?"
FREE_KEYS = "delete from intent_keys where scope = ? and key in (select value from json_each(?))"

UNSETTLE = """
    insert into rows (scope, key, type_code, type_label, name, erp_id, confirmed, settled, code_known)
    select ?, value, '', '', '', '', 0, 0, 0 from json_each(?) where true
    on conflict (scope, key) do update set settled = 0
"""  # `where true`: else the parser takes `on` for a join's
UNSETTLE_LEFT_OVER = """
    insert into rows (scope, key, type_code, type_label, name, erp_id, confirmed, settled, code_known)
    select scope, key, '', '', '', '', 0, 0, 0 from intent_keys where scope = ?
    on conflict (scope, key) do update set settled = 0
"""
LEFT_OVER = "select id, run_id, at, keys from intents where scope = ? order by at, id"
FREE_ALL = "delete from intent_keys where scope = ?"
END_ALL = "delete from intents where scope = ?"

REJECT = """
    insert into rejections (scope, key, fingerprint, at, message) values (?, ?, ?, ?, ?)
    on conflict (scope, key) do update set
        fingerprint = excluded.fingerprint, at = excluded.at, message = excluded.message
"""
ANY_REJECTION = "select exists (select 1 from rejections where scope = ?)"
ACCEPT = "delete from rejections where scope = ? and key = ?"


def begin(connection: sqlite3.Connection, scope: Scope, intent: Intent) -> None:
    """Write down that these keys are about to be sent."""
    scope_id = scopes.number(connection, scope)
    keys = _array(intent.keys)
    try:
        connection.execute(BEGIN, (scope_id, intent.id, intent.run_id, to_text(intent.at), keys))
        connection.execute(TAKE_KEYS, (scope_id, intent.id, keys))
    except sqlite3.IntegrityError as error:
        raise LedgerError(_collision(connection, scope_id, scope, intent)) from error


def _array(keys: Iterable[str]) -> str:
    """Return keys as a sorted JSON array: one value to bind, which SQLite takes apart faster than Python binds each."""
    return to_json(sorted(keys))


def _collision(connection: sqlite3.Connection, scope_id: int, scope: Scope, intent: Intent) -> str:
    """Return why the intent cannot be: which of its keys is out already, if that is it."""
    wanted = set(intent.keys)
    for key, other in connection.execute(IN_FLIGHT, (scope_id, intent.id)):
        if key in wanted:
            return (
                f"Company {scope.company_id}: key {key!r} of chunk {intent.id} is in flight already, in chunk {other}."
            )
    return f"Company {scope.company_id}: chunk {intent.id} was begun before, or names a key twice."


def sent_again(connection: sqlite3.Connection, scope: Scope, intent_id: str, at: datetime) -> None:
    """Make an intent as young as its last send."""
    connection.execute(AGAIN, (to_text(at), scopes.number(connection, scope), intent_id))


def settle(connection: sqlite3.Connection, scope: Scope, settlement: Settlement) -> None:
    """Write down a chunk's outcome and end its intent."""
    scope_id = scopes.number(connection, scope)
    run_id = _end(connection, scope_id, scope, settlement.intent_id)
    acknowledge(connection, scope_id, settlement.rows, settlement.at, run_id)
    _accept(connection, scope_id, settlement.rows)
    _reject(connection, scope_id, settlement.rejected)
    connection.execute(UNSETTLE, (scope_id, _array(settlement.unknown)))
    if settlement.created:
        connection.execute(scopes.COUNT_CREATED, (settlement.created, scope_id))
    if settlement.lost_at is not None:
        connection.execute(scopes.LOST, (to_text(settlement.lost_at), scope_id))
    if settlement.outcomes or settlement.sends:
        attempts.add(connection, scope_id, run_id, settlement)
    scopes.changed(connection, scope_id, run_id)


def _end(connection: sqlite3.Connection, scope_id: int, scope: Scope, intent_id: str) -> str:
    """Delete an intent and return its run's id."""
    found = connection.execute(FIND, (scope_id, intent_id)).fetchone()
    if found is None:
        raise LedgerError(f"Company {scope.company_id}: chunk {intent_id} cannot be settled, it was never begun.")
    keys, run_id = found
    connection.execute(END, (scope_id, intent_id))
    connection.execute(FREE_KEYS, (scope_id, keys))
    return str(run_id)


def _accept(connection: sqlite3.Connection, scope_id: int, keys: Iterable[str]) -> None:
    """Forget that these rows were rejected. Most companies have no rejections, and then none are looked for."""
    (any_rejection,) = connection.execute(ANY_REJECTION, (scope_id,)).fetchone()
    if any_rejection:
        connection.executemany(ACCEPT, [(scope_id, key) for key in keys])


def _reject(connection: sqlite3.Connection, scope_id: int, rejected: Mapping[str, Rejection]) -> None:
    columns = ((scope_id, key, row.fingerprint, to_text(row.at), row.message) for key, row in sorted(rejected.items()))
    connection.executemany(REJECT, columns)


def recover(connection: sqlite3.Connection, scope: Scope) -> int:
    """Unsettle the keys of left-over intents, and end those; the audit trail tells what became of them."""
    scope_id = scopes.find(connection, scope)
    left_over = [] if scope_id is None else connection.execute(LEFT_OVER, (scope_id,)).fetchall()
    if scope_id is None or not left_over:
        return 0
    connection.execute(UNSETTLE_LEFT_OVER, (scope_id,))
    freed = connection.execute(FREE_ALL, (scope_id,)).rowcount
    connection.execute(END_ALL, (scope_id,))
    attempts.add_left_over(connection, scope_id, left_over)
    _, youngest_run, *_ = left_over[-1]
    scopes.changed(connection, scope_id, youngest_run)
    return freed
