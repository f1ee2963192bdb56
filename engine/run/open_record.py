"""Read what the ledger knows of a company, after the server can no longer be working on a dead run's requests."""

from __future__ import annotations

from functools import partial

import anyio

from engine.model.company_record import CompanyRecord
from engine.model.events import Waiting
from engine.model.row_record import share_texts
from engine.model.table import Table
from engine.run.company_context import CompanyContext
from engine.run.thinking import think
from engine.sources.turn import SHORT


async def open_record(company: CompanyContext) -> CompanyRecord:
    """Return the company's record; intents that were left over are noted as of unknown outcome first."""
    ledger, company_key = company.run.ledger, company.company_key
    record = await ledger.read(company_key)
    if record.left_over is not None or record.lost_at is not None:
        await _wait_for_late_landings(company, record)
    if record.left_over is not None:
        with anyio.CancelScope(shield=True):
            await ledger.recover(company_key)
        record = await ledger.read(company_key)
    return record


async def share(company: CompanyContext, record: CompanyRecord) -> None:
    """Let the ledger's rows have the source's texts, where these are equal: some 200 bytes a row less.

    Rows that were told by their lines have the ledger's texts already.
    """
    source = company.source
    if source is not None and isinstance(source.rows, Table) and len(source.rows) > SHORT and not source.known_lines:
        work = partial(share_texts, record.entries.table, source.rows, record.resource)
        await think(max(len(source.rows), len(record.rows)), work)


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
