"""Carry out `dimsync map preview`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import anyio
import click

from engine.cli.show.output import deliver_texts, dump
from engine.cli.show.preview import failure_json, failure_lines, preview_json, preview_lines
from engine.compare.forecast import Forecast, forecast
from engine.config import Configured, load, map_named
from engine.errors import SourceError, plain
from engine.ledger.opening import holds_runs, open_ledger
from engine.model.balance import ExitCode
from engine.model.company_record import CompanyRecord
from engine.model.origin import origin_of
from engine.model.settings import Company, CompanyKey, Settings
from engine.sources.files import FileSource
from engine.sources.preview import Preview, preview
from engine.sources.several import Several
from engine.wire.guide import DIALECT as GUIDE
from engine.wire.reference import DIALECT as REFERENCE

TYPE_CODES = {each.name: each.type_codes for each in (GUIDE, REFERENCE)}

ANY_COMPANY = 1
"""The id that stands in keys where no company is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was typed."""

    file: Path
    mapping: str | None
    company_id: int | None
    rows: int
    diff: bool
    config: Path
    output: str


class Chosen(NamedTuple):
    """What is read, and how messages call its mapping."""

    source: FileSource
    company_id: int
    type_codes: frozenset[str]
    how: str
    select: str = ""  # the selector of the company that has this source; empty: it is not known


class Found(NamedTuple):
    """What is shown."""

    preview: Preview
    forecast: Forecast | None  # None: it was not asked for


def look(typed: Look) -> int:
    """Read the file, show what becomes of it, and return the exit code."""
    chosen = _named(typed, typed.mapping) if typed.mapping is not None else _configured(typed)
    try:
        found = anyio.run(_read, typed, chosen)
    except SourceError as error:
        document, lines = failure_json(typed.file, chosen.how, error), failure_lines(typed.file, error)
        code = ExitCode.FAILED
    else:
        document = preview_json(typed.file, chosen.how, found.preview, found.forecast)
        lines = preview_lines(typed.file, chosen.how, found.preview, found.forecast, chosen.select)
        code = ExitCode.REJECTED if found.preview.wanted.invalid else ExitCode.DONE
    deliver_texts(iter([dump(document, indent=2)]) if typed.output == "json" else lines)
    return code


async def _read(typed: Look, chosen: Chosen) -> Found:
    seen = await preview(chosen.source, chosen.company_id, chosen.type_codes, typed.rows)
    if not typed.diff:
        return Found(seen, None)
    settings, company = _company(typed, chosen)
    with plain():
        return Found(seen, forecast(seen.wanted, await _record(settings, company)))


async def _record(settings: Settings, company: Company) -> CompanyRecord:
    """Return what the ledger knows of a company; nothing where there is no ledger yet. Raises `LedgerError`."""
    if not await holds_runs(settings.ledger_url):
        return CompanyRecord()
    account = next(one for one in settings.accounts if company.account in {None, one.name})
    origin = origin_of(settings.api.base_url)
    key = CompanyKey(origin=origin, account=account.account_id, company_id=company.id)
    async with await open_ledger(settings.ledger_url) as ledger:
        return await ledger.read(key)


def _company(typed: Look, chosen: Chosen) -> tuple[Settings, Company]:
    """Return the company whose rows are compared. Raises `ConfigError`, and `UsageError` where none is meant."""
    if typed.company_id is not None or chosen.select:
        configured = load(typed.config, os.environ, needs_secrets=False)
        for company in configured.companies:
            if company.id == chosen.company_id:
                return configured.settings, company
    raise click.UsageError(f"--diff compares with a company's rows: name one of {typed.config} with --company ID")


def _named(typed: Look, mapping: str) -> Chosen:
    """Return the file with the mapping that is named. Raises `ConfigError`."""
    source = FileSource(typed.file, map_named(typed.config, mapping))
    if typed.company_id is None and (column := source.mapping.company_column) is not None:
        raise click.UsageError(f"{typed.file} has rows of many companies ({column}): name one with --company ID")
    return Chosen(source, typed.company_id or ANY_COMPANY, GUIDE.type_codes, f"the mapping {mapping}")


def _configured(typed: Look) -> Chosen:
    """Return the file as the company reads it whose source it is. Raises `ConfigError`, and `UsageError` for none."""
    configured = load(typed.config, os.environ, needs_secrets=False) if typed.config.exists() else None
    for company, source in [] if configured is None else _readers(configured, typed.file):
        if configured is not None and typed.company_id in {None, company.id}:
            codes = TYPE_CODES[configured.settings.api.contract]
            return Chosen(source, company.id, codes, f"company {company.id}", f"company:{company.id}")
    whose = f"company {typed.company_id}" if typed.company_id is not None else "no company"
    raise click.UsageError(
        f"{typed.file} is the source of {whose} in {typed.config}: name a mapping with --mapping NAME, or have one"
        f" proposed: dimsync map guess {typed.file}"
    )


def _readers(configured: Configured, file: Path) -> Iterator[tuple[Company, FileSource]]:
    """Yield the companies that have a file as their source, or as one of several."""
    wanted = FileSource(file)
    for company in configured.companies:
        for source in company.source.parts if isinstance(company.source, Several) else (company.source,):
            if isinstance(source, FileSource) and _same(source, wanted):
                yield company, source


def _same(one: FileSource, other: FileSource) -> bool:
    return one.path.absolute() == other.path.absolute() and other.sheet in {None, one.sheet}
