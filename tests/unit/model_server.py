"""A model of both sides, in plain Python: a server that upserts by key, and a ledger that believes what it is told.

The server takes and gives bytes and spells the contract for itself; the ledger keeps the rules of identity and of
crash safety. Between them, `run` is a whole sync without a network, with answers that get lost on purpose.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from random import Random
from typing import Any, NamedTuple

from hypothesis import Phase, settings

from engine.compare.absorb import absorb
from engine.compare.freshness import must_list
from engine.compare.join import join
from engine.compare.matching import Matching
from engine.compare.plan import DiffRules, diff
from engine.compare.remote_view import RemoteView, as_known
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow
from engine.model.ledger_writes import Learned
from engine.model.listing import Certificate
from engine.model.outcome import Chunk, ChunkOutcome, Column, ItemResult
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted
from engine.send.chunks import Cut, cut
from engine.send.reconcile import reconcile
from engine.wire.guide import DIALECT
from tests.fresh import FRESH

TIMES = int(os.environ.get("DIMSYNC_EXAMPLES", "1"))
"""How many times as many cases are drawn as in the suite."""

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60 * TIMES,
    phases=set(Phase) - {Phase.explain},
    backend=FRESH,
)
"""For properties: the same examples in every run, none kept on disk, no clock."""


def steady(cases: int) -> settings:
    """Return the settings of a property of which so many cases are drawn."""
    return settings(STEADY, max_examples=cases * TIMES)


COMPANY = 42
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def dim(
    key: str,
    erp_id: str,
    name: str | None = None,
    *,
    type_code: str = "account",
    label: str = "",
    code: str | None = None,
) -> Dimension:
    """Return a wanted row; its name and label come from its id and type unless given."""
    return Dimension(key, type_code, label or type_code.title(), name or f"Row {erp_id}", erp_id, code)


def shown(
    row_id: str,
    erp_id: str,
    name: str | None = None,
    *,
    type_code: str = "account",
    label: str = "",
    code: str | None = None,
    key: str | None = None,
) -> RemoteRow:
    """Return a remote row as a listing shows it, with the same defaults as `dim`."""
    return RemoteRow(row_id, type_code, label or type_code.title(), name or f"Row {erp_id}", erp_id, code, key)


def source(
    *rows: Dimension, invalid_keys: Iterable[str] = (), invalid_natural: Iterable[NaturalKey] = (), invalid: int = 0
) -> Wanted:
    """Return a source of these good rows, and of bad ones that bear the given keys."""
    return Wanted(
        rows=list(rows),
        source_rows=len(rows) + invalid,
        invalid=invalid,
        invalid_keys=frozenset(invalid_keys),
        invalid_natural=frozenset(invalid_natural),
    )


def known(
    row: Dimension,
    remote_id: str | None,
    *,
    confirmed: bool = True,
    settled: bool = True,
    code_known: bool = True,
    seen: RemoteRow | None = None,
) -> RowRecord:
    """Return a ledger entry: unless said otherwise, of a row that an answer has acknowledged."""
    return RowRecord(row, remote_id, confirmed, settled, code_known, seen)


def ledger_of(*entries: RowRecord, strays: Iterable[RemoteRow] = ()) -> CompanyRecord:
    """Return a ledger that holds these entries."""
    return CompanyRecord(rows={entry.row.key: entry for entry in entries}, keyless=tuple(strays))


def compared(
    wanted: Wanted, index: RemoteView, record: CompanyRecord | None = None, *, relabel: bool = False
) -> tuple[Matching, Plan]:
    """Return what matching and comparing make of the two sides."""
    record = record or CompanyRecord()
    matching = join(wanted, index, record)
    return matching, diff(matching, index, record, DiffRules(relabel=relabel))


def certificate(index: RemoteView) -> Certificate:
    """Return the certificate of a listing that is whole."""
    count = len(index.rows)
    return Certificate(declared=count, declared_last=count, unique=count, rows=count, pages=1)


class Spelling(NamedTuple):
    """How a server names the rows that it refuses."""

    key: bool = True
    name: bool = False
    base: int | None = 0  # positions count from here; None: it gives none
    seed: int | None = None  # shuffles the three arrays; None: in the order of the request


@dataclass(slots=True)
class Stored:
    """A row as the server holds it."""

    id: str
    key: str
    type_code: str
    type_label: str
    name: str
    erp_id: str
    code: str | None

    @property
    def natural_key(self) -> NaturalKey:
        return self.type_code, self.erp_id


@dataclass(slots=True)
class ModelServer:
    """One company behind an honest API: upsert by key, no delete of its own, rows that it refuses on request."""

    shows_keys: bool = False  # a listing shows keys and codes (reference), or neither (guide)
    rows: dict[str, Stored] = field(default_factory=dict)  # by key
    twins: list[NaturalKey] = field(default_factory=list)  # natural keys that were there already when a row was made

    def put(self, row: Dimension) -> bool:
        """Store a row under its key; return whether it was new. What is left out of an update stays as it was."""
        before = self.rows.get(row.key)
        if before is None:
            if (row.type_code, row.erp_id) in {stored.natural_key for stored in self.rows.values()}:
                self.twins.append((row.type_code, row.erp_id))
            self.rows[row.key] = Stored(f"dim_{len(self.rows)}_{row.key}", *row)
            return True
        code = before.code if row.code is None else row.code
        self.rows[row.key] = Stored(before.id, *row[:5], code)
        return False

    def bulk(self, body: bytes, *, refused: frozenset[str] = frozenset(), spelling: Spelling | None = None) -> bytes:
        """Carry out a bulk request but for the keys to refuse; return the answer's body."""
        request = json.loads(body)
        assert request["ottimate_company_id"] == COMPANY
        created: list[dict[str, Any]] = []
        updated: list[dict[str, Any]] = []
        errors: list[dict[str, Any]] = []
        for position, item in enumerate(request["dimensions"]):
            if item["unique_key"] in refused:
                errors.append(_error(item, position, spelling or Spelling()))
            else:
                row = _read(item)
                new = self.put(row)
                (created if new else updated).append({"id": self.rows[row.key].id, "name": row.name})
        if spelling and spelling.seed is not None:
            for array in (created, updated, errors):
                Random(spelling.seed).shuffle(array)
        return json.dumps(
            {
                "version": "1.0.0",
                "success_count": len(created) + len(updated),
                "created_count": len(created),
                "updated_count": len(updated),
                "error_count": len(errors),
                "created": created,
                "updated": updated,
                "errors": errors,
            }
        ).encode()

    def page(self, number: int, limit: int) -> bytes:
        """Return one page of the listing."""
        rows = list(self.rows.values())[(number - 1) * limit : number * limit]
        return json.dumps(
            {
                "version": "1.0.0",
                "count": len(self.rows),
                "page": number,
                "limit": limit,
                "dimensions": [self._show(row) for row in rows],
            }
        ).encode()

    def _show(self, row: Stored) -> dict[str, Any]:
        item: dict[str, Any] = {
            "id": row.id,
            "name": row.name,
            "erp_dimension_id": row.erp_id,
            "ottimate_company_id": COMPANY,
        }
        if not self.shows_keys:
            return item | {"type": row.type_label, "dimension_type": row.type_code}
        spelt = {"cost_type": "costtype"}.get(row.type_code, row.type_code)
        item |= {"erp_type": row.type_label, "ottimate_type": spelt, "reference_id": row.key}
        return item if row.code is None else item | {"code": row.code}

    def listing(self, limit: int = 5) -> RemoteView:
        """Return the rows as the engine reads them, page by page."""
        index = RemoteView()
        for number in range(1, len(self.rows) // limit + 2):
            index.add(DIALECT.page(self.page(number, limit), COMPANY).rows)
        return index

    def bears(self, row: Dimension) -> bool:
        """Return whether the row is stored under its key just as it is wanted, its label apart."""
        stored = self.rows.get(row.key)
        return (
            stored is not None
            and stored.natural_key == (row.type_code, row.erp_id)
            and stored.name == row.name
            and (row.code is None or stored.code == row.code)
        )


def _read(item: Mapping[str, Any]) -> Dimension:
    assert set(item) - {"code"} == {"type", "dimension_type_code", "name", "unique_key", "erp_dimension_id"}
    return Dimension(
        item["unique_key"],
        item["dimension_type_code"],
        item["type"],
        item["name"],
        item["erp_dimension_id"],
        item.get("code"),
    )


def _error(item: Mapping[str, Any], position: int, spelling: Spelling) -> dict[str, Any]:
    error: dict[str, Any] = {"error": "refused", "type": "validation_error"}
    if spelling.key:
        error["unique_key"] = item["unique_key"]
    if spelling.name:
        error["name"] = item["name"]
    if spelling.base is not None:
        error["index"] = position + spelling.base
    return error


@dataclass(slots=True)
class ModelLedger:
    """What was acknowledged: entries are replaced whole, and lose their standing when an answer is lost."""

    rows: dict[str, RowRecord] = field(default_factory=dict)
    strays: tuple[RemoteRow, ...] = ()
    listed: bool = False
    count: int = 0  # of the last listing, plus the creates acknowledged since

    def read(self) -> CompanyRecord:
        return CompanyRecord(rows=dict(self.rows), keyless=self.strays)

    def learn(self, learned: Learned) -> None:
        for key in learned.gone:
            del self.rows[key]
        self.rows |= learned.rows
        if learned.keyless is not None:
            self.strays = learned.keyless
        self.listed = True
        self.count = learned.certificate.unique

    def lose(self, keys: Iterable[str]) -> None:
        """Forget that these keys were acknowledged: an intent of theirs has no outcome."""
        for key in keys:
            blank = RowRecord(Dimension(key, "", "", "", ""), None, False, False, False)
            self.rows[key] = self.rows.get(key, blank)._replace(outcome_known=False)

    def settle(self, outcome: ChunkOutcome) -> None:
        self.count += sum(result.column is Column.CREATED for result in outcome.results)
        for result in outcome.results:
            if result.column in {Column.CREATED, Column.UPDATED}:
                self.rows[result.change.row.key] = self._acknowledged(result, explained=outcome.explained)
            elif not outcome.explained:
                self.lose([result.change.row.key])

    def _acknowledged(self, result: ItemResult, *, explained: bool) -> RowRecord:
        row, planned_id = result.change[:2]
        before = self.rows.get(row.key)
        matched_id = None if planned_id is None or planned_id.startswith("?") else planned_id
        confirmed = before is not None and before.confirmed
        if explained:
            confirmed |= result.column is Column.CREATED
            confirmed |= matched_id is not None and result.remote_id == matched_id
            confirmed |= before is not None and not before.outcome_known
        return RowRecord(row, result.remote_id or matched_id, confirmed, outcome_known=True, code_known=True)


class Fate(Enum):
    """What becomes of one bulk request."""

    ANSWERED = "answered"
    UNSENT = "lost on the way"
    UNHEARD = "carried out, its answer lost"
    KILLED = "carried out, and the process dies"


@dataclass(slots=True, kw_only=True)
class Run:
    """One company's sync against the models."""

    plan: Plan
    matching: Matching
    index: RemoteView
    listed: bool
    outcomes: list[ChunkOutcome] = field(default_factory=list)


def run(
    server: ModelServer,
    ledger: ModelLedger,
    wanted: Wanted,
    *,
    listed: bool = True,
    fates: Sequence[Fate] = (),
    refused: frozenset[str] = frozenset(),
    chunk_rows: int = 3,
) -> Run:
    """Compare and write once; chunks beyond `fates` are answered.

    `listed=False` believes the ledger where it may: not when a wanted row is in doubt, nor when creates are planned and
    a probe shows another count or anything is in doubt at all.
    """
    listed = listed or not ledger.listed or must_list(wanted, ledger.read())
    record = ledger.read()
    index = server.listing() if listed else as_known(record)
    matching, plan = compared(wanted, index, record)
    if not listed and plan.creates and not _vouched(server, ledger):
        listed = True
        index = server.listing()
        matching, plan = compared(wanted, index, record)
    if listed:
        ledger.learn(absorb(matching, index, record, certificate(index), NOW))
    done = Run(plan=plan, matching=matching, index=index, listed=listed)
    for number, chunk in enumerate(chunks(plan, chunk_rows)):
        fate = fates[number] if number < len(fates) else Fate.ANSWERED
        done.outcomes += _send(server, ledger, chunk, fate, refused)
        if fate is Fate.KILLED:
            break
    return done


def _vouched(server: ModelServer, ledger: ModelLedger) -> bool:
    return len(server.rows) == ledger.count and all(entry.outcome_known for entry in ledger.rows.values())


def chunks(plan: Plan, rows: int) -> Iterator[Chunk]:
    """Return the plan's chunks in the guide contract."""
    return cut(
        plan.changes, Cut(max_rows=rows, max_bytes=10**6, encode=DIALECT.row, body=partial(DIALECT.bulk_body, COMPANY))
    )


def _send(
    server: ModelServer, ledger: ModelLedger, chunk: Chunk, fate: Fate, refused: frozenset[str]
) -> Iterator[ChunkOutcome]:
    if fate is not Fate.UNSENT:
        body = server.bulk(chunk.body, refused=refused)
    if fate is Fate.ANSWERED:
        outcome = reconcile(chunk, DIALECT.bulk(body), exposed=False)
        ledger.settle(outcome)
        yield outcome
    else:
        ledger.lose(change.row.key for change in chunk.changes)
