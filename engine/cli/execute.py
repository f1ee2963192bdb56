"""Carry out `plan` and `sync`: load the settings, choose companies, run, print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
import click

from engine.cli.advice import Typed
from engine.cli.drive import Order, drive, run_heeding_signals
from engine.cli.output import deliver, deliver_texts, run_texts
from engine.cli.render import print_run
from engine.cli.select import Traits, needs_states, pick
from engine.config import Configured, load
from engine.errors import plain
from engine.ledger.sqlite import open_ledger
from engine.model.balance import ExitCode, State
from engine.model.settings import Allow, Company, Settings, VerifyMode
from engine.observe.terminal import safe
from engine.run.execution import origin_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command line of `dimsync plan` or `dimsync sync`."""

    verb: str
    config: Path
    select: tuple[str, ...]
    exclude: tuple[str, ...]
    verify: str | None  # None: as the settings say
    fresh: bool
    allow: tuple[str, ...]
    output: str
    quiet: bool
    detailed: bool = False  # exit with 6 when changes are pending


def execute(request: Request) -> int:
    """Do what the command line asks for and return its exit code; the result is printed whatever that is."""
    result = run_heeding_signals(partial(drive, _order(request)))
    for problem in result.problems:
        word = "Error" if problem.code == "ledger" else "Note"
        click.echo(f"{word}: {safe(problem.message)}", err=True)
    totals = result.totals
    if request.detailed and result.exit_code == ExitCode.DONE and (totals.created or totals.updated):
        result = replace(result, exit_code=ExitCode.PENDING)
    if request.output == "table":
        typed = Typed(verb=request.verb, config=str(request.config), select=request.select, exclude=request.exclude)
        deliver(lambda stream: print_run(stream, result, typed))
    else:
        deliver_texts(run_texts(result, request.output))
    return result.exit_code


def _order(request: Request) -> Order:
    """Return what to run. Raises `ConfigError` and `UsageError` before anything is sent."""
    configured = load(request.config, os.environ)
    companies = pick(configured.companies, _traits(configured, request), request.select, request.exclude)
    if request.verb == "sync" and companies and not any(company.write for company in companies):
        raise click.UsageError("all of these companies are read-only (write = false); `dimsync plan` shows them")
    settings = configured.settings
    if request.verify is not None:
        settings, companies = _verified(settings, companies, VerifyMode(request.verify))
    return Order(
        verb=request.verb,
        title=request.verb,
        settings=settings,
        companies=companies,
        fresh=request.fresh,
        allow=[_allowance(text) for text in request.allow],
        quiet=request.quiet,
    )


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
