"""Reading a company's wanted rows: the source's, with corrected ones in their place, unless its file may be torn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from engine.compare.subset import corrected
from engine.errors import SourceError
from engine.model.settings import RawRow
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.sources.base import read


async def read_source(company: CompanyContext) -> Wanted:
    """Return the source's rows. Raises `SourceError`."""
    job, type_codes = company.job, company.run.dialect.type_codes
    wanted = await read(job.company.source, company_id=company.id, type_codes=type_codes)
    await _refuse_torn(company, wanted)
    if not job.corrected:
        return wanted
    better = await read(_given(job.corrected), company_id=company.id, type_codes=type_codes, file=job.corrected_in)
    return corrected(wanted, better)


async def _refuse_torn(company: CompanyContext, wanted: Wanted) -> None:
    """Raise `SourceError` when the file's last line may be cut off: it has no line end, and the file has shrunk.

    The file of the last good run is the measure, if its last line had a line end.
    """
    end = wanted.end
    if end is None or end.is_ended:
        return
    before = await company.run.ledger.good_end(company.company_key)
    if before is not None and before.is_ended and end.size_bytes < before.size_bytes:
        sizes = f"the file has {end.size_bytes:,} bytes and had {before.size_bytes:,} at the last good run"
        raise SourceError(
            f"{wanted.file}, line {end.last_line}: this last line has no line end, and {sizes}: it may be torn "
            "off; have the file exported again or, if it is whole, end its last line",
            file=wanted.file,
            line=end.last_line,
        )


async def _given(rows: Sequence[RawRow]) -> AsyncIterator[RawRow]:
    for row in rows:
        yield row
