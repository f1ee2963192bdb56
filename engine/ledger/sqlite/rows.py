"""What is known of companies' remote rows: the SQL, and the jobs that run it on the ledger's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import chain, islice
from sys import intern
from typing import Any

import orjson

from engine.ledger.sqlite import may_be_there, resting, scopes
from engine.ledger.sqlite.texts import from_text, to_json, to_text
from engine.model.company_record import CompanyRecord
from engine.model.dimension import RemoteRow
from engine.model.ledger_writes import Learned
from engine.model.resting import Rejection
from engine.model.row_record import CONFIRMED, SETTLED, Agreement, Entry, RowRecord, as_entries, entries
from engine.model.settings import CompanyKey
from engine.model.table import Column, Keyed, transposed

ENTRIES = """
    select key, type_code, type_label, name, erp_id, code, remote_id,
           confirmed + 2 * settled + 4 * code_known + 8 * (coalesce(acked_generation, 0) > (
               select coalesce(listed_generation, 0) from scopes where id = ?1
           )),
           seen, agreement, before
    from rows where scope = ?1
"""  # in the order of the fields of `Entry`
READ = f"{ENTRIES} order by key"
READ_ONE = f"{ENTRIES} and key = ?2"

READ_TRIED = """
    select key from rows
    where scope = ? and not confirmed and not settled and remote_id is not null and acked_at is null
      and type_code <> ''
"""  # one that a listing has shown since it was sent has no values of its own
UNFINISHED = "select id from runs where finished_at is null and id in (select value from json_each(?))"
READ_STRAYS = "select id, type_code, type_label, name, erp_id, code, key from strays where scope = ? order by position"
READ_WIRE_KEYS = "select source_key, wire_key from wire_keys where scope = ? order by source_key"
READ_REJECTIONS = "select key, fingerprint, at, message from rejections where scope = ? order by key"

ACKNOWLEDGE = """
    insert or replace into rows (scope, acked_at, acked_generation, key, type_code, type_label, name, erp_id, code,
                                 remote_id, confirmed, settled, code_known, seen, agreement, before)
    select ?1, ?2, (select generation + 1 from scopes where id = ?1),
           column1, column2, column3, column4, column5, column6, column7,
           column8 & 1, column8 >> 1 & 1, column8 >> 2 & 1, column9, column10, column11
    from (values {})
"""  # the inverse of `ENTRIES`; the generation is the one that `scopes.changed` makes of it in the same transaction
ADOPT = """
    insert into rows (scope, acked_at, key, type_code, type_label, name, erp_id, code, remote_id,
                      confirmed, settled, code_known, seen, agreement, before)
    select ?1, ?2, column1, column2, column3, column4, column5, column6, column7,
           column8 & 1, column8 >> 1 & 1, column8 >> 2 & 1, column9, column10, column11
    from (values {}) where true
    on conflict (scope, key) do update set
        type_code = excluded.type_code, type_label = excluded.type_label, name = excluded.name,
        erp_id = excluded.erp_id, code = excluded.code, remote_id = excluded.remote_id,
        confirmed = excluded.confirmed, settled = excluded.settled, code_known = excluded.code_known,
        seen = excluded.seen, agreement = excluded.agreement, before = excluded.before
"""  # when the entry was acknowledged stays
AGREE = "update rows set agreement = ? where scope = ? and key = ?"
FORGET = "delete from rows where scope = ? and key = ?"
UNLISTED = """
    select key from rows join scopes on id = scope
    where scope = ? and acked_generation > coalesce(listed_generation, 0) and key in (select value from json_each(?))
"""
BEARING = """
    with others as (select id, company_id from scopes where origin = ?1 and account = ?2 and company_id <> ?3),
         wanted as (select value from json_each(?4))
    select company_id, type_code, type_label, erp_id from rows join others on others.id = rows.scope
    where erp_id in wanted and settled
    union
    select company_id, type_code, type_label, erp_id from strays join others on others.id = strays.scope
    where erp_id in wanted
    order by company_id, type_code, erp_id
"""  # reads each row of the account: it is asked only where an invoice names what its company does not have
FORGET_STRAYS = "delete from strays where scope = ?"
PUT_STRAY = """
    insert into strays (scope, position, id, type_code, type_label, name, erp_id, code, key)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

VALUES = "(?{})".format(", ?" * 10)
"""An entry's fields in `ACKNOWLEDGE` and `ADOPT`; scope and time are those of all."""

BLOCKS = (50, 10, 1)
"""Rows in one statement: the largest block that the rows left fill. A statement costs 1-2 us before its first row."""

READ_REVERTS = "select key, at from reverts where scope = ? order by key, at"
FORGET_REVERTS = """
    delete from reverts where scope = ?1 and at < min(?2, (
        select coalesce(json_extract(listed_before, '$[1]'), json_extract(listed_before, '$[0]'), listed_at, ?2)
        from scopes where id = ?1
    ))
"""
ADD_REVERT = "insert or ignore into reverts (scope, key, at) values (?, ?, ?)"
REVERTS_KEPT = timedelta(days=14)  # and since the last listing but two: see `compare.flapping`


def read(connection: sqlite3.Connection, company_key: CompanyKey) -> CompanyRecord:
    """Return all that is known of a company, rows in the order of their keys (1-2 us a row)."""
    notes = scopes.notes(connection, company_key)
    if notes is None:
        return CompanyRecord()
    place = (notes.scope_id,)
    known = _entries(connection.execute(READ, place))
    is_doubtful = not all(flags & (CONFIRMED | SETTLED) for flags in set(known.table.column("flags")))
    agreements = [each for each in known.table.column("agreement") if each is not None]
    tellers = {each.told_by for each in agreements} - {None}
    unfinished = connection.execute(UNFINISHED, (to_json(sorted(tellers)),)).fetchall() if tellers else ()
    tried = connection.execute(READ_TRIED, place).fetchall() if is_doubtful else ()
    return CompanyRecord(
        rows=known,
        keyless=tuple(map(RemoteRow._make, connection.execute(READ_STRAYS, place))),
        rejections=_read_rejections(connection, notes.scope_id),
        unfinished=frozenset(run_id for (run_id,) in unfinished),
        tried=frozenset(key for (key,) in tried),
        reverts=tuple((key, from_text(at)) for key, at in connection.execute(READ_REVERTS, place)),
        resting=resting.read(connection, notes.scope_id),
        may_be_there=may_be_there.read(connection, notes.scope_id),
        wire_keys=dict(connection.execute(READ_WIRE_KEYS, place).fetchall()),
        state=notes.state,
        left_over=notes.left_over,
        lost_at=notes.lost_at,
        is_as_listed=notes.is_as_listed,
    )


def read_one(connection: sqlite3.Connection, scope_id: int, key: str) -> RowRecord | None:
    """Return the entry of one row."""
    return _entries(connection.execute(READ_ONE, (scope_id, key))).get(key)


def unlisted(connection: sqlite3.Connection, company_key: CompanyKey, keys: Sequence[str]) -> frozenset[str]:
    """Return which of these keys were acknowledged after the last whole listing."""
    found = connection.execute(UNLISTED, (scopes.find(connection, company_key), to_json(keys)))
    return frozenset(key for (key,) in found)


def bearing(
    connection: sqlite3.Connection, company_key: CompanyKey, erp_ids: Sequence[str]
) -> list[tuple[int, str, str, str]]:
    """Return (company id, type code, label, ERP id) of rows with these ids in other companies of the account."""
    values = (company_key.origin, company_key.account, company_key.company_id, to_json(erp_ids))
    return list(connection.execute(BEARING, values))


def _entries(fetched: Iterable[tuple[Any, ...]]) -> Keyed[RowRecord]:
    """Return row records as they were fetched.

    A company has a handful of types: one string for each of them, not one for each row.
    """
    keys, types, labels, names, erp_ids, codes, ids, flags, seen, agreements, before = transposed(
        fetched, len(Entry._fields)
    )
    return entries(
        (
            keys,
            list(map(intern, types)),
            list(map(intern, labels)),
            names,
            erp_ids,
            codes,
            ids,
            flags,
            _decoded(seen, lambda text: RemoteRow(**orjson.loads(text))),
            _decoded(agreements, lambda text: Agreement(**orjson.loads(text))),
            _decoded(before, orjson.loads),
        )
    )


def _decoded(column: Column, decode: Callable[[str], object]) -> Column:
    """Return what few rows have, decoded."""
    return [text and decode(text) for text in column] if any(column) else column


def reverted(connection: sqlite3.Connection, company_key: CompanyKey, keys: Sequence[str], at: datetime) -> None:
    """Note rows that are pushed back, and forget what is too old to count."""
    scope_id = scopes.to_change(connection, company_key)
    connection.execute(FORGET_REVERTS, (scope_id, to_text(at - REVERTS_KEPT)))
    connection.executemany(ADD_REVERT, ((scope_id, key, to_text(at)) for key in keys))


def _read_rejections(connection: sqlite3.Connection, scope_id: int) -> dict[str, Rejection]:
    found = connection.execute(READ_REJECTIONS, (scope_id,))
    return {key: Rejection(fingerprint, from_text(at), message) for key, fingerprint, at, message in found}


def learn(connection: sqlite3.Connection, company_key: CompanyKey, learned: Learned) -> None:
    """Take over what a whole listing showed."""
    scope_id = scopes.number(connection, company_key)
    connection.executemany(FORGET, [(scope_id, key) for key in sorted(learned.gone)])
    _write(connection, ADOPT, (scope_id, None), learned.rows)
    if learned.keyless is not None:
        connection.execute(FORGET_STRAYS, (scope_id,))
        connection.executemany(PUT_STRAY, ((scope_id, at, *stray) for at, stray in enumerate(learned.keyless)))
    resting.put(connection, scope_id, learned.resting)
    resting.end(connection, scope_id, learned.rested)
    if learned.may_be_there is not None:
        may_be_there.replace_all(connection, scope_id, learned.may_be_there)
    told = learned.rows, learned.gone, learned.resting, learned.rested
    if any(told) or learned.keyless is not None or learned.may_be_there is not None:
        scopes.changed(connection, scope_id, learned.run_id)
    scopes.listed(connection, scope_id, learned.certificate, learned.at, learned.run_id)


def agree(connection: sqlite3.Connection, company_key: CompanyKey, agreements: Mapping[str, Agreement]) -> None:
    """Replace the agreements of rows."""
    scope_id = scopes.to_change(connection, company_key)
    values = [(to_json(agreement._asdict()), scope_id, key) for key, agreement in sorted(agreements.items())]
    connection.executemany(AGREE, values)


def acknowledge(connection: sqlite3.Connection, scope_id: int, rows: Mapping[str, RowRecord], at: datetime) -> None:
    """Write the entries of rows that an answer acknowledged."""
    _write(connection, ACKNOWLEDGE, (scope_id, to_text(at)), rows)


def _write(
    connection: sqlite3.Connection, statement: str, common: tuple[object, ...], rows: Mapping[str, RowRecord]
) -> None:
    """Write entries in the order of their keys: in random order, writing costs several times as much."""
    table = as_entries(rows).table
    table = table.take(table.in_order_of("key"))
    columns = (_encoded(table.column(name)) if name in _FEW else table.column(name) for name in Entry._fields)
    values = zip(*columns, strict=True)
    left = len(table)
    for block in BLOCKS:
        for _ in range(left // block):
            connection.execute(_of_many(statement, block), (*common, *chain.from_iterable(islice(values, block))))
        left %= block


_FEW = {"seen", "agreement", "before"}
"""Fields of an entry that few have, and that are written as JSON."""


def _encoded(column: Column) -> Column:
    return [None if each is None else to_json(_plain(each)) for each in column] if any(column) else column


def _plain(part: RemoteRow | Agreement | Mapping[str, str]) -> Mapping[str, object]:
    return part._asdict() if isinstance(part, tuple) else part


@cache
def _of_many(statement: str, rows: int) -> str:
    """Return a statement on this number of rows: `?1` and `?2` are common to all, each row's values follow."""
    return statement.format(", ".join([VALUES] * rows))
