"""What a company's good run leaves behind, written at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.ledger_writes import Clean, GoodEnd, Learned
from engine.model.settings import CompanyKey
from engine.model.sketch import Sketch
from engine.model.wanted import GoodCounts, SourceCounts, SourceMarks
from tests.ledger.values import HARBOR, NOON, ORIGIN, certificate, known_rows

COUNTS = GoodCounts((SourceCounts("101.csv", 7, 0),), {"account": 7}, (SourceMarks("101.csv"),))
CLEAN = Clean(b"digest", 7, 2, (), b"listed", b"rows")
DRAWN = Sketch(7, b"12345678")
PARTS = list(product((None, DRAWN), (False, True), (None, COUNTS), (None, CLEAN), (False, True)))


async def left(
    ledger: Ledger, company: CompanyKey, end: GoodEnd, *, at_once: bool
) -> tuple[CompanyRecord, int, object, GoodCounts | None]:
    """Return what is known of a company that was in trouble, after its good end."""
    await ledger.learn(company, Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b")))
    await ledger.note(company, CompanyState(failures=2, failure="quota", failure_message="used up", last_good_rows=3))
    if at_once:
        await ledger.end_well(company, end)
    else:
        await one_by_one(ledger, company, end)
    sketches = [each[2:] for each in await ledger.sketches(ORIGIN) if each[1] == company.company_id]
    record = await ledger.read(company)
    return record, record.scattered, sketches, await ledger.good_counts(company)


async def one_by_one(ledger: Ledger, company: CompanyKey, end: GoodEnd) -> None:
    if end.sketch is not None:
        await ledger.sketch(company, *end.sketch)
    if end.is_trouble_over:
        await ledger.note(company, CompanyState(last_good_rows=end.source_rows))
    if end.source_rows is not None:
        await ledger.keep_good_source(company, end.source_rows, end.counts)
    if end.clean is not None:
        await ledger.note_clean(company, *end.clean)
    if end.gathers:
        await ledger.gather(company)


async def test_all_parts_at_once_are_as_one_after_the_other(ledger: Ledger) -> None:
    """Each pair of companies ends with other parts."""
    for number, (sketch, is_over, counts, clean, gathers) in enumerate(PARTS):
        one, other = (replace(HARBOR, company_id=1_000 + 2 * number + n) for n in (0, 1))
        end = GoodEnd(
            sketch=sketch,
            is_trouble_over=is_over,
            source_rows=7 if is_over or counts else None,
            counts=counts,
            clean=clean,
            gathers=gathers,
        )
        found = await left(ledger, one, end, at_once=True)
        assert found == await left(ledger, other, end, at_once=False), end
        record, scattered, _, good = found
        assert record.good == good == counts, end
        noted = (None, None, None) if clean is None else (clean.digest, clean.listing, clean.source)
        assert (record.state.clean, record.state.clean_listing, record.state.clean_source) == noted, end
        assert scattered == (0 if gathers else 2), end


BROKEN: dict[str, Callable[[], GoodEnd]] = {
    "a number that no column holds": lambda: GoodEnd(sketch=DRAWN, source_rows=2**63, clean=CLEAN),
    "a text that is no text": lambda: GoodEnd(
        sketch=DRAWN, source_rows=7, counts=COUNTS._replace(kept={"\ud800": 7}), clean=CLEAN
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_nothing_of_it_is_kept_when_a_part_fails(
    on_disk: SqliteLedger, tmp_path: Path, broken: Callable[[], GoodEnd]
) -> None:
    await on_disk.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b")))
    before = await on_disk.read(HARBOR)
    with pytest.raises((LedgerError, TypeError)):
        await on_disk.end_well(HARBOR, broken())
    assert (await on_disk.read(HARBOR), await on_disk.sketches(ORIGIN)) == (before, [])
