"""Find the run that a person means."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from engine.ledger.sql_ledger import SqlLedger
from engine.model.result import PastRun
from engine.observe.terminal import safe

LAST = "last"
"""The word for the newest run."""

MOST_TOLD = 5
"""Runs that an error names of those that may be meant."""


async def named_run(ledger: SqlLedger, origin: str, text: str) -> PastRun:
    """Return the run of this id, or the only one whose id, or its last part, begins so; `last`: the newest.

    Raises `UsageError` that says what to type.
    """
    found = (
        await ledger.history(origin, 1, now=datetime.now(UTC)) if text == LAST else await ledger.find_runs(origin, text)
    )
    if not found:
        if text == LAST:
            raise click.UsageError("the ledger knows of no run yet: `dimsync sync` makes the first")
        raise click.UsageError(
            f"the ledger knows of no run {safe(text)!r}: `dimsync history` lists the newest, `dimsync history last`"
            " tells of the last one"
        )
    if len(found) > 1:
        ids = ", ".join(safe(run.run_id) for run in found[:MOST_TOLD]) + (" ..." if len(found) > MOST_TOLD else "")
        raise click.UsageError(f"several runs are meant by {safe(text)!r}: type more of one of {ids}")
    return found[0]
