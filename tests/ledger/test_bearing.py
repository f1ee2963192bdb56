"""Which other companies of an account have rows with given ERP ids."""

from __future__ import annotations

from dataclasses import replace

from engine.ledger.protocols import Ledger
from engine.model.dimension import Dimension
from engine.model.ledger_writes import Learned
from engine.model.row_record import RowRecord
from tests.ledger.values import ANCHOR, HARBOR, NOON, blank, certificate, stray


def row(key: str, erp_id: str, type_code: str = "account") -> RowRecord:
    values = Dimension(key, type_code, type_code.title(), f"Name {key}", erp_id)
    return RowRecord(values, f"dim_{key}", confirmed=True, outcome_known=True, code_known=True)


async def test_rows_of_other_companies_are_found_with_and_without_a_key(ledger: Ledger) -> None:
    """Not the company's own, not another account's or API's, and none whose outcome is not known."""
    there = Learned(
        certificate=certificate(3),
        at=NOON,
        rows={"a": row("a", "1"), "b": row("b", "1", "department"), "c": row("c", "2")},
        keyless=(stray("z")._replace(type_code="item", type_label="Item", erp_id="3"),),
    )
    await ledger.learn(ANCHOR, there)
    for other in (HARBOR, replace(ANCHOR, account="racc_9"), replace(ANCHOR, origin="https://other.test/v1")):
        await ledger.learn(other, there)
    await ledger.learn(replace(HARBOR, company_id=7), replace(there, rows={"d": blank("d")}, keyless=None))
    assert await ledger.bearing(HARBOR, ["1", "3", "9"]) == [
        (ANCHOR.company_id, "account", "Account", "1"),
        (ANCHOR.company_id, "department", "Department", "1"),
        (ANCHOR.company_id, "item", "Item", "3"),
    ]
    assert await ledger.bearing(HARBOR, []) == []
