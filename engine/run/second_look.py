"""List a company again after writing: which existing rows creates have changed, and what a second push came to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import anyio

from engine.errors import ApiError, UnsafePlan
from engine.model.balance import ExitCode
from engine.model.change import Change
from engine.model.company_record import OVERWRITTEN
from engine.model.outcome import Column
from engine.model.resting import KEY_COLLISION, NOT_APPLIED, NOT_LISTED
from engine.model.wanted import Wanted
from engine.model.wording import counted as in_words
from engine.run.company_context import CompanyContext
from engine.run.comparer import Compared
from engine.run.endings import CHANGED, UNSEEN, Stop, stop
from engine.run.plan_source import to_do_of
from engine.run.row_counts import RowCounts
from engine.run.safety_notes import CompanyNotes, overwritten
from engine.run.spellings import let_spellings


async def look_again(
    company: CompanyContext, notes: CompanyNotes, updated: int, counted: Collection[str]
) -> Stop | None:
    """List again if creates have changed existing rows, which may belong to other keys of the source.

    `updated`: how many did. `counted`: keys of rows that differed or were held before. Returns why the company stops,
    if rows that were unchanged or stored differ now, or if the listing failed.
    """
    if (source := company.source) is None:
        return None
    text = overwritten(updated)
    try:
        after = await _listed(company, source)
    except (ApiError, UnsafePlan) as error:
        await notes.note_overwritten(updated)
        doubt = replace(CHANGED, exit_code=ExitCode.UNCERTAIN)
        return stop(OVERWRITTEN, f"{text}; what became of those could not be looked at: {error}", doubt)
    moved = _recount(company.counts, after, counted)
    if not moved:
        return None
    company.counts.reopen(moved)
    some = ", ".join(sorted(moved)[:3]) + (" ..." if len(moved) > 3 else "")
    told = f"of those that were unchanged or stored, {in_words(len(moved), 'row differs', 'rows differ')} now ({some})"
    return stop(OVERWRITTEN, f"{text}, so that {told}: the next run sees to them", CHANGED)


def _recount(counts: RowCounts, after: Compared, counted: Collection[str]) -> set[str]:
    """Recount rows that a listing shows to be absent, shared or held; return the keys of rows that differ now."""
    absent = {row.change.row.key: row.message for row in after.resting if row.code == NOT_LISTED}
    counts.recount(absent, Column.UNCERTAIN, NOT_LISTED)
    sharing = {key: rest.message for key, rest in after.collisions.items()}
    counts.recount(sharing, Column.HELD, KEY_COLLISION)
    for hold in after.plan.holds:
        if hold.key in counts.done:
            counts.recount({hold.key: hold.message}, Column.HELD, hold.slug)
    counted_now = {row.change.row.key for row in after.resting} | sharing.keys()
    differ = set(after.plan.keys)  # stored, whatever the answers said
    return (to_do_of(after.plan) - set(counted) - counted_now) | (differ & counts.done.keys())


async def verify(company: CompanyContext, rows: Sequence[Change]) -> int:
    """List the company after a second push and report what it shows; return how many rows show as sent."""
    if (source := company.source) is None:
        return 0
    counts = company.counts
    try:
        after = await _listed(company, source)
    except (ApiError, UnsafePlan) as error:
        text = f"rows were pushed once more, and what became of them could not be looked at: {error}"
        company.ending.take(stop("not-verified", f"{text}; the next listing shows it", UNSEEN))
        return 0
    told, stuck = after.plan.otherwise, after.plan.not_applied
    counts.recount(stuck, Column.REJECTED, NOT_APPLIED)
    counts.otherwise(told)
    if told and counts.lets_spellings:
        await let_spellings(company, told)
    left = to_do_of(after.plan) | told.keys() | stuck.keys()
    stored = [change.row.key for change in rows if change.row.key in counts.done]
    if still := to_do_of(after.plan) & counts.done.keys():  # not stored as sent, whatever the answers said
        counts.reopen(still)
        text = f"the listing after it shows {in_words(len(still), 'pushed row')} otherwise than sent"
        company.ending.take(stop("not-verified", f"{text}; the next run sees to them", UNSEEN))
    undone = [key for key in stored if key not in left]
    if moved := [key for key in stored if key not in told]:  # their values were replaced, not respelled
        with anyio.CancelScope(shield=True):
            await company.run.ledger.reverted(company.company_key, tuple(moved), company.run.now())
    return len(undone)


async def _listed(company: CompanyContext, source: Wanted) -> Compared:
    """Return a comparison with a listing of what is there now. Raises `ApiError` and `UnsafePlan`."""
    record = await company.run.ledger.read(company.company_key)
    record = replace(record, unfinished=record.unfinished - {company.run.run_id})  # what this run told is told
    return await company.comparison.compare_listed(source, record, is_after=True)
