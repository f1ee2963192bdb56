"""Rows that keep another key on the wire than the one that their source calls them by now."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.ledger.sqlite import scopes
from engine.ledger.sqlite.texts import to_text
from engine.model.settings import Scope

REKEY = "insert or replace into wire_keys (scope, source_key, wire_key, at) values (?, ?, ?, ?)"
FORGET_ADOPTED = "delete from rows where scope = ? and key = ? and not confirmed and settled"
UNKEY = "delete from wire_keys where scope = ? and source_key = ?"


def rekey(connection: sqlite3.Connection, scope: Scope, wire_keys: Mapping[str, str], at: datetime) -> None:
    """Write down under which keys these source keys' rows are sent.

    What was adopted under a source key is the wire key's own row: that entry goes. Two source keys may stand for one
    wire key: a source can call a row by a third name, and drop the second.
    """
    scope_id = scopes.number(connection, scope)
    columns = ((scope_id, source_key, wire_key, to_text(at)) for source_key, wire_key in wire_keys.items())
    connection.executemany(REKEY, columns)
    connection.executemany(FORGET_ADOPTED, ((scope_id, source_key) for source_key in wire_keys))
    scopes.changed(connection, scope_id, None)


def unkey(connection: sqlite3.Connection, scope: Scope, keys: Sequence[str]) -> None:
    """Forget the other keys of these source keys."""
    scope_id = scopes.number(connection, scope)
    connection.executemany(UNKEY, ((scope_id, key) for key in keys))
    scopes.changed(connection, scope_id, None)
