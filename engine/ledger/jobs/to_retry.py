"""Rows that each company's newest runs left rejected or of unknown outcome: what `dimsync retry` sends."""

from __future__ import annotations

import orjson

from engine.ledger.connection import Connection
from engine.ledger.jobs.texts import asked_json, to_json
from engine.model.result import RETRIED, InTrouble, RunResult
from engine.model.settings import NamedCompany

TO_RETRY = """
    select account, company_id, run_id, keys from json_each(?2) as asked cross join to_retry
    where origin = ?1 and account = json_extract(asked.value, '$[0]') and company_id = json_extract(asked.value, '$[1]')
"""
STILL_TO_RETRY = """
    select account, company_id, run_id, keys from to_retry as bad
    where origin = ? and not exists (
        select 1 from last_states as newer
        where newer.origin = bad.origin and newer.company_id = bad.company_id and newer.account <> bad.account
              and newer.at > (select finished_at from runs where id = bad.run_id)
    )
"""  # leaves out a company that was synced later under another account name: its account was renamed in the settings
REMEMBER_TO_RETRY = """
    insert or replace into to_retry (origin, account, company_id, run_id, keys) values (?, ?, ?, ?, ?)
"""
FORGET_TO_RETRY = "delete from to_retry where origin = ? and account = ? and company_id = ?"
FINISHED = "select id, verb, result from runs where origin = ? and id = ? and finished_at is not null"
LAST_WRITTEN = """
    select id, verb from runs
    where origin = ? and finished_at is not null and verb in ('sync', 'apply', 'retry')
    order by finished_at desc, id desc limit 1
"""


def note(connection: Connection, result: RunResult, origin: str) -> None:
    """Note which rows of each company a `retry` is to send again, now that a run has ended.

    A sync or an apply that gave each row of a company an outcome replaces the company's list. A retry that did so
    replaces it for the rows that it retried. A run that stopped before that only adds to the list.
    """
    asked = asked_json((each.account, each.company_id) for each in result.companies)
    found = connection.execute(TO_RETRY, (origin, asked))
    before = {(account, company_id): rest for account, company_id, *rest in found}
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


def in_trouble(connection: Connection, origin: str, run_id: str | None) -> InTrouble | None:
    """Return the rows that a finished run left rejected or uncertain; None: those of each company's newest run."""
    if run_id is not None:
        found = connection.execute(FINISHED, (origin, run_id)).fetchone()
        return None if found is None else _left_by(*found)
    newest = connection.execute(LAST_WRITTEN, (origin,)).fetchone()
    if newest is None:
        return None
    lines = connection.execute(STILL_TO_RETRY, (origin,)).fetchall()
    keys = {NamedCompany(account, company_id): frozenset(orjson.loads(text)) for account, company_id, _, text in lines}
    left_by = {NamedCompany(account, company_id): left for account, company_id, left, _ in lines}
    return InTrouble(run_id=newest[0], verb=newest[1], keys=keys, runs=left_by)


def _left_by(run_id: str, verb: str, result: str) -> InTrouble:
    """Return the rows that a run left rejected or uncertain, as its result names them."""
    keys: dict[NamedCompany, frozenset[str]] = {}
    for company in orjson.loads(result).get("companies", ()):
        problems = (problem for problem in company["problems"] if problem["code"] in RETRIED)
        if bad := frozenset(problem["key"] for problem in problems if problem["key"] is not None):
            keys[NamedCompany(company["account"], company["company_id"])] = bad
    return InTrouble(run_id, verb, keys, dict.fromkeys(keys, run_id))
