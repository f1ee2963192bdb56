"""Rows of another resource go the whole way: joined, compared, planned, sent, reconciled and written down."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.compare.absorb import absorb
from engine.compare.agreed import agreed
from engine.compare.join import join
from engine.compare.plan import diff
from engine.compare.readback import Readback, readback
from engine.compare.remote_view import RemoteView, as_known
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord
from engine.model.ledger_writes import Intent
from engine.model.listing import Certificate
from engine.model.outcome import ChunkOutcome, Column, columns_of
from engine.model.settings import CompanyKey
from engine.model.wanted import Wanted
from engine.send.chunks import Cut, cut
from engine.send.known_rows import KnownRows
from engine.send.reconcile import reconcile
from engine.send.settlement import Sent, records_of, settlement
from tests.vendors.declared import VENDORS, RemoteVendor, Vendor
from tests.vendors.server import VendorServer
from tests.vendors.wire import DIALECT

MIGRATION = Path(__file__).with_name("migration.sql").read_text()
COMPANY = CompanyKey(origin="https://api.test/v1", account="racc_1", company_id=7, resource=VENDORS)
DIMENSIONS_OF_IT = CompanyKey(origin="https://api.test/v1", account="racc_1", company_id=7)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROWS = (
    Vendor("v1", "Sysco", "DE1", "30 days"),
    Vendor("v2", "Metro", "DE2"),
    Vendor("v3", "Rewe", "DE3", "14 days"),
)


class Ended(NamedTuple):
    """What one run did."""

    plan: Plan
    outcomes: list[ChunkOutcome]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """A ledger with the tables of vendors beside its own."""
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path):
        pass
    connection = sqlite3.connect(tmp_path / "ledger.db")
    connection.executescript(MIGRATION)
    connection.close()
    async with await open_ledger("sqlite:///ledger.db", base=tmp_path) as opened:
        yield opened


def wanted_of(rows: Sequence[Vendor]) -> Wanted:
    many: Any = VENDORS.wanted_table(rows)
    return Wanted(rows=many, source_rows=len(rows))


async def run(ledger: SqliteLedger, server: VendorServer, *rows: Vendor, lists: bool = True, run_id: str) -> Ended:
    """Compare the vendors of a source with those of the server, or of the ledger, and send what differs."""
    wanted, record = wanted_of(rows), await ledger.read(COMPANY)
    view = as_known(record)
    if lists:
        view = RemoteView(resource=DIALECT.resource)
        view.add(DIALECT.page(server.page(), server.company_id).rows)
    table = VENDORS.wanted_table(wanted.rows)
    settled = agreed(table, record.entries, view.rows, resource=VENDORS, relabel=False, adopts=True)
    matching = join(wanted, view, record, agreed=settled)
    if lists:
        whole = Certificate(declared=len(view), declared_last=len(view), unique=len(view), rows=len(view), pages=1)
        await ledger.learn(COMPANY, absorb(matching, view, record, whole, NOON, run_id))
    plan = diff(matching, view, record)
    return Ended(plan, [outcome async for outcome in sent(ledger, server, plan, record, view, run_id)])


async def sent(
    ledger: SqliteLedger, server: VendorServer, plan: Plan, record: CompanyRecord, view: RemoteView, run_id: str
) -> AsyncIterator[ChunkOutcome]:
    how = Cut(
        max_rows=DIALECT.most_rows,
        max_bytes=10**6,
        encode=DIALECT.row,
        body=partial(DIALECT.bulk_body, server.company_id),
    )
    known = KnownRows(
        run_id=run_id, records=record.rows, listed_ids=set(view.rows), remotes=view.rows, again=plan.again
    )
    for number, chunk in enumerate(cut(plan.changes, how)):
        keys = tuple(change.row.key for change in chunk.changes)
        intent = Intent(id=f"{run_id}.{number}", run_id=run_id, keys=keys, at=NOON)
        await ledger.begin(COMPANY, intent)
        outcome = reconcile(chunk, DIALECT.bulk(server.bulk(chunk.body)), exposed=False)
        done = Sent(intent=intent, results=outcome.results, exposed=False, answer=outcome)
        records = records_of(done, outcome.results, known)
        await ledger.settle(COMPANY, settlement(done, outcome.results, records, set(), NOON))
        yield outcome


def columns(ended: Ended) -> dict[Column, int]:
    return dict(sum((columns_of(outcome.results) for outcome in ended.outcomes), start=columns_of(())))


async def test_vendors_are_created_and_then_cost_nothing(ledger: SqliteLedger) -> None:
    server = VendorServer(company_id=7)
    first = await run(ledger, server, *ROWS, run_id="one")
    assert columns(first) == {Column.CREATED: 3}
    assert server.requests == ["list", "bulk", "bulk"]  # two rows a request
    assert server.stored["v1"] == {
        "id": "ven_1",
        "vendor_key": "v1",
        "name": "Sysco",
        "tax_id": "DE1",
        "terms": "30 days",
    }
    for lists in (False, True, False):
        again = await run(ledger, server, *ROWS, lists=lists, run_id=f"again-{lists}")
        assert (again.plan.unchanged, again.plan.changes) == (3, ())


@pytest.mark.parametrize("lists", [True, False], ids=["listed", "by the ledger alone"])
@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        (ROWS[0]._replace(name="Sysco AG"), ("name",)),
        (ROWS[0]._replace(tax_id="DE9"), ("tax_id",)),
        (ROWS[0]._replace(terms="60 days"), ("terms",)),  # no listing shows it
        (ROWS[1]._replace(terms="60 days"), ("terms",)),
        (ROWS[0]._replace(name="Sysco AG", terms=None), ("name", "terms")),
    ],
    ids=["name", "tax id", "terms", "terms that were not given", "two fields"],
)
async def test_a_changed_field_is_updated(
    ledger: SqliteLedger, changed: Vendor, fields: tuple[str, ...], *, lists: bool
) -> None:
    server = VendorServer(company_id=7)
    await run(ledger, server, *ROWS, run_id="one")
    await run(ledger, server, *ROWS, run_id="two")
    rows = [changed if row.key == changed.key else row for row in ROWS]
    ended = await run(ledger, server, *rows, lists=lists, run_id="three")
    updates: list[Any] = [(change.row, change.fields) for change in ended.plan.updates]
    assert updates == [(changed, fields)]
    assert columns(ended) == {Column.UPDATED: 1}
    assert (await run(ledger, server, *rows, run_id="four")).plan.changes == ()


async def test_a_vendor_that_was_there_is_adopted_by_its_tax_id(ledger: SqliteLedger) -> None:
    server = VendorServer(company_id=7, stored={"x": {"id": "ven_x", "name": "Sysco", "tax_id": "DE1"}})
    ended = await run(ledger, server, Vendor("v1", "Sysco", "DE1", "30 days"), run_id="one")
    assert (ended.plan.unchanged, ended.plan.adopted, ended.plan.code_unseen) == (1, 1, 1)
    known: Any = (await ledger.read(COMPANY)).rows["v1"]
    assert (known.row, known.remote_id, known.confirmed) == (Vendor("v1", "Sysco", "DE1"), "ven_x", False)


async def test_what_somebody_changed_there_is_pushed_back_and_what_looks_alike_is_held(ledger: SqliteLedger) -> None:
    server = VendorServer(company_id=7)
    await run(ledger, server, *ROWS, run_id="one")
    await run(ledger, server, *ROWS, run_id="two")
    server.stored["v2"]["name"] = "Makro"
    server.stored["other"] = {"id": "ven_9", "name": "Edeka", "tax_id": "DE9"}
    ended = await run(ledger, server, *ROWS, Vendor("v4", "Edeka", "AT9"), run_id="three")
    assert (ended.plan.reverts, [hold.slug for hold in ended.plan.holds]) == (("v2",), ["look-alike"])
    assert ended.plan.holds[0].message.startswith("'AT9' 'Edeka' looks like ven_9 ('DE9' 'Edeka') in Ottimate")
    assert server.stored["v2"]["name"] == "Metro"
    assert [row.id for row in (await ledger.read(COMPANY)).keyless] == ["ven_9"]


async def test_a_refused_vendor_is_told_apart(ledger: SqliteLedger) -> None:
    ended = await run(ledger, VendorServer(company_id=7), ROWS[0], Vendor("bad", "", "DE4"), run_id="one")
    assert columns(ended) == {Column.CREATED: 1, Column.REJECTED: 1}
    assert list((await ledger.read(COMPANY)).rejections) == ["bad"]


async def test_a_crash_leaves_vendors_of_unknown_outcome(ledger: SqliteLedger) -> None:
    await ledger.begin(COMPANY, Intent(id="lost", run_id="one", keys=("v1",), at=NOON))
    await ledger.recover(COMPANY)
    known: Any = (await ledger.read(COMPANY)).rows["v1"]
    assert (known.row, known.outcome_known) == (Vendor("v1", "", ""), False)
    sent_again = await run(ledger, VendorServer(company_id=7), ROWS[0], run_id="two")
    assert columns(sent_again) == {Column.CREATED: 1}


def test_a_vendor_is_read_back() -> None:
    server = VendorServer(company_id=7)
    plan = diff(
        join(wanted_of(ROWS), RemoteView(resource=VENDORS), CompanyRecord(resource=VENDORS)),
        RemoteView(resource=VENDORS),
        CompanyRecord(resource=VENDORS),
    )
    there: Any = RemoteVendor("ven_1", "Sysco", "DE1")
    assert readback(plan.creates[0], there) is Readback.LANDED
    assert readback(plan.creates[0], there._replace(tax_id="DE2")) is Readback.MISSING
    assert server.requests == []


async def test_a_companys_vendors_and_dimensions_are_kept_apart(ledger: SqliteLedger) -> None:
    await run(ledger, VendorServer(company_id=7), *ROWS, run_id="one")
    assert await ledger.read(DIMENSIONS_OF_IT) == CompanyRecord()
    assert await ledger.states(COMPANY.origin) == {}
