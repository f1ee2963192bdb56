"""All short histories of one row and one field, on servers that each store or show it in a way of their own.

The real comparing and learning are driven without HTTP: sources, people and runs in every order, runs with and without
a listing, sent, not sent, and killed before the answer. Afterwards, runs with nothing changed come to cost nothing, and
where the last one exits 0 the row is there as this server stores what the source wants.

`DIMSYNC_STEPS=4 scripts/test tests/unit/test_agreement_histories.py` plays histories of up to four steps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

import pytest

from engine.compare.absorb import absorb
from engine.compare.agreement import pushed
from engine.compare.equality import not_applied
from engine.compare.flapping import flapping
from engine.compare.freshness import must_list
from engine.compare.join import join
from engine.compare.matching import Matching
from engine.compare.plan import DiffRules, diff
from engine.compare.recent_refusals import without_resting
from engine.compare.remote_view import RemoteView, as_known
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension, RemoteRow
from engine.model.resting import RestingRow
from engine.model.row_record import Agreement, RowRecord
from tests.unit.model_server import NOW, certificate, dim, source

MOST_STEPS = int(os.environ.get("DIMSYNC_STEPS", "3"))
KEY, REMOTE_ID = "k", "r1"
QUIET_AFTER, LAST_RUNS = 6, 3
"""So many runs with nothing changed may cost something; so many more must not."""

Fate = Literal["sent", "unsent", "killed"]


class Source(NamedTuple):
    """The source has another value."""

    value: str


class Person(NamedTuple):
    """Somebody writes a value in Ottimate."""

    value: str


class Run(NamedTuple):
    """A run."""

    lists: bool
    fate: Fate = "sent"


class Doubt(NamedTuple):
    """What the ledger knows is doubted (`dimsync ledger distrust`)."""


Step = Source | Person | Run | Doubt


@dataclass
class Server:
    """Stores and shows one field of one row; faithfully, unless a subclass says otherwise."""

    value: str | None = None
    before: str | None = None  # the value that the last push replaced

    def stores(self, value: str) -> str:
        return value

    def shows(self, value: str) -> str:
        return value

    def answers(self, value: str) -> str:
        return value

    def push(self, value: str) -> str:
        """Store a value; return what the answer calls it."""
        stored = self.stores(value)
        self.before, self.value = self.value, stored
        return self.answers(value)

    def edit(self, value: str) -> None:
        """Store what a person writes."""
        self.value = self.before = value

    def listed(self, *, is_same_run: bool) -> str:  # noqa: ARG002  a server that lags asks
        """Return what a listing shows."""
        return self.shows(self.value or "")

    def holds(self, value: str) -> bool:
        """Return whether the row is as this server has it when it was sent so, or just so."""
        return self.value in {value, self.stores(value)}


class Cuts(Server):
    """Cuts values at 3, and says so."""

    def stores(self, value: str) -> str:
        return value[:3]

    def answers(self, value: str) -> str:
        return value[:3]


class CutsQuietly(Server):
    """Cuts values at 3, and echoes what was sent."""

    def stores(self, value: str) -> str:
        return value[:3]


class Capitals(Server):
    """Lists values in capitals."""

    def shows(self, value: str) -> str:
        return value.upper()


class CutsInCapitals(Cuts):
    """Cuts values, says so, and lists them in capitals."""

    def shows(self, value: str) -> str:
        return value.upper()


class Ignores(Server):
    """Acknowledges updates and does not carry them out."""

    def stores(self, value: str) -> str:
        return value if self.value is None else self.value

    def holds(self, value: str) -> bool:
        return self.value == value


class Lags(Server):
    """Shows in a listing of the same run what was there before."""

    def listed(self, *, is_same_run: bool) -> str:
        return (self.before if is_same_run and self.before is not None else self.value) or ""


class Escapes(Server):
    """Stores ampersands as entities, once more each time that it is sent its own spelling."""

    def stores(self, value: str) -> str:
        return value.replace("a", "&a;")


LIMITS = {Ignores: 1, Lags: 2}
"""So many edits by a person can be taken for the server's, once they were told: on a server that ignores updates, one
between a push and its first listing; on one that lags, the same edit made twice around a second push. A ledger that
is doubted counts as an edit: it no longer tells what an update that was not carried out met."""

SERVERS = (Server, Cuts, CutsQuietly, Capitals, CutsInCapitals, Ignores, Lags, Escapes)


@dataclass
class World:
    """A server, a source and a ledger, all of one row."""

    server: Server
    name: str  # of the field
    wanted: Dimension = field(default_factory=lambda: dim(KEY, "1"))
    known: RowRecord | None = None
    resting: dict[str, RestingRow] = field(default_factory=dict)
    is_as_listed: bool = False
    is_doubted: bool = False  # since the last listing

    def record(self) -> CompanyRecord:
        rows = {} if self.known is None else {KEY: self.known}
        state = CompanyState() if self.is_doubted else CompanyState(listed_at=NOW, checked_at=NOW)
        return CompanyRecord(rows=rows, resting=dict(self.resting), state=state, is_as_listed=self.is_as_listed)

    def change(self, value: str) -> None:
        self.wanted = self.wanted._replace(**{self.name: value})

    def shown(self, *, is_same_run: bool) -> RemoteView:
        if self.server.value is None:
            return RemoteView()
        row = self.wanted._replace(**{self.name: self.server.listed(is_same_run=is_same_run)})
        return RemoteView([RemoteRow(REMOTE_ID, row.type_code, row.type_label, row.name, row.erp_id)])

    def run(self, step: Run) -> tuple[int, int]:
        """Return the exit code and what the run cost, listings that the step asks for left out."""
        record, wanted = self.record(), source(self.wanted)
        lists = step.lists or self.is_doubted or must_list(wanted, record, set(self.resting))
        cost = int(lists and not step.lists)
        code, again = self._compare(record, lists=lists, is_same_run=False, fate=step.fate)
        if self._sent:
            cost += 1
        if again and step.fate == "sent":
            cost += 1
            code = max(code, self._compare(self.record(), lists=True, is_same_run=True, fate=None)[0])
        return code, cost

    def _compare(self, record: CompanyRecord, *, lists: bool, is_same_run: bool, fate: Fate | None) -> tuple[int, bool]:
        wanted = source(self.wanted)
        index = self.shown(is_same_run=is_same_run) if lists else as_known(record)
        matching = join(wanted, index, record)
        plan, rejected = without_resting(
            diff(matching, index, record, DiffRules(flapping=flapping(record, NOW))), record, NOW
        )
        if lists:
            self._learn(matching, index, record, plan.not_applied)
        self._sent = False
        code = 3 if plan.otherwise or rejected or plan.not_applied else 4 if plan.holds else 0
        code = max(code, 5 if fate is None and plan.changes else 0)
        for change in plan.changes if fate is not None else ():
            if fate == "unsent":
                return 5, False
            self._sent = True
            there = index.rows.get(change.remote_id or "")
            answered = self.server.push(getattr(self.wanted, self.name))
            self.is_as_listed = False
            if fate == "killed":
                row = dim(KEY, "")._replace(type_code="", name="", type_label="") if self.known is None else None
                entry = (
                    RowRecord(row, None, confirmed=False, outcome_known=False, code_known=False) if row else self.known
                )
                self.known = entry and entry._replace(outcome_known=False)
                return 137, False
            is_other = self.name == "name" and answered != self.wanted.name
            agreement, before = pushed(
                self.wanted,
                self.known,
                change.fields,
                there,
                answered=answered if is_other else None,
                again=plan.again.get(KEY),
                run_id="run",
            )
            self.known = RowRecord(
                self.wanted, REMOTE_ID, True, True, True, is_fresh=True, agreement=agreement, before=before
            )
            self.resting.clear()
            code = 3 if is_other else code
        return code, bool(plan.again)

    def _learn(self, matching: Matching, index: RemoteView, record: CompanyRecord, stuck: Mapping[str, str]) -> None:
        notes = {key: not_applied(self.wanted, text, NOW) for key, text in stuck.items()}
        learned = absorb(matching, index, record, certificate(index), NOW, "run", notes=notes)
        entry = learned.rows.get(KEY, self.known)
        self.known = None if KEY in learned.gone else entry and entry._replace(is_fresh=False)
        self.resting = {**{k: v for k, v in self.resting.items() if k not in learned.rested}, **learned.resting}
        self.is_as_listed, self.is_doubted = True, False

    def copy(self) -> World:
        """Return a world like this one, for something else to happen in."""
        return replace(self, server=replace(self.server), resting=dict(self.resting))

    def state(self) -> str:
        """Return, as text, all that a run depends on: of two worlds in one state, the same comes from then on."""
        return repr(self)

    def doubt(self) -> None:
        """Forget what the ledger forgets, which `tests/ledger/test_distrust.py` tells."""
        if self.known is not None:
            is_open = self.known.confirmed and self.known.outcome_known
            agreement = Agreement(is_open=True, is_doubted=True) if is_open else None
            row, remote_id, confirmed, settled, *_ = self.known
            self.known = RowRecord(row, remote_id, confirmed, settled, code_known=False, agreement=agreement)
        self.resting.clear()
        self.is_as_listed, self.is_doubted = False, True


def steps(values: tuple[str, ...]) -> list[Step]:
    """Return all that may happen."""
    runs = [Run(lists, fate) for lists in (True, False) for fate in ("sent", "unsent", "killed")]
    return [*map(Source, values), *map(Person, values), *runs, Doubt()]


class Played(NamedTuple):
    """A world, and the history that led to it."""

    world: World
    history: tuple[Step, ...] = ()
    is_told: bool = False  # a run has exited 3
    edits: int = 0

    def then(self, step: Step) -> Played:
        """Return what a further step leads to."""
        world = self.world.copy()
        is_told, edits = self.is_told, self.edits + isinstance(step, Person | Doubt)
        match step:
            case Source(value):
                world.change(value)
            case Person(value):
                world.server.edit(value)
            case Run():
                is_told |= world.run(step)[0] == 3
            case Doubt():
                world.doubt()
        return Played(world, (*self.history, step), is_told, edits)


def played(world: World, values: tuple[str, ...]) -> Iterator[Played]:
    """Yield what histories of up to so many steps lead to, the shortest first.

    All that comes of a history follows from the world's state, from whether a run has told, and from the number of
    edits: of histories that are alike in these, one goes on for all of them.
    """
    last, met = [Played(world)], set[tuple[str, bool, int]]()
    for length in range(MOST_STEPS + 1):
        reached = {(each.world.state(), each.is_told, each.edits): each for each in reversed(last)}
        last = [each for key, each in reached.items() if key not in met]
        met |= reached.keys()
        yield from last
        last = [each.then(step) for each in last for step in steps(values)] if length < MOST_STEPS else []


Trail = tuple[list[tuple[int, int]], str | None]
"""What runs with nothing changed end with and cost, and the value that the server has in the end."""


def trail_of(world: World) -> Trail:
    """Run with nothing changed, again and again."""
    runs = [world.run(Run(lists=True)) for _ in range(QUIET_AFTER + LAST_RUNS)]
    return runs, world.server.value


def wrong(end: Played, trail: Trail) -> str | None:
    """Return what is wrong after a history, and runs with nothing changed; None: nothing is."""
    server, (runs, value) = end.world.server, trail
    wanted = getattr(end.world.wanted, end.world.name)
    if any(cost for _, cost in runs[-LAST_RUNS:]):
        return f"perpetual: {runs}"
    is_told = end.is_told or any(code == 3 for code, _ in runs)
    if is_told and end.edits >= LIMITS.get(type(server), MOST_STEPS + 1):
        return None
    if runs[-1][0] == 0 and not replace(server, value=value).holds(wanted):
        return f"green but wrong: {value!r} for {wanted!r}"
    return None


@pytest.mark.parametrize("kind", SERVERS)
def test_names(kind: type[Server]) -> None:
    values = ("ann", "bob", "annex")  # the last one cut is the first one
    first = World(kind(), "name")
    first.change(values[0])
    first.run(Run(lists=True))
    trails: dict[str, Trail] = {}
    for end in played(first, values):
        state = end.world.state()
        if state not in trails:
            trails[state] = trail_of(end.world.copy())
        assert (wrong(end, trails[state]), end.history) == (None, end.history)
