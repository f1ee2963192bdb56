"""What `dimsync validate --files` does besides: read the companies' files as a run would, and tell what is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from engine.cli.show.preview import counts, faults, totals
from engine.config import Configured, Fault
from engine.errors import SourceError
from engine.model.settings import Company, SourceRows
from engine.model.wanted import Wanted
from engine.observe.terminal import safe
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.several import Several
from engine.wire.guide import DIALECT as GUIDE
from engine.wire.reference import DIALECT as REFERENCE

TYPE_CODES = {each.name: each.type_codes for each in (GUIDE, REFERENCE)}


class Checked(NamedTuple):
    """A company's files, and what is in them."""

    company_id: int
    name: str  # of the file, or of several
    wanted: Wanted | None  # None: they cannot be read
    error: str = ""  # why not


async def check_files(configured: Configured) -> list[Checked]:
    """Read the files of all companies, one after the other. Databases are not asked."""
    codes = TYPE_CODES[configured.settings.api.contract]
    sources = [(company, source) for company in configured.companies if (source := _files(company)) is not None]
    return [await _check(company.id, source, codes) for company, source in sources]


def _files(company: Company) -> FileSource | Several | None:
    """Return those of a company's sources that are files; None: it has none."""
    parts: Collection[SourceRows | None] = (
        company.source.parts if isinstance(company.source, Several) else (company.source,)
    )
    files = [part for part in parts if isinstance(part, FileSource)]
    return Several(files) if len(files) > 1 else files[0] if files else None


async def _check(company_id: int, source: FileSource | Several, codes: frozenset[str]) -> Checked:
    try:
        return Checked(company_id, source.name, await read(source, company_id=company_id, type_codes=codes))
    except SourceError as error:
        return Checked(company_id, source.name, None, str(error))


def file_faults(checked: Sequence[Checked], configured: Configured) -> Iterator[Fault]:
    """Yield a fault for each company whose files cannot be read, at the place that names them."""
    for each in checked:
        if each.wanted is None:
            yield configured.levels[each.company_id].entry.fault("source", each.error)


def file_lines(checked: Sequence[Checked]) -> Iterator[str]:
    """Yield a line for each company whose files have rows that cannot be sent, and one for all files."""
    for each in checked:
        for fault in faults(each.wanted) if each.wanted is not None else ():
            yield safe(f"company {each.company_id}: {each.name}: {fault}")
    good = [each.wanted for each in checked if each.wanted is not None]
    yield f"files      {len(good):,} of {len(checked):,} can be read: {totals(*good)}"


def file_json(checked: Sequence[Checked]) -> list[dict[str, object]]:
    """Return the same as a document has it."""
    return [
        {
            "company_id": each.company_id,
            "file": each.name,
            "error": each.error or None,
            **({} if each.wanted is None else counts(each.wanted)),
            "problems": [
                {"code": problem.code, "message": problem.message, "file": problem.file, "line": problem.line}
                for problem in (() if each.wanted is None else each.wanted.problems)
            ],
        }
        for each in checked
    ]
