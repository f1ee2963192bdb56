"""How the run of each verb begins.

Faults of the command line are found here, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import anyio
import click

from engine.cli.verbs.command_line import CommandLine, allowances, deadline_s
from engine.cli.verbs.named_run import named_run
from engine.cli.verbs.user_files import read_corrected
from engine.config import Configured
from engine.errors import plain
from engine.ledger.opening import open_ledger
from engine.model.origin import origin_of
from engine.model.result import InTrouble
from engine.model.saved_plan import SavedPlan
from engine.model.settings import NamedCompany, Settings, VerifyMode
from engine.model.wording import counted
from engine.observe.terminal import safe
from engine.run.engine import Engine
from engine.run.plan_files import load_plan
from engine.run.run import Pending

Begin = Callable[[Engine], Pending]


def groups_of(chosen: Configured) -> dict[int, tuple[str, ...]]:
    """Return the groups of the companies of a run, by company id."""
    return {company.id: chosen.groups.get(company.id, ()) for company in chosen.companies}


def _sync(line: CommandLine, chosen: Configured, _all: Configured) -> Begin:
    allow, seconds = allowances(line, groups_of(chosen)), deadline_s(line)
    return lambda engine: engine.sync(
        chosen.companies, fresh=line.fresh, allow=allow, budget=line.budget, deadline_s=seconds
    )


def _plan(line: CommandLine, chosen: Configured, _all: Configured) -> Begin:
    allow, seconds = allowances(line, groups_of(chosen)), deadline_s(line)
    return lambda engine: engine.plan(
        chosen.companies, fresh=line.fresh, allow=allow, budget=line.budget, deadline_s=seconds
    )


def _check(line: CommandLine, chosen: Configured, _all: Configured) -> Begin:
    mode = VerifyMode(line.verify or VerifyMode.FULL)
    return lambda engine: engine.check(chosen.companies, verify=mode)


def _apply(line: CommandLine, chosen: Configured, configured: Configured) -> Begin:
    saved = load_plan(line.plan or Path())
    known = {(configured.levels[company.id].account, company.id) for company in configured.companies}
    if strange := [one for one in saved.companies if (one.account, one.company_id) not in known]:
        named = ", ".join(f"{one.company_id} of account {safe(one.account)}" for one in strange[:3])
        raise click.UsageError(f"the plan is about companies that the settings do not name: {named}")
    planned = {(one.account, one.company_id) for one in saved.companies}
    if not any((configured.levels[company.id].account, company.id) in planned for company in chosen.companies):
        raise click.UsageError(f"{safe(str(line.plan))} has no plan for any of these companies")
    _tell_left_out(saved, {company.id for company in chosen.companies if not company.write})
    return lambda engine: engine.apply(saved, chosen.companies, resume=line.resume)


def _tell_left_out(saved: SavedPlan, read_only: Collection[int]) -> None:
    """Tell what of a plan is not applied, as its companies are read-only by now."""
    for part in saved.companies:
        if part.company_id in read_only and (count := len(part.changes)):
            what = f"{counted(count, 'planned change is', 'planned changes are')} not applied"
            click.echo(f"company {part.company_id} is read-only (write = false): {what}", err=True)


def _retry(line: CommandLine, chosen: Configured, configured: Configured) -> Begin:
    writable = {company.id for company in chosen.companies if company.write}
    if line.corrected is not None:
        return _retry_corrected(line, line.corrected, writable, chosen, configured)
    allow = allowances(line, groups_of(chosen))
    found = _found(line, configured.settings)
    known = {where: keys for where, keys in found.keys.items() if _is_configured(where, configured)}
    if not known:
        _refuse_other_accounts(found, configured.settings)
    asked = {where: keys for where, keys in known.items() if where.company_id in writable}
    if not (asked and line.quiet):
        click.echo(_to_retry(found, asked, is_named=line.run_id is not None), err=True)
    by_id = {company_id: keys for (_, company_id), keys in asked.items()}
    return lambda engine: engine.retry(chosen.companies, by_id, allow=allow)


def _retry_corrected(
    line: CommandLine, file: Path, writable: Collection[int], chosen: Configured, configured: Configured
) -> Begin:
    allow = allowances(line, groups_of(chosen))
    rows = read_corrected(file, writable, {company.id for company in configured.companies})
    keys = {company_id: frozenset(str(row.get("unique_key")) for row in of) for company_id, of in rows.items()}
    return lambda engine: engine.retry(chosen.companies, keys, corrected=rows, corrected_in=str(file), allow=allow)


def _found(line: CommandLine, settings: Settings) -> InTrouble:
    """Return the rows that the ledger knows to be rejected or uncertain. Raises `UsageError` without such a run."""
    found = anyio.run(_in_trouble, settings, line.run_id)
    if found is None:
        what = f"no run {safe(line.run_id)} that has ended" if line.run_id else "no run that wrote and has ended"
        raise click.UsageError(f"the ledger knows of {what}: `dimsync history` lists them")
    return found


def _refuse_other_accounts(found: InTrouble, settings: Settings) -> None:
    """Raise `UsageError` when the rows are those of accounts that the settings do not name."""
    strange = {account for account, _ in found.keys} - {account.name for account in settings.accounts}
    if strange:
        runs = ", ".join(sorted({run_id for (account, _), run_id in found.runs.items() if account in strange}))
        accounts = ", ".join(map(safe, sorted(strange)))
        raise click.UsageError(f"run {runs} was about companies of account {accounts}, which the settings do not name")


def _is_configured(where: NamedCompany, configured: Configured) -> bool:
    return where.company_id in configured.levels and configured.levels[where.company_id].account == where.account


def _to_retry(found: InTrouble, asked: Mapping[NamedCompany, Collection[str]], *, is_named: bool) -> str:
    """Return the sentence printed before a retry: how many rows are sent and which runs left them, or why none is."""
    rows, of = sum(map(len, asked.values())), f"run {found.run_id} ({found.verb})"
    left = f"left {counted(rows, 'row')} rejected or uncertain"
    runs = sorted({found.runs[where] for where in asked})
    if len(runs) > 1:
        whose = counted(len(asked), "company", "companies")
        return f"{len(runs):,} runs, {runs[-1]} the newest of them, {left} in {whose}"
    if runs:
        return f"{of if runs[0] == found.run_id else f'run {runs[0]}'} {left}"
    if others := sum(map(len, found.keys.values())):
        whose = "companies that are not selected, that the settings do not name, or that no run may write"
        return f"nothing to retry: {counted(others, 'row')} rejected or uncertain, all of {whose}"
    if is_named:
        return f"nothing to retry: {of} left no row rejected or uncertain"
    return f"nothing to retry: no company's newest run left a row rejected or uncertain; the newest of all is {of}"


BEGIN = {"sync": _sync, "plan": _plan, "check": _check, "apply": _apply, "retry": _retry}
"""The function of each verb. Each raises `UsageError` for faults of the command line, and sends nothing."""


async def _in_trouble(settings: Settings, run_id: str | None) -> InTrouble | None:
    origin = origin_of(settings.api.base_url)
    with plain():
        async with await open_ledger(settings.ledger_url) as ledger:
            named = None if run_id is None else (await named_run(ledger, origin, run_id)).run_id
            return await ledger.in_trouble(origin, named)
