"""`dimsync status` and `dimsync history`: what the ledger remembers. They send no request to the API."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.options import config_option, output_option
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.observe.terminal import LONGEST_NAME, brief, safe

if TYPE_CHECKING:  # they bring the engine, which `--help` does not need
    from engine.config import Configured
    from engine.model.quota import DayUse
    from engine.model.result import LastSync, PastRun
    from engine.model.settings import Account

STATUS_SCHEMA = "dimsync.status/1"
HISTORY_SCHEMA = "dimsync.history/1"
IN_ORDER = ("synced", "unchanged")


@click.command()
@config_option
@output_option("table", "json")
def status(*, config: Path, output: str) -> int:
    """Show how each configured company ended in its last sync: those that need somebody first.

    Then each account's requests of the day (UTC). Exits with 0, whatever they ended with.
    """
    from engine.cli.verbs.missing import with_missing  # noqa: PLC0415  as said

    configured = with_missing(_load(config))
    now = datetime.now(UTC)
    last_syncs, days = _remembered(configured, now.date())
    by_id = {(line.account, line.company_id): line for line in last_syncs}
    found = []
    for company in configured.companies:
        account = configured.levels[company.id].account
        found.append((account, company.id, company.name, by_id.get((account, company.id))))
    found.sort(key=lambda each: (each[3] is not None and each[3].state in IN_ORDER, each[1]))
    if output == "json":
        companies = [
            {"account": account, "company_id": company_id, "name": name}
            | (_line_json(line) if line else {"state": "never"})
            for account, company_id, name, line in found
        ]
        accounts = [_account_json(account, use, now) for account, use in days]
        deliver_texts(iter([dump({"schema": STATUS_SCHEMA, "companies": companies, "accounts": accounts}, indent=2)]))
    else:
        lines = chain(_status_lines(found), (_account_line(account, use, now) for account, use in days))
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return 0


@click.command()
@config_option
@click.option("--last", type=click.IntRange(min=1), default=20, show_default=True, help="Show at most this many runs.")
@output_option("table", "json")
def history(*, config: Path, last: int, output: str) -> int:
    """List the newest runs, the newest first: what they did, what they ended with, what was let pass."""
    runs = _history(_load(config), last)
    if output == "json":
        listed = [
            run._asdict()
            | {"started_at": run.started_at.isoformat()}
            | {"finished_at": run.finished_at.isoformat() if run.finished_at else None}
            for run in runs
        ]
        deliver_texts(iter([dump({"schema": HISTORY_SCHEMA, "runs": listed}, indent=2)]))
    else:
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in _history_lines(runs)))
    return 0


def _load(config: Path) -> Configured:
    from engine.config import load  # noqa: PLC0415  as said

    return load(config, os.environ)


def _remembered(configured: Configured, day: date) -> tuple[list[LastSync], list[tuple[Account, DayUse]]]:
    """Return how each company ended in its last sync, and the requests that each account has used on `day`."""
    import anyio  # noqa: PLC0415  as said

    from engine.ledger.sqlite.ledger import open_ledger  # noqa: PLC0415
    from engine.model.origin import origin_of  # noqa: PLC0415

    async def read() -> tuple[list[LastSync], list[tuple[Account, DayUse]]]:
        origin, accounts = origin_of(configured.settings.api.base_url), configured.settings.accounts
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            await ledger.carry_over(origin, {account.account_id: account.key_id for account in accounts})
            days = [(account, await ledger.quota(origin, account.key_id, day)) for account in accounts]
            return await ledger.last_syncs(origin), days

    return anyio.run(read)


def _history(configured: Configured, most: int) -> list[PastRun]:
    import anyio  # noqa: PLC0415  as said

    from engine.ledger.sqlite.ledger import open_ledger  # noqa: PLC0415
    from engine.model.origin import origin_of  # noqa: PLC0415

    async def read() -> list[PastRun]:
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            return await ledger.history(origin_of(configured.settings.api.base_url), most)

    return anyio.run(read)


def _line_json(line: LastSync) -> dict[str, object]:
    well_at = line.well_at.isoformat() if line.well_at else None
    return line._asdict() | {"at": line.at.isoformat(), "well_at": well_at}


def _account_json(account: Account, use: DayUse, now: datetime) -> dict[str, object]:
    until = use.closed_until(now, account.limits)
    return {
        "account": account.name,
        "day": use.day.isoformat(),
        "used": use.used,
        "limit": account.limits.requests_per_day,
        "reserve": account.limits.reserve_per_day,
        "closed_until": until.isoformat() if until else None,
    }


def _account_line(account: Account, use: DayUse, now: datetime) -> str:
    limits, until = account.limits, use.closed_until(now, account.limits)
    counted = f"{use.used:,} of {limits.requests_per_day:,} requests today, {limits.reserve_per_day:,} reserved"
    closed = f"; the API says that all are used: tried again from {until:%H:%M} UTC" if until else ""
    return f"account {account.name}: {counted}{closed}"


def _status_lines(found: Sequence[tuple[str, int, str, LastSync | None]]) -> Iterator[str]:
    """Yield a line for each company that was not synced or needs a person, and the number of companies in order."""
    from engine.cli.show.table import columns  # noqa: PLC0415  as said

    rows = [
        (
            line.state if line else "never",
            str(company_id),
            brief(name or (line.name if line else ""), LONGEST_NAME),
            f"{line.at:%Y-%m-%d %H:%M}" if line else "",
            f"{line.well_at:%Y-%m-%d %H:%M}" if line and line.well_at else "",
            f"{line.trouble:,}" if line and line.trouble else "",
        )
        for _, company_id, name, line in found
        if line is None or line.state not in IN_ORDER
    ]
    if rows:
        yield from columns(("STATE", "ID", "NAME", "LAST SYNC, UTC", "LAST IN ORDER, UTC", "ROWS IN TROUBLE"), rows)
    well = [line for *_, line in found if line is not None and line.state in IN_ORDER]
    states = Counter(line.state for line in well)
    counts = ", ".join(f"{states[state]:,} {state}" for state in IN_ORDER if states[state])
    yield f"{len(found):,} companies" + (f": {counts}{_seen(well)}" if counts else "")


def _seen(well: Sequence[LastSync]) -> str:
    """Return when the companies in order were last found so: a moment, or a span if it was in several runs."""
    first, last = (
        f"{moment:%Y-%m-%d %H:%M}" for moment in (min(line.at for line in well), max(line.at for line in well))
    )
    return f", last found in order {f'at {last}' if first == last else f'between {first} and {last}'} UTC"


def _history_lines(runs: Sequence[PastRun]) -> Iterator[str]:
    from engine.cli.show.table import columns  # noqa: PLC0415  as said

    head = ("STARTED, UTC", "VERB", "EXIT", "COMPANIES", "CREATED", "UPDATED", "TROUBLE", "REQUESTS", "ALLOWED", "RUN")
    rows = [
        (
            f"{run.started_at:%Y-%m-%d %H:%M}",
            run.verb,
            "no end" if run.exit_code is None else str(run.exit_code),
            *(f"{count:,}" for count in (run.companies, run.created, run.updated, run.trouble, run.requests)),
            safe(run.allowed),
            run.run_id,
        )
        for run in runs
    ]
    yield from columns(head, rows)
