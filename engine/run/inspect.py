"""Look at single rows, and at keys that have changed in a source, outside of any run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from engine.compare.attribution import last_told
from engine.compare.rekey import Rekey, rekeyable, rekeyed
from engine.errors import ApiError, EngineError
from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyRecord
from engine.model.difference import FieldDifference
from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import Problem
from engine.model.row_history import Life
from engine.model.settings import Company, CompanyKey
from engine.sources.base import read
from engine.sources.left_out_rows import LeftOutRow, LeftOutSearch


class CompanyApi(Protocol):
    """One company's API as it is, to look at. Raises `ApiError` and, once the account is stopped, `AccountParked`."""

    async def page(self, number: int, limit: int) -> Page:
        """Read one page of its listing, from 1, of `limit` rows. `Rejected` may mean that the limit is refused."""
        ...

    async def one(self, row_id: str) -> RemoteRow | None:
        """Read one row by its id in Ottimate; None: there is none of this company's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One row from its source to Ottimate, and what was done about it."""

    company_id: int
    key: str  # the source's
    source: Dimension | None  # None: the source has no such row, or not a good one
    source_problems: tuple[Problem, ...]  # why it is not a good one, or why the source could not be read
    file: str | None
    line: int | None
    life: Life
    remote: RemoteRow | None
    remote_is: str  # "shown", "gone", "not asked", "not known" (no id leads there), or why it could not be read
    left_out: tuple[LeftOutRow, ...] = ()  # of this key; without any: rows in whose name or ERP id the key stands
    fields: tuple[FieldDifference, ...] = ()  # spelled otherwise, pending, or moved, as the last listing showed them


async def explain(
    company: Company,
    company_key: CompanyKey,
    key: str,
    *,
    client: CompanyApi | None,
    ledger: Ledger,
    codes: frozenset[str],
) -> Explanation:
    """Return all that can be known of one row. Costs one request where its remote id is known and a client is given.

    `codes`: the type codes that the contract allows. Raises `LedgerError`; what else goes wrong is told in its place.
    """
    row, file, line = None, None, None
    record = await ledger.read(company_key)
    problems: tuple[Problem, ...] = ()
    search = LeftOutSearch(key)
    try:
        wanted = await read(company.source, company_id=company.id, type_codes=codes, search=search)
    except EngineError as error:
        problems = (Problem(code="source", message=str(error)),)
    else:
        wanted = rekeyed(wanted, record.wire_keys)
        row = next((row for row in wanted.rows if wanted.source_keys.get(row.key, row.key) == key), None)
        problems = tuple(problem for problem in wanted.problems if problem.key == key)
        file, line = wanted.place(key)
        row = row and row._replace(key=key)
    is_there = row is not None or bool(problems)
    life = await ledger.life(company_key, key)
    remote, remote_is = await _remote(life, client)
    fields: tuple[FieldDifference, ...] = ()
    if life.known is not None and record.state.listed_at is not None:
        fields = last_told(row, life.known, life.resting, relabel=company.relabel)
    return Explanation(
        company_id=company.id,
        key=key,
        source=row,
        source_problems=problems,
        file=file,
        line=line,
        life=life,
        left_out=search.same or (() if is_there else search.like),
        remote=remote,
        remote_is=remote_is,
        fields=fields,
    )


async def _remote(life: Life, client: CompanyApi | None) -> tuple[RemoteRow | None, str]:
    if life.known is None or life.known.remote_id is None:
        return None, "not known"
    if client is None:
        return None, "not asked"
    try:
        remote = await client.one(life.known.remote_id)
    except (ApiError, EngineError) as error:
        return None, str(error)
    return remote, "gone" if remote is None else "shown"


async def changed_keys(
    company: Company, company_key: CompanyKey, *, ledger: Ledger, codes: frozenset[str]
) -> list[Rekey]:
    """Return the source's rows that Ottimate has under another key. Raises `SourceError` and `LedgerError`."""
    wanted = await read(company.source, company_id=company.id, type_codes=codes)
    return rekeyable(wanted, await ledger.read(company_key))


def ids_meant(record: CompanyRecord, what: str) -> tuple[str, ...]:
    """Return the remote ids of the rows that a source's key, an identifier or a remote id means, by the ledger.

    A key wins over identifiers, of which rows of several kinds may have the same.
    """
    key = record.wire_keys.get(what, what)
    if (known := record.rows.get(key)) is not None and known.remote_id is not None:
        return (known.remote_id,)
    entries = record.entries.table.columns("remote_id", record.resource.identifier)
    ids = [remote_id for remote_id, identifier in entries if remote_id is not None and what in {remote_id, identifier}]
    ids += [row.id for row in record.keyless if what in {row.id, row.key, getattr(row, row.resource.identifier)}]
    return tuple(dict.fromkeys(ids))
