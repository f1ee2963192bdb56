"""Read a company's file by its lines: those that the ledger knows give the rows of its entries, and are not parsed.

What the ledger knows of the company is read before the source then, under the company's lock.
"""

from __future__ import annotations

from hashlib import blake2b

from engine.compare.freshness import Evidence
from engine.errors import SourceError
from engine.model.company_record import CompanyRecord
from engine.model.ledger_writes import NO_LINE, SourceLines
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.run.plan_part import settings_digest
from engine.run.rules import RULES
from engine.run.skip_unchanged import skip_unchanged
from engine.run.thinking import think
from engine.sources.base import read
from engine.sources.files import FileSource, OtherLines, has_rows_in_lines
from engine.sources.known_lines import is_plain, with_hashes, with_known
from engine.version import __version__


def goes_by_lines(company: CompanyContext) -> bool:
    """Return whether the company's source is a file whose lines may be told one by one."""
    job, source = company.job, company.job.company.source
    is_told = isinstance(source, FileSource) and has_rows_in_lines(source)
    return is_told and skip_unchanged(company).applies and not job.corrected


async def read_by_lines(company: CompanyContext, record: CompanyRecord) -> Wanted | None:
    """Return the source's rows; None: the whole file has to be read, and tells why."""
    source = company.job.company.source
    if not isinstance(source, FileSource):
        return None
    others = OtherLines(source, _seed(company), record.lines or ())
    try:
        wanted = await read(others, company_id=company.id, type_codes=company.run.dialect.type_codes)
    except SourceError:
        return None
    lines = others.lines
    if not lines.entries:
        return with_hashes(wanted, lines)
    return await think(len(lines.hashes), lambda: with_known(wanted, lines, record.entries))


def _seed(company: CompanyContext) -> bytes:
    """Return 16 bytes that change with all that a row may rest on beside its file."""
    text = f"{__version__} {RULES} {company.id} {settings_digest(company.job.company, company.run)}"
    return blake2b(text.encode(), digest_size=16).digest()


def lines_to_keep(company: CompanyContext) -> SourceLines | None:
    """Return the rows of the company's source that are told by their lines, if all are."""
    source = company.counts.source
    if source is None or not source.line_hashes or not is_plain(source) or len(source.line_hashes) != len(source.rows):
        return None
    return SourceLines(source.rows, source.line_hashes)


def untold(company: CompanyContext, record: CompanyRecord) -> int:
    """Return how many entries could be told by a line of the source if their memo were written now, and are not.

    Where no line was known, each may hold the time of its export: then only a run that lists counts them, since the
    memo would be written in each run otherwise.
    """
    source = company.counts.source
    if source is None or lines_to_keep(company) is None:
        return 0
    if record.lines is None:
        return len(record.rows)
    if not source.known_lines and company.comparison.evidence is not Evidence.LISTING:
        return 0
    return len(record.lines) - record.lines.count(NO_LINE) - source.known_lines
