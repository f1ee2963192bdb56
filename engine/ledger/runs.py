"""The journal of runs, one line per company in each, and the page size that each API key was granted."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from datetime import datetime

from engine.errors import LedgerError
from engine.ledger.texts import optional_text, to_json, to_text
from engine.model.result import CompanyResult, RunResult, run_json

START = "insert into runs (id, verb, started_at) values (?, ?, ?)"
FINISH = "update runs set finished_at = ?, exit_code = ?, result = ? where id = ? and finished_at is null"
ADD_COMPANY = """
    insert into run_companies (
        run_id, account, company_id, name, state, exit_code, evidence, verified_at, requests,
        source_rows, unchanged, created, updated, rejected, held, deferred, uncertain, invalid, adopted,
        remote_rows, matched, contested, orphans
    ) values (
        :run_id, :account, :company_id, :name, :state, :exit_code, :evidence, :verified_at, :requests,
        :source_rows, :unchanged, :created, :updated, :rejected, :held, :deferred, :uncertain, :invalid, :adopted,
        :remote_rows, :matched, :contested, :orphans
    )
"""
PAGE_SIZE = "select rows from page_sizes where origin = ? and account = ?"
REMEMBER_PAGE_SIZE = """
    insert into page_sizes (origin, account, rows) values (?, ?, ?)
    on conflict (origin, account) do update set rows = excluded.rows
"""


def start(connection: sqlite3.Connection, run_id: str, verb: str, at: datetime) -> None:
    """Open a run's entry."""
    connection.execute(START, (run_id, verb, to_text(at)))


def finish(connection: sqlite3.Connection, result: RunResult) -> None:
    """Close a run's entry with its result; raises LedgerError when it is not open."""
    closing = (to_text(result.finished_at), int(result.exit_code), to_json(run_json(result)), result.run_id)
    if not connection.execute(FINISH, closing).rowcount:
        raise LedgerError(f"Run {result.run_id} cannot be finished: it was never started, or is finished already.")
    connection.executemany(ADD_COMPANY, (_columns(result.run_id, company) for company in result.companies))


def _columns(run_id: str, company: CompanyResult) -> dict[str, object]:
    return {
        "run_id": run_id,
        "account": company.account,
        "company_id": company.company_id,
        "name": company.name,
        "state": str(company.state),
        "exit_code": int(company.exit_code),
        "evidence": company.evidence,
        "verified_at": optional_text(company.verified_at),
        "requests": company.requests.total,
        **asdict(company.balance),
    }


def page_size(connection: sqlite3.Connection, origin: str, account: str) -> int | None:
    """Return the granted page size, None when none is known."""
    found = connection.execute(PAGE_SIZE, (origin, account)).fetchone()
    return None if found is None else int(found[0])


def remember_page_size(connection: sqlite3.Connection, origin: str, account: str, rows: int) -> None:
    """Write down the granted page size."""
    connection.execute(REMEMBER_PAGE_SIZE, (origin, account, rows))
