"""The journal of runs, one line per company in each, and what is remembered of each API key."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from operator import attrgetter

import orjson

from engine.errors import LedgerError
from engine.ledger import attempts, plans, quotas
from engine.ledger.texts import from_text, optional_instant, optional_text, to_json, to_text
from engine.model.balance import State
from engine.model.known import Pause
from engine.model.outcome import Column
from engine.model.result import CompanyResult, InTrouble, LastSync, PastRun, RunResult, run_json

START = "insert into runs (id, verb, started_at, origin, allowed) values (?, ?, ?, ?, ?)"
IS_OPEN = "select 1 from runs where id = ? and finished_at is null"
FINISH = "update runs set finished_at = ?, exit_code = ?, result = ? where id = ? and finished_at is null"
ADD_COMPANY = """
    insert into run_companies (
        run_id, account, company_id, name, state, exit_code, evidence, verified_at, requests,
        source_rows, unchanged, created, updated, rejected, held, deferred, uncertain, invalid, adopted,
        remote_rows, matched, contested, orphans
    ) values (
        ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
    )
"""
_balance = attrgetter(
    "source_rows",
    "unchanged",
    "created",
    "updated",
    "rejected",
    "held",
    "deferred",
    "uncertain",
    "invalid",
    "adopted",
    "remote_rows",
    "matched",
    "contested",
    "orphans",
)  # in the order of `ADD_COMPANY`
REMEMBER_STATES = """
    insert or replace into last_states (origin, account, company_id, state, run_id)
    select origin, account, company_id, state, run_id
    from runs join run_companies on run_id = id
    where id = ? and origin is not null and (verb = 'sync' or (verb = 'apply' and state <> 'deferred'))
"""  # a run that an older dimsync began has no origin; a plan that was stale did nothing to its company
LAST_STATES = "select account, company_id, state from last_states where origin = ? order by account, company_id"
PAGE_SIZE = "select rows from page_sizes where origin = ? and account = ?"
REMEMBER_PAGE_SIZE = """
    insert into page_sizes (origin, account, rows) values (?, ?, ?)
    on conflict (origin, account) do update set rows = excluded.rows
"""
HISTORY = """
    select id, verb, started_at, finished_at, runs.exit_code, count(company_id), total(created), total(updated),
           total(rejected) + total(held) + total(uncertain) + total(invalid), total(requests), coalesce(allowed, '')
    from runs left join run_companies on run_id = id
    where id in (select id from runs where origin = ? order by started_at desc, id desc limit ?)
    group by id order by started_at desc, id desc
"""
LAST_SYNCS = """
    select last_states.account, last_states.company_id, name, last_states.state, finished_at, run_id,
           source_rows, created, updated,
           coalesce(rejected, 0) + coalesce(held, 0) + coalesce(uncertain, 0) + coalesce(invalid, 0)
    from last_states
    join run_companies using (run_id, account, company_id)
    join runs on id = run_id
    where last_states.origin = ? order by last_states.account, last_states.company_id
"""
FINISHED = "select id, verb, result from runs where origin = ? and id = ? and finished_at is not null"
LAST_WRITTEN = """
    select id, verb, result from runs
    where origin = ? and finished_at is not null and verb in ('sync', 'apply', 'retry')
    order by finished_at desc, id desc limit 1
"""
IN_TROUBLE = {Column.REJECTED, Column.UNCERTAIN}

# A run without an end is taken for a crashed one when it began so long ago.
FORGET_COMPANIES = """
    delete from run_companies where run_id in (
        select id from runs
        where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
    )
"""
FORGET_RUNS = """
    delete from runs
    where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
"""
PAUSE = "select at, until, reason from pauses where origin = ? and account = ?"
REMEMBER_PAUSE = "insert or replace into pauses (origin, account, at, until, reason) values (?, ?, ?, ?, ?)"


def start(
    connection: sqlite3.Connection, run_id: str, verb: str, at: datetime, *, origin: str, allowed: tuple[str, ...]
) -> None:
    """Open a run's entry."""
    connection.execute(START, (run_id, verb, to_text(at), origin, " ".join(allowed) or None))


def finish(connection: sqlite3.Connection, result: RunResult) -> None:
    """Close a run's entry with its result; raises LedgerError when it is not open."""
    if connection.execute(IS_OPEN, (result.run_id,)).fetchone() is None:
        raise LedgerError(f"Run {result.run_id} cannot be finished: it was never started, or is finished already.")
    connection.executemany(ADD_COMPANY, [_columns(result.run_id, company) for company in result.companies])
    connection.execute(REMEMBER_STATES, (result.run_id,))
    closing = (to_text(result.finished_at), int(result.exit_code), to_json(run_json(result)), result.run_id)
    connection.execute(FINISH, closing)


def _columns(run_id: str, company: CompanyResult) -> tuple[object, ...]:
    return (
        run_id,
        company.account,
        company.company_id,
        company.name,
        str(company.state),
        int(company.exit_code),
        company.evidence,
        optional_text(company.verified_at),
        company.requests.total,
        *_balance(company.balance),
    )


def last_states(connection: sqlite3.Connection, origin: str) -> dict[tuple[str, int], State]:
    """Return how each company ended in the sync that finished last, whichever started last."""
    found = connection.execute(LAST_STATES, (origin,))
    return {(account, company_id): State(state) for account, company_id, state in found}


def history(connection: sqlite3.Connection, origin: str, most: int) -> list[PastRun]:
    """Return the newest runs, the newest first."""
    return [
        PastRun._make((run_id, verb, from_text(start), optional_instant(end), code, count, *map(int, sums), allowed))
        for run_id, verb, start, end, code, count, *sums, allowed in connection.execute(HISTORY, (origin, most))
    ]


def last_syncs(connection: sqlite3.Connection, origin: str) -> list[LastSync]:
    """Return how each company ended in the sync that finished last."""
    found = connection.execute(LAST_SYNCS, (origin,))
    return [LastSync._make((*line[:4], from_text(line[4]), *line[5:])) for line in found]


def in_trouble(connection: sqlite3.Connection, origin: str, run_id: str | None) -> InTrouble | None:
    """Return the rows that a finished run left rejected or uncertain, as its result names them."""
    query, values = (LAST_WRITTEN, (origin,)) if run_id is None else (FINISHED, (origin, run_id))
    found = connection.execute(query, values).fetchone()
    if found is None:
        return None
    found_id, verb, result = found
    keys: dict[tuple[str, int], frozenset[str]] = {}
    for company in orjson.loads(result).get("companies", ()):
        problems = (problem for problem in company["problems"] if problem["code"] in IN_TROUBLE)
        if bad := frozenset(problem["key"] for problem in problems if problem["key"] is not None):
            keys[company["account"], company["company_id"]] = bad
    return InTrouble(found_id, verb, keys)


def prune(connection: sqlite3.Connection, before: datetime) -> int:
    """Forget old runs, but those that a company's last sync was, old attempts and days, and finished old plans."""
    horizon = (to_text(before),)
    connection.execute(attempts.FORGET, horizon)
    connection.execute(plans.FORGET, horizon)
    connection.execute(quotas.FORGET, horizon)
    connection.execute(FORGET_COMPANIES, horizon)
    return connection.execute(FORGET_RUNS, horizon).rowcount


def page_size(connection: sqlite3.Connection, origin: str, key_id: str) -> int | None:
    """Return the granted page size, None when none is known."""
    found = connection.execute(PAGE_SIZE, (origin, key_id)).fetchone()
    return None if found is None else int(found[0])


def remember_page_size(connection: sqlite3.Connection, origin: str, key_id: str, rows: int) -> None:
    """Write down the granted page size."""
    connection.execute(REMEMBER_PAGE_SIZE, (origin, key_id, rows))


def pause(connection: sqlite3.Connection, origin: str, key_id: str) -> Pause | None:
    """Return the pause that was last asked of a key, over or not; None: none."""
    found = connection.execute(PAUSE, (origin, key_id)).fetchone()
    if found is None:
        return None
    at, until, reason = found
    return Pause(at=from_text(at), until=from_text(until), reason=reason)


def remember_pause(connection: sqlite3.Connection, origin: str, key_id: str, asked: Pause) -> None:
    """Write down the pause that was asked of a key."""
    connection.execute(REMEMBER_PAUSE, (origin, key_id, to_text(asked.at), to_text(asked.until), asked.reason))
