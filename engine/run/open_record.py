"""Read what the ledger knows of a company, after the server can no longer be working on a dead run's requests."""

from __future__ import annotations

from functools import partial

import anyio

from engine.model.company_record import CompanyRecord
from engine.model.events import Waiting
from engine.model.row_record import share_texts
from engine.model.table import Table
from engine.run.company_context import CompanyContext
from engine.run.thinking import LONG, think


async def open_record(company: CompanyContext) -> CompanyRecord:
    """Return the company's record; intents that were left over are noted as of unknown outcome first."""
    ledger, company_key = company.run.ledger, company.company_key
    record = await _read(company)
    if record.left_over is not None or record.lost_at is not None:
        await _wait_for_late_landings(company, record)
    if record.left_over is not None:
        with anyio.CancelScope(shield=True):
            await ledger.recover(company_key)
        record = await _read(company)
    return record


async def _read(company: CompanyContext) -> CompanyRecord:
    """Return the record, with the source's texts where these are equal.

    Those of a giant are put in their place afterwards: the ledger has other companies to serve.
    """
    rows = company.source.rows if company.source is not None else ()
    is_long = len(rows) > LONG
    record = await company.run.ledger.read(company.company_key, alike=None if is_long else rows)
    if is_long and isinstance(rows, Table):
        await think(len(rows), partial(share_texts, record.entries.table, rows, record.resource))
    return record


async def _wait_for_late_landings(company: CompanyContext, record: CompanyRecord) -> None:
    """Wait until the server cannot be working any more on what was sent and never answered.

    Otherwise such a request could still change a row after it was listed or sent again, unknown to the ledger.
    """
    longest_s = company.channel.account.limits.server_timeout_s
    last = max(moment for moment in (record.left_over, record.lost_at) if moment is not None)
    age_s = (company.run.now() - last).total_seconds()
    wait_s = longest_s - age_s if age_s >= 0 else longest_s  # a clock that went back tells nothing
    if wait_s > 0:
        reason = "what became of rows that were sent is not known, and the server may still be at work on them"
        account = company.channel.account.name
        await company.run.emit(
            Waiting(account=account, company_id=company.id, seconds=wait_s, reason=reason, kind="landing")
        )
        await anyio.sleep(wait_s)
