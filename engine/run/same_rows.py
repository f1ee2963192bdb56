"""Tell that a source has given the rows that it gave when there was nothing to do, in whatever bytes.

So it is with a file that has the time of its export in it, and with workbooks, queries and programs, which cannot tell
what they hold before they are read. The rows are not compared then, and no entry of the ledger is read.
"""

from __future__ import annotations

from engine.model.change import Plan
from engine.model.company_record import CompanyState
from engine.run.as_before import is_as_before
from engine.run.company_context import CompanyContext
from engine.run.decide import tell_planned
from engine.run.good_end import note_end
from engine.run.skip_unchanged import skip_unchanged


async def has_same_rows(company: CompanyContext, before: CompanyState | None) -> bool:
    """Return whether source and Ottimate are as they were when there was nothing to do; then the company is done.

    The caller holds the company's lock. `before`: the ledger's notes on the company, from before the source was read.
    As of `is_as_before`, `Comparison.early` may have what was read of Ottimate.
    """
    source = company.counts.source
    if before is None or before.clean_source is None or source is None or before.clean_rows != source.source_rows:
        return False
    if await skip_unchanged(company).rows_digest(source) != before.clean_source:
        return False
    state = await company.run.ledger.brief(company.company_key)
    if state is None or state.clean_source != before.clean_source or state.clean_listing is None:
        return False
    if not company.comparison.rests_on(state) and not await is_as_before(company, state):
        return False

    async def listing() -> bytes | None:
        return state.clean_listing

    company.counts.take_as_before(state.clean_adopted or 0)
    company.ending.reached()
    await tell_planned(company, Plan(unchanged=len(source.rows)))
    await note_end(company, state, None, listing)
    return True
