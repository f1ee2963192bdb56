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
from engine.config import Configured, load, map_named
from engine.errors import SourceError
from engine.model.balance import ExitCode
from engine.model.settings import Company
from engine.sources.files import FileSource
from engine.sources.preview import preview
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
    config: Path
    output: str


class Chosen(NamedTuple):
    """What is read, and how messages call its mapping."""

    source: FileSource
    company_id: int
    type_codes: frozenset[str]
    how: str
    select: str = ""  # the selector of the company that has this source; empty: it is not known


def look(typed: Look) -> int:
    """Read the file, show what becomes of it, and return the exit code."""
    chosen = _named(typed, typed.mapping) if typed.mapping is not None else _configured(typed)
    try:
        found = anyio.run(preview, chosen.source, chosen.company_id, chosen.type_codes, typed.rows)
    except SourceError as error:
        document, lines = failure_json(typed.file, chosen.how, error), failure_lines(typed.file, error)
        code = ExitCode.FAILED
    else:
        document = preview_json(typed.file, chosen.how, found)
        lines = preview_lines(typed.file, chosen.how, found, chosen.select)
        code = ExitCode.REJECTED if found.wanted.invalid else ExitCode.DONE
    deliver_texts(iter([dump(document, indent=2)]) if typed.output == "json" else lines)
    return code


def _named(typed: Look, mapping: str) -> Chosen:
    """Return the file with the mapping that is named. Raises `ConfigError`."""
    source = FileSource(typed.file, map_named(typed.config, mapping))
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
