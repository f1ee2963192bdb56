"""Tell that Ottimate is as it was when there was nothing to do, for a company whose source has not changed.

No row of the source and of the ledger is read for it, and no page that is known is decoded.
"""

from __future__ import annotations

import secrets
from functools import partial

from engine.compare.freshness import Evidence
from engine.errors import EngineError
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.row_record import FRESH, SETTLED
from engine.net.known_pages import KnownPages
from engine.run.company_context import CompanyContext
from engine.run.early_reading import EarlyReading
from engine.run.memo import ListingMemo, content_of, decoded
from engine.run.thinking import think

NOT_LISTED = b""
"""The `listing` of `Rows.note_clean` when nothing was listed."""


def may_be_as_before(company: CompanyContext, state: CompanyState) -> bool:
    """Return whether the ledger's notes on a company can show that it is as it was, by what is due to be read."""
    due, noted = company.comparison.due(state), state.clean_listing
    if state.failure is not None or due is Evidence.LEDGER:
        return state.failure is None
    return noted is not None and (due is not Evidence.LISTING or noted != NOT_LISTED)


async def is_as_before(company: CompanyContext, state: CompanyState) -> bool:
    """Return whether Ottimate is as it was, by a probe or a whole listing, as either is due.

    The caller holds the company's lock, under which source, settings and ledger are as they were at a run that found
    nothing to do. If Ottimate is not as it was, `Comparison.early` has what was read, or the error that this met: a
    comparison under the same lock goes on from it. Neither: nothing was read.
    """
    comparison = company.comparison
    if state.clean_listing is None or not may_be_as_before(company, state):
        return False
    memo = decoded(state.clean_listing)
    if memo is None and comparison.due(state) is Evidence.LISTING:
        return False
    evidence = comparison.take_due(state)
    try:
        if memo is not None and evidence is Evidence.LISTING:
            return await _is_listed_as_before(company, state, memo)
        first = await comparison.reader.probe(state)
    except EngineError as error:
        comparison.early = EarlyReading(evidence=evidence if evidence is Evidence.LISTING else None, error=error)
        return False
    comparison.evidence = evidence
    if first is not None:
        comparison.early = EarlyReading(evidence=Evidence.LISTING, first=first)
    return first is None


async def _is_listed_as_before(company: CompanyContext, state: CompanyState, memo: ListingMemo) -> bool:
    comparison, client = company.comparison, company.client
    client.known_pages = KnownPages(memo.seed, memo.pages)
    try:
        pages = await comparison.list(None, state)
    finally:
        client.known_pages = KnownPages(memo.seed)
    comparison.evidence = Evidence.LISTING
    if not pages.are_known:
        content = await think(len(pages.view), partial(content_of, pages.view, memo.seed))
        if content != memo.content:
            comparison.early = EarlyReading(evidence=Evidence.LISTING, pages=pages)
            return False
        comparison.view = pages.view
    await comparison.note_as_before(memo.remote)
    return True


def tell_pages(company: CompanyContext) -> None:
    """Tell the pages of this run's listing by their bytes, for a memo of it."""
    company.client.known_pages = KnownPages(secrets.randbits(64))


async def listing_note(company: CompanyContext, record: CompanyRecord) -> bytes | None:
    """Return what to remember of Ottimate at the end of a run that found nothing to do.

    `NOT_LISTED`: nothing was listed. None: what the run found depends on more than source, settings, listing and rows
    of the ledger, such as on the time.
    """
    comparison, client = company.comparison, company.client
    if _depends_on_more(record) or comparison.has_learned:
        return None
    if comparison.evidence is not Evidence.LISTING or client.known_pages.seed is None or comparison.remote is None:
        return NOT_LISTED
    is_judged_as_fresh = comparison.pairs and any(flags & FRESH for flags in set(record.entries.table.column("flags")))
    if is_judged_as_fresh:  # the next listing would be judged otherwise: none of the rows is fresh then
        return NOT_LISTED
    seed, remote, certificate = client.known_pages.seed, comparison.remote, comparison.certificate
    is_plain = certificate is not None and not certificate.repeats  # the ids of known pages are counted by their rows
    memo = ListingMemo(
        seed=seed,
        content=await think(len(comparison.view), partial(content_of, comparison.view, seed)),
        pages=comparison.reader.facts if is_plain else {},
        remote_rows=remote.remote_rows or 0,
        matched=remote.matched or 0,
        contested=remote.contested or 0,
        orphans=remote.orphans or 0,
    )
    return memo.encoded()


def _depends_on_more(record: CompanyRecord) -> bool:
    """Return whether rows rest, are of unknown outcome, or may be there unseen: time decides what becomes of these."""
    flags = set(record.entries.table.column("flags"))
    is_unsettled = not all(map(SETTLED.__and__, flags))
    waits = record.left_over is not None or record.lost_at is not None
    return is_unsettled or waits or bool(record.resting or record.may_be_there)
