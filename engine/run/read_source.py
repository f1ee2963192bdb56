"""Reading a company's wanted rows: the source's, with corrected ones in their place, unless the file is damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from engine.compare.subset import corrected
from engine.errors import SourceError
from engine.model.dimension import DIMENSIONS
from engine.model.settings import RawRow
from engine.model.wanted import Wanted
from engine.run.company_context import CompanyContext
from engine.sources.base import read


async def read_source(company: CompanyContext) -> Wanted:
    """Return the source's rows. Raises `SourceError`."""
    job, type_codes = company.job, company.run.dialect.type_codes
    wanted = await read(job.company.source, company_id=company.id, type_codes=type_codes)
    await _refuse_torn(company, wanted)
    await _refuse_lost_fields(company, wanted)
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


async def _refuse_lost_fields(company: CompanyContext, wanted: Wanted) -> None:
    """Raise `SourceError` when no row has the column of an optional field any more, and rows have one in Ottimate.

    A column that rows need not have may have been renamed; to send none would erase all codes.
    """
    if not wanted.absent_columns:
        return
    record = await company.run.ledger.read(company.company_key)
    for name, columns in wanted.absent_columns.items():
        without = (row.key for row in wanted.rows if getattr(row, name) is None)
        known = (record.rows.get(record.wire_keys.get(key, key)) for key in without)
        if lost := sum(each is not None and bool(getattr(each.row, name)) for each in known):
            column, count = DIMENSIONS.columns[name], f"{lost:,} {'row has' if lost == 1 else 'rows have'}"
            raise SourceError(
                f"{wanted.file}: no row has {' or '.join(columns)}, and {count} a {column} in Ottimate: has the column"
                f" a new name? If each {column} is to be erased, say so in the mapping:"
                f' columns = {{ {column} = {{ constant = "" }} }}',
                file=wanted.file,
            )


async def _given(rows: Sequence[RawRow]) -> AsyncIterator[RawRow]:
    for row in rows:
        yield row
