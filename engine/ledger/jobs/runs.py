"""The journal of runs: one entry per run, and in it one line per company that has something to tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter

from engine.errors import LedgerError
from engine.ledger.connection import Connection
from engine.ledger.jobs import known_problems, to_retry
from engine.ledger.jobs.texts import from_text, optional_instant, optional_text, to_json, to_text, until
from engine.model.balance import State
from engine.model.result import CompanyResult, LastSync, PastRun, RunResult, journal_json
from engine.model.settings import NamedCompany
from engine.model.standing import LastBegun

IS_EMPTY = "select not exists (select 1 from runs)"
WITHOUT_END = "select id from runs where finished_at is null order by started_at desc"
START = "insert into runs (id, verb, started_at, origin, allowed) values (?, ?, ?, ?, ?)"
OPEN_RUN = "select origin from runs where id = ? and finished_at is null"
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
ADD_TOTALS = """
    insert into run_totals (run_id, companies, created, updated, trouble, requests) values (?, ?, ?, ?, ?, ?)
"""
REMEMBER_STATE = """
    insert into last_states (
        origin, account, company_id, state, run_id, at, name, exit_code, source_rows, created, updated, trouble, well_at
    ) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (origin, account, company_id) do update set
        state = excluded.state, run_id = excluded.run_id, at = excluded.at, name = excluded.name,
        exit_code = excluded.exit_code, source_rows = excluded.source_rows, created = excluded.created,
        updated = excluded.updated, trouble = excluded.trouble,
        well_at = coalesce(excluded.well_at, last_states.well_at)
    where excluded.state <> 'locked'
"""
LAST_STATES = "select account, company_id, state from last_states where origin = ? order by account, company_id"
NEWEST = "select id from runs where origin = ? and started_at <= ? order by started_at desc, id desc limit ?"
AHEAD = "select id from runs where origin = ? and started_at > ? order by started_at desc, id desc limit ?"
LAST_BEGUN = """
    select account, company_id, state, verb, started_at from last_states as newest
    join runs on id = newest.run_id where newest.origin = ?
"""
HISTORY = """
    select id, verb, started_at, finished_at, runs.exit_code,
           coalesce(run_totals.companies, count(company_id)),
           coalesce(run_totals.created, total(run_companies.created)),
           coalesce(run_totals.updated, total(run_companies.updated)),
           coalesce(run_totals.trouble, total(rejected) + total(held) + total(uncertain) + total(invalid)),
           coalesce(run_totals.requests, total(run_companies.requests)),
           coalesce(allowed, '')
    from runs
    left join run_totals on run_totals.run_id = id
    left join run_companies on run_companies.run_id = id
    where id in (select value from json_each(?))
    group by id order by started_at desc, id desc
"""  # a run of an older dimsync has no totals, but a line for each of its companies
LAST_SYNCS = """
    select newest.account, newest.company_id, coalesce(newest.name, line.name, ''), newest.state,
           coalesce(newest.at, finished_at), newest.run_id,
           coalesce(newest.source_rows, line.source_rows), coalesce(newest.created, line.created),
           coalesce(newest.updated, line.updated),
           coalesce(trouble, coalesce(rejected, 0) + coalesce(held, 0) + coalesce(uncertain, 0) + coalesce(invalid, 0)),
           coalesce(newest.exit_code, line.exit_code, 0), well_at
    from last_states as newest
    join runs on id = newest.run_id
    left join run_companies as line
        on line.run_id = newest.run_id and line.account = newest.account and line.company_id = newest.company_id
    where newest.origin = ? order by newest.account, newest.company_id
"""  # where an older dimsync wrote, a company's figures stand in `run_companies` alone
WRITING = frozenset({"sync", "apply", "retry"})
"""Verbs whose runs send rows."""


def is_empty(connection: Connection) -> bool:
    """Return whether the journal has no run."""
    return bool(connection.execute(IS_EMPTY).fetchone()[0])


def without_end(connection: Connection) -> list[str]:
    """Return the runs that have no end, the newest first."""
    return [run_id for (run_id,) in connection.execute(WITHOUT_END)]


def start(
    connection: Connection, run_id: str, verb: str, at: datetime, *, origin: str, allowed: tuple[str, ...]
) -> None:
    """Open a run's entry."""
    connection.execute(START, (run_id, verb, to_text(at), origin, " ".join(allowed) or None))


def finish(connection: Connection, result: RunResult) -> None:
    """Close a run's entry with its result. Raises `LedgerError` when it is not open.

    A company that has nothing to tell gets no line of its own, only its last state.
    """
    found = connection.execute(OPEN_RUN, (result.run_id,)).fetchone()
    if found is None:
        raise LedgerError(f"Run {result.run_id} cannot be finished: it was never started, or is finished already.")
    (origin,) = found
    told = (company for company in result.companies if company.has_news)
    connection.executemany(ADD_COMPANY, [_columns(result.run_id, company) for company in told])
    connection.execute(ADD_TOTALS, _totals(result))
    if origin is not None:  # a run that an older dimsync began has none
        connection.executemany(REMEMBER_STATE, list(_states(result, origin)))
        if result.verb in WRITING:
            to_retry.note(connection, result, origin)
            known_problems.note(connection, result, origin)
    closing = (to_text(result.finished_at), int(result.exit_code), to_json(journal_json(result)), result.run_id)
    connection.execute(FINISH, closing)


def _totals(result: RunResult) -> tuple[object, ...]:
    companies = result.companies
    return (
        result.run_id,
        len(companies),
        result.totals.created or 0,
        result.totals.updated or 0,
        sum(company.trouble for company in companies),
        sum(company.requests.total for company in companies),
    )


def _states(result: RunResult, origin: str) -> Iterator[tuple[object, ...]]:
    """Yield the last states that a run leaves. A stale saved plan did nothing to its company, and leaves none."""
    at = to_text(result.finished_at)
    for company in result.companies:
        if result.verb == "sync" or (result.verb == "apply" and company.state is not State.DEFERRED):
            books = company.balance
            yield (
                *(origin, company.account, company.company_id, str(company.state), result.run_id, at, company.name),
                *(int(company.exit_code), books.source_rows, books.created, books.updated, company.trouble),
                at if company.is_well else None,
            )


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


def last_states(connection: Connection, origin: str) -> dict[NamedCompany, State]:
    """Return how each company ended in the sync that finished last, even if another one started later."""
    found = connection.execute(LAST_STATES, (origin,))
    return {NamedCompany(account, company_id): State(state) for account, company_id, state in found}


def last_begun(connection: Connection, origin: str) -> dict[NamedCompany, LastBegun]:
    """Return the run that gave each company its last state."""
    return {
        NamedCompany(account, company_id): LastBegun(verb, State(state), from_text(started_at))
        for account, company_id, state, verb, started_at in connection.execute(LAST_BEGUN, (origin,))
    }


def history(connection: Connection, origin: str, most: int, now: datetime | None = None) -> list[PastRun]:
    """Return the newest runs, the newest first; runs that a wrong clock dates after `now` come last."""
    found = connection.execute(NEWEST, (origin, until(now), most)).fetchall()
    found += connection.execute(AHEAD, (origin, until(now), most - len(found))).fetchall() if len(found) < most else []
    place = {run_id: number for number, (run_id,) in enumerate(found)}
    return sorted(runs_where(connection, list(place)), key=lambda run: place[run.run_id])


def runs_where(connection: Connection, run_ids: Sequence[str]) -> list[PastRun]:
    """Return the runs that have these ids, the newest first."""
    return [
        PastRun._make((run_id, verb, from_text(start), optional_instant(end), code, count, *map(int, sums), allowed))
        for run_id, verb, start, end, code, count, *sums, allowed in connection.execute(HISTORY, (to_json(run_ids),))
    ]


def last_syncs(connection: Connection, origin: str) -> list[LastSync]:
    """Return how each company ended in the sync that finished last."""
    found = connection.execute(LAST_SYNCS, (origin,))
    return [LastSync._make((*line[:4], from_text(line[4]), *line[5:11], optional_instant(line[11]))) for line in found]
