"""What a ledger keeps of companies' sources."""

from __future__ import annotations

from dataclasses import replace

from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyState
from engine.model.wanted import FileEnd, GoodCounts, SourceCounts, SourceMarks
from tests.ledger.values import ANCHOR, HARBOR, ORIGIN

FLEET = "/srv/exports/{company_id}.csv"
MARKS = (
    SourceMarks("exports/101.csv", FileEnd(0, 0, is_ended=True), ("Blocked", "Küche"), ()),
    SourceMarks("Küche.xlsx#\u6771", None, (), ("Type",)),
    SourceMarks("", FileEnd(10**12, 7, is_ended=False)),
)


async def test_what_a_good_source_was_like_is_kept(ledger: Ledger) -> None:
    sources = (SourceCounts("exports/101.csv", 12, 3), SourceCounts("Küche.xlsx#\u6771", 7, 0))
    counts = GoodCounts(sources, {"account": 9, "department": 7}, MARKS)
    assert await ledger.good_counts(HARBOR) is None
    await ledger.keep_good_source(HARBOR, 16, counts)
    assert await ledger.good_counts(HARBOR) == counts
    assert (await ledger.read(HARBOR)).state.last_good_rows == 16
    await ledger.keep_good_source(HARBOR, 17, None)
    assert (await ledger.good_counts(HARBOR), (await ledger.read(HARBOR)).state.last_good_rows) == (counts, 17)
    await ledger.keep_good_source(HARBOR, 17, GoodCounts((), {}))  # as a saved plan tells it
    assert await ledger.good_counts(HARBOR) == GoodCounts((), {}, MARKS)
    await ledger.keep_good_source(HARBOR, 17, GoodCounts((), {}, MARKS[:1]))
    assert await ledger.good_counts(HARBOR) == GoodCounts((), {}, MARKS[:1])
    assert await ledger.good_counts(ANCHOR) is None


async def test_what_is_kept_of_a_source_leaves_trouble_alone(ledger: Ledger) -> None:
    await ledger.note(HARBOR, CompanyState(failures=2, failure="quota", failure_message="used up", last_good_rows=7))
    await ledger.note_clean(HARBOR, b"digest", 7, 0)
    await ledger.keep_good_source(HARBOR, 40, None)
    state = (await ledger.read(HARBOR)).state
    assert (state.failures, state.failure, state.last_good_rows, state.clean) == (2, "quota", 40, b"digest")


async def test_a_fleet_has_the_companies_that_anything_is_known_of(ledger: Ledger) -> None:
    await ledger.keep_fleet(ORIGIN, FLEET, [HARBOR.of_account])
    assert await ledger.fleet(ORIGIN, FLEET) == []
    for scope in (HARBOR, ANCHOR):
        await ledger.sketch(scope, 0, b"")
    await ledger.keep_good_source(HARBOR, 3, GoodCounts((), {}, MARKS))
    both = [scope.of_account for scope in (HARBOR, ANCHOR)]
    for _ in range(2):
        await ledger.keep_fleet(ORIGIN, FLEET, both)
        assert await ledger.fleet(ORIGIN, FLEET) == sorted(both)
    assert await ledger.good_counts(HARBOR) == GoodCounts((), {}, MARKS)
    await ledger.keep_fleet(ORIGIN, "/other/{company_id}.csv", both[:1])
    assert await ledger.fleet(ORIGIN, FLEET) == both[1:]
    elsewhere = replace(HARBOR, origin="http://127.0.0.1:8700/v1")
    assert await ledger.fleet(elsewhere.origin, FLEET) == []
