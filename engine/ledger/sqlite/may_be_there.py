"""Types and ERP ids that were sent under a key and that no listing has shown since: there may be rows of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from engine.model.dimension import NaturalKey
from engine.model.resting import MADE_ANEW, NOT_LISTED

READ = "select key, type_code, erp_id from may_be_there where scope = ? order by key"
PUT = "insert or replace into may_be_there (scope, key, type_code, erp_id) values (?, ?, ?, ?)"
DOUBT = """
    insert or ignore into may_be_there (scope, key, type_code, erp_id)
    select scope, key, type_code, erp_id from rows join scopes on id = scope
    where scope = ? and settled and acked_generation > coalesce(listed_generation, 0)
          and key in (select value from json_each(?))
"""
DOUBT_LEFT_OVER = """
    insert or ignore into may_be_there (scope, key, type_code, erp_id)
    select rows.scope, key, type_code, erp_id from rows join scopes on id = rows.scope
    where rows.scope = ?1 and settled and acked_generation > coalesce(listed_generation, 0)
          and key in (select value from intents join json_each(keys) where scope = ?1)
"""
FORGET_ALL = "delete from may_be_there where scope = ?"
FORGET = "delete from may_be_there where scope = ? and key = ?"
REFUSED = """
    delete from may_be_there
    where scope = ?1 and key = ?2 and type_code = ?3 and erp_id = ?4
          and not exists (select 1 from resting where scope = ?1 and key = ?2 and code in (?5, ?6))
"""  # a row that was acknowledged earlier may be stored although it is refused now


def read(connection: sqlite3.Connection, scope_id: int) -> dict[str, NaturalKey]:
    """Return the notes of a company, by key."""
    return {key: (type_code, erp_id) for key, type_code, erp_id in connection.execute(READ, (scope_id,))}


def put(connection: sqlite3.Connection, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Note under which type and ERP id rows may be stored."""
    connection.executemany(PUT, [(scope_id, key, *natural) for key, natural in sorted(rows.items())])


def doubted(connection: sqlite3.Connection, scope_id: int, keys: str) -> None:
    """Note type and ERP id of acknowledged rows that no listing has shown, before their outcome becomes unknown.

    `keys`: a JSON array.
    """
    connection.execute(DOUBT, (scope_id, keys))


def doubted_left_over(connection: sqlite3.Connection, scope_id: int) -> None:
    """Note type and ERP id of such rows (see `doubted`) whose keys a left-over intent names."""
    connection.execute(DOUBT_LEFT_OVER, (scope_id,))


def replace_all(connection: sqlite3.Connection, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Replace all notes of a company."""
    connection.execute(FORGET_ALL, (scope_id,))
    put(connection, scope_id, rows)


def acknowledged(connection: sqlite3.Connection, scope_id: int, keys: Iterable[str]) -> None:
    """Forget the notes on keys whose rows an answer has acknowledged."""
    connection.executemany(FORGET, [(scope_id, key) for key in keys])


def refused(connection: sqlite3.Connection, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Forget the notes on keys whose rows were refused, unless an earlier answer acknowledged them.

    `rows`: what they would have become. Refused as something else, they may still be what is noted.
    """
    values = [(scope_id, key, *natural, NOT_LISTED, MADE_ANEW) for key, natural in rows.items()]
    connection.executemany(REFUSED, values)
