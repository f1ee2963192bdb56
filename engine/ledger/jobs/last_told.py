"""What the journal tells of how things stand: the last sync, runs without an end, and what each company last told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs.runs import last_syncs
from engine.ledger.jobs.texts import LATEST, from_text, optional_instant, to_text, until
from engine.model.balance import Balance, State
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, LastSync
from engine.model.settings import NamedCompany
from engine.model.standing import RunTimes, Standing

LAST_ENDED = """
    select id, verb, started_at, finished_at, exit_code, result from runs
    where origin = ? and verb = 'sync' and finished_at is not null and finished_at <= ?
    order by finished_at desc, id desc limit 1
"""
WITHOUT_END = """
    select id, verb, started_at, null, null from runs
    where origin = ? and verb in ('sync', 'apply', 'retry') and finished_at is null and started_at > ?
    order by started_at desc, id desc
"""
RESULTS = "select id, result from runs where id in (select run_id from last_states where origin = ?)"

COLUMNS = Balance.__slots__


def standing(
    connection: Connection, origin: str, is_alive: Callable[[str], bool], now: datetime | None = None
) -> Standing:
    """Return how things stand at an origin; `is_alive`: whether a run without an end is under way.

    A run that a wrong clock dates after `now` is the last one only where there is no other, and has not died since.
    """
    found = connection.execute(LAST_ENDED, (origin, until(now))).fetchone()
    found = found or connection.execute(LAST_ENDED, (origin, LATEST)).fetchone()
    last, result = (None, None) if found is None else (_times(*found[:-1]), found[-1])
    begun = "" if last is None else to_text(last.started_at)
    open_runs = [_times(*times) for times in connection.execute(WITHOUT_END, (origin, begun))]
    alive = {each.run_id for each in open_runs if is_alive(each.run_id)}
    syncs = last_syncs(connection, origin)
    return Standing(
        last=last,
        problems=tuple(map(problem_of, loaded(result).get("problems", ()))),
        running=tuple(each for each in open_runs if each.run_id in alive),
        died=tuple(each for each in open_runs if each.run_id not in alive and to_text(each.started_at) <= until(now)),
        syncs={NamedCompany(each.account, each.company_id): each for each in syncs},
        companies=_companies(connection, origin, syncs),
    )


def _times(run_id: str, verb: str, started_at: str, finished_at: str | None, exit_code: int | None) -> RunTimes:
    return RunTimes(run_id, verb, from_text(started_at), optional_instant(finished_at), exit_code)


def _companies(connection: Connection, origin: str, syncs: list[LastSync]) -> dict[NamedCompany, CompanyResult]:
    """Return what each company told in its last sync, as far as the journal keeps it."""
    documents = {
        (run_id, each["account"], each["company_id"]): each
        for run_id, result in connection.execute(RESULTS, (origin,))
        for each in loaded(result).get("companies", ())
    }
    return {
        NamedCompany(each.account, each.company_id): _company(
            each, documents.get((each.run_id, each.account, each.company_id), {})
        )
        for each in syncs
    }


def _company(line: LastSync, document: dict[str, Any]) -> CompanyResult:
    return CompanyResult(
        company_id=line.company_id,
        name=line.name,
        account=line.account,
        state=State(line.state),
        exit_code=line.exit_code,
        evidence=document.get("evidence"),
        balance=Balance(**{column: document.get(column) for column in COLUMNS}),
        problems=tuple(map(problem_of, document.get("problems", ()))),
    )


def problem_of(document: dict[str, Any]) -> Problem:
    """Return a problem as a run's document has it."""
    return Problem(
        code=document["code"],
        message=document["message"],
        key=document["key"],
        file=document["file"],
        line=document["line"],
        since=optional_instant(document.get("since")),
    )


def loaded(result: str | None) -> dict[str, Any]:
    """Return a run's document; a run of an older dimsync may have none that can be read."""
    try:
        found: dict[str, Any] = orjson.loads(result or "{}")
    except orjson.JSONDecodeError:
        return {}
    return found
