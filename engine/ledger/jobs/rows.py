"""What is known of companies' remote rows: the SQL, and the jobs that run it on the ledger's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from sys import intern
from typing import Any

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs import entries, may_be_there, resting, scopes, sources
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import from_text, to_json, to_text
from engine.model.company_record import CompanyRecord
from engine.model.dimension import RemoteRow
from engine.model.ledger_writes import Learned, SourceLines
from engine.model.resource import Resource
from engine.model.resting import Rejection
from engine.model.row_record import CONFIRMED, NOTES, SETTLED, Agreement, RowRecord, as_entries, entry_names
from engine.model.row_record import entries as keyed_entries
from engine.model.settings import CompanyKey
from engine.model.table import Column, Keyed, constant, gathered, positions_of

READ_TRIED = """
    select key from {rows}
    where scope = ? and not confirmed and not settled and remote_id is not null and acked_at is null
      and {told} <> ''
"""  # once a listing has shown a row as it was sent, the ledger keeps no values for it
UNFINISHED = "select id from runs where finished_at is null and id in (select value from json_each(?))"
READ_STRAYS = "select {remote_fields} from {strays} where scope = ? order by position"
READ_WIRE_KEYS = "select source_key, wire_key from wire_keys where scope = ? order by source_key"
READ_REJECTIONS = "select key, fingerprint, at, message from rejections where scope = ? order by key"

ACKNOWLEDGE = """
    insert or replace into {rows} (scope, acked_at, acked_generation, {fields},
                                   remote_id, confirmed, settled, code_known, seen, agreement, before)
    select ?1, ?2, (select generation + 1 from scopes where id = ?1),
           {values}, {flags} & 1, {flags} >> 1 & 1, {flags} >> 2 & 1, {notes}
    from (values {entries})
"""  # the inverse of `entries.ENTRIES`; `scopes.changed` sets the same generation in the same transaction
ADOPT = """
    insert into {rows} (scope, acked_at, {fields}, remote_id, confirmed, settled, code_known, seen, agreement, before)
    select ?1, ?2, {values}, {flags} & 1, {flags} >> 1 & 1, {flags} >> 2 & 1, {notes}
    from (values {entries}) where true
    on conflict (scope, key) do update set
        {updates}, remote_id = excluded.remote_id,
        confirmed = excluded.confirmed, settled = excluded.settled, code_known = excluded.code_known,
        seen = excluded.seen, agreement = excluded.agreement, before = excluded.before
"""  # `acked_at` and `acked_generation` stay as they are
AGREE = "update {rows} set agreement = ? where scope = ? and key = ?"
FORGET = "delete from {rows} where scope = ? and key = ?"
UNLISTED = """
    select key from {rows} join scopes on id = scope
    where scope = ? and acked_generation > coalesce(listed_generation, 0) and key in (select value from json_each(?))
"""
BEARING = """
    with others as (select id, company_id from scopes where origin = ?1 and account = ?2 and company_id <> ?3),
          wanted as (select value from json_each(?4))
    select company_id, type_code, type_label, erp_id from {rows} join others on others.id = {rows}.scope
    where erp_id in wanted and settled
    union
    select company_id, type_code, type_label, erp_id from {strays} join others on others.id = {strays}.scope
    where erp_id in wanted
    order by company_id, type_code, erp_id
"""  # reads each row of the account: it is asked only where an invoice names what its company does not have
FORGET_STRAYS = "delete from {strays} where scope = ?"
PUT_STRAY = """
    insert into {strays} (scope, position, {remote_fields}) values (?, ?, {remote_marks})
"""

BLOCKS = (100, 50, 25, 5, 1)
"""Rows in one statement: each time the largest that the rows left can fill and that binds no more than `MOST_VALUES`. A
statement costs 1-2 us before them."""

MOST_VALUES = 999
"""Values that are bound to one statement at most: as many as every build of SQLite takes; younger ones take more."""

READ_REVERTS = "select key, at from reverts where scope = ? order by key, at"
FORGET_REVERTS = """
    delete from reverts where scope = ?1 and at < min(?2, (
        select coalesce(json_extract(listed_before, '$[1]'), json_extract(listed_before, '$[0]'), listed_at, ?2)
        from scopes where id = ?1
    ))
"""
ADD_REVERT = "insert or ignore into reverts (scope, key, at) values (?, ?, ?)"
REVERTS_KEPT = timedelta(days=14)  # and since the last listing but two: see `compare.flapping`


def read(connection: Connection, company_key: CompanyKey) -> CompanyRecord:
    """Return all that is known of a company, rows in the order of their keys (1-2 us a row)."""
    notes = scopes.notes(connection, company_key)
    resource = company_key.resource
    if notes is None:
        return CompanyRecord(resource=resource)
    place = (notes.scope_id,)
    fetched = entries.read(connection, resource, notes.scope_id)
    known = _decoded(fetched.columns, resource)
    is_doubtful = not all(flags & (CONFIRMED | SETTLED) for flags in set(known.table.column("flags")))
    agreements = [each for each in known.table.column("agreement") if each is not None]
    tellers = {each.told_by for each in agreements} - {None}
    unfinished = connection.execute(UNFINISHED, (to_json(sorted(tellers)),)).fetchall() if tellers else ()
    tried = connection.execute(sql(resource, READ_TRIED), place).fetchall() if is_doubtful else ()
    return CompanyRecord(
        rows=known,
        keyless=tuple(map(resource.remote._make, connection.execute(sql(resource, READ_STRAYS), place))),
        rejections=_read_rejections(connection, notes.scope_id),
        unfinished=frozenset(run_id for (run_id,) in unfinished),
        tried=frozenset(key for (key,) in tried),
        reverts=tuple((key, from_text(at)) for key, at in connection.execute(READ_REVERTS, place)),
        resting=resting.read(connection, notes.scope_id),
        may_be_there=may_be_there.read(connection, resource, notes.scope_id),
        wire_keys=dict(connection.execute(READ_WIRE_KEYS, place).fetchall()),
        state=notes.state,
        good=sources.good_counts(connection, company_key),
        left_over=notes.left_over,
        lost_at=notes.lost_at,
        is_as_listed=notes.is_as_listed,
        scattered=fetched.scattered,
        lines=fetched.lines,
        resource=resource,
    )


def gather(connection: Connection, company_key: CompanyKey, lines: SourceLines | None = None) -> None:
    """Write a company's entries together, so that they are read in a fifth of the time.

    `lines`: rows of its source; an entry that has such a row's values is told by the row's line from then on.
    """
    if (scope_id := scopes.find(connection, company_key)) is not None:
        entries.gather(connection, company_key.resource, scope_id, lines)


def read_one(connection: Connection, resource: Resource, scope_id: int, key: str) -> RowRecord | None:
    """Return the entry of one row."""
    return _decoded(entries.read_one(connection, resource, scope_id, key), resource).get(key)


def unlisted(connection: Connection, company_key: CompanyKey, keys: Sequence[str]) -> frozenset[str]:
    """Return which of these keys were acknowledged after the last whole listing."""
    statement = sql(company_key.resource, UNLISTED)
    found = connection.execute(statement, (scopes.find(connection, company_key), to_json(keys)))
    return frozenset(key for (key,) in found)


def bearing(connection: Connection, company_key: CompanyKey, erp_ids: Sequence[str]) -> list[tuple[int, str, str, str]]:
    """Return (company id, type code, label, ERP id) of rows with these ids in other companies of the account."""
    values = (company_key.origin, company_key.account, company_key.company_id, to_json(erp_ids))
    return list(connection.execute(sql(company_key.resource, BEARING), values))


def _decoded(columns: dict[str, Any], resource: Resource) -> Keyed[RowRecord]:
    """Return row records made of columns. Takes the columns, so that each is freed as soon as it is a tuple.

    A company has a handful of kinds and labels: one string for each of them, not one for each row.
    """
    for name in (*resource.kind, resource.label):
        if name is not None:
            shared = {text: intern(text) for text in set(columns[name])}
            columns[name] = gathered(map(shared.__getitem__, columns[name]))
    nothing = constant(None, len(columns["key"]))
    columns["seen"] = _each_decoded(columns["seen"], nothing, lambda text: resource.remote(**orjson.loads(text)))
    columns["agreement"] = _each_decoded(columns["agreement"], nothing, lambda text: Agreement(**orjson.loads(text)))
    columns["before"] = _each_decoded(columns["before"], nothing, orjson.loads)
    return keyed_entries(map(columns.pop, list(columns)), resource)


def _each_decoded(column: list[Any], nothing: Column, decode: Callable[[str], object]) -> Column:
    """Return a column with its values decoded; few rows have one. If no row has, `nothing`: one column for all such."""
    positions = positions_of(iter(column), len(column))
    for at in positions:
        column[at] = decode(column[at])
    return column if positions else nothing


def reverted(connection: Connection, company_key: CompanyKey, keys: Sequence[str], at: datetime) -> None:
    """Note rows that are pushed back, and forget what is too old to count."""
    scope_id = scopes.to_change(connection, company_key)
    connection.execute(FORGET_REVERTS, (scope_id, to_text(at - REVERTS_KEPT)))
    connection.executemany(ADD_REVERT, ((scope_id, key, to_text(at)) for key in keys))


def _read_rejections(connection: Connection, scope_id: int) -> dict[str, Rejection]:
    found = connection.execute(READ_REJECTIONS, (scope_id,))
    return {key: Rejection(fingerprint, from_text(at), message) for key, fingerprint, at, message in found}


def learn(connection: Connection, company_key: CompanyKey, learned: Learned) -> None:
    """Take over what a whole listing showed."""
    scope_id, resource = scopes.number(connection, company_key), company_key.resource
    connection.executemany(sql(resource, FORGET), [(scope_id, key) for key in sorted(learned.gone)])
    _write(connection, resource, ADOPT, (scope_id, None), learned.rows)
    if learned.keyless is not None:
        strays = ((scope_id, at, *stray) for at, stray in enumerate(learned.keyless))
        connection.execute(sql(resource, FORGET_STRAYS), (scope_id,))
        connection.executemany(sql(resource, PUT_STRAY), strays)
    resting.put(connection, scope_id, learned.resting)
    resting.end(connection, scope_id, learned.rested)
    if learned.may_be_there is not None:
        may_be_there.replace_all(connection, resource, scope_id, learned.may_be_there)
    if learned.is_news:
        scopes.changed(connection, scope_id, learned.run_id)
    scopes.listed(connection, scope_id, learned.certificate, learned.at, learned.run_id)


def agree(connection: Connection, company_key: CompanyKey, agreements: Mapping[str, Agreement]) -> None:
    """Replace the agreements of rows."""
    scope_id = scopes.to_change(connection, company_key)
    values = [(to_json(agreement._asdict()), scope_id, key) for key, agreement in sorted(agreements.items())]
    connection.executemany(sql(company_key.resource, AGREE), values)


def acknowledge(
    connection: Connection, resource: Resource, scope_id: int, rows: Mapping[str, RowRecord], at: datetime
) -> None:
    """Write the entries of rows that an answer acknowledged."""
    _write(connection, resource, ACKNOWLEDGE, (scope_id, to_text(at)), rows)


def _write(
    connection: Connection,
    resource: Resource,
    statement: str,
    common: tuple[object, ...],
    rows: Mapping[str, RowRecord],
) -> None:
    """Write entries in the order of their keys: in random order, writing costs several times as much."""
    table = as_entries(rows, resource).table
    table = table.take(table.in_order_of("key"))
    names = entry_names(resource)
    columns = [_encoded(table.column(name)) if name in _FEW else table.column(name) for name in names]
    shared = _alike(columns[-SHARED:]) if len(table) > 1 else 0
    once = [column[0] for column in columns[len(names) - shared :]]
    own = len(names) - shared
    values = zip(*columns[:own], strict=True)
    left = len(table)
    for block in (block for block in BLOCKS if len(common) + shared + block * own <= MOST_VALUES):
        for _ in range(left // block):
            bound = (*common, *once, *chain.from_iterable(islice(values, block)))
            connection.execute(sql(resource, statement, block, shared), bound)
        left %= block


SHARED = len(NOTES) - 1
"""How many fields of an entry are mostly the same in all entries that are written together: all notes but the id."""


def _alike(columns: Sequence[Column]) -> int:
    """Return the number of these columns if each holds one value alone, which is bound once then; else 0."""
    return len(columns) if all(column.count(column[0]) == len(column) for column in columns) else 0


_FEW = {"seen", "agreement", "before"}
"""Fields of an entry that few rows have, and that are written as JSON."""


def _encoded(column: Column) -> Column:
    return [None if each is None else to_json(_plain(each)) for each in column] if any(column) else column


def _plain(part: RemoteRow | Agreement | Mapping[str, str]) -> Mapping[str, object]:
    return part._asdict() if isinstance(part, tuple) else part
