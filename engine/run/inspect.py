"""Look at single rows, and at keys that have changed in a source, outside of any run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.compare.attribution import last_told
from engine.compare.rekey import Rekey, rekeyable, rekeyed
from engine.compare.row_search import Hits, RowMatch, search
from engine.errors import ApiError, EngineError
from engine.guards.registry import COMPANY_GUARDS
from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyRecord
from engine.model.difference import FieldDifference
from engine.model.dimension import Dimension, RemoteRow
from engine.model.outcome import Problem
from engine.model.row_history import Life
from engine.model.settings import Company, CompanyKey
from engine.model.wanted import Wanted
from engine.sources.base import read
from engine.sources.left_out_rows import LeftOutRow, LeftOutSearch

WHOLE = frozenset({"sync", "apply"})
"""Verbs whose runs are about all rows of a company, and tell what they do about each."""

RUNS = 20
"""Runs of a company that are looked at for the newest of these."""


NO_HITS = Hits()


class RowReader(Protocol):
    """Reads one row. Raises `ApiError` and, once the account is stopped, `AccountParked`."""

    async def one(self, row_id: str) -> RemoteRow | None:
        """Read one row by its id in Ottimate; None: there is none of this company's."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One row from its source to Ottimate, and what was done about it; or the rows that may be meant."""

    company_id: int
    key: str  # the source's; where several rows are meant, or none, what was asked for
    source: Dimension | None  # None: the source has no such row, or not a good one
    source_problems: tuple[Problem, ...]  # why it is not a good one, or why the source could not be read
    file: str | None
    line: int | None
    life: Life
    remote: RemoteRow | None
    remote_is: str  # "shown", "gone", "not asked", "not known" (no id leads there), or why it could not be read
    left_out: tuple[LeftOutRow, ...] = ()  # of this key; without any: those that are meant
    fields: tuple[FieldDifference, ...] = ()  # spelled otherwise, pending, or moved, as the last listing showed them
    matches: tuple[RowMatch, ...] = ()  # the rows that are meant, if they are several, or if no key leads to the row
    matching: int = 0  # how many these are in all
    told: tuple[Problem, ...] = ()  # what the newest run about the whole company told of this row, or held them all by


async def explain(
    company: Company,
    company_key: CompanyKey,
    what: str,
    *,
    client: RowReader | None,
    ledger: Ledger,
    codes: frozenset[str],
) -> Explanation:
    """Return all that can be known of one row. Costs one request where its remote id is known and a client is given.

    `what`: its key, identifier, code, id in Ottimate, or a part of one or of its name; where several rows are meant by
    it, they are listed. `codes`: the type codes that the contract allows. Raises `LedgerError`; what else goes wrong is
    told in its place.
    """
    record = await ledger.read(company_key)
    search_left_out = LeftOutSearch(what)
    problems: tuple[Problem, ...] = ()
    wanted: Wanted | None = None
    try:
        wanted = await read(company.source, company_id=company.id, type_codes=codes, search=search_left_out)
    except EngineError as error:
        problems = (Problem(code="source", message=str(error)),)
    else:
        wanted = rekeyed(wanted, record.wire_keys)
        problems = tuple(problem for problem in wanted.problems if problem.key == what)
    left_out = (*search_left_out.same, *search_left_out.like)
    hits = NO_HITS if wanted and problems else search(what, _candidates(wanted, record, left_out), record.resource)
    key = _only_key(hits) or what
    row = None if wanted is None else _row(wanted, key)
    file, line = (None, None) if wanted is None else wanted.place(key)
    same = tuple(each for each in left_out if each.row.key == key)
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
        left_out=same or (() if row is not None or problems else search_left_out.like),
        remote=remote,
        remote_is=remote_is,
        fields=fields,
        matches=() if _only_key(hits) else hits.rows,
        matching=0 if _only_key(hits) else hits.total,
        told=await _told(ledger, company_key, key),
    )


def _candidates(wanted: Wanted | None, record: CompanyRecord, left_out: Iterable[LeftOutRow]) -> Iterator[RowMatch]:
    """Yield all rows that may be meant: those of the source first, those in Ottimate alone last."""
    source_keys = {wire_key: key for key, wire_key in record.wire_keys.items()}
    if wanted is not None:
        yield from (RowMatch(wanted.source_keys.get(row.key, row.key), row, "source") for row in wanted.rows)
    for each in left_out:
        yield RowMatch(each.row.key, each.row, "left out")
    for key, known in record.rows.items():
        yield RowMatch(source_keys.get(key, key), known.row, "ledger", known.remote_id)
    for remote in record.keyless:
        yield RowMatch(None, remote, "ottimate", remote.id)


def _only_key(hits: Hits) -> str | None:
    """Return the key of the one row that is meant; None: there are several, or none, or it has none."""
    return hits.rows[0].key if hits.total == 1 else None


def _row(wanted: Wanted, key: str) -> Dimension | None:
    row = next((row for row in wanted.rows if wanted.source_keys.get(row.key, row.key) == key), None)
    return row and row._replace(key=key)


async def _told(ledger: Ledger, company_key: CompanyKey, key: str) -> tuple[Problem, ...]:
    """Return the problems of a row by the newest run about the whole company, and the guards that held the company."""
    lines = await ledger.company_runs(company_key.origin, company_key.company_id, RUNS)
    whole = [line.company for line in lines if line.run.verb in WHOLE]
    problems = whole[0].problems if whole else ()
    return tuple(each for each in problems if each.key == key or (each.key is None and each.code in COMPANY_GUARDS))


async def _remote(life: Life, client: RowReader | None) -> tuple[RemoteRow | None, str]:
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
