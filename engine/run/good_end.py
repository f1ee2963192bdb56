"""What the ledger remembers of a company's good run: its source's figures, and that earlier trouble is over."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import anyio

from engine.compare.freshness import Evidence
from engine.model.balance import State
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, CompanyRecord, CompanyState
from engine.model.ledger_writes import GoodEnd
from engine.model.result import CompanyResult
from engine.model.wanted import GoodCounts, Wanted
from engine.run.as_before import listing_note
from engine.run.by_lines import lines_to_keep, untold
from engine.run.company_context import CompanyContext
from engine.run.company_result import thought_of
from engine.run.skip_unchanged import Listing, skip_unchanged
from engine.run.thinking import think

_NOTHING = GoodEnd()

MANY_SCATTERED = 50
"""A company with fewer scattered entries gets no new memo of its entries: it would not be worth it."""


async def note_good_end(company: CompanyContext, record: CompanyRecord) -> None:
    """Remember a good run that has compared the company. `record`: what the ledger knew of it before."""
    gathers = _is_scattered(company, record)
    await note_end(company, record.state, record.good, partial(listing_note, company, record), gathers=gathers)


async def note_end(
    company: CompanyContext, before: CompanyState, good: GoodCounts | None, listing: Listing, *, gathers: bool = False
) -> None:
    """Remember what a good run's source was like, where that is news, and forget old trouble; keep the result.

    A run is good if it compared, or found that nothing has changed, could write, and no guard held the company,
    whatever became of single rows. Guards measure later sources by it (shrunken, another client's, torn, left out).
    `before`: the ledger's notes on it. `good`: what the last good source was like; None: it is not known. `listing`:
    tells what to remember of Ottimate if there was nothing to do. `gathers`: the memo of all entries is written.
    """
    result, source = await thought_of(company), company.counts.source
    end = GoodEnd(gathers=gathers, lines=lines_to_keep(company) if gathers else None)
    if company.run.mode.writes and source is not None and result.state is not State.FAILED:
        end = await _with_source(company, result, source, before, good, end)
    end = replace(end, clean=await skip_unchanged(company).note(result, company.counts.wanted, listing))
    if end != _NOTHING:
        with anyio.CancelScope(shield=True):
            await company.run.ledger.end_well(company.company_key, end)
    company.found.result = result


async def _with_source(
    company: CompanyContext,
    result: CompanyResult,
    source: Wanted,
    before: CompanyState,
    good: GoodCounts | None,
    end: GoodEnd,
) -> GoodEnd:
    """Return the end with what is news of the source, and of trouble."""
    drawn = await company.run.seen.drawn(company.company_key, source.rows) if _has_news(company, before) else None
    is_over = before.failure is not None and _is_over(result, before)
    now = await think(len(source.rows), lambda: source.counts)
    is_news = is_over or source.source_rows != before.last_good_rows or now != good
    return replace(
        end,
        sketch=drawn,
        is_trouble_over=is_over,
        source_rows=source.source_rows if is_news else None,
        counts=None if now == good else now,
    )


def _is_scattered(company: CompanyContext, record: CompanyRecord) -> bool:
    """Return whether so many entries were read one by one that it is worthwhile to write the memo of all of them.

    So it is, too, if as many lines of the source were parsed that the memo could tell. Writing it takes about as long
    as reading all entries, and is worth it when an eighth of them are scattered. A run that has itself changed as many
    leaves it to a later one: what changes so much will change again.
    """
    many, changed = max(MANY_SCATTERED, len(record.rows) // 8), len(company.counts.done)
    if not company.run.mode.writes or changed > many:
        return False
    return record.scattered + changed > many or untold(company, record) > many


def _has_news(company: CompanyContext, before: CompanyState) -> bool:
    """Return whether the source's rows may be others than when a sketch of them was drawn."""
    is_listed = company.comparison.evidence is Evidence.LISTING
    plan = company.counts.plan or Plan()
    return is_listed or bool(plan.size) or before.last_good_rows is None


def _is_over(result: CompanyResult, before: CompanyState) -> bool:
    """Return whether an earlier trouble of the company is over: nothing waits, and no key led nowhere."""
    balance = result.balance
    led_nowhere = before.failure == KEY_MISMATCH and bool(balance.held)
    return not (balance.uncertain or balance.deferred or led_nowhere)
