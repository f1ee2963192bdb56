"""Rows that are sent under another key than their source uses now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import to_text
from engine.model.settings import CompanyKey

REKEY = "insert or replace into wire_keys (scope, source_key, wire_key, at) values (?, ?, ?, ?)"
FORGET_ADOPTED = "delete from {rows} where scope = ? and key = ? and not confirmed and settled"
UNKEY = "delete from wire_keys where scope = ? and source_key = ?"


def rekey(connection: Connection, company_key: CompanyKey, wire_keys: Mapping[str, str], at: datetime) -> None:
    """Write down under which keys the rows of these source keys are sent.

    A row record that was adopted under a source key describes the row of the wire key, so it is deleted. Two source
    keys may have one wire key: a source can give a row a third key and drop the second.
    """
    scope_id = scopes.number(connection, company_key)
    columns = ((scope_id, source_key, wire_key, to_text(at)) for source_key, wire_key in wire_keys.items())
    connection.executemany(REKEY, columns)
    connection.executemany(
        sql(company_key.resource, FORGET_ADOPTED), ((scope_id, source_key) for source_key in wire_keys)
    )
    scopes.changed(connection, scope_id, None)


def unkey(connection: Connection, company_key: CompanyKey, keys: Sequence[str]) -> None:
    """Forget the wire keys of these source keys."""
    scope_id = scopes.number(connection, company_key)
    connection.executemany(UNKEY, ((scope_id, key) for key in keys))
    scopes.changed(connection, scope_id, None)
