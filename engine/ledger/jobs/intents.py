"""The crash protocol: one commit before a request, one after its answer; `recover` sees to a missing second one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson

from engine.errors import LedgerError
from engine.ledger.connection import Connection
from engine.ledger.jobs import attempts, may_be_there, resting, scopes
from engine.ledger.jobs.rows import acknowledge
from engine.ledger.jobs.statements import sql
from engine.ledger.jobs.texts import to_json, to_text
from engine.model.ledger_writes import Intent, Settlement
from engine.model.resting import Rejection
from engine.model.settings import CompanyKey

BEGIN = "insert into intents (scope, id, run_id, at, keys) values (?, ?, ?, ?, ?) on conflict do nothing"
OTHERS = "select id, keys from intents where scope = ? and id <> ?"
FIND = """
    select scope, run_id, exists (select 1 from rejections where scope = intents.scope),
           exists (select 1 from resting where scope = intents.scope),
           exists (select 1 from {may_be_there} where scope = intents.scope)
    from intents
    where scope = (select id from scopes where origin = ? and account = ? and company_id = ?) and id = ?
"""
AGAIN = "update intents set at = ? where scope = ? and id = ?"
END = "delete from intents where scope = ? and id = ?"

UNSETTLE = """
    insert into {rows} (scope, key, {required}, confirmed, settled, code_known)
    select ?, value, {blanks}, 0, 0, 0 from json_each(?) where true
    on conflict (scope, key) do update set settled = 0
"""  # without `where true`, SQLite would parse `on conflict` as the condition of a join
UNSETTLE_LEFT_OVER = """
    insert into {rows} (scope, key, {required}, confirmed, settled, code_known)
    select scope, value, {blanks}, 0, 0, 0 from intents join json_each(keys) where scope = ?
    on conflict (scope, key) do update set settled = 0
"""
LEFT_OVER = "select id, run_id, at, keys from intents where scope = ? order by at, id"
END_ALL = "delete from intents where scope = ?"

REJECT = """
    insert into rejections (scope, key, fingerprint, at, message) values (?, ?, ?, ?, ?)
    on conflict (scope, key) do update set
        fingerprint = excluded.fingerprint, at = excluded.at, message = excluded.message
"""
ACCEPT = "delete from rejections where scope = ? and key = ?"
ACCEPT_LEFT_OVER = """
    delete from rejections
    where scope = ?1 and key in (select value from intents join json_each(keys) where scope = ?1)
"""  # a row that was refused earlier, then sent and not answered, may be stored now: the refusal no longer holds


def begin(connection: Connection, company_key: CompanyKey, intent: Intent) -> None:
    """Write down that these keys are about to be sent."""
    scope_id = scopes.to_change(connection, company_key)
    wanted = set(intent.keys)
    for other, keys in connection.execute(OTHERS, (scope_id, intent.id)).fetchall():
        if not wanted.isdisjoint(taken := orjson.loads(keys)):
            key = min(wanted.intersection(taken))
            raise LedgerError(
                f"Company {company_key.company_id}: key {key!r} of chunk {intent.id} is in flight already, "
                f"in chunk {other}."
            )
    text = f"Company {company_key.company_id}: chunk {intent.id} was begun before, or names a key twice."
    if len(wanted) < len(intent.keys):
        raise LedgerError(text)
    columns = (scope_id, intent.id, intent.run_id, to_text(intent.at), _array(intent.keys))
    if not connection.execute(BEGIN, columns).rowcount:
        raise LedgerError(text)


def _array(keys: Iterable[str]) -> str:
    """Return keys as a sorted JSON array: SQLite takes it apart faster than Python binds each key."""
    return to_json(sorted(keys))


def sent_again(connection: Connection, company_key: CompanyKey, intent_id: str, at: datetime) -> None:
    """Date an intent from its newest send."""
    connection.execute(AGAIN, (to_text(at), scopes.to_change(connection, company_key), intent_id))


def settle(connection: Connection, company_key: CompanyKey, settlement: Settlement) -> None:
    """Write down a chunk's outcome and end its intent."""
    resource, chunk = company_key.resource, settlement.intent_id
    found = connection.execute(sql(resource, FIND), (*scopes.identity(company_key), chunk)).fetchone()
    if found is None:
        raise LedgerError(f"Company {company_key.company_id}: chunk {chunk} cannot be settled, it was never begun.")
    scope_id, run_id, any_rejection, any_resting, any_may_be_there = found
    connection.execute(END, (scope_id, chunk))
    acknowledge(connection, resource, scope_id, settlement.rows, settlement.at)
    if any_rejection:  # most companies have none
        connection.executemany(ACCEPT, [(scope_id, key) for key in settlement.rows])
    if any_resting:
        resting.acknowledged(connection, scope_id, settlement.rows)
        resting.refused(connection, scope_id, settlement.rejected)
    if any_may_be_there:
        may_be_there.acknowledged(connection, resource, scope_id, settlement.rows)
        may_be_there.refused(connection, resource, scope_id, settlement.rejected_as)
    if settlement.rejected:
        _reject(connection, scope_id, settlement.rejected)
    if settlement.unknown:
        may_be_there.doubted(connection, resource, scope_id, _array(settlement.unknown))
        connection.execute(sql(resource, UNSETTLE), (scope_id, _array(settlement.unknown)))
        doubtful = [key for key in settlement.unknown if key not in settlement.rejected]
        connection.executemany(ACCEPT, [(scope_id, key) for key in doubtful] if any_rejection else [])
    if settlement.may_be_there:
        may_be_there.put(connection, resource, scope_id, settlement.may_be_there)
    if settlement.outcomes or settlement.sends:
        attempts.add(connection, scope_id, run_id, settlement)
    scopes.changed(connection, scope_id, run_id, created=settlement.created, lost_at=settlement.lost_at)


def _reject(connection: Connection, scope_id: int, rejected: Mapping[str, Rejection]) -> None:
    columns = ((scope_id, key, row.fingerprint, to_text(row.at), row.message) for key, row in sorted(rejected.items()))
    connection.executemany(REJECT, columns)


def recover(connection: Connection, company_key: CompanyKey) -> int:
    """End left-over intents, and note in rows and audit trail that the outcome of their keys is not known."""
    scope_id, resource = scopes.find(connection, company_key), company_key.resource
    left_over = [] if scope_id is None else connection.execute(LEFT_OVER, (scope_id,)).fetchall()
    if scope_id is None or not left_over:
        return 0
    may_be_there.doubted_left_over(connection, resource, scope_id)
    connection.execute(sql(resource, UNSETTLE_LEFT_OVER), (scope_id,))
    connection.execute(ACCEPT_LEFT_OVER, (scope_id,))
    connection.execute(END_ALL, (scope_id,))
    freed = attempts.add_left_over(connection, scope_id, left_over)
    _, youngest_run, *_ = left_over[-1]
    scopes.changed(connection, scope_id, youngest_run)
    return freed
