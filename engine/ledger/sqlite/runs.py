"""The journal of runs, one line per company in each, and what is remembered of each API key."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter

import orjson

from engine.errors import LedgerError
from engine.ledger.sqlite import attempts, plans, quotas
from engine.ledger.sqlite.texts import from_text, optional_instant, optional_text, to_json, to_text
from engine.model.balance import State
from engine.model.company_record import Pause
from engine.model.result import RETRIED, CompanyResult, InTrouble, LastSync, PastRun, RunResult, journal_json

IS_EMPTY = "select not exists (select 1 from runs)"
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
        updated = excluded.updated, trouble = excluded.trouble, well_at = coalesce(excluded.well_at, well_at)
"""
TO_RETRY = "select account, company_id, run_id, keys from to_retry where origin = ?"
STILL_TO_RETRY = """
    select account, company_id, run_id, keys from to_retry as bad
    where origin = ? and not exists (
        select 1 from last_states as newer
        where newer.origin = bad.origin and newer.company_id = bad.company_id and newer.account <> bad.account
              and newer.at > (select finished_at from runs where id = bad.run_id)
    )
"""  # leaves out a company that has been synced since under another account name: the settings have renamed its account
REMEMBER_TO_RETRY = """
    insert or replace into to_retry (origin, account, company_id, run_id, keys) values (?, ?, ?, ?, ?)
"""
FORGET_TO_RETRY = "delete from to_retry where origin = ? and account = ? and company_id = ?"
LAST_STATES = "select account, company_id, state from last_states where origin = ? order by account, company_id"
PAGE_SIZE = "select rows from page_sizes where origin = ? and account = ?"
REMEMBER_PAGE_SIZE = """
    insert into page_sizes (origin, account, rows) values (?, ?, ?)
    on conflict (origin, account) do update set rows = excluded.rows
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
    where id in (select id from runs where origin = ? order by started_at desc, id desc limit ?)
    group by id order by started_at desc, id desc
"""  # a run that an older dimsync ended has no totals, and a line for each of its companies
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
"""  # an older dimsync keeps a company's figures in `run_companies` alone
FINISHED = "select id, verb, result from runs where origin = ? and id = ? and finished_at is not null"
LAST_WRITTEN = """
    select id, verb from runs
    where origin = ? and finished_at is not null and verb in ('sync', 'apply', 'retry')
    order by finished_at desc, id desc limit 1
"""
WRITING = frozenset({"sync", "apply", "retry"})
"""Verbs whose runs send rows."""

EARLIER = "select max(started_at) from runs where started_at < ?"
BEGAN_BETWEEN = "select exists (select 1 from runs where started_at between ? and ?)"
SHORTEST_AGE, LONGEST_AGE = timedelta(days=1), timedelta(days=90)
"""Nothing is forgotten unless the journal has a run of an age between these (`horizon`)."""

# A run without an end is taken for a crashed one when it began so long ago.
FORGET_COMPANIES = """
    delete from run_companies where run_id in (
        select id from runs
        where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
    )
"""
FORGET_TOTALS = """
    delete from run_totals where run_id in (
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


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether no run was ever begun."""
    return bool(connection.execute(IS_EMPTY).fetchone()[0])


def start(
    connection: sqlite3.Connection, run_id: str, verb: str, at: datetime, *, origin: str, allowed: tuple[str, ...]
) -> None:
    """Open a run's entry."""
    connection.execute(START, (run_id, verb, to_text(at), origin, " ".join(allowed) or None))


def finish(connection: sqlite3.Connection, result: RunResult) -> None:
    """Close a run's entry with its result; raises LedgerError when it is not open.

    A company that has nothing to tell leaves nothing of its own but its last state.
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
            _note_to_retry(connection, result, origin)
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
    """Yield the last states that a run leaves. A plan that was stale did nothing to its company."""
    at = to_text(result.finished_at)
    for company in result.companies:
        if result.verb == "sync" or (result.verb == "apply" and company.state is not State.DEFERRED):
            books = company.balance
            yield (
                *(origin, company.account, company.company_id, str(company.state), result.run_id, at, company.name),
                *(int(company.exit_code), books.source_rows, books.created, books.updated, company.trouble),
                at if company.is_well else None,
            )


def _note_to_retry(connection: sqlite3.Connection, result: RunResult, origin: str) -> None:
    """Remember which rows are in trouble now, by company, as a `retry` is to ask for them.

    A sync or an apply that gave each row of a company an outcome replaces what was known of the company; a retry that
    did so replaces it for the rows that it was about. A run that stopped before that only adds to it.
    """
    before = {(account, company_id): rest for account, company_id, *rest in connection.execute(TO_RETRY, (origin,))}
    for company in result.companies:
        where = (company.account, company.company_id)
        run_id, keys = before.get(where, ("", "[]"))
        old = frozenset(orjson.loads(keys))
        new = company.bad_keys
        if not company.is_seen_through:
            new |= old
        elif company.asked is not None:
            new |= old - company.asked
        if not new and old:
            connection.execute(FORGET_TO_RETRY, (origin, *where))
        elif company.bad_keys or new != old:
            left_by = result.run_id if company.bad_keys else run_id
            connection.execute(REMEMBER_TO_RETRY, (origin, *where, left_by, to_json(sorted(new))))


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
    return [LastSync._make((*line[:4], from_text(line[4]), *line[5:11], optional_instant(line[11]))) for line in found]


def in_trouble(connection: sqlite3.Connection, origin: str, run_id: str | None) -> InTrouble | None:
    """Return the rows that a finished run left rejected or uncertain; None: those of each company's newest run."""
    if run_id is not None:
        found = connection.execute(FINISHED, (origin, run_id)).fetchone()
        return None if found is None else _left_by(*found)
    newest = connection.execute(LAST_WRITTEN, (origin,)).fetchone()
    if newest is None:
        return None
    lines = connection.execute(STILL_TO_RETRY, (origin,)).fetchall()
    keys = {(account, company_id): frozenset(orjson.loads(text)) for account, company_id, _, text in lines}
    left_by = {(account, company_id): left for account, company_id, left, _ in lines}
    return InTrouble(run_id=newest[0], verb=newest[1], keys=keys, runs=left_by)


def _left_by(run_id: str, verb: str, result: str) -> InTrouble:
    """Return the rows that a run left rejected or uncertain, as its result names them."""
    keys: dict[tuple[str, int], frozenset[str]] = {}
    for company in orjson.loads(result).get("companies", ()):
        problems = (problem for problem in company["problems"] if problem["code"] in RETRIED)
        if bad := frozenset(problem["key"] for problem in problems if problem["key"] is not None):
            keys[company["account"], company["company_id"]] = bad
    return InTrouble(run_id, verb, keys, dict.fromkeys(keys, run_id))


def horizon(connection: sqlite3.Connection, at: datetime, keep: timedelta) -> datetime | None:
    """Return before when the trail is forgotten in a run that began at `at`; None: nothing is.

    It is counted from the newest run that began before `at`. A clock that was set far ahead must not empty the ledger,
    so nothing is forgotten unless some run began between 1 and 90 days before `at`.
    """
    around = (to_text(at - LONGEST_AGE), to_text(at - SHORTEST_AGE))
    if not connection.execute(BEGAN_BETWEEN, around).fetchone()[0]:
        return None
    (newest,) = connection.execute(EARLIER, (to_text(at),)).fetchone()
    return from_text(newest) - keep


def prune(connection: sqlite3.Connection, before: datetime) -> int:
    """Forget old runs, but those that a company's last sync was, old attempts and days, and finished old plans."""
    horizon = (to_text(before),)
    connection.execute(attempts.FORGET, horizon)
    connection.execute(plans.FORGET, horizon)
    connection.execute(quotas.FORGET, horizon)
    connection.execute(FORGET_COMPANIES, horizon)
    connection.execute(FORGET_TOTALS, horizon)
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
