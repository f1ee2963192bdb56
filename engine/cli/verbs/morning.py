"""What `dimsync status` shows: read from the ledger, told as a screen or as JSON."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import click
from rich.console import Console

from engine.cli.desk.due import overdue
from engine.cli.desk.morning import Configured as Shown
from engine.cli.desk.morning import Morning, morning, of_companies
from engine.cli.show.cause_json import cause_json
from engine.cli.show.morning import company_lines, morning_lines
from engine.cli.show.morning_new import Frame
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.verbs.missing import with_missing
from engine.config import Configured, load, secret_references
from engine.config.values import duration
from engine.errors import LedgerError, plain
from engine.ledger.opening import open_ledger
from engine.ledger.remembered import Remembered
from engine.model.balance import ExitCode, worst
from engine.model.origin import origin_of
from engine.model.quota import QuotaDay
from engine.model.result import problem_json
from engine.model.settings import NamedCompany
from engine.model.standing import RunTimes, lies_ahead
from engine.observe.terminal import safe

SCHEMA = "dimsync.status/1"


def show_morning(
    config: Path, company: int | None, *, max_age: str | None, notify: bool, exit_code: bool, output: str
) -> int:
    """Print how things stand, and return the exit code that was asked for. `notify`: tell of silence."""
    longest_s = _seconds(max_age)
    if notify and longest_s is None:
        raise click.UsageError("--notify needs --max-age: the age of the last sync from which on there is silence")
    configured = load(config, os.environ)
    try:
        configured = with_missing(configured)
        whole = anyio.run(_remembered, configured)
    except LedgerError as error:
        if notify:
            from engine.cli.verbs.notifying import notify_unreadable  # noqa: PLC0415  it brings what sends

            notify_unreadable(configured, error, str(config))
        raise
    shown = whole if company is None else _only(whole, company)
    codes = [shown.exit_code] if exit_code else []
    silence = _silence(whole, longest_s, max_age or "")
    if silence is not None:
        codes.append(ExitCode.FAILED)
        click.echo(f"Error: {silence}", err=True)
    code = worst(codes)
    try:
        _show(shown, company, configured, str(config), code, output)
    finally:
        if notify and longest_s is not None:
            from engine.cli.verbs.notifying import notify_silence  # noqa: PLC0415  loaded when it is used

            notify_silence(configured, silence, max_age or "", longest_s, str(config))
    return code


def _show(
    shown: Morning, company: int | None, configured: Configured, config: str, code: ExitCode, output: str
) -> None:
    if output == "json":
        document = _json(shown, configured, config, code)
        if company is not None:
            told = shown.companies[0].told
            document["told"] = [problem_json(each) for each in told.problems] if told is not None else []
        deliver_texts(iter([dump(document, indent=2)]))
    else:
        _print(shown, company, configured, config)


def _seconds(max_age: str | None) -> float | None:
    try:
        return None if max_age is None else duration(max_age)
    except ValueError as error:
        raise click.UsageError(f"--max-age {safe(max_age or '')}: {error}") from error


def _silence(shown: Morning, longest_s: float | None, longest: str) -> str | None:
    """Return what is said of a silence; None: there is none, or nobody asked."""
    if longest_s is None or not shown.is_silent(longest_s):
        return None
    if shown.died:
        run = shown.died[0]
        return f"the {run.verb} that began {run.started_at:%Y-%m-%d %H:%M} UTC died before its end"
    if shown.last is None or shown.last.finished_at is None:
        return "no sync has finished yet"
    ended = f"the last sync finished {shown.last.finished_at:%Y-%m-%d %H:%M} UTC"
    if lies_ahead(shown.last.finished_at, shown.now):
        return f"{ended}, which lies ahead: a clock is wrong or was, so nobody can say how long ago that is"
    return f"{ended}, longer ago than {longest}"


def _only(shown: Morning, company_id: int) -> Morning:
    """Return how one company stands. Raises `UsageError` when the settings do not name it."""
    own = tuple(each for each in shown.companies if each.where.company_id == company_id)
    if not own:
        raise click.UsageError(f"the settings name no company {company_id}")
    return of_companies(shown, own)


def _print(shown: Morning, company: int | None, configured: Configured, config: str) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    if company is None:
        references = secret_references(configured.path) if shown.accounts else {}
        frame = Frame(shown.now, console.width, configured.groups, config, references)
        lines = morning_lines(shown, frame)
    else:
        lines = company_lines(shown.companies[0], shown, console.width, configured.groups, config)
    with console.capture() as text:
        for line in lines:
            console.print(line, soft_wrap=True)
    deliver(lambda stream: stream.writelines([text.get()]))


async def _remembered(configured: Configured) -> Morning:
    settings = configured.settings
    origin, now = origin_of(settings.api.base_url), datetime.now(UTC)
    sound = [account for account in settings.accounts if not account.fault]  # the key of another one is not known
    with plain():
        async with await open_ledger(settings.ledger_url) as ledger:
            await ledger.carry_over(origin, {account.account_id: account.key_id for account in sound})
            remembered = Remembered(ledger=ledger, origin=origin)
            days = [await remembered.quota(each, now.date(), now) for each in sound]
            standing = await remembered.standing({each.account_id: each.name for each in settings.accounts}, now)
            begun = await ledger.last_begun(origin) if configured.schedules else {}
    companies = [
        (NamedCompany(configured.levels[each.id].account, each.id), each.name) for each in configured.companies
    ]
    lasts = {where.company_id: begun[where] for where, _ in companies if where in begun}
    shown = morning(standing, companies, days, now)
    return replace(shown, overdue=tuple(overdue(configured.schedules, lasts, now)))


def _json(shown: Morning, configured: Configured, config: str, code: ExitCode) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "at": _text(shown.now),
        "exit_code": int(code),
        "last_sync": _run_json(shown.last) if shown.last else None,
        "running": [_run_json(each) for each in shown.running],
        "died": [_run_json(each) for each in shown.died],
        "in_order": shown.in_order,
        "overdue": [{"company_id": each.company_id, "since": _text(each.since)} for each in shown.overdue],
        "problems": [
            {"code": each.code, "message": each.message, "since": _text(each.since)} for each in shown.problems
        ],
        "causes": [cause_json(each, configured.groups, config) for each in shown.causes],
        "swapped": [list(pair.company_ids) for pair in shown.swapped],
        "companies": [_company_json(each) for each in sorted(shown.companies, key=_trouble_first)],
        "accounts": [_account_json(each) for each in shown.keys],
    }


def _trouble_first(one: Shown) -> tuple[bool, int]:
    return one.last is not None and one.last.state in {"synced", "unchanged"}, one.where.company_id


def _run_json(run: RunTimes) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "verb": run.verb,
        "started_at": _text(run.started_at),
        "finished_at": _text(run.finished_at),
        "exit_code": run.exit_code,
    }


def _company_json(one: Shown) -> dict[str, object]:
    named: dict[str, object] = {"account": one.where.account, "company_id": one.where.company_id, "name": one.name}
    if one.last is None:
        return named | {"state": "never"}
    codes: dict[str, int] = {}
    for problem in one.told.problems if one.told else ():
        codes[problem.code] = codes.get(problem.code, 0) + 1
    times = {"at": _text(one.last.at), "well_at": _text(one.last.well_at), "rests_until": _text(one.rests_until)}
    return named | one.last._asdict() | {"name": one.name} | times | {"problems": codes}


def _account_json(day: QuotaDay) -> dict[str, object]:
    return {
        "account": day.account,
        "day": day.day.isoformat(),
        "used": day.used,
        "limit": day.per_day,
        "reserve": day.reserve,
        "closed_until": _text(day.closed_until),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
