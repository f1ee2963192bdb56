"""Read the entries of a company: from its memo, which has them together, or one by one from `rows`.

Reading a memo takes a fifth of the time. Triggers of the schema note which entries change, whoever writes them; changed
entries are read from `rows`. Once many have changed, the memo is deleted, since to note more would cost more than it
saves. A memo of which a part is missing or damaged is not read. To delete a memo costs time and changes nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, compress, groupby, islice, repeat
from typing import Any, NamedTuple

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs.statements import sql
from engine.model.breath import breathe
from engine.model.ledger_writes import NO_LINE, SourceLines
from engine.model.resource import Resource
from engine.model.row_record import FRESH, entry_names
from engine.model.table import SLICE, Keyed, positions_of, show_early, transposed

PART_ROWS = 4_000
"""Entries in one part of a memo: to encode it takes some 2 ms, during which no other thread goes on."""

FIND = "select parts, changes from entry_memos where scope = ?"
PARTS = "select entries from entry_parts where scope = ? order by part"
CHANGED = "select key from changed_entries where scope = ?"
LISTED = "select coalesce(listed_generation, 0) from scopes where id = ?"
ENTRIES = """
    select {fields}, remote_id, confirmed + 2 * settled + 4 * code_known, seen, agreement, before,
           coalesce(acked_generation, 0)
    from {rows} where scope = ?1
"""  # in the order of `entry_names`; whether an entry is fresh changes with each listing, so `_named` finds it out
WHOLE = f"{ENTRIES} order by key"
ONE = f"{ENTRIES} and key = ?2"
SOME = f"{ENTRIES} and key in (select key from changed_entries where scope = ?1) order by key"  # noqa: S608  our own
FORGET = (
    "delete from entry_memos where scope = ?",
    "delete from entry_parts where scope = ?",
    "delete from changed_entries where scope = ?",
)
PUT = "insert into entry_memos (scope, entries, parts, changes) values (?, ?, ?, 0)"
PUT_PART = "insert into entry_parts (scope, part, entries) values (?, ?, ?)"

Columns = Sequence[list[Any]]
"""The fields of entries in the order of `entry_names`, and the generation at which each was acknowledged.

A memo may have one column more: the hash of the source's line that tells the entry's row, or `NO_LINE`.
"""

MOST_RUNS = 8
"""A column with fewer runs of equal values than an eighth of its entries is kept in runs."""


class Fetched(NamedTuple):
    """The entries of a company, as they are stored."""

    columns: dict[str, list[Any]]  # by name; values in the order of the entries' keys
    scattered: int  # how many entries were read from `rows`, not from the memo
    lines: list[int] | None = None  # hashes of lines, in the order of the entries; None: the memo has none


def read(connection: Connection, resource: Resource, scope_id: int) -> Fetched:
    """Return all entries of a company."""
    found = _read_memo(connection, resource, scope_id)
    if found is None:
        columns = _fetched(connection.execute(sql(resource, WHOLE), (scope_id,)), resource)
        found = columns, len(columns[0])
    columns, scattered = found
    width = _width(resource)
    lines = columns[width] if len(columns) > width else None
    return Fetched(_named(connection, resource, scope_id, columns[:width]), scattered, lines)


def read_one(connection: Connection, resource: Resource, scope_id: int, key: str) -> dict[str, list[Any]]:
    """Return the entry of a key, if there is one."""
    found = _fetched(connection.execute(sql(resource, ONE), (scope_id, key)), resource)
    return _named(connection, resource, scope_id, found)


def gather(connection: Connection, resource: Resource, scope_id: int, lines: SourceLines | None = None) -> None:
    """Write the memo of a company's entries as they are. `lines`: as of `rows.gather`."""
    for statement in FORGET:
        connection.execute(statement, (scope_id,))
    if resource.prefix:
        return  # no triggers watch its table
    rows = iter(connection.execute(sql(resource, WHOLE), (scope_id,)))
    starts = [0]
    positions = {} if lines is None else Keyed(resource.wanted_table(lines.rows), "key").positions
    while (part := _fetched(islice(rows, PART_ROWS), resource))[0]:  # a part alone: the run holds all rows already
        whole = part if lines is None else [*part, _lines_of(part, resource, lines, positions)]
        connection.execute(PUT_PART, (scope_id, starts[-1], orjson.dumps(list(map(_in_runs, whole)))))
        starts.append(starts[-1] + len(part[0]))
        if len(part[0]) == PART_ROWS:
            breathe()
    connection.execute(PUT, (scope_id, starts[-1], len(starts) - 1))


def _in_runs(column: list[Any]) -> list[Any] | dict[str, list[Any]]:
    """Return a column as a memo has it: one of which few neighbours differ, as values and how often each is repeated.

    Such are kinds, labels, flags, and what few entries have: it takes a tenth of the time to read them so.
    """
    runs = [(value, sum(1 for _ in run)) for value, run in groupby(column)]
    return {"runs": runs} if len(runs) * MOST_RUNS <= len(column) else column


def _unrolled(column: list[Any] | dict[str, list[Any]]) -> list[Any]:
    """Return a column of a memo with all of its values. It may be damaged: see `_joined`."""
    if isinstance(column, list):
        return column
    return list(chain.from_iterable(repeat(value, count) for value, count in column.get("runs", ())))


def _lines_of(part: Columns, resource: Resource, lines: SourceLines, positions: Mapping[str, int]) -> list[int]:
    """Return the hashes of the lines that tell the rows of some entries; `NO_LINE` for the others."""
    wanted = resource.wanted_table(lines.rows)
    found = list(map(positions.get, part[0]))
    there = [at for at, position in enumerate(found) if position is not None]
    places = [position for position in found if position is not None]
    for values, name in zip(part, resource.names, strict=False):  # an entry begins with its row
        column = wanted.column(name)
        is_same = [values[at] == column[position] for at, position in zip(there, places, strict=True)]
        there, places = list(compress(there, is_same)), list(compress(places, is_same))
    hashes = [NO_LINE] * len(found)
    for at, position in zip(there, places, strict=True):
        hashes[at] = lines.hashes[position]
    return hashes


def _width(resource: Resource) -> int:
    """Return how many columns entries have, without those of a memo alone."""
    return len(entry_names(resource)) + 1


def _named(connection: Connection, resource: Resource, scope_id: int, columns: Columns) -> dict[str, list[Any]]:
    """Return columns by name. Entries that were acknowledged since the last listing are flagged as fresh."""
    *fields, acked = columns
    named = dict(zip(entry_names(resource), fields, strict=True))
    (listed,) = connection.execute(LISTED, (scope_id,)).fetchone()
    flags = named["flags"]
    for at in positions_of(map(listed.__lt__, acked), len(acked)):
        flags[at] += FRESH
    return named


def _fetched(rows: Iterable[tuple[Any, ...]], resource: Resource) -> Columns:
    return transposed(rows, _width(resource))


def _read_memo(connection: Connection, resource: Resource, scope_id: int) -> tuple[Columns, int] | None:
    """Return the columns as the memo has them, and how many entries were read from `rows`; None: there is no memo."""
    memo = connection.execute(FIND, (scope_id,)).fetchone()
    if memo is None:
        return None
    parts, changes = memo
    changed = sorted(key for (key,) in connection.execute(CHANGED, (scope_id,)))
    if len(changed) != changes:
        return None
    columns = _joined(connection.execute(PARTS, (scope_id,)), parts, _width(resource))
    if columns is None or not changed:
        return None if columns is None else (columns, 0)
    found = _fetched(connection.execute(sql(resource, SOME), (scope_id,)), resource)
    if len(columns) > len(found):
        found = [*found, [NO_LINE] * len(found[0])]
    return _merged(columns, found, changed), len(changed)


def _joined(stored: Iterable[tuple[bytes]], parts: int, width: int) -> Columns | None:
    """Return the parts of a memo as columns, holding one part at a time; None: a part is missing or damaged."""
    columns: Columns = []
    found = 0
    try:
        for found, (blob,) in enumerate(stored, 1):
            part = list(map(_unrolled, orjson.loads(blob)))
            widths = {len(columns)} if columns else {width, width + 1}
            if len(part) not in widths or len(set(map(len, part))) != 1:
                return None
            if found == 1:
                columns = part
                continue
            for column, more in zip(columns, part, strict=True):
                column.extend(more)
            breathe()
            if found == 2:
                show_early()
    except (ValueError, TypeError, AttributeError):
        return None
    return (columns or [[] for _ in range(width)]) if found == parts else None


def _merged(columns: Columns, found: Columns, changed: Sequence[str]) -> Columns:
    """Return a memo's columns with the changed entries as `rows` has them now (`found`), without the deleted ones."""
    keys, there = columns[0], found[0]
    places = [bisect_left(keys, key) for key in there]
    if len(there) == len(changed) and there == [keys[at] if at < len(keys) else None for at in places]:
        for column, values in zip(columns, found, strict=True):
            for at, value in zip(places, values, strict=True):
                column[at] = value
        return columns
    cuts = list(_cuts(keys, there, changed))
    return [_spliced(column, values, cuts) for column, values in zip(columns, found, strict=True)]


def _cuts(keys: Sequence[str], there: Sequence[str], changed: Sequence[str]) -> Iterator[tuple[slice, slice]]:
    """Yield for each changed key the slice of `keys` before it, and the slice of `there` that takes the key's place."""
    start, taken = 0, 0
    for key in changed:
        at = bisect_left(keys, key)
        is_there = taken < len(there) and there[taken] == key
        yield slice(start, at), slice(taken, taken + is_there)
        start = at + (at < len(keys) and keys[at] == key)
        taken += is_there
    yield slice(start, None), slice(taken, taken)


def _spliced(column: list[Any], values: list[Any], cuts: Iterable[tuple[slice, slice]]) -> list[Any]:
    spliced: list[Any] = []
    if len(column) > SLICE:
        breathe()
    for stays, now in cuts:
        spliced += column[stays]
        spliced += values[now]
    return spliced
