"""Natural keys that were sent under a key and that no listing has shown since: there may be rows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.ledger.connection import Connection
from engine.ledger.jobs.statements import sql
from engine.model.dimension import NaturalKey
from engine.model.resource import Resource
from engine.model.resting import MADE_ANEW, NOT_LISTED

READ = "select key, {natural} from {may_be_there} where scope = ? order by key"
PUT = "insert or replace into {may_be_there} (scope, key, {natural}) values (?, ?, {natural_marks})"
DOUBT = """
    insert or ignore into {may_be_there} (scope, key, {natural})
    select scope, key, {natural} from {rows} join scopes on id = scope
    where scope = ? and settled and acked_generation > coalesce(listed_generation, 0)
          and key in (select value from json_each(?))
"""
DOUBT_LEFT_OVER = """
    insert or ignore into {may_be_there} (scope, key, {natural})
    select {rows}.scope, key, {natural} from {rows} join scopes on id = {rows}.scope
    where {rows}.scope = ?1 and settled and acked_generation > coalesce(listed_generation, 0)
          and key in (select value from intents join json_each(keys) where scope = ?1)
"""
FORGET_ALL = "delete from {may_be_there} where scope = ?"
FORGET = "delete from {may_be_there} where scope = ? and key = ?"
REFUSED = """
    delete from {may_be_there}
    where scope = ? and key = ? and ({natural}) = ({natural_marks})
          and not exists (select 1 from resting where scope = ? and key = ? and code in (?, ?))
"""  # a row that was acknowledged earlier may be stored although it is refused now


def read(connection: Connection, resource: Resource, scope_id: int) -> dict[str, NaturalKey]:
    """Return the notes of a company, by key."""
    return {key: tuple(natural) for key, *natural in connection.execute(sql(resource, READ), (scope_id,))}


def put(connection: Connection, resource: Resource, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Note under which natural keys rows may be stored."""
    connection.executemany(sql(resource, PUT), [(scope_id, key, *natural) for key, natural in sorted(rows.items())])


def doubted(connection: Connection, resource: Resource, scope_id: int, keys: str) -> None:
    """Note the natural keys of acknowledged rows that no listing has shown, before their outcome becomes unknown.

    `keys`: a JSON array.
    """
    connection.execute(sql(resource, DOUBT), (scope_id, keys))


def doubted_left_over(connection: Connection, resource: Resource, scope_id: int) -> None:
    """Note the natural keys of such rows (see `doubted`) whose keys a left-over intent names."""
    connection.execute(sql(resource, DOUBT_LEFT_OVER), (scope_id,))


def replace_all(connection: Connection, resource: Resource, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Replace all notes of a company."""
    connection.execute(sql(resource, FORGET_ALL), (scope_id,))
    put(connection, resource, scope_id, rows)


def acknowledged(connection: Connection, resource: Resource, scope_id: int, keys: Iterable[str]) -> None:
    """Forget the notes on keys whose rows an answer has acknowledged."""
    connection.executemany(sql(resource, FORGET), [(scope_id, key) for key in keys])


def refused(connection: Connection, resource: Resource, scope_id: int, rows: Mapping[str, NaturalKey]) -> None:
    """Forget the notes on keys whose rows were refused, unless an earlier answer acknowledged them.

    `rows`: the natural key with which each was refused. Under another noted one, an earlier row may still be stored.
    """
    values = [(scope_id, key, *natural, scope_id, key, NOT_LISTED, MADE_ANEW) for key, natural in rows.items()]
    connection.executemany(sql(resource, REFUSED), values)
