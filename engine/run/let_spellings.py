"""Remember that a person accepts the server's spellings: `--allow stored-otherwise`."""

from __future__ import annotations

from collections.abc import Collection

import anyio

from engine.run.company_context import CompanyContext


async def let_spellings(company: CompanyContext, keys: Collection[str]) -> None:
    """Note that the spellings of these rows are accepted until a side moves. Raises `LedgerError`."""
    ledger, company_key = company.run.ledger, company.company_key
    record = await ledger.read(company_key)
    known = {key: record.rows[key].agreement for key in keys if key in record.rows}
    allowed = {key: old._replace(is_allowed=True) for key, old in known.items() if old is not None}
    with anyio.CancelScope(shield=True):
        await ledger.agree(company_key, allowed)
