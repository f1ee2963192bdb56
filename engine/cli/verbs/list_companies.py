"""Carry out `companies`: compare the companies that the API user sees with those that the settings name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from engine.cli.show.output import deliver, deliver_texts, dump
from engine.cli.show.table import columns
from engine.cli.verbs.drive import Stop, run_heeding_signals
from engine.config import Configured, explained, load
from engine.errors import AccountParked, EngineError, Unauthorized
from engine.model.balance import ExitCode
from engine.model.directory import Directory
from engine.model.settings import Account, Company
from engine.model.wording import counted
from engine.observe.terminal import LONGEST_NAME, brief, safe
from engine.run.engine import Engine

SCHEMA = "dimsync.companies/1"
SHOW_SCHEMA = "dimsync.company-settings/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompaniesOptions:
    """One command line of `dimsync companies`."""

    config: Path
    refresh: bool
    locations: bool
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One account: its directory, or why there is none, and the companies that the settings assign to it."""

    account: Account
    directory: Directory | None
    error: EngineError | None
    configured: Mapping[int, Company]

    @property
    def unseen(self) -> list[int]:
        """Ids that the settings name and the directory does not show."""
        seen = {company.id for company in self.directory.companies} if self.directory else set(self.configured)
        return [company_id for company_id in self.configured if company_id not in seen]


def look(options: CompaniesOptions) -> int:
    """Print what the API user sees, and return the exit code."""
    configured = load(options.config, os.environ)
    stop, views = run_heeding_signals(partial(views_of, configured, options.refresh))
    if options.output == "json":
        deliver_texts(iter([dump(_document(views, configured), indent=2)]))
    else:
        lines = [line for view in views for line in _lines(view, configured, locations=options.locations)]
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    if stop.code is not None:
        return stop.code
    codes = {code_of(view.error) for view in views if view.error is not None}
    if any(view.unseen for view in views):
        codes.add(ExitCode.FAILED)
    return next((code for code in (ExitCode.FAILED, ExitCode.AUTHENTICATION) if code in codes), ExitCode.DONE)


def explain(config: Path, company_id: int, output: str) -> int:
    """Print a company's settings and where each comes from, and return the exit code."""
    configured = load(config, os.environ)
    if company_id not in configured.levels:
        raise click.UsageError(
            f"{config}: names no company {company_id}; `dimsync companies` lists those that it names"
        )
    settings = explained(configured, company_id)
    if output == "json":
        values = [{"key": key, "value": value, "origin": origin} for key, value, origin in settings]
        deliver_texts(iter([dump({"schema": SHOW_SCHEMA, "company_id": company_id, "settings": values}, indent=2)]))
    else:
        rows = [(setting.key, safe(setting.value), safe(setting.origin)) for setting in settings]
        lines = [f"company {company_id}", *columns(("SETTING", "VALUE", "FROM"), rows)]
        deliver(lambda stream: stream.writelines(f"{line}\n" for line in lines))
    return ExitCode.DONE


async def views_of(configured: Configured, refresh: bool, stop: Stop) -> tuple[Stop, list[View]]:
    """Read each account's directory in turn, until a signal comes. An account that fails stops no other."""
    views = []
    async with Engine(configured.settings) as engine:
        for account in configured.settings.accounts:
            if stop.code is not None:
                break
            own = {one.id: one for one in configured.companies if one.account in {None, account.name}}
            directory, error = None, None
            try:
                directory = await engine.directory(account.name, refresh=refresh)
            except AccountParked as parked:
                error = parked.reason
            except EngineError as failed:
                error = failed
            views.append(View(account=account, directory=directory, error=error, configured=own))
    return stop, views


def code_of(error: EngineError) -> ExitCode:
    """Return the exit code for an account that could not be listed."""
    return ExitCode.AUTHENTICATION if isinstance(error, Unauthorized) else ExitCode.FAILED


def _lines(view: View, configured: Configured, *, locations: bool) -> Iterator[str]:
    account, directory = view.account, view.directory
    head = f"account {safe(account.name)} ({safe(account.account_id)})"
    if directory is None:
        yield f"{head}: could not be listed: {safe(str(view.error))}"
        return
    yield f"{head}: {counted(len(directory.companies), 'company', 'companies')} seen {_age(directory.at)}"
    for other in directory.accounts or ():
        if other.id != account.account_id:
            yield f"  the credentials reach {safe(other.id)} ({brief(other.name, LONGEST_NAME)}), too"
    yield from columns(("  ID", "NAME", "LOCATIONS", "PLAN", "SETTINGS"), list(_companies(view, configured)))
    for company_id in view.unseen:
        name = safe(view.configured[company_id].name)
        yield f"  NOT VISIBLE  {company_id} {name}: configured, and this account does not see it"
    if locations:
        yield f"locations, listed {_age(directory.rest_at or directory.at)}"
        rows = [
            (f"  {one.id}", *(brief(text or "", LONGEST_NAME) for text in (one.name, one.company, one.group)))
            for one in directory.locations or ()
        ]
        yield from columns(("  ID", "NAME", "COMPANY", "GROUP"), rows)


def _companies(view: View, configured: Configured) -> Iterator[tuple[str, ...]]:
    """Yield a table row for each company that the directory shows."""
    for company in view.directory.companies if view.directory else ():
        own = view.configured.get(company.id)
        said = "" if company.locations is None else f"{company.locations:,}"
        yield (
            f"  {company.id}",
            brief(company.name, LONGEST_NAME),
            said,
            safe(company.plan or ""),
            _settings(own, configured),
        )


def _settings(company: Company | None, configured: Configured) -> str:
    """Return in a few words what the settings say about a company."""
    if company is None:
        return "not named"
    groups = configured.groups.get(company.id, ())
    words = [*configured.mappings.get(company.id, ()), *groups, "" if company.write else "read-only"]
    return safe(", ".join(["named", *(word for word in words if word)]))


def _document(views: Sequence[View], configured: Configured) -> dict[str, object]:
    return {"schema": SCHEMA, "accounts": [_account_document(view, configured) for view in views]}


def _account_document(view: View, configured: Configured) -> dict[str, object]:
    directory = view.directory
    companies = directory.companies if directory else ()
    return {
        "account": view.account.name,
        "account_id": view.account.account_id,
        "error": str(view.error) if view.error else None,
        "listed_at": directory.at.isoformat() if directory else None,
        "locations_listed_at": directory.rest_at.isoformat() if directory and directory.rest_at else None,
        "companies": [
            {**company._asdict(), "configured": _configured(view.configured.get(company.id), configured)}
            for company in companies
        ],
        "locations": [one._asdict() for one in (directory.locations or ())] if directory else [],
        "accounts": [one._asdict() for one in (directory.accounts or ())] if directory else [],
        "not_visible": view.unseen,
    }


def _configured(company: Company | None, configured: Configured) -> dict[str, object] | None:
    if company is None:
        return None
    return {
        "name": company.name,
        "mapping": ", ".join(configured.mappings.get(company.id, ())) or None,
        "groups": list(configured.groups.get(company.id, ())),
        "write": company.write,
    }


def _age(moment: datetime) -> str:
    """Return how long ago `moment` was, in the largest unit that is not zero."""
    seconds = max(0.0, (datetime.now(UTC) - moment).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago (--refresh asks again)"
    return "just now"
