from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from engine.model.balance import Balance, State
from engine.model.dimension import Dimension, RemoteRow
from engine.model.ledger_writes import Intent, Settlement
from engine.model.listing import Certificate
from engine.model.resting import Rejection
from engine.model.result import CompanyResult, Requests, RunResult
from engine.model.row_record import RowRecord
from engine.model.settings import CompanyKey

ORIGIN = "https://api.test/v1"
NOON = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
HARBOR = CompanyKey(origin=ORIGIN, account="racc_1", company_id=101)
ANCHOR = CompanyKey(origin=ORIGIN, account="racc_1", company_id=102)


def known(key: str, name: str = "Food cost", *, seen: RemoteRow | None = None, confirmed: bool = True) -> RowRecord:
    row = Dimension(key, "account", "GL Account", name, f"0{key}", None if key.endswith("0") else f"c{key}")
    return RowRecord(row, f"dim_{key}", confirmed, outcome_known=True, code_known=True, seen=seen)


def known_rows(*keys: str, name: str = "Food cost") -> dict[str, RowRecord]:
    return {key: known(key, name) for key in keys}


def fresh(rows: Mapping[str, RowRecord]) -> dict[str, RowRecord]:
    """Return rows as acknowledged since the last listing."""
    return {key: row._replace(is_fresh=True) for key, row in rows.items()}


def unsettled(entry: RowRecord) -> RowRecord:
    return entry._replace(outcome_known=False)


def blank(key: str) -> RowRecord:
    """What is known of a key that was sent once, with an outcome that nobody knows."""
    return RowRecord(Dimension(key, "", "", "", ""), None, confirmed=False, outcome_known=False, code_known=False)


def stray(row_id: str) -> RemoteRow:
    return RemoteRow(row_id, "department", "Department", "Küche", "007", None, None)


def rejection(message: str = "dimension_type_code: unknown") -> Rejection:
    return Rejection(bytes(range(16)), NOON, message)


def certificate(rows: int) -> Certificate:
    return Certificate(declared=rows, declared_last=rows, unique=rows, rows=rows, pages=1)


def intent(chunk: str, *keys: str) -> Intent:
    return Intent(id=chunk, run_id="run-1", keys=keys, at=NOON)


def settlement(chunk: str, *keys: str, created: int = 0) -> Settlement:
    return Settlement(intent_id=chunk, at=NOON, rows=known_rows(*keys), created=created)


def a_result(run_id: str = "run-1") -> RunResult:
    balance = Balance(source_rows=3, unchanged=1, created=2, updated=0, rejected=0, held=0, deferred=0, uncertain=0)
    synced = CompanyResult(
        company_id=101,
        name="Harbor Grill",
        account="main",
        state=State.SYNCED,
        exit_code=0,
        evidence="listing",
        verified_at=NOON,
        balance=balance,
        requests=Requests(list=2, bulk=1),
    )
    failed = CompanyResult(company_id=102, name="Anchor", account="main", state=State.FAILED, exit_code=1)
    return RunResult(
        run_id=run_id,
        verb="sync",
        started_at=NOON,
        finished_at=LATER,
        elapsed_s=3600.0,
        exit_code=1,
        totals=balance,
        requests=Requests(list=2, bulk=1, token=1),
        companies=(synced, failed),
    )
