"""The audit trail: one line per request that was settled, with what became of each of its rows.

A line holds one JSON array of `[key, outcome, remote_id, message, fields]` for its rows; empty values at an array's end
are left out. `fields`: `[name, before, after]` of each field that an update changes; an older dimsync wrote none.
A line per row would double the cost of a push. The view `outcomes` takes the array apart for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import from_text, to_json, to_text
from engine.model.ledger_writes import Settlement
from engine.model.outcome import Column, Outcome
from engine.model.row_history import RowAttempt
from engine.model.table import Table

ADD = """
    insert into attempts (scope, id, run_id, at, sends, status, request_id, rows) values (?, ?, ?, ?, ?, ?, ?, ?)
"""
OF_ROW = """
    select at, run_id, id, sends, status, request_id, rows from attempts
    where scope = ? and instr(rows, ?) order by at desc, number desc
"""
FORGET = "delete from attempts where scope in (select id from scopes) and at < ?"  # `scope in` makes it use the index

CUT_SHORT = "the run ended before its answer was written down"


def add(connection: Connection, scope_id: int, run_id: str, settlement: Settlement) -> None:
    """Write down what became of one request and its rows."""
    lines = lines_of(settlement.outcomes)
    counted = (settlement.sends, settlement.status, settlement.request_id)
    connection.execute(ADD, (scope_id, settlement.intent_id, run_id, to_text(settlement.at), *counted, to_json(lines)))


def lines_of(outcomes: Sequence[Outcome]) -> list[tuple[object, ...]]:
    """Return the arrays of rows, their empty ends left out."""
    if isinstance(outcomes, Table) and _end_in_ids(outcomes):
        return list(outcomes.columns("key", "column", "remote_id"))
    return [row[:5] if row[4] else row[:4] if row[3] else row[:3] if row[2] else row[:2] for row in outcomes]


def _end_in_ids(outcomes: Table[Outcome]) -> bool:
    """Return whether the remote id of each row is known, and nothing else is to be told of any."""
    ids, messages, fields = map(outcomes.column, ("remote_id", "message", "fields"))
    return all(ids) and not any(messages) and not any(fields)


def add_left_over(connection: Connection, scope_id: int, intents: Iterable[tuple[str, str, str, str]]) -> int:
    """Write down the requests that a dead run left behind, as (id, run id, at, keys); return the number of their rows.

    They count as sent once: the intent is committed right before the first send, and later sends are not counted.
    """
    count = 0
    for intent_id, run_id, at, keys in intents:
        lines = [[key, Column.UNCERTAIN, None, CUT_SHORT] for key in orjson.loads(keys)]
        connection.execute(ADD, (scope_id, intent_id, run_id, at, 1, None, None, to_json(lines)))
        count += len(lines)
    return count


def of_row(connection: Connection, scope_id: int, key: str) -> tuple[RowAttempt, ...]:
    """Return the requests that carried a row, the newest first. Arrays that hold the key's JSON text are parsed."""
    found = []
    for at, *request, rows in connection.execute(OF_ROW, (scope_id, to_json(key))):
        became = next((Outcome(*line) for line in orjson.loads(rows) if line[0] == key), None)
        if became is not None:  # None: the key is only a part of another text
            said = (became.column, became.remote_id, became.message)
            found.append(RowAttempt._make((from_text(at), *request, *said)))
    return tuple(found)
