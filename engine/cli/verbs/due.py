"""`sync --due`: leave out the companies that are not due, and what such a run tells when none is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex

import anyio

from engine.cli.desk.due import not_due, not_due_notice
from engine.config import Configured
from engine.errors import plain
from engine.ledger.opening import open_ledger
from engine.model.balance import Balance, ExitCode
from engine.model.origin import origin_of
from engine.model.outcome import Problem
from engine.model.result import Requests, RunResult
from engine.model.settings import NamedCompany
from engine.model.standing import LastBegun


def only_due(chosen: Configured) -> tuple[Configured, Problem | None]:
    """Return the companies that are due, and the notice on those that are not; None: all are."""
    writable = {company.id for company in chosen.companies if company.write}
    schedules = {number: schedule for number, schedule in chosen.schedules.items() if number in writable}
    if not schedules:
        return chosen, None
    begun = anyio.run(_last_begun, chosen)
    lasts = {
        number: last
        for number in schedules
        if (last := begun.get(NamedCompany(chosen.levels[number].account, number))) is not None
    }
    left_out = not_due(schedules, lasts, datetime.now(UTC))
    if not left_out:
        return chosen, None
    ids = {each.company_id for each in left_out}
    companies = tuple(company for company in chosen.companies if company.id in writable - ids)
    return replace(chosen, companies=companies), not_due_notice(left_out, len(writable))


def nothing_due(verb: str) -> RunResult:
    """Return the result of a run that was not begun, since no company is due. The journal has no line of it."""
    now = datetime.now(UTC)
    return RunResult(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{token_hex(4)}",
        verb=verb,
        started_at=now,
        finished_at=now,
        elapsed_s=0.0,
        exit_code=ExitCode.DONE,
        totals=Balance(),
        requests=Requests(),
    )


async def _last_begun(chosen: Configured) -> dict[NamedCompany, LastBegun]:
    with plain():
        async with await open_ledger(chosen.settings.ledger_url) as ledger:
            return await ledger.last_begun(origin_of(chosen.settings.api.base_url))
