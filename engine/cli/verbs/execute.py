"""Carry out `sync`, `plan`, `check`, `apply` and `retry`: load the settings, choose companies, run, print."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import click

from engine.cli.show.advice import Typed
from engine.cli.show.cost import cost_of
from engine.cli.show.output import Unprinted, deliver, deliver_texts, run_texts
from engine.cli.verbs.drive import Order, drive, run_heeding_signals
from engine.cli.verbs.missing import with_missing
from engine.cli.verbs.select import Traits, needs_states, pick
from engine.cli.verbs.user_files import keep, may_write, read_corrected, read_saved, rejects_text
from engine.config import Configured, load
from engine.config.values import duration
from engine.documents.plan_file import saved_plan, write_plan
from engine.errors import ConfigError, plain
from engine.ledger.sqlite.ledger import holds_runs, open_ledger
from engine.model.balance import ExitCode, State, worst
from engine.model.result import InTrouble, RunResult
from engine.model.settings import Allow, Company, Settings, VerifyMode
from engine.observe.terminal import safe
from engine.run.engine import Engine
from engine.run.run import Pending, origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command line of a verb that runs."""

    verb: str
    config: Path
    select: tuple[str, ...]
    exclude: tuple[str, ...]
    output: str
    quiet: bool
    verify: str | None = None  # None: as the settings say
    fresh: bool = False
    allow: tuple[str, ...] = ()
    budget: int | None = None
    deadline: str | None = None  # a duration
    expect_ledger: bool = False  # the ledger has to know of a run
    detailed: bool = False  # exit with 6 when changes are pending
    details: bool = False  # show what differs, field by field
    out: Path | None = None  # the plan is kept here
    plan: Path | None = None  # and carried out from here
    resume: bool = False
    rejects: Path | None = None  # rows that were refused are written here
    run_id: str | None = None  # the run whose rows are sent again; None: the last one
    corrected: Path | None = None  # or the rows of this file are


def execute(request: Request) -> int:
    """Do what the command line asks for and return its exit code; the result is printed whatever that is."""
    configured = load(request.config, os.environ)
    if request.expect_ledger:
        anyio.run(_expect_runs, configured.settings.ledger_url)
    configured = with_missing(configured)
    may_write(request.out, request.rejects)
    chosen = _chosen(request, configured)
    begin = BEGIN[request.verb](request, chosen, configured)
    order = Order(title=request.verb, settings=chosen.settings, begin=begin, quiet=request.quiet)
    result = run_heeding_signals(partial(drive, order))
    for problem in result.problems:
        word = "Error" if problem.code == "ledger" else "Note"
        click.echo(f"{word}: {safe(problem.message)}", err=True)
    totals = result.totals
    if request.detailed and result.exit_code == ExitCode.DONE and (totals.created or totals.updated):
        result = replace(result, exit_code=ExitCode.PENDING)
    try:
        _print(request, result, chosen)
    except Unprinted as error:
        error.show()
        return worst((ExitCode(result.exit_code), ExitCode.FAILED))
    finally:  # files that were asked for are kept whatever became of standard output
        _keep_papers(request, result, configured.settings)
    return result.exit_code


def _keep_papers(request: Request, result: RunResult, settings: Settings) -> None:
    if request.rejects is not None:
        keep(request.rejects, rejects_text(result))
    if request.out is not None:
        saved = saved_plan(result, origin=origin_of(settings.api.base_url), contract=settings.api.contract)
        keep(request.out, f"{write_plan(saved, result)}\n")


async def _expect_runs(url: str) -> None:
    """Raise `ConfigError` when a ledger knows of no run."""
    with plain():
        if not await holds_runs(url):
            raise ConfigError(
                f"new-ledger: the ledger {safe(url)} knows of no earlier run, and --expect-ledger was given; nothing"
                " was sent. Bring the ledger of earlier runs back to where `[ledger] url` says; to begin a new one, run"
                " once without --expect-ledger"
            )


def _print(request: Request, result: RunResult, chosen: Configured) -> None:
    if request.output != "table":
        deliver_texts(run_texts(result, request.output))
        return
    typed = Typed(
        verb=request.verb,
        config=str(request.config),
        select=request.select,
        exclude=request.exclude,
        allow=request.allow,
        paper=str(request.out or request.plan or ""),
    )
    from engine.cli.show.render import print_run  # noqa: PLC0415  it brings rich, which other outputs do without

    details = request.details or request.verb == "check"
    cost = cost_of(result, chosen.companies, chosen.settings) if request.verb == "plan" else None
    deliver(lambda stream: print_run(stream, result, typed, details=details, cost=cost))


def _chosen(request: Request, configured: Configured) -> Configured:
    """Return the companies to run, and the settings to do it with. Raises `ConfigError` and `UsageError`."""
    companies = pick(configured.companies, _traits(configured, request), request.select, request.exclude)
    settings = configured.settings
    if request.verb not in {"plan", "check"} and companies and not any(company.write for company in companies):
        raise click.UsageError("all of these companies are read-only (write = false); `dimsync plan` shows them")
    if request.verify is not None:
        settings, companies = _verified(settings, companies, VerifyMode(request.verify))
    settings = replace(settings, companies=configured.companies)  # a run knows of those that it leaves out, too
    return replace(configured, settings=settings, companies=tuple(companies))


Begin = Callable[[Engine], Pending]


def _sync(request: Request, chosen: Configured, _all: Configured) -> Begin:
    allow, deadline_s = _allowances(request), _deadline_s(request)
    return lambda engine: engine.sync(
        chosen.companies, fresh=request.fresh, allow=allow, budget=request.budget, deadline_s=deadline_s
    )


def _plan(request: Request, chosen: Configured, _all: Configured) -> Begin:
    allow, deadline_s = _allowances(request), _deadline_s(request)
    return lambda engine: engine.plan(
        chosen.companies, fresh=request.fresh, allow=allow, budget=request.budget, deadline_s=deadline_s
    )


def _check(request: Request, chosen: Configured, _all: Configured) -> Begin:
    mode = VerifyMode(request.verify or VerifyMode.FULL)
    return lambda engine: engine.check(chosen.companies, verify=mode)


def _apply(request: Request, chosen: Configured, configured: Configured) -> Begin:
    saved = read_saved(request.plan or Path())
    known = {(configured.levels[company.id].account, company.id) for company in configured.companies}
    if strange := [one for one in saved.companies if (one.account, one.company_id) not in known]:
        named = ", ".join(f"{one.company_id} of account {safe(one.account)}" for one in strange[:3])
        raise click.UsageError(f"the plan is about companies that the settings do not name: {named}")
    planned = {(one.account, one.company_id) for one in saved.companies}
    if not any((configured.levels[company.id].account, company.id) in planned for company in chosen.companies):
        raise click.UsageError(f"{safe(str(request.plan))} has no plan for any of these companies")
    return lambda engine: engine.apply(saved, chosen.companies, resume=request.resume)


def _retry(request: Request, chosen: Configured, configured: Configured) -> Begin:
    allow = _allowances(request)
    if request.corrected is not None:
        writable = {company.id for company in chosen.companies if company.write}
        rows = read_corrected(request.corrected, writable, {company.id for company in configured.companies})
        keys = {company_id: frozenset(str(row.get("unique_key")) for row in of) for company_id, of in rows.items()}
        name = str(request.corrected)
        return lambda engine: engine.retry(chosen.companies, keys, corrected=rows, corrected_in=name, allow=allow)
    found = anyio.run(_in_trouble, configured.settings, request.run_id)
    if found is None:
        what = f"no run {safe(request.run_id)} that has ended" if request.run_id else "no run that wrote and has ended"
        raise click.UsageError(f"the ledger knows of {what}: `dimsync history` lists them")
    known = {where: keys for where, keys in found.keys.items() if _is_configured(*where, configured)}
    strange = {account for account, _ in found.keys} - {account.name for account in configured.settings.accounts}
    if strange and not known:
        runs = ", ".join(sorted({run_id for (account, _), run_id in found.runs.items() if account in strange}))
        accounts = ", ".join(map(safe, sorted(strange)))
        raise click.UsageError(f"run {runs} was about companies of account {accounts}, which the settings do not name")
    writable = {company.id for company in chosen.companies if company.write}
    asked = {where: keys for where, keys in known.items() if where[1] in writable}
    if not (asked and request.quiet):
        click.echo(_to_retry(found, asked, is_named=request.run_id is not None), err=True)
    by_id = {company_id: keys for (_, company_id), keys in asked.items()}
    return lambda engine: engine.retry(chosen.companies, by_id, allow=allow)


def _is_configured(account: str, company_id: int, configured: Configured) -> bool:
    return company_id in configured.levels and configured.levels[company_id].account == account


def _to_retry(found: InTrouble, asked: Mapping[tuple[str, int], Collection[str]], *, is_named: bool) -> str:
    """Return what is said before a retry: which runs left how many of the rows that are sent, or why none is."""
    rows, of = sum(map(len, asked.values())), f"run {found.run_id} ({found.verb})"
    left = f"left {_rows(rows)} rejected or uncertain"
    runs = sorted({found.runs[where] for where in asked})
    if len(runs) > 1:
        return f"{len(runs):,} runs, {runs[-1]} the newest of them, {left} in {len(asked):,} companies"
    if runs:
        return f"{of if runs[0] == found.run_id else f'run {runs[0]}'} {left}"
    if others := sum(map(len, found.keys.values())):
        whose = "companies that are not selected, that the settings do not name, or that no run may write"
        return f"nothing to retry: {_rows(others)} rejected or uncertain, all of {whose}"
    if is_named:
        return f"nothing to retry: {of} left no row rejected or uncertain"
    return f"nothing to retry: no company's newest run left a row rejected or uncertain; the newest of all is {of}"


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


BEGIN = {"sync": _sync, "plan": _plan, "check": _check, "apply": _apply, "retry": _retry}
"""How each verb's run begins: what is wrong with the command line is told before anything is sent."""


async def _in_trouble(settings: Settings, run_id: str | None) -> InTrouble | None:
    with plain():
        async with await open_ledger(settings.ledger_url) as ledger:
            return await ledger.in_trouble(origin_of(settings.api.base_url), run_id)


def _deadline_s(request: Request) -> float | None:
    try:
        return None if request.deadline is None else duration(request.deadline)
    except ValueError as error:
        raise click.UsageError(f"--deadline {safe(request.deadline or '')}: {error}") from error


def _allowances(request: Request) -> list[Allow]:
    return [_allowance(text) for text in request.allow]


def _allowance(text: str) -> Allow:
    slug, colon, company_id = text.partition(":")
    if slug == "fleet" and not colon:
        return Allow(slug)
    if not (company_id.isascii() and company_id.isdigit()):
        raise click.UsageError(f"--allow {text}: understood is GUARD:ID, such as mass-create:123")
    return Allow(slug, int(company_id))


def _traits(configured: Configured, request: Request) -> Traits:
    """Return what selectors may ask of companies; the ledger is asked only where one does."""
    states: dict[int, State] = {}
    if needs_states(request.select, request.exclude):
        by_account = anyio.run(_last_states, configured.settings)
        only = configured.settings.accounts[0].name
        states = {
            company.id: state
            for company in configured.companies
            if (state := by_account.get((company.account or only, company.id))) is not None
        }
    return Traits(groups=configured.groups, erps=configured.erps, mappings=configured.mappings, states=states)


async def _last_states(settings: Settings) -> dict[tuple[str, int], State]:
    with plain():
        async with await open_ledger(settings.ledger_url) as ledger:
            return await ledger.last_states(origin_of(settings.api.base_url))


def _verified(settings: Settings, companies: Sequence[Company], mode: VerifyMode) -> tuple[Settings, list[Company]]:
    """Let the command line overrule how the settings verify, a company's own included."""
    own = [
        company if company.verify is None else replace(company, verify=replace(company.verify, mode=mode))
        for company in companies
    ]
    return replace(settings, verify=replace(settings.verify, mode=mode)), own
