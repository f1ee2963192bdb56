"""Carry out `doctor`: look at everything once, and print what `examination` makes of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import click

from engine.cli.desk.unlisted import told_unlisted
from engine.cli.examination.accounts import (
    AccountLook,
    account_findings,
    clock_findings,
    company_findings,
    quota_findings,
)
from engine.cli.examination.diagnosis import Diagnosis, Grade, exit_code, grouped
from engine.cli.examination.files import file_findings
from engine.cli.examination.ledger import LedgerLook, ledger_findings
from engine.cli.show.findings import finding_lines, findings_json
from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.verbs.missing import with_missing
from engine.cli.verbs.validate_files import check_files
from engine.config import ConfigFaults, Configured, load
from engine.config.values import duration
from engine.errors import AccountParked, EngineError, LedgerError, plain
from engine.ledger.opening import open_ledger
from engine.ledger.postgres.address import is_postgres
from engine.ledger.sql_ledger import SqlLedger
from engine.model.origin import origin_of
from engine.model.settings import Account
from engine.model.wording import counted
from engine.run.engine import Engine
from engine.sources.files import FileSource
from engine.sources.sharing import parts_of, refusals

AT_ONCE = 16
"""Accounts that are asked at a time."""

RUNS = 50
"""Runs of the journal that are looked at for the last sync."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One command line of `dimsync doctor`."""

    config: Path
    is_offline: bool
    max_age: str
    output: str


def examine(asked: Examined) -> int:
    """Print what was found, and return the exit code. Raises `UsageError`."""
    try:
        max_age = timedelta(seconds=duration(asked.max_age))
    except ValueError as error:
        raise click.UsageError(f"--max-age: {error}") from error
    findings = grouped(_findings(asked, max_age))
    if asked.output == "json":
        deliver_texts(iter([dump(findings_json(findings), indent=2)]))
    else:
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in finding_lines(findings)))
    return exit_code(findings)


def _findings(asked: Examined, max_age: timedelta) -> Iterator[Diagnosis]:
    try:
        configured = load(asked.config, os.environ)
        references = load(asked.config, os.environ, needs_secrets=False).settings.accounts
    except ConfigFaults as error:
        advice = "correct it; if there are no settings yet: dimsync init"
        yield from (Diagnosis(Grade.FAIL, "settings", str(fault), advice) for fault in error.faults)
        return
    yield Diagnosis(
        Grade.OK, "settings", f"{asked.config}: {counted(len(configured.companies), 'company', 'companies')}"
    )
    yield from anyio.run(_look, asked, configured, references, max_age)


async def _look(
    asked: Examined, configured: Configured, references: Sequence[Account], max_age: timedelta
) -> list[Diagnosis]:
    """Look at everything, the files last: they take longest."""
    now, settings = datetime.now(UTC), configured.settings
    looks = [AccountLook(account=one, references=two) for one, two in zip(settings.accounts, references, strict=True)]
    ledger = await _ledger(configured)
    if not ledger.error:
        looks = await _accounts(configured, looks, now, is_offline=asked.is_offline)
    owners = {number: levels.account for number, levels in configured.levels.items()}
    is_asked = not asked.is_offline and not ledger.error
    return [
        *account_findings(looks, settings.api.base_url, asked=is_asked),
        *company_findings(looks, owners, configured.gone),
        *clock_findings(looks),
        *quota_findings(looks, now),
        *ledger_findings(ledger, now, max_age),
        *_notified(configured),
        *await _files(configured),
    ]


def _notified(configured: Configured) -> Iterator[Diagnosis]:
    """Yield which targets of `[[notify]]` cannot be told of anything."""
    for target in configured.notify:
        if target.webhook is not None and target.webhook.fault:
            advice = "set it; nobody is told there until then"
            yield Diagnosis(Grade.FAIL, "notify", f"{target.key}: {target.webhook.fault}", advice)


async def _ledger(configured: Configured) -> LedgerLook:
    url = configured.settings.ledger_url
    if is_postgres(url):
        return await _opened(configured, LedgerLook(path=url, is_file=False))
    path = Path(url.removeprefix("sqlite:///"))
    look = LedgerLook(path=str(path))
    with suppress(OSError):
        look = replace(look, free_bytes=shutil.disk_usage(path.parent).free)
    if (fault := _unwritable(path)) is not None:
        return replace(look, error=fault)
    opened = await _opened(configured, look)
    return opened if opened.error else replace(opened, size_bytes=_size(path))


async def _opened(configured: Configured, look: LedgerLook) -> LedgerLook:
    """Look into the ledger itself."""
    try:
        with plain():
            async with await open_ledger(configured.settings.ledger_url) as ledger:
                return replace(
                    look,
                    is_new=ledger.is_new,
                    backed_up_at=await ledger.last_backup(),
                    runs=await ledger.history(origin_of(configured.settings.api.base_url), RUNS, now=datetime.now(UTC)),
                )
    except (LedgerError, OSError) as error:
        return replace(look, error=str(error))


def _unwritable(path: Path) -> str | None:
    """Return why a ledger that is there cannot be written, as far as its rights show; None: no reason is known."""
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return None
    return f"{path}, or its folder, cannot be written by this user"


def _size(path: Path) -> int:
    return path.stat().st_size


async def _accounts(
    configured: Configured, looks: Sequence[AccountLook], now: datetime, *, is_offline: bool
) -> list[AccountLook]:
    """Ask each account, a few at a time; what fails one stops no other. Then see what is left of its day."""
    found = list(looks)
    room = anyio.Semaphore(AT_ONCE)

    async def ask(engine: Engine, at: int) -> None:
        async with room:
            found[at] = await _asked(engine, found[at])

    with plain():
        async with Engine(configured.settings) as engine:
            async with anyio.create_task_group() as tasks:
                for at in range(len(found)) if not is_offline else ():
                    tasks.start_soon(ask, engine, at)
            found = [replace(look, ahead=engine.clock_ahead(look.account.name)) for look in found]
        async with await open_ledger(configured.settings.ledger_url) as ledger:
            return [await _used(ledger, configured, look, now) for look in found]


async def _asked(engine: Engine, look: AccountLook) -> AccountLook:
    try:
        directory = await engine.visible(look.account.name)
    except AccountParked as parked:
        return replace(look, error=parked.reason)
    except EngineError as error:
        return replace(look, error=error)
    return replace(look, seen={company.id: company.name for company in directory.companies})


async def _used(ledger: SqlLedger, configured: Configured, look: AccountLook, now: datetime) -> AccountLook:
    """Add the day's requests as the ledger counts them. A day is the API's, where its clock is known."""
    if look.account.fault:
        return look
    day = (now + (look.ahead or timedelta())).date()
    use = await ledger.quota(origin_of(configured.settings.api.base_url), look.account.key_id, day)
    return replace(look, use=use)


async def _files(configured: Configured) -> list[Diagnosis]:
    """Read all files as a run would."""
    with suppress(LedgerError):  # told of the ledger itself; then a missing file of the fleet is not missed
        configured = await anyio.to_thread.run_sync(with_missing, configured)
    checked = await check_files(configured)
    read = {each.company_id: each.wanted for each in checked.checked if each.wanted is not None}
    broken = {each.company_id: each.error for each in checked.checked if each.wanted is None}
    unset = [f"{fault.key}: {fault.message}" for fault in configured.unset if fault.key.startswith("databases.")]
    strays = [*configured.strays, *(problem.message for problem in checked.strays)]
    found = [Diagnosis(Grade.FAIL, "files", text, "set it; its companies fail until then") for text in unset]
    if configured.unlisted:
        found.append(Diagnosis(Grade.WARN, "files", *told_unlisted(configured.unlisted)))
    return [
        *found,
        *file_findings(read, broken, _unfit(configured), list(dict.fromkeys(strays)), list(_times(configured))),
    ]


def _unfit(configured: Configured) -> dict[int, str]:
    """Return why companies fail before their sources are read: a file is missing, or is another company's, too."""
    return {number: str(error) for number, error in refusals(configured.companies, configured.companies).items()}


def _times(configured: Configured) -> Iterator[datetime]:
    for company in configured.companies:
        for part in parts_of(company.source):
            if isinstance(part, FileSource):
                with suppress(OSError):
                    yield datetime.fromtimestamp(part.path.stat().st_mtime, UTC)
