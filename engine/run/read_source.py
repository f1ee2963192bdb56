"""Reading a company's wanted rows: the source's, with corrected ones in their place, unless the file is damaged."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from functools import partial

from engine.compare.subset import corrected
from engine.errors import SourceError
from engine.model.company_record import CompanyRecord
from engine.model.dimension import DIMENSIONS
from engine.model.settings import RawRow
from engine.model.wanted import SourceMarks, Wanted, paired
from engine.run.by_lines import read_by_lines
from engine.run.company_context import CompanyContext
from engine.run.thinking import seal, think
from engine.sources.base import read


async def read_source(company: CompanyContext, record: CompanyRecord | None = None) -> Wanted:
    """Return the source's rows. Raises `SourceError`.

    `record`: what the ledger knows of the company, where that was read before.
    """
    job, type_codes = company.job, company.run.dialect.type_codes
    wanted = await read_by_lines(company, record) if record is not None else None
    if wanted is None:
        wanted = await read(job.company.source, company_id=company.id, type_codes=type_codes)
    await seal(wanted.rows)
    await _refuse_unlike(company, wanted)
    await _refuse_lost_fields(company, wanted)
    if not job.corrected:
        return wanted
    better = await read(_given(job.corrected), company_id=company.id, type_codes=type_codes, file=job.corrected_in)
    return corrected(wanted, better)


async def _refuse_unlike(company: CompanyContext, wanted: Wanted) -> None:
    """Raise `SourceError` when a source is torn off, or has lost a column, measured by the last good run."""
    if all((mark.end is None or mark.end.is_ended) and not mark.lacks for mark in wanted.marks):
        return
    before = await company.run.ledger.good_counts(company.company_key)
    for mark, earlier in paired(wanted.marks, before.marks if before else ()):
        _refuse_torn(mark, earlier)
        _refuse_lost_filter(mark, earlier)


def _refuse_torn(now: SourceMarks, before: SourceMarks) -> None:
    """Raise `SourceError` when a file's last line may be cut off: it has no line end, and the file has shrunk.

    The file of the last good run is the measure, if its last line had a line end.
    """
    if now.end is None or now.end.is_ended or before.end is None or not before.end.is_ended:
        return
    if now.end.size_bytes < before.end.size_bytes:
        sizes = f"the file has {now.end.size_bytes:,} bytes and had {before.end.size_bytes:,} at the last good run"
        raise SourceError(
            f"{now.name}, line {now.end.last_line}: this last line has no line end, and {sizes}: it may be torn "
            "off; have the file exported again or, if it is whole, end its last line",
            file=now.name,
            line=now.end.last_line,
        )


def _refuse_lost_filter(now: SourceMarks, before: SourceMarks) -> None:
    """Raise `SourceError` when a column is gone that a filter looked at: rows that it left out would be created."""
    lost = [column for column in now.lacks if column in before.filters]
    if lost:
        tests = ", ".join(f"{_key(column)} = {{ any = true }}" for column in lost)
        raise SourceError(
            f"{now.name}: the mapping leaves rows out by {' and '.join(lost)}, which was there at the last good run and"
            f" is not there any more: has the column a new name? If rows are to be taken whatever it would say, say so"
            f" in the mapping: where = {{ {tests} }}",
            file=now.name,
        )


def _key(column: str) -> str:
    """Return a column's name as a key of TOML."""
    return column if re.fullmatch(r"[A-Za-z0-9_-]+", column) else f'"{column}"'


async def _refuse_lost_fields(company: CompanyContext, wanted: Wanted) -> None:
    """Raise `SourceError` when no row has the column of an optional field any more, and rows have one in Ottimate.

    A column that rows need not have may have been renamed; to send none would erase all codes.
    """
    if not wanted.absent_columns:
        return
    record = await company.run.ledger.read(company.company_key)
    for name, columns in wanted.absent_columns.items():
        if lost := await think(len(wanted.rows), partial(_known_with, name, wanted, record)):
            column, count = DIMENSIONS.columns[name], f"{lost:,} {'row has' if lost == 1 else 'rows have'}"
            raise SourceError(
                f"{wanted.file}: no row has {' or '.join(columns)}, and {count} a {column} in Ottimate: has the column"
                f" a new name? If each {column} is to be erased, say so in the mapping:"
                f' columns = {{ {column} = {{ constant = "" }} }}',
                file=wanted.file,
            )


def _known_with(name: str, wanted: Wanted, record: CompanyRecord) -> int:
    """Return how many rows have a field in Ottimate that the source does not give them."""
    without = (row.key for row in wanted.rows if getattr(row, name) is None)
    known = (record.rows.get(record.wire_keys.get(key, key)) for key in without)
    return sum(each is not None and bool(getattr(each.row, name)) for each in known)


async def _given(rows: Sequence[RawRow]) -> AsyncIterator[RawRow]:
    for row in rows:
        yield row
