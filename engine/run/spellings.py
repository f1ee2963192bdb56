"""Remembering who was told of the server's spellings, and which of them a person lets be."""

from __future__ import annotations

from collections.abc import Callable, Collection

import anyio

from engine.model.row_record import Agreement
from engine.run.company_context import CompanyContext


async def let_spellings(company: CompanyContext, keys: Collection[str]) -> None:
    """Note that the spellings of these rows are accepted until a side moves. Raises `LedgerError`."""
    await _agree(company, keys, lambda old: old._replace(is_allowed=True, told_by=None))


async def told_spellings(company: CompanyContext, keys: Collection[str]) -> None:
    """Note that this run tells of the spellings of these rows. Raises `LedgerError`.

    They were told before, by a run that died before it was closed in the journal.
    """
    await _agree(company, keys, lambda old: old._replace(told_by=company.run.run_id))


async def _agree(company: CompanyContext, keys: Collection[str], change: Callable[[Agreement], Agreement]) -> None:
    ledger, company_key = company.run.ledger, company.company_key
    record = await ledger.read(company_key)
    known = {key: record.rows[key].agreement for key in keys if key in record.rows}
    agreed = {key: change(old) for key, old in known.items() if old is not None}
    with anyio.CancelScope(shield=True):
        await ledger.agree(company_key, agreed)
