"""Forget what may no longer be true of a company, in a ledger that was restored from a backup or that is in doubt.

What stays: which key leads to which remote row, rows of unknown outcome, open intents, the audit trail, the number of
source rows of the last good run, and a key mismatch, which no listing clears up.
"""

from __future__ import annotations

from engine.ledger.connection import Connection
from engine.ledger.jobs import scopes
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import to_json
from engine.model.company_record import KEY_MISMATCH
from engine.model.row_record import Agreement
from engine.model.settings import CompanyKey

DOUBTED = Agreement(is_open=True, is_doubted=True)
"""So that a spelling that was agreed is found out as one anew, and not taken for an update that is not carried out."""

ROWS = """
    update {rows}
    set code_known = 0, seen = null, agreement = case when confirmed and settled then ? end, before = null,
        acked_generation = null
    where scope = ?
"""
STRAYS = "delete from {strays} where scope = ?"
REJECTIONS = "delete from rejections where scope = ?"
RESTING = "delete from resting where scope = ?"
REVERTS = "delete from reverts where scope = ?"
NOTES = """
    update scopes
    set listed_at = null, listed_by = null, listed_before = null,
        checked_at = null, certificate = null, remote_count = null, passed = null,
        failures = 0, retry_at = null, failed_source = null,
        failure_message = case when failure = ?2 then failure_message end,
        failure = case when failure = ?2 then failure end
    where id = ?1
"""


def distrust(connection: Connection, company_key: CompanyKey) -> int:
    """Forget acknowledged values and listings; return how many rows were known."""
    scope_id = scopes.find(connection, company_key)
    if scope_id is None:
        return 0
    known = connection.execute(sql(company_key.resource, ROWS), (to_json(DOUBTED._asdict()), scope_id)).rowcount
    for statement in (STRAYS, REJECTIONS, RESTING, REVERTS):
        connection.execute(sql(company_key.resource, statement), (scope_id,))
    connection.execute(NOTES, (scope_id, KEY_MISMATCH))
    scopes.changed(connection, scope_id, None)
    return known
