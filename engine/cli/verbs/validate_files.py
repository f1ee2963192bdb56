"""What `dimsync validate --files` does besides: read the companies' files as a run would, and tell what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.cli.show.preview import counts, faults, totals
from engine.config import Configured, Fault
from engine.errors import SourceError
from engine.model.outcome import Problem
from engine.model.settings import Company, SourceRows
from engine.model.wanted import Wanted
from engine.observe.terminal import safe
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.several import Several
from engine.sources.sharing import parts_of
from engine.sources.spools import Spools
from engine.wire.guide import DIALECT as GUIDE
from engine.wire.reference import DIALECT as REFERENCE

TYPE_CODES = {each.name: each.type_codes for each in (GUIDE, REFERENCE)}


class Checked(NamedTuple):
    """A company's files, and what is in them."""

    company_id: int
    name: str  # of the file, or of several
    wanted: Wanted | None  # None: they cannot be read
    error: str = ""  # why not


class Files(NamedTuple):
    """What is in the files of all companies."""

    checked: Sequence[Checked]
    strays: Sequence[Problem]  # rows that name no company, told once for each file that many share

    @property
    def have_bad_rows(self) -> bool:
        """Whether a row cannot be sent."""
        return bool(self.strays) or any(each.wanted is not None and each.wanted.invalid for each in self.checked)


async def check_files(configured: Configured) -> Files:
    """Read the files of all companies, one after the other; a shared file is read once. Databases are not asked."""
    codes = TYPE_CODES[configured.settings.api.contract]
    with Spools(configured.companies) as spools:
        companies = [
            replace(company, source=source)
            for company in configured.companies
            if (source := _files(company)) is not None
        ]
        return Files([await _check(each, spools.source_of(each), codes) for each in companies], spools.problems())


def _files(company: Company) -> FileSource | Several | None:
    """Return those of a company's sources that are files; None: it has none."""
    files = [part for part in parts_of(company.source) if isinstance(part, FileSource)]
    return Several(files) if len(files) > 1 else files[0] if files else None


async def _check(company: Company, source: SourceRows, codes: frozenset[str]) -> Checked:
    name = str(getattr(company.source, "name", ""))
    try:
        return Checked(company.id, name, await read(source, company_id=company.id, type_codes=codes))
    except SourceError as error:
        return Checked(company.id, name, None, str(error))


def file_faults(files: Files, configured: Configured) -> Iterator[Fault]:
    """Yield a fault for each company whose files cannot be read, at the place that names them."""
    for each in files.checked:
        if each.wanted is None:
            yield configured.levels[each.company_id].entry.fault("source", each.error)


def file_lines(files: Files) -> Iterator[str]:
    """Yield a line for each company whose files have rows that cannot be sent, and one for all files."""
    for each in files.checked:
        for fault in faults(each.wanted) if each.wanted is not None else ():
            yield safe(f"company {each.company_id}: {each.name}: {fault}")
    yield from (safe(problem.message) for problem in files.strays)
    good = [each.wanted for each in files.checked if each.wanted is not None]
    yield f"files      of {len(good):,} of {len(files.checked):,} companies can be read: {totals(*good)}"


def file_json(files: Files) -> list[dict[str, object]]:
    """Return the same as a document has it; rows that name no company are told for the company id null."""
    return [
        {
            "company_id": each.company_id,
            "file": each.name,
            "error": each.error or None,
            **({} if each.wanted is None else counts(each.wanted)),
            "problems": [_problem(problem) for problem in (() if each.wanted is None else each.wanted.problems)],
        }
        for each in files.checked
    ] + [
        {"company_id": None, "file": problem.file, "error": None, "problems": [_problem(problem)]}
        for problem in files.strays
    ]


def _problem(problem: Problem) -> dict[str, object]:
    return {"code": problem.code, "message": problem.message, "file": problem.file, "line": problem.line}
