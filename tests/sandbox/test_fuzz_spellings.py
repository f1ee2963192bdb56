"""Whole histories against servers that alter values or ignore updates: what is claimed of runs, row by row.

From each seed a server is drawn (names, ERP ids, codes and types cut, escaped, in capitals, folded or renamed, where
they are stored or where they are listed; updates ignored; answers with names and ids, or without), and companies with
some rows, and runs: sources change, strangers edit, runs are killed, stopped or cancelled. Held against the record:

1. Never green but wrong. After a run with exit 0, a field of a row is (a) stored or listed as wanted; or (b) listed
   as this server spells it, which was told before, or let be by a person; or (c) pushed so, or edited by a stranger,
   since the last whole listing, so that nobody could know. `LIMIT` says what is told, taken for (b), and is not.
2. No key has two rows, and no row is made beside one that is listed as what it is. What is sent are rows of the
   company's own source; rows of a company that is not synced stay as they are; labels of known rows change by
   `relabel` alone.
3. Once the world stands still, after at most `SETTLING` runs with a listing, only listings are sent while the clock
   stands still, too, and without one nothing. Each spelling of a name, code or label was then told in one run by what
   a listing showed, since it came to be, and by each answer that said so; that of an ERP id or type is told in every
   run until a person lets it be; an ignored update is told `not-applied` in every run. So is a spelling that was there
   before the first push, which nobody can tell from it. Nothing else is told of spellings.
4. A row is pushed at most twice for each change of its own on either side, once more if its create met a row that was
   there, and once more for each run that pushed it and did not live to know what became of that. A run lists a company
   once; once more if it pushed a row that had been pushed before; once more if it sent a row that was there, and no
   answer had told which one it is; and once more if answers may leave that open, as they spell names otherwise, or give
   no names or ids.

A push of unknown outcome is like a change of the row: what was told of it may be told once more. A run that was closed
in the journal and died before it returned has told what it had to tell.

`DIMSYNC_FUZZ=20` plays twenty times as many seeds; `DIMSYNC_SEEDS=1017,1020` plays these.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any, NamedTuple

import pytest

from engine import CompanyResult, Dimension, VerifyMode
from engine.compare.spelling import is_spelling
from engine.model.dimension import canonical_type
from engine.sandbox.faults.scheduled_fault import ScheduledFault
from engine.sandbox.tenant import Row, Values
from engine.sandbox.ways import FIELDS
from tests.empty_ledgers import empty_ledger
from tests.sandbox.conftest import DIRECTORY
from tests.sandbox.fuzz import StageLoop
from tests.sandbox.test_fuzz_runs import CALM, MORE, PLAIN, TYPES, Act, Case, Check, Fleet, Here, Tally

SEEDS = [int(seed) for seed in os.environ.get("DIMSYNC_SEEDS", "").split(",") if seed] or range(40 * max(1, MORE))
BLOCK = 20
"""Seeds in one test."""

SETTLING = 5
STILL = 3

NAMES = [
    "Rent",
    "RENT",
    "Rent & rates",
    "Rent  &  rates",
    'Rent - "old"',
    "Rent & rates of the house in the long street",
    "Rent & rates of the house in the long avenue",
]
CODES = ["c1", "C1", "c2 & c3", None]
SPELLINGS: list[dict[str, Any]] = [
    {"capitals": True},
    {"escaped": True},
    {"squeezed": True},
    {"curly": True},
    {"shortened": 4},
    {"shortened": 24},
]
ALTERED: list[dict[str, Any]] = [
    *({"spelled": spelled, "name": how} for spelled, how in product(["stored", "listed"], SPELLINGS)),
    *({"spelled": spelled, "code": how} for spelled, how in product(["stored", "listed"], SPELLINGS[:2])),
    *(
        {"spelled": spelled, "erp_id": how}
        for spelled, how in product(["stored", "listed"], [{"zeros_stripped": True}, {"capitals": True}])
    ),
    {"types": {"department": "class"}},
]
IGNORED: list[dict[str, Any]] = [
    {"fixed": ["name"]},
    {"fixed": ["erp_id"]},
    {"fixed": ["code"]},
    {"fixed": ["type"]},
    {"fixed": ["name", "erp_id", "code", "type"]},
]
ANSWERS: list[dict[str, Any]] = [{"answer_names": False}, {"answer_ids": "absent"}]

COMPARED = ("name", "erp_id", "type_code", "type_label", "code")
IN_VALUES = {"type_label": "label"}
BREAKING = {"erp_id", "type_code"}


class Move(NamedTuple):
    """Somebody gives a row another value; None: it leaves the source, or comes back to it."""

    company: int  # its place in the fleet
    row: int
    name: str | None
    value: str | None


class Step(NamedTuple):
    """One run, and who changed what before it."""

    source: list[Move]
    strangers: list[Move]
    act: Act


class History(NamedTuple):
    """All that is drawn from a seed."""

    contract: str
    fleet: Fleet
    steps: list[Step]


def erp_ids(row: int) -> list[str]:
    """Return the ERP ids that a row may have; however they are altered, no other row has them."""
    return [f"0{row}", f"0{row}a", f"00{row}-b"]


def value(rng: Random, name: str, row: int) -> str | None:
    """Draw a value of a field."""
    kind = rng.choice(TYPES)
    pools: Mapping[str, list[str | None]] = {
        "name": [*NAMES],
        "erp_id": [*erp_ids(row)],
        "code": [*CODES],
        "type_code": [kind[0]],
        "type_label": [kind[1], "Other"],
    }
    return rng.choice(pools[name])


def drawn_row(rng: Random, number: int) -> Dimension:
    kind = rng.choice(TYPES)
    name, erp_id = rng.choice(NAMES), rng.choice(erp_ids(number))
    return Dimension(f"k{number}", *kind, name, erp_id, rng.choice(CODES))


def drawn_ways(rng: Random) -> Iterator[dict[str, Any]]:
    ways = rng.choices([*ALTERED, *IGNORED * 2], k=rng.choice([1, 1, 2, 3]))
    ways += rng.sample(ANSWERS, rng.choice([0, 0, 0, 1, 2]))
    for way in ways:
        yield {**way, "companies": [1]} if rng.random() < 0.1 else way


def drawn_moves(rng: Random, rows: list[int], most: int, *, leave: bool) -> list[Move]:
    moves = []
    for _ in range(rng.choice([0, *range(most + 1)])):
        company = rng.randrange(len(rows))
        row = rng.randrange(rows[company])
        names = ["name", "name", "name", "erp_id", "code", "type_code", "type_label"]
        name = rng.choice([*names, None] if leave else names)
        moves.append(Move(company, row, name, value(rng, name, row) if name else None))
    return moves


def drawn_act(rng: Random) -> Act:
    hours = rng.choice([0, 0, 1, 25, 240, 240])
    mode = rng.choice([VerifyMode.AUTO, VerifyMode.AUTO, VerifyMode.AUTO, VerifyMode.FULL, VerifyMode.NONE])
    fate = (
        (rng.choice(["kill", "kill", "stop", "cancel", "storm"]), rng.randint(1, 45)) if rng.random() < 0.25 else None
    )
    allow = "stored-otherwise" if rng.random() < 0.08 else None
    return CALM._replace(hours=hours, mode=mode, fresh=rng.random() < 0.3, fate=fate, allow=allow)


def draw(seed: int) -> History:
    rng = Random(seed)
    wanted, there = [], []
    for _ in range(rng.choice([1, 1, 2])):
        wanted.append([drawn_row(rng, number) for number in range(rng.randint(1, 4))])
        before = [
            (rng.choice(["ours", "theirs", "nobody's"]), rng.choice([row, drawn_row(rng, number)]))
            for number, row in enumerate(wanted[-1])
            if rng.random() < 0.3
        ]
        there.append(before)
    fleet = PLAIN._replace(
        there=there,
        kept=[0] * len(wanted),
        wanted=wanted,
        chunk_rows=rng.choice([100, 100, 2]),
        seed=seed,
        ways=tuple(drawn_ways(rng)),
        relabel=rng.random() < 0.4,
    )
    rows = list(map(len, wanted))
    steps = [
        Step(drawn_moves(rng, rows, 4, leave=True), drawn_moves(rng, rows, 2, leave=False), drawn_act(rng))
        for _ in range(rng.randint(2, 6))
    ]
    return History(rng.choice(["guide", "reference"]), fleet, steps)


class Spelling(NamedTuple):
    """A field of a row, as it is wanted and as it is shown."""

    company: int
    key: str
    name: str
    wanted: str
    shown: str


@dataclass(slots=True)
class Record:
    """What is on record of one key of a company. Numbers are those of requests; a stranger's are of the one before."""

    pushes: list[tuple[int, Values]] = field(default_factory=list)
    edits: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)  # by field: strangers' values
    changes: int = 1  # of either side, since it was first pushed; the first is that there is a row
    lost: int = 0  # runs that pushed it and did not live to know what became of it
    met: bool = False  # its first push met a row that was there, and nobody knew that it would
    wanted: Dimension | None = None  # at the last run
    was: set[tuple[str, str]] = field(default_factory=set)  # fields, and what they showed before they were pushed anew
    told: Counter[Spelling] = field(default_factory=Counter)  # in how many runs, since it was last pushed otherwise
    told_again: Counter[Spelling] = field(default_factory=Counter)  # and since a stranger's edit, or a lost push

    def pushed(self, number: int, values: Values, showed: Mapping[str, str | None], *, is_linked: bool) -> None:
        """Take in a push. `showed`: how the row was listed before; `is_linked`: it was known which row it is."""
        before = self.pushes[-1][1] if self.pushes else None
        self.met |= before is None and bool(showed) and not is_linked
        self.pushes.append((number, values))
        moved = {name for name in COMPARED if before is None or of(before, name) != of(values, name)}
        self.was |= {(name, text) for name, text in showed.items() if text and (name in moved or not is_linked)}
        if before is not None:
            for told in (self.told, self.told_again):
                for spelling in [each for each in told if each.name in moved]:
                    del told[spelling]


def of(values: Values, name: str) -> str | None:
    found: str | None = getattr(values, IN_VALUES.get(name, name))
    return canonical_type(found) if name == "type_code" and found else found


class Watched(Case):
    """A case that keeps a record of each key."""

    def __init__(self, history: History, database: Any) -> None:
        super().__init__(history.contract, history.fleet, database, Oracle)
        self.records: dict[tuple[int, str], Record] = {}
        self.listed: dict[int, int] = {}  # by company: number of the last whole listing that a run told of
        self.listings: dict[int, list[int]] = {}  # by company: numbers of all listings that runs told of
        self.let: set[Spelling] = set()
        self.limits = 0
        self.strange: list[Values] = []  # what was sent and is in no source of its company
        self.service.place(99, [Values("k0", "account", "Account", "Rent", "00")], name="Bystander")
        self.bystander = self.service.tenant.companies[99].rows[0]

    def record(self, here: Here, key: str) -> Record:
        return self.records.setdefault((here.id, key), Record())

    @property
    def number(self) -> int:
        return self.service._number

    def take(self, step: Step) -> None:
        """Let sources change, and strangers edit rows of ours."""
        for move in step.source:
            self.change(self.here[move.company], move)
        for move in step.strangers:
            self.edit(self.here[move.company], move)

    def change(self, here: Here, move: Move) -> None:
        key = f"k{move.row}"
        at = next((at for at, row in enumerate(here.source) if isinstance(row, Dimension) and row.key == key), None)
        if move.name is None:
            if at is None:
                here.source.append(next(row for row in reversed(here.former[0]) if row.key == key))  # type: ignore[union-attr]
            elif len(here.source) > 1:
                here.former[0].append(here.source.pop(at))
        elif at is not None:
            old = here.source[at]
            assert isinstance(old, Dimension)
            here.source[at] = old._replace(**self.news(here, move))

    def news(self, here: Here, move: Move) -> dict[str, Any]:
        """Return the field of a move and its value; a name is the company's own."""
        dressed = here.dressed(Dimension("", "", "", move.value or "", "")).name
        return {move.name or "": dressed if move.name == "name" else move.value}

    def edit(self, here: Here, move: Move) -> None:
        company, key = self.service.tenant.companies[here.id], f"k{move.row}"
        row = company.find(key)
        if row is None or move.name is None:
            return
        news = self.news(here, move)
        values = row.values._replace(**{IN_VALUES.get(name, name): text for name, text in news.items()})
        if values != row.values:
            record = self.record(here, key)
            showed = self.shown(here, row.values).get(move.name)
            if showed and not record.pushes:  # a listing may have shown it
                record.was.add((move.name, showed))
            self.service.tenant.change(company, row, values)
            record.edits.setdefault(move.name, []).append((self.number, news[move.name]))
            record.changes += 1
            record.told_again.clear()

    def watch(self, turn: ScheduledFault) -> None:
        super().watch(turn)
        here = next((here for here in self.here if here.id == turn.call.company_id), None)
        if here is None or turn.call.operation != "bulk" or not turn.entry.committed:
            return
        for item in turn.call.items:
            assert isinstance(item, Values)
            assert item.key is not None
            there = next((values for _, values in here.before.values() if values.key == item.key), None)
            showed = self.shown(here, there) if there else {}
            is_linked = here.links.get(item.key) is not None
            self.record(here, item.key).pushed(turn.call.number, item, showed, is_linked=is_linked)
            sent = (item.key, of(item, "type_code"), item.name, item.erp_id)
            if sent not in {(row[0], row[1], row[3], row[4]) for row in here.ever}:
                self.strange.append(item)

    def shown(self, here: Here, values: Values) -> dict[str, str | None]:
        """Return a row's fields as listings show them; those that they do not show are left out."""
        row = Row(id="dim_0", company_id=here.id, values=values, created_by=0, created_at=self.now())
        cells = self.service.ways.show(dict(self.service.contract.listed(row)), here.id)
        kind = cells["dimension_type" if self.contract == "guide" else "ottimate_type"]
        found = {
            "name": cells["name"].strip(),  # as everybody reads it
            "erp_id": cells["erp_dimension_id"],
            "type_code": canonical_type(kind),
            "type_label": cells["type" if self.contract == "guide" else "erp_type"],
        }
        return found if self.contract == "guide" else {**found, "code": cells.get("code")}

    def fixed(self, here: Here) -> set[str]:
        """Return the fields that updates leave as they are."""
        named = {FIELDS[name] for way in self.service.ways.of(here.id) for name in way.fixed}
        return named | ({"type_label"} if "type_code" in named else set())

    def spelled(self, here: Here, key: str) -> Iterator[Spelling]:
        """Yield the fields of a wanted row that listings show otherwise."""
        wanted, row = here.valid()[key], self.service.tenant.companies[here.id].find(key)
        if row is None:
            return
        for name, there in self.shown(here, row.values).items():
            mine = getattr(wanted, name)
            if name == "type_label" and not self.fleet.relabel:
                continue
            if mine != there and mine is not None and there is not None:
                yield Spelling(here.id, key, name, mine, there)

    def is_faithful(self, here: Here, each: Spelling) -> bool:
        """Return whether a field is shown as this server shows it when it is sent as it is wanted."""
        wanted = Values(*here.valid()[each.key])
        return self.shown(here, self.service.ways.store(wanted, here.id))[each.name] == each.shown


LIMIT = """What cannot be told apart, is told once, and then taken for the server's spelling. Where updates are ignored:
a name or code that was there before and is plainly a spelling of what was sent, as in capitals;
a stranger's value that was written between a push and its listing; and the spelling of a value that was pushed and not
listed before the next one was pushed. Elsewhere: a stranger's value that was written twice, around a second push that a
dead run made."""


class Oracle(Check):
    """What is claimed after a run."""

    case: Watched

    async def all(self) -> None:
        assert self.case.bystander.revision == 1, "a row of another company was touched"
        assert not self.case.strange, f"not of this company: {self.case.strange}"
        if self.result is not None:
            self._books(self.result)
        for place, here in enumerate(self.case.here):
            told = self.result.companies[place] if self.result else None
            self._spent(here)
            self._note(here, told)
            self._rows(here)
            if told is not None and told.exit_code == 0 and (wrong := list(self.astray(here))):
                raise AssertionError(f"GREEN BUT WRONG: company {here.id}: {wrong}")

    def _note(self, here: Here, told: CompanyResult | None) -> None:
        """Take what the run told, and what it listed, to the record."""
        case = self.case
        pushed = {key for (company, key), record in case.records.items() if company == here.id and self._new(record)}
        if told is None or told.exit_code not in {0, 3, 4}:
            for key in pushed if told is not None else here.valid():  # an intent alone makes an outcome unknown
                record = case.record(here, key)
                record.lost += 1
                record.told_again.clear()
        listings = [each.number for each in case.service.log if (each.operation, each.company) == ("list", here.id)]
        if told is not None and told.balance.remote_rows is not None and listings:
            case.listings.setdefault(here.id, []).extend(listings)
            case.listed[here.id] = listings[-1]
        for key in here.valid():
            record = case.record(here, key)
            for each in case.spelled(here, key):
                if self.act.allow == "stored-otherwise" or (told is None and self._is_closed()):
                    case.let.add(each)
        for problem in told.problems if told else ():
            if problem.code == "stored-otherwise" and problem.key is not None:
                self._tell(here, problem.key, problem.message)

    def _tell(self, here: Here, key: str, message: str) -> None:
        record = self.case.record(here, key)
        spelled = self.case.spelled(here, key)
        found = [each for each in spelled if f"{each.name} {each.wanted!r} is shown as {each.shown!r}" in message]
        wanted = here.valid()[key].name
        stored = self.case.service.ways.store(Values(*here.valid()[key]), here.id).name.strip()
        if f"its name {wanted!r} was acknowledged as {stored!r}" in message:
            found.append(Spelling(here.id, key, "name", wanted, stored))
            del record.told_again[found[-1]]  # an answer tells it each time
        edits = [number for edited in record.edits.values() for number, _ in edited]
        is_unseen = bool(edits) and max(edits) >= self.case.listed.get(here.id, 0)
        if not found and not is_unseen:
            raise AssertionError(f"told of {key}, and it is not so: {message}")
        news = [each for each in found if not record.told[each]] or found  # beside news, the others are named again
        record.told.update(set(found))
        record.told_again.update(set(news))

    def _new(self, record: Record) -> int:
        """Return how often a row was pushed in this run."""
        return sum(number >= self.case.first for number, _ in record.pushes)

    def _is_closed(self) -> bool:
        rows = self.case.database.execute("select finished_at from runs order by rowid desc limit 1").fetchall()
        return bool(rows) and rows[0][0] is not None

    def _rows(self, here: Here) -> None:
        """No row is there twice, and labels are left alone."""
        rows = self.case.rows(here)
        uses = Counter(row.values.key for row in rows if row.values.key is not None)
        assert not uses or max(uses.values()) == 1, f"THERE TWICE: {uses}"
        for row in rows:
            if row.id in here.before:
                old = here.before[row.id][1]
                record = self.case.record(here, row.values.key or "")
                edits = record.edits.get("type_label", [])
                pushed = record.pushes[-1][0] if record.pushes else 0
                is_seen = not edits or any(edits[-1][0] < each < pushed for each in self.case.listings.get(here.id, ()))
                kinds = {of(old, "type_code"), of(row.values, "type_code")}
                is_same = (
                    len({*kinds, *(self.case.shown(here, values)["type_code"] for values in (old, row.values))}) == 1
                )
                if (
                    is_same
                    and is_seen
                    and here.links.get(row.values.key or "")
                    and not self.case.fleet.relabel
                    and not self.case.loose_ends
                ):
                    assert old.label == row.values.label, f"a label was changed: {old} -> {row.values}"
            elif row.created_by >= self.case.first:
                sent = self.case.record(here, row.values.key or "").pushes[0][1]
                for other in rows:
                    theirs = self.case.shown(here, other.values)
                    is_one = [of(sent, name) == theirs[name] for name in ("type_code", "erp_id")]
                    if (
                        other is not row
                        and other.id in here.before
                        and all(is_one)
                        and other.values.key not in here.valid()
                    ):
                        raise AssertionError(f"MADE TWICE: {row.values}, {other.values}")

    def _spent(self, here: Here) -> None:
        """Rows are pushed twice a change, and listings read twice a run, at most."""
        is_second = is_met = is_unsaid = False
        for (company, key), record in self.case.records.items():
            if company == here.id:
                most = 2 * record.changes + record.lost + record.met
                pushes = [number for number, _ in record.pushes]
                if len(pushes) > most:
                    raise AssertionError(f"PUSHED {len(pushes)} times, at most {most}: {key} {record}")
                if new := self._new(record):
                    is_second |= len(pushes) > new
                    is_there = key in {values.key for _, values in here.before.values()}
                    is_met |= is_there and here.links.get(key) is None
                    is_unsaid |= self._is_unsaid(here, record.pushes[-1][1])
        lists = sum(each.operation == "list" and each.company == here.id for each in self.case.service.log)
        if lists > 1 + is_second + is_met + is_unsaid:
            raise AssertionError(f"READ TOO OFTEN: {lists} listings")

    def _is_unsaid(self, here: Here, values: Values) -> bool:
        """Return whether an answer to a row may leave open which row it is about."""
        ways = list(self.case.service.ways.of(here.id))
        is_bare = any(way.answer_ids == "absent" or not way.answer_names for way in ways)
        return is_bare or self.case.service.ways.store(values, here.id).name != values.name

    def astray(self, here: Here) -> Iterator[str]:
        """Yield what is wrong in a row, and what nobody was told."""
        case, listed = self.case, self.case.listed.get(here.id, 0)
        for key, wanted in here.valid().items():
            record, row = case.record(here, key), case.service.tenant.companies[here.id].find(key)
            if row is None:
                faces = [case.shown(here, each.values) for each in case.rows(here)]
                names = ("type_code", "erp_id", "name")
                if not any(all(face[name] == getattr(wanted, name) for name in names) for face in faces):
                    yield f"{wanted} is not there"
                continue
            last, sent = record.pushes[-1] if record.pushes else (0, None)
            for each in case.spelled(here, key):
                edits = record.edits.get(each.name, [])
                is_known = each in record.told or each in case.let
                if of(row.values, each.name) == each.wanted or (is_known and case.is_faithful(here, each)):
                    continue
                if sent is not None and last > listed and of(sent, each.name) == each.wanted:
                    continue
                if edits and edits[-1][0] >= listed:
                    continue
                if is_known and is_limit(case, here, each, record):
                    case.limits += 1
                    continue
                yield f"{each}, told {dict(record.told)}"


def begin(case: Watched) -> None:
    """Note what sources hold as a run begins."""
    for here in case.here:
        wanted = here.valid()
        for key in {f"k{number}" for number in range(4)} | wanted.keys():
            record, row = case.record(here, key), wanted.get(key)
            record.changes += record.pushes != [] and record.wanted != row
            there = case.service.tenant.companies[here.id].find(key)
            if record.wanted is None and record.pushes and there is not None:  # listed meanwhile, and wanted by nobody
                record.was |= {(name, text) for name, text in case.shown(here, there.values).items() if text}
            record.wanted = row


async def stand_still(case: Watched) -> None:
    """Run with nothing changed, until only listings are sent; and then check what is told."""
    for _ in range(SETTLING):
        result = await case.play(CALM)
        held = [one for each in result.companies for one in each.problems if one.code == "flapping"] if result else []
        if not held and not any(each.operation == "bulk" for each in case.service.log):
            break
    for number in range(STILL + 1):
        act = CALM._replace(hours=0)
        if number == STILL:
            act = act._replace(mode=VerifyMode.AUTO, fresh=False)
        result = await case.play(act)
        assert result is not None
        free = {*DIRECTORY, "token", *(["list"] if number < STILL else [])}
        asked = [(each.operation, each.company, each.rows) for each in case.service.log if each.operation not in free]
        told = [(each.exit_code, [(one.code, one.message) for one in each.problems]) for each in result.companies]
        assert not asked, f"STILL ASKING: {asked} {told}"
        for here, each in zip(case.here, result.companies, strict=True):
            told_now(case, here, each)


def told_now(case: Watched, here: Here, told: CompanyResult) -> None:
    """Check what a run tells of a company that stands still."""
    said: dict[str | None, dict[str, str]] = {}
    for problem in told.problems:
        if problem.code not in {"not-observable", "code-filled"}:
            said.setdefault(problem.key, {})[problem.code] = problem.message
    assert None not in said, f"held as a whole: {told.problems}"
    for key in here.valid():
        record, says = case.record(here, key), said.get(key, {})
        if says.keys() <= {"stored-otherwise", "not-applied"}:  # else it is held for another reason
            row_told(case, here, record, says, list(case.spelled(here, key)))


def row_told(case: Watched, here: Here, record: Record, says: Mapping[str, str], found: list[Spelling]) -> None:
    """Check what is told of a row, in this run and before. `found`: its fields that are not shown as wanted."""
    still = says.get("not-applied", "")
    stuck = [each for each in found if f"{each.name} {each.wanted!r} is still {each.shown!r}" in still]
    if still and not stuck:
        raise AssertionError(f"NOT SO: {still}, {found}")
    for each in stuck:
        is_known = each.name in case.fixed(here) or (each.name, each.shown) in record.was
        assert is_known, f"it is not ignored: {each}, {record}"
        sent = {of(values, each.name) for _, values in record.pushes}
        assert each.wanted in sent, f"it was never sent, and is told to be ignored: {each}, {record}"
    spelled = [each for each in found if each not in stuck]
    for each in spelled:
        if not (record.told[each] or each in case.let):
            raise AssertionError(f"NEVER TOLD: {each} {says} {record}")
        if (
            each.name in case.fixed(here)
            and not case.is_faithful(here, each)
            and not is_limit(case, here, each, record)
        ):
            raise AssertionError(f"IGNORED, AND NOT TOLD SO: {each} {says} {record}")
    breaks = [each for each in spelled if each.name in BREAKING]
    if "stored-otherwise" in says and not breaks:
        raise AssertionError(f"TOLD AGAIN: {says} {record}")
    if "stored-otherwise" not in says and not case.let.issuperset(breaks):
        raise AssertionError(f"NOT TOLD: {breaks} {says} {record}")
    for each in spelled:
        if not breaks and record.told_again[each] > 1:
            raise AssertionError(f"TOLD {record.told_again[each]} TIMES: {each} {record}")


def is_limit(case: Watched, here: Here, each: Spelling, record: Record) -> bool:
    """Return whether what is shown cannot be told from the server's spelling: `LIMIT`."""
    wanted = Values(*here.valid()[each.key])
    field_name = IN_VALUES.get(each.name, each.name)
    edits: list[Any] = [text for _, text in record.edits.get(each.name, ())]
    shown = [case.shown(here, wanted._replace(**{field_name: text}))[each.name] for text in edits]
    written = shown.count(each.shown)
    if each.name not in case.fixed(here):
        return written > 1 and record.lost > 0
    if each.name in {"name", "code"} and is_spelling(each.shown, each.wanted):
        return True
    stored = [case.service.ways.store(values, here.id) for _, values in record.pushes]
    return written > 0 or any(case.shown(here, values)[each.name] == each.shown for values in stored)


async def live(history: History, database: Any, tally: Tally) -> int:
    case = Watched(history, database)
    for here in case.here:
        here.former.append(list(here.source))
    tally.cases += 1
    for step in history.steps:
        case.take(step)
        begin(case)
        tally.take(await case.play(step.act))
    await stand_still(case)
    return case.limits


@pytest.mark.long
@pytest.mark.timeout(0 if MORE else 600)
@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning"
)  # a death before a task's first step
@pytest.mark.parametrize("first", range(0, len(SEEDS), BLOCK))
def test_whatever_servers_make_of_values(first: int) -> None:
    tally, failed = Tally(), []
    for seed in SEEDS[first : first + BLOCK]:
        with empty_ledger() as database, asyncio.Runner(loop_factory=StageLoop) as stage:
            try:
                stage.run(live(draw(seed), database, tally))
            except Exception as error:  # noqa: BLE001  all seeds are played, whatever comes of one
                failed.append(f"{seed}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)
