"""Any sequence of calls leaves a ledger as it would leave a few dictionaries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import LedgerError
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import open_ledger
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.ledger_writes import Intent, Learned, Settlement
from engine.model.outcome import Column, Outcome
from engine.model.resting import Rejection
from engine.model.row_record import Agreement, RowRecord
from tests.ledger.values import HARBOR, LATER, NOON, blank, certificate
from tests.unit.model_server import steady

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.sampled_from(["a", "A", "0100", "100", "é", "e\u0301", "x'; drop table rows; --", "\U0001f374", " ", '"'])
REMOTE = st.builds(RemoteRow, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS)
ENTRIES = st.tuples(
    TEXTS, TEXTS, TEXTS, TEXTS, st.none() | TEXTS, st.none() | TEXTS, *[st.booleans()] * 3, st.none() | REMOTE
)
Fate: TypeAlias = RowRecord | Rejection | None


def entry(key: str, drawn: tuple[object, ...]) -> RowRecord:
    return RowRecord(Dimension._make([key, *drawn[:5]]), *drawn[5:])  # type: ignore[arg-type]  # drawn as such


KNOWN = st.builds(entry, KEYS, ENTRIES)
REJECTIONS = st.builds(Rejection, st.binary(max_size=16), st.sampled_from([NOON, LATER]), TEXTS)
FATES = st.one_of(ENTRIES, REJECTIONS, st.none())
COLUMNS = {tuple: Column.UPDATED, Rejection: Column.REJECTED, type(None): Column.UNCERTAIN}


@dataclass
class Model:
    """The obvious ledger of one company."""

    rows: dict[str, RowRecord] = field(default_factory=dict)
    strays: tuple[RemoteRow, ...] = ()
    rejections: dict[str, Rejection] = field(default_factory=dict)
    state: CompanyState = field(default_factory=CompanyState)
    in_flight: dict[str, tuple[str, ...]] = field(default_factory=dict)
    begun: int = 0
    changes: int = 0
    changes_listed: int | None = None  # when it was last listed; None: never
    record: set[str] = field(default_factory=set)  # keys whose entries an answer has acknowledged
    unlisted: set[str] = field(default_factory=set)  # those of them that were not listed since
    may_be_there: dict[str, NaturalKey] = field(default_factory=dict)
    trail: dict[str, set[tuple[str, str]]] = field(default_factory=dict)  # key -> its requests, and what became of it

    def unsettle(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            if key in self.unlisted and self.rows[key].outcome_known:
                self.may_be_there.setdefault(key, natural_key(self.rows[key].row))
            self.rows[key] = self.rows.get(key, blank(key))._replace(outcome_known=False)

    def note(self, chunk: str, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self.trail.setdefault(outcome.key, set()).add((chunk, outcome.column))

    def forget_refusals(self, keys: Iterable[str]) -> None:
        """A refusal that stands is newer than any doubt."""
        self.rejections = {key: refusal for key, refusal in self.rejections.items() if key not in set(keys)}

    def seen(self) -> CompanyRecord:
        left_over = NOON if self.in_flight else None  # all intents are of that time
        doubtful = {key for key, known in self.rows.items() if not (known.confirmed or known.outcome_known)}
        rows = {key: known._replace(is_fresh=key in self.unlisted) for key, known in self.rows.items()}
        return CompanyRecord(
            rows=rows,
            keyless=self.strays,
            rejections=self.rejections,
            tried=frozenset(
                key
                for key in doubtful - self.record
                if self.rows[key].remote_id is not None and self.rows[key].row.type_code
            ),
            may_be_there=self.may_be_there,
            state=self.state,
            left_over=left_over,
            is_as_listed=self.changes == self.changes_listed,
        )


async def begin(ledger: Ledger, model: Model, keys: set[str]) -> None:
    model.begun += 1
    chunk = Intent(id=f"chunk-{model.begun}", run_id="run", keys=tuple(keys), at=NOON)
    if keys & {key for taken in model.in_flight.values() for key in taken}:
        with pytest.raises(LedgerError):
            await ledger.begin(HARBOR, chunk)
        return
    await ledger.begin(HARBOR, chunk)
    model.in_flight[chunk.id] = chunk.keys


async def settle(ledger: Ledger, model: Model, fates: list[object]) -> None:
    if not model.in_flight:
        return
    chunk, keys = model.in_flight.popitem()
    rejected = {key: fate for key, fate in zip(keys, fates, strict=False) if isinstance(fate, Rejection)}
    as_before = {key: natural for key, natural in model.may_be_there.items() if key in rejected and len(fates) % 2}
    outcome = Settlement(
        intent_id=chunk,
        at=LATER,
        rows={key: entry(key, fate) for key, fate in zip(keys, fates, strict=False) if type(fate) is tuple},
        rejected=rejected,
        rejected_as=dict.fromkeys(rejected, ("another", "row")) | as_before,
        unknown=tuple(key for key, fate in zip(keys, fates, strict=False) if fate is None),
        created=len(fates),
        outcomes=tuple(Outcome(key, COLUMNS[type(fate)]) for key, fate in zip(keys, fates, strict=False)),
    )
    await ledger.settle(HARBOR, outcome)
    model.changes += 1
    model.note(chunk, outcome.outcomes)
    model.rows |= outcome.rows
    model.record |= outcome.rows.keys()
    model.unlisted |= outcome.rows.keys()
    for key in {*outcome.rows, *as_before}:
        model.may_be_there.pop(key, None)
    model.forget_refusals({*outcome.rows, *outcome.unknown})
    model.rejections |= outcome.rejected
    model.unsettle(outcome.unknown)
    if model.state.remote_count is not None:
        model.state = CompanyState(
            listed_at=NOON, checked_at=NOON, remote_count=model.state.remote_count + outcome.created
        )


async def recover(ledger: Ledger, model: Model, _: None) -> None:
    left_over = tuple(key for keys in model.in_flight.values() for key in keys)
    assert await ledger.recover(HARBOR) == len(left_over)
    assert (await ledger.read(HARBOR)).left_over is None
    model.unsettle(left_over)
    model.forget_refusals(left_over)
    model.changes += bool(model.in_flight)
    for chunk, keys in model.in_flight.items():
        model.note(chunk, (Outcome(key, Column.UNCERTAIN) for key in keys))
    model.in_flight.clear()


async def learn(
    ledger: Ledger, model: Model, drawn: tuple[list[RowRecord], set[str], tuple[RemoteRow, ...] | None]
) -> None:
    entries, gone, strays = drawn
    rows = {known.row.key: known for known in entries}
    gone -= set(rows)
    await ledger.learn(
        HARBOR, Learned(certificate=certificate(7), at=NOON, rows=rows, gone=tuple(gone), keyless=strays)
    )
    model.rows = {key: known for key, known in model.rows.items() if key not in gone} | rows
    model.record -= gone
    model.unlisted.clear()
    model.strays = model.strays if strays is None else strays
    model.state = CompanyState(listed_at=NOON, checked_at=NOON, remote_count=7)
    model.changes += bool(rows or gone or strays is not None)
    model.changes_listed = model.changes


def doubted(known: RowRecord) -> Agreement | None:
    return Agreement(is_open=True, is_doubted=True) if known.confirmed and known.outcome_known else None


async def distrust(ledger: Ledger, model: Model, _: None) -> None:
    written = bool(await ledger.known_companies(HARBOR.origin))
    assert await ledger.distrust(HARBOR) == len(model.rows)
    model.rows = {
        key: known._replace(code_known=False, seen=None, agreement=doubted(known), before=None)
        for key, known in model.rows.items()
    }
    model.strays, model.rejections, model.state = (), {}, CompanyState()
    model.unlisted.clear()
    model.changes += written


STEPS = st.one_of(
    st.tuples(st.just(begin), st.sets(KEYS, max_size=4)),
    st.tuples(st.just(settle), st.lists(FATES, min_size=4, max_size=4)),
    st.tuples(st.just(recover), st.none()),
    st.tuples(st.just(distrust), st.none()),
    st.tuples(
        st.just(learn),
        st.tuples(
            st.lists(KNOWN, max_size=4),
            st.sets(KEYS, max_size=3),
            st.none() | st.lists(REMOTE, max_size=3).map(tuple),
        ),
    ),
)


@steady(28)
@given(steps=st.lists(STEPS, max_size=12))
def test_a_ledger_is_a_few_dictionaries(steps: list[tuple[object, object]]) -> None:
    async def play() -> None:
        model = Model()
        async with await open_ledger("sqlite://") as ledger:
            for step, drawn in steps:
                await step(ledger, model, drawn)  # type: ignore[operator]  # each step is drawn with its own argument
                assert await ledger.read(HARBOR) == model.seen()
                assert (await ledger.generation(HARBOR)).number == model.changes
            for key, requests in model.trail.items():
                lines = (await ledger.life(HARBOR, key)).attempts
                assert {(line.attempt, line.column) for line in lines} == requests
                assert len(lines) == len(requests)

    asyncio.run(play())
