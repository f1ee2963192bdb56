"""All that the file holds of one row: its record, and every request that carried it."""

from __future__ import annotations

from engine.ledger.connection import Connection
from engine.ledger.jobs import attempts, resting, scopes
from engine.ledger.jobs.rows import read_one
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import from_text, optional_instant
from engine.model.resting import Rejection
from engine.model.row_history import Life
from engine.model.settings import CompanyKey

WIRE_KEY = "select wire_key from wire_keys where scope = ? and source_key = ?"
ACKED = """
    select acked_at,
           (select run_id from attempts where scope = {rows}.scope and at = acked_at order by number desc limit 1)
    from {rows} where scope = ? and key = ?
"""  # requests of one company at one instant are of one run: the run that held its lock
REJECTION = "select fingerprint, at, message from rejections where scope = ? and key = ?"
REVERTS = "select at from reverts where scope = ? and key = ? order by at"
IN_FLIGHT = """
    select at from intents where scope = ? and exists (select 1 from json_each(keys) where value = ?)
"""


def read(connection: Connection, company_key: CompanyKey, key: str) -> Life:
    """Return all that is known of the row that the source calls `key`. Takes time in proportion to all attempts."""
    scope_id = scopes.find(connection, company_key)
    if scope_id is None:
        return Life(wire_key=key)
    (wire_key,) = connection.execute(WIRE_KEY, (scope_id, key)).fetchone() or (key,)
    place = (scope_id, wire_key)
    acknowledged_at, acknowledged_by = connection.execute(sql(company_key.resource, ACKED), place).fetchone() or (
        None,
        None,
    )
    (in_flight,) = connection.execute(IN_FLIGHT, place).fetchone() or (None,)
    return Life(
        wire_key=wire_key,
        known=read_one(connection, company_key.resource, *place),
        acknowledged_at=optional_instant(acknowledged_at),
        acknowledged_by=acknowledged_by,
        rejection=_rejection(connection.execute(REJECTION, place).fetchone()),
        resting=resting.read(connection, scope_id).get(wire_key),
        reverts=tuple(from_text(at) for (at,) in connection.execute(REVERTS, place)),
        in_flight=optional_instant(in_flight),
        attempts=attempts.of_row(connection, scope_id, wire_key),
    )


def _rejection(found: tuple[bytes, str, str] | None) -> Rejection | None:
    if found is None:
        return None
    fingerprint, at, message = found
    return Rejection(fingerprint, from_text(at), message)
