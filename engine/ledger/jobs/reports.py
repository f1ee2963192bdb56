"""What a report is made of: finished runs from the journal, and from the audit trail the rows that they sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import LATEST, from_text, to_json, to_text, until
from engine.model.dimension import Dimension
from engine.model.outcome import Outcome
from engine.model.sent_row import KeptRun, SentRow
from engine.model.settings import CompanyKey

FINISHED = """
    select id, verb, started_at, finished_at, exit_code, coalesce(allowed, ''), result from runs
    where origin = :origin and finished_at is not null and result is not null
"""
ONE = f"{FINISHED} and id = :run_id"
NEWEST = f"{FINISHED} and finished_at <= :until order by finished_at desc, id desc limit 1"
SINCE = f"{FINISHED} and finished_at >= :since and finished_at <= :until order by finished_at, id"
ATTEMPTS = """
    select run_id, at, rows from attempts
    where scope = ? and run_id in (select value from json_each(?)) order by number
"""  # by run and not by time: a clock may have been set while a run was under way
SOURCE_KEYS = "select wire_key, source_key from wire_keys where scope = ? order by at, source_key"
"""The last of several source keys of one wire key is the one that the source has now."""

REVERTS = "select key, at from reverts where scope = ? and at between ? and ?"
ROWS = "select {fields} from {rows} where scope = ?"


class _Last(NamedTuple):
    """The last outcome of a row in a run."""

    at: str
    outcome: Outcome


def kept_runs(
    connection: Connection, origin: str, run_id: str | None, since: datetime | None, now: datetime | None = None
) -> list[KeptRun]:
    """Return one finished run, those that finished since a moment, or with neither the newest one; the oldest first.

    A run that a wrong clock dates after `now` is the newest only where there is no other, and is of no span.
    """
    statement = ONE if run_id is not None else SINCE if since is not None else NEWEST
    asked = {"origin": origin, "run_id": run_id, "since": since and to_text(since), "until": until(now)}
    found = connection.execute(statement, asked).fetchall()
    if not found and statement is NEWEST:
        found = connection.execute(NEWEST, {**asked, "until": LATEST}).fetchall()
    return [
        KeptRun(name, verb, from_text(start), from_text(end), code, tuple(allowed.split()), orjson.loads(document))
        for name, verb, start, end, code, allowed, document in found
    ]


def sent_rows(connection: Connection, company_key: CompanyKey, runs: Sequence[KeptRun]) -> list[SentRow]:
    """Return the rows of a company that these runs sent, each once for a run, in the order of their first sends.

    A row that was sent several times is returned with its last outcome and with the changes of its first send.
    """
    scope_id = scopes.find(connection, company_key)
    if scope_id is None or not runs:
        return []
    span = (scope_id, to_text(min(run.started_at for run in runs)), to_text(max(run.finished_at for run in runs)))
    last = _last(connection, scope_id, [run.run_id for run in runs])
    if not last:
        return []
    source_keys = dict(connection.execute(SOURCE_KEYS, (scope_id,)).fetchall())
    rows = map(company_key.resource.wanted._make, connection.execute(sql(company_key.resource, ROWS), (scope_id,)))
    known: Mapping[str, Dimension] = {row.key: row for row in rows}
    undone = [(key, from_text(at)) for key, at in connection.execute(REVERTS, span)]
    undid = {(run.run_id, key) for run in runs for key, at in undone if run.started_at <= at <= run.finished_at}
    return [
        SentRow(
            run_id=run_id,
            at=from_text(at),
            key=source_keys.get(key, key),
            outcome=outcome.column,
            remote_id=outcome.remote_id,
            message=outcome.message,
            fields=tuple((name, before, after) for name, before, after in outcome.fields),
            undid=(run_id, key) in undid,
            row=known.get(key),
        )
        for (run_id, key), (at, outcome) in last.items()
    ]


def _last(connection: Connection, scope_id: int, run_ids: Sequence[str]) -> dict[tuple[str, str], _Last]:
    """Return what became last of each row, by run and key."""
    last: dict[tuple[str, str], _Last] = {}
    for run_id, at, rows in connection.execute(ATTEMPTS, (scope_id, to_json(run_ids))):
        for line in orjson.loads(rows):
            outcome = Outcome(*line)
            before = last.get((run_id, outcome.key))
            fields = before.outcome.fields if before and before.outcome.fields else outcome.fields
            last[run_id, outcome.key] = _Last(at, outcome._replace(fields=fields))
    return last
