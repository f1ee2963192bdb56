"""What the ledger remembers of a company's good run: its source's figures, and that earlier trouble is over."""

from __future__ import annotations

import anyio

from engine.compare.freshness import Evidence
from engine.model.balance import State
from engine.model.change import Plan
from engine.model.company_record import KEY_MISMATCH, CompanyRecord, CompanyState
from engine.model.ledger_writes import Clean, GoodEnd
from engine.model.result import CompanyResult
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.company_result import result_of
from engine.run.skip_unchanged import skip_unchanged
from engine.run.thinking import think

_NOTHING = GoodEnd()


async def note_good_end(company: CompanyContext, record: CompanyRecord) -> None:
    """Remember what a good run's source was like, where that is news, and forget old trouble; keep the result.

    A run is good if it compared, could write, and no guard held the company, whatever became of single rows. Guards
    measure later sources by it (shrunken, another client's, torn, left out).
    """
    result, source = result_of(company), company.counts.source
    end = GoodEnd(clean=skip_unchanged(company).note(result, company.counts.wanted))
    if company.run.mode.writes and source is not None and result.state is not State.FAILED:
        end = await _end(company, result, source, record, end.clean)
    if end != _NOTHING:
        with anyio.CancelScope(shield=True):
            await company.run.ledger.end_well(company.company_key, end)
    company.found.result = result


async def _end(
    company: CompanyContext, result: CompanyResult, source: Wanted, record: CompanyRecord, clean: Clean | None
) -> GoodEnd:
    before, drawn = record.state, None
    if _has_news(company, before):
        drawn = await company.run.seen.drawn(company.company_key, source.rows)
    is_over = before.failure is not None and _is_over(result, before)
    now = await think(len(source.rows), lambda: source.counts)
    is_news = is_over or source.source_rows != before.last_good_rows or now != record.good
    return GoodEnd(
        sketch=drawn,
        is_trouble_over=is_over,
        source_rows=source.source_rows if is_news else None,
        counts=None if now == record.good else now,
        clean=clean,
    )


def _has_news(company: CompanyContext, before: CompanyState) -> bool:
    """Return whether the source's rows may be others than when a sketch of them was drawn."""
    is_listed = company.comparison.evidence is Evidence.LISTING
    plan = company.counts.plan or Plan()
    return is_listed or bool(plan.changes) or before.last_good_rows is None


def _is_over(result: CompanyResult, before: CompanyState) -> bool:
    """Return whether an earlier trouble of the company is over: nothing waits, and no key led nowhere."""
    balance = result.balance
    led_nowhere = before.failure == KEY_MISMATCH and bool(balance.held)
    return not (balance.uncertain or balance.deferred or led_nowhere)
