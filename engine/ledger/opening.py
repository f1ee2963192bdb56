"""Open the ledger that a URL names, whichever database it is in."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ConfigError
from engine.ledger.postgres.address import is_postgres
from engine.ledger.sqlite import ledger as sqlite
from engine.ledger.sqlite.ledger import SqlLedger


async def open_ledger(url: str, *, base: Path | None = None) -> SqlLedger:
    """Open the ledger that a URL names; made where there is none.

    `sqlite:///file.db` is a file relative to `base` (None: the working directory), `sqlite:////folder/file.db` an
    absolute one, `sqlite://` a ledger in memory, `postgresql://user@host/database` one that several machines share.
    Raises ConfigError for other URLs, and LedgerError where no ledger can be.
    """
    if not is_postgres(url):
        return await sqlite.open_ledger(url, base=base)
    try:
        from engine.ledger.postgres.ledger import open_postgres  # noqa: PLC0415  its driver is an extra
    except ImportError as error:
        raise ConfigError(
            "The ledger is in Postgres, which takes the extra `postgres`: pip install 'dimsync[postgres]'."
        ) from error
    return await open_postgres(url)


async def holds_runs(url: str, *, base: Path | None = None) -> bool:
    """Return whether any run was written down in a ledger; a file that is not there is not made. Raises as it opens."""
    if not is_postgres(url):
        return await sqlite.holds_runs(url, base=base)
    async with await open_ledger(url) as ledger:
        return not ledger.is_new
