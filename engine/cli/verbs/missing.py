"""Companies of a fleet whose file is missing now and was there in an earlier run: each run has to report them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import Configured

_SQLITE = "sqlite:///"


def with_missing(configured: Configured) -> Configured:
    """Return the settings, with the fleet's companies added that the ledger knows and that have no file any more.

    Raises `LedgerError`. A ledger file that does not exist yet knows of none, and is not created.
    """
    url = configured.settings.ledger_url
    if not configured.fleet or (url.startswith(_SQLITE) and not Path(url.removeprefix(_SQLITE)).exists()):
        return configured
    from engine.config import with_absent  # noqa: PLC0415  it brings pydantic, which `--help` does not need

    there = {company.id for company in configured.companies} | configured.gone
    return with_absent(configured, [number for number in _members(configured) if number not in there])


def _members(configured: Configured) -> list[int]:
    """Return the ids of companies that earlier runs found by the fleet's files, in the accounts of these settings."""
    import anyio  # noqa: PLC0415  only a fleet with a ledger needs it

    from engine.errors import plain  # noqa: PLC0415
    from engine.ledger.opening import open_ledger  # noqa: PLC0415
    from engine.model.origin import origin_of  # noqa: PLC0415

    accounts = {account.account_id for account in configured.settings.accounts}

    async def read() -> list[int]:
        origin = origin_of(configured.settings.api.base_url)
        with plain():
            async with await open_ledger(configured.settings.ledger_url) as ledger:
                members = await ledger.fleet(origin, configured.fleet)
        return [company_id for account, company_id in members if account in accounts]

    return anyio.run(read)
