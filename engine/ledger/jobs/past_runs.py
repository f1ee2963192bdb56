"""The journal's past runs: found by a part of their id, by their result, and by company."""

from __future__ import annotations

from typing import Any

from engine.ledger.connection import Connection
from engine.ledger.jobs.last_told import COLUMNS, loaded, problem_of
from engine.ledger.jobs.runs import last_syncs, runs_where
from engine.ledger.jobs.texts import from_text, optional_instant
from engine.model.balance import Balance, State
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.result import CompanyResult, LastSync, PastRun, Requests, RunResult
from engine.model.standing import RunTimes
from engine.model.wanted import LeftOut

MOST_FOUND = 20
"""How many runs are returned at most for the beginning of an id."""

BEGINS_ALIKE = """
    select id from runs
    where origin = :origin and (
        substr(id, 1, length(:text)) = :text
        or (instr(id, '-') > 0 and substr(id, instr(id, '-') + 1, length(:text)) = :text)
    )
    order by id = :text desc, started_at desc, id desc limit :most
"""  # an id is the run's start, a hyphen, and a part that no other run is likely to have
RESULT = """
    select verb, started_at, finished_at, exit_code, coalesce(allowed, ''), result from runs
    where origin = ? and id = ? and finished_at is not null
"""
EXIT_CODES = "select account, company_id, exit_code from run_companies where run_id = ?"
OF_COMPANY = """
    select id, verb, started_at, finished_at, runs.exit_code, result, account, name, state, run_companies.exit_code
    from run_companies join runs on id = run_id
    where origin = ? and company_id = ? order by finished_at desc, id desc limit ?
"""


def find(connection: Connection, origin: str, text: str) -> list[PastRun]:
    """Return the runs that a text names, the newest first: the run of that id, else all whose ids begin so."""
    asked = {"origin": origin, "text": text, "most": MOST_FOUND}
    ids = [run_id for (run_id,) in connection.execute(BEGINS_ALIKE, asked)] if text else []
    return runs_where(connection, ids[:1] if text in ids else ids)


def result(connection: Connection, origin: str, run_id: str) -> PastResult | None:
    """Return a finished run's result; None: there is no such run."""
    found = connection.execute(RESULT, (origin, run_id)).fetchone()
    if found is None:
        return None
    verb, started_at, finished_at, exit_code, allowed, text = found
    document = loaded(text)
    codes = {(account, number): code for account, number, code in connection.execute(EXIT_CODES, (run_id,))}
    totals: dict[str, Any] = document.get("totals", {})
    ended = RunResult(
        run_id=run_id,
        verb=verb,
        started_at=from_text(started_at),
        finished_at=from_text(finished_at),
        elapsed_s=document.get("elapsed_s", (from_text(finished_at) - from_text(started_at)).total_seconds()),
        exit_code=exit_code,
        totals=_balance(totals),
        requests=_requests(totals.get("requests", {})),
        companies=tuple(
            _company(each, codes.get((each["account"], each["company_id"]), 0))
            for each in document.get("companies", ())
        ),
        problems=tuple(map(problem_of, document.get("problems", ()))),
        allowed=tuple(allowed.split()),
    )
    return PastResult(ended, totals.get("companies", len(codes)))


def of_company(connection: Connection, origin: str, company_id: int, most: int) -> list[CompanyInRun]:
    """Return what became of a company in its newest runs, the newest first.

    Runs that had nothing to tell of the company are left out, except its newest sync.
    """
    lines = [_in_run(company_id, line) for line in connection.execute(OF_COMPANY, (origin, company_id, most))]
    told = {(each.run.run_id, each.company.account) for each in lines}
    for sync in last_syncs(connection, origin):
        if sync.company_id == company_id and (sync.run_id, sync.account) not in told:
            lines += [CompanyInRun(run, _quiet(sync)) for run in _times(connection, sync.run_id)]
    return sorted(lines, key=lambda each: (each.run.finished_at or each.run.started_at, each.run.run_id), reverse=True)[
        :most
    ]


def _times(connection: Connection, run_id: str) -> list[RunTimes]:
    return [
        RunTimes(run.run_id, run.verb, run.started_at, run.finished_at, run.exit_code)
        for run in runs_where(connection, [run_id])
    ]


def _in_run(company_id: int, line: tuple[Any, ...]) -> CompanyInRun:
    """Return what became of a company in a run; `line`: a row of `OF_COMPANY`."""
    run_id, verb, started_at, finished_at, run_code, text, account, name, state, exit_code = line
    documents = (
        each
        for each in loaded(text).get("companies", ())
        if (each["account"], each["company_id"]) == (account, company_id)
    )
    bare = {"account": account, "company_id": company_id, "name": name, "state": state}
    run = RunTimes(run_id, verb, from_text(started_at), from_text(finished_at), run_code)
    return CompanyInRun(run, _company(next(documents, bare), exit_code))


def _quiet(sync: LastSync) -> CompanyResult:
    """Return a company's result by its last state alone: its last sync has no line of its own for it."""
    return CompanyResult(
        company_id=sync.company_id,
        name=sync.name,
        account=sync.account,
        state=State(sync.state),
        exit_code=sync.exit_code,
        balance=Balance(source_rows=sync.source_rows, unchanged=sync.source_rows),
    )


def _company(document: dict[str, Any], exit_code: int) -> CompanyResult:
    return CompanyResult(
        company_id=document["company_id"],
        name=document["name"],
        account=document["account"],
        state=State(document["state"]),
        exit_code=exit_code,
        evidence=document.get("evidence"),
        verified_at=optional_instant(document.get("verified_at")),
        balance=_balance(document),
        requests=_requests(document.get("requests", {})),
        problems=tuple(map(problem_of, document.get("problems", ()))),
        left_out_by=tuple(
            LeftOut(each["reason"], each["column"], each["value"], each["type"], each["rows"])
            for each in document.get("left_out_by", ())
        ),
    )


def _balance(document: dict[str, Any]) -> Balance:
    return Balance(**{column: document.get(column) for column in COLUMNS})


def _requests(document: dict[str, int]) -> Requests:
    return Requests(**{kind: document.get(kind, 0) for kind in Requests.__slots__})
