"""Saved plans that were applied: in each company one is begun, continued if need be, and finished for good."""

from __future__ import annotations

from datetime import datetime

import orjson

from engine.errors import LedgerError
from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.texts import from_text, to_json, to_text
from engine.model.row_history import Applied
from engine.model.settings import CompanyKey

READ = "select at, run_ids, finished from applied_plans where scope = ? and plan_id = ?"
BEGIN = """
    insert into applied_plans (scope, plan_id, at, run_ids) values (?, ?, ?, ?)
    on conflict (scope, plan_id) do update set at = excluded.at, run_ids = excluded.run_ids
"""
END = "update applied_plans set finished = 1 where scope = ? and plan_id = ?"
FORGET = "delete from applied_plans where finished and at < ?"


def read(connection: Connection, company_key: CompanyKey, plan_id: str) -> Applied | None:
    """Return when and by which runs a plan was begun in a company; None: it was not."""
    found = connection.execute(READ, (scopes.find(connection, company_key), plan_id)).fetchone()
    if found is None:
        return None
    at, run_ids, finished = found
    return Applied(at=from_text(at), run_ids=tuple(orjson.loads(run_ids)), finished=bool(finished))


def begin(connection: Connection, company_key: CompanyKey, plan_id: str, run_id: str, at: datetime) -> None:
    """Note that a run begins, or continues, to apply a plan. A finished plan stays finished."""
    before = read(connection, company_key, plan_id)
    run_ids = (*(earlier for earlier in before.run_ids if earlier != run_id), run_id) if before else (run_id,)
    connection.execute(BEGIN, (scopes.number(connection, company_key), plan_id, to_text(at), to_json(run_ids)))


def end(connection: Connection, company_key: CompanyKey, plan_id: str) -> None:
    """Note that nothing of a plan is left to do. Raises `LedgerError` when it was never begun."""
    if not connection.execute(END, (scopes.find(connection, company_key), plan_id)).rowcount:
        raise LedgerError(f"Company {company_key.company_id}: plan {plan_id} cannot be finished, it was never begun.")
