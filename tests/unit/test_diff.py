"""Matched rows -> plan: what is compared, what is only known from the ledger, and what is not sent."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.compare.absorb import absorb
from engine.compare.join import join
from engine.compare.plan import DiffRules, diff
from engine.compare.remote_view import RemoteView, as_known
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, clean
from engine.model.row_record import RowRecord
from engine.model.wanted import Wanted
from tests.tables import each_of
from tests.unit.model_server import (
    NOW,
    ModelLedger,
    ModelServer,
    certificate,
    compared,
    dim,
    known,
    ledger_of,
    shown,
    source,
    steady,
)


class Case(NamedTuple):
    """One wanted row, one remote row, perhaps a ledger entry; and what the plan says of them."""

    row: Dimension
    remote: RemoteRow
    entry: RowRecord | None = None
    update: tuple[str, ...] | None = None  # the differing fields; None: not sent
    unchanged: int = 0
    adopted: int = 0
    code_unseen: int = 0
    hold: str | None = None


MINE = known(dim("k1", "1", code="c1"), "r1")
ADOPTED = known(dim("k1", "1"), "r1", confirmed=False, code_known=False)

CASES = {
    "equal, first contact": Case(dim("k1", "1"), shown("r1", "1"), unchanged=1, adopted=1),
    "equal, first contact, a code that nobody shows": Case(
        dim("k1", "1", code="c1"), shown("r1", "1"), unchanged=1, adopted=1, code_unseen=1
    ),
    "equal, listed key": Case(dim("k1", "1"), shown("r1", "1", key="k1"), unchanged=1),
    "equal, listed key, listed code": Case(
        dim("k1", "1", code="c1"), shown("r1", "1", key="k1", code="c1"), unchanged=1
    ),
    "equal, ours": Case(dim("k1", "1", code="c1"), shown("r1", "1"), MINE, unchanged=1),
    "name": Case(dim("k1", "1", "New", code="c1"), shown("r1", "1"), MINE, update=("name",)),
    "ERP id, renumbered": Case(dim("k1", "2", "Row 1", code="c1"), shown("r1", "1"), MINE, update=("erp_id",)),
    "type code": Case(dim("k1", "1", type_code="department", code="c1"), shown("r1", "1"), MINE, update=("type_code",)),
    "edited there by somebody": Case(dim("k1", "1", code="c1"), shown("r1", "1", "Edited"), MINE, update=("name",)),
    "code only, found through the ledger": Case(dim("k1", "1", code="c2"), shown("r1", "1"), MINE, update=("code",)),
    "code only, found in the listing": Case(
        dim("k1", "1", code="c2"), shown("r1", "1", code="c1", key="k1"), update=("code",)
    ),
    "a listed code outweighs the acknowledged one": Case(
        dim("k1", "1", code="c1"), shown("r1", "1", code="c9"), MINE, update=("code",)
    ),
    "a listed code outweighs the acknowledged one, equal": Case(
        dim("k1", "1", code="c2"), shown("r1", "1", code="c2"), MINE, unchanged=1
    ),
    "a code is wanted, and we sent none": Case(
        dim("k1", "1", code="c1"), shown("r1", "1"), known(dim("k1", "1"), "r1"), update=("code",)
    ),
    "no code is wanted": Case(dim("k1", "1"), shown("r1", "1"), known(dim("k1", "1"), "r1"), unchanged=1),
    "labels are not compared": Case(
        dim("k1", "1", label="GL", code="c1"), shown("r1", "1", label="Account"), MINE, unchanged=1
    ),
    "unconfirmed, differs: held": Case(dim("k1", "1", "New"), shown("r1", "1"), hold="key-unconfirmed"),
    "adopted earlier, equal": Case(dim("k1", "1"), shown("r1", "1"), ADOPTED, unchanged=1, adopted=1),
    "adopted earlier, differs: held": Case(dim("k1", "1", "New"), shown("r1", "1"), ADOPTED, hold="key-unconfirmed"),
    "adopted earlier, confirmed by a listed key": Case(
        dim("k1", "1", "New"), shown("r1", "1", key="k1"), ADOPTED, update=("name",)
    ),
    "unknown outcome: sent again though it looks equal": Case(
        dim("k1", "1", code="c1"), shown("r1", "1"), MINE._replace(outcome_known=False), update=()
    ),
    "unknown outcome of a create, and it is there: sent again": Case(
        dim("k1", "1"),
        shown("r1", "1"),
        known(Dimension("k1", "", "", "", ""), None, confirmed=False, settled=False, code_known=False),
        update=(),
    ),
}


@each_of(CASES)
def test_one_row(case: Case) -> None:
    _, plan = compared(source(case.row), RemoteView([case.remote]), ledger_of(*([case.entry] if case.entry else [])))

    assert plan.creates == ()
    assert [(change.remote_id, change.fields) for change in plan.updates] == (
        [] if case.update is None else [("r1", case.update)]
    )
    assert [hold.slug for hold in plan.holds] == ([] if case.hold is None else [case.hold])
    assert (plan.unchanged, plan.adopted, plan.code_unseen) == (case.unchanged, case.adopted, case.code_unseen)
    assert plan.matched + plan.contested == 1
    assert plan.orphans == ()


def test_an_update_sends_the_whole_row_and_keeps_the_remote_label() -> None:
    _, plan = compared(
        source(dim("k1", "1", "New", label="GL", code="c1")), RemoteView([shown("r1", "1", label="Konto", key="k1")])
    )

    assert [change.row for change in plan.updates] == [dim("k1", "1", "New", label="Konto", code="c1")]


def test_a_create_takes_the_label_in_use_for_its_type() -> None:
    index = RemoteView([shown("r1", "1", label="Konto"), shown("r2", "7", type_code="item", label="Ware")])

    _, plan = compared(source(dim("k2", "2", label="GL"), dim("k3", "3", type_code="task", label="Task")), index)

    assert [(change.row.key, change.row.type_label) for change in plan.creates] == [("k2", "Konto"), ("k3", "Task")]


def test_a_type_that_changes_takes_the_label_of_its_new_type() -> None:
    """A row that becomes a department under the label of accounts would be a department named "Konto" on invoices."""
    index = RemoteView(
        [
            shown("r1", "1", label="Konto", key="k1"),
            shown("r2", "2", label="Abteilung", type_code="department", key="k2"),
        ]
    )
    wanted = source(dim("k1", "1", type_code="department", label="Department"), dim("k2", "2", type_code="department"))

    _, plan = compared(wanted, index)

    assert [(change.row.key, change.row.type_label) for change in plan.updates] == [("k1", "Abteilung")]


def test_a_label_that_the_listing_does_not_show_is_unknown_and_not_empty() -> None:
    bare = shown("r1", "1", key="k1")._replace(type_label="")

    _, plan = compared(source(dim("k1", "1", "New"), dim("k2", "2")), RemoteView([bare]))

    assert [change.row.type_label for change in plan.changes] == ["Account", "Account"]


def test_relabel_compares_and_sends_labels() -> None:
    index = RemoteView([shown("r1", "1", label="Konto", key="k1"), shown("r2", "2", label="GL", key="k2")])
    wanted = source(dim("k1", "1", label="GL"), dim("k2", "2", label="GL"), dim("k3", "3", label="GL"))

    _, plan = compared(wanted, index, relabel=True)

    assert [(change.row, change.fields) for change in plan.updates] == [(dim("k1", "1", label="GL"), ("type_label",))]
    assert [change.row for change in plan.creates] == [dim("k3", "3", label="GL")]
    assert plan.unchanged == 1


def test_a_known_natural_key_under_another_key_is_held_when_it_would_be_pushed() -> None:
    record = ledger_of(known(dim("old", "1"), "r1"))

    _, plan = compared(source(dim("new", "1", "Renamed")), RemoteView([shown("r1", "1")]), record)

    assert [(hold.key, hold.slug) for hold in plan.holds] == [("new", "key-shift")]
    assert "'old'" in plan.holds[0].message
    assert plan.changes == ()


def test_a_known_natural_key_under_another_key_may_stay_as_it_is() -> None:
    record = ledger_of(known(dim("old", "1"), "r1"))

    _, plan = compared(source(dim("new", "1")), RemoteView([shown("r1", "1")]), record)

    assert (plan.unchanged, plan.holds, plan.changes) == (1, (), ())


def test_a_vanished_row_whose_natural_key_lives_under_another_key_is_not_made_again() -> None:
    record = ledger_of(known(dim("old", "1"), "r1"), known(dim("k2", "2"), "r2"))

    _, plan = compared(source(dim("k2", "1", "Row 2")), RemoteView([shown("r1", "1")]), record)

    assert plan.creates == ()


def test_a_confirmed_key_says_nothing_of_another_remote_row() -> None:
    """The row that the key led to is gone; this one has another key, and sending ours would make a second one."""
    record = ledger_of(known(dim("k1", "1"), "r1"))

    _, plan = compared(source(dim("k1", "1")), RemoteView([shown("r2", "1", "Somebody's")]), record)

    assert plan.changes == ()
    assert [hold.slug for hold in plan.holds] == ["key-unconfirmed"]


def test_a_create_of_unknown_outcome_is_not_taken_for_a_row_that_was_there_before() -> None:
    """The create was planned from a listing that showed this row already, so it cannot be what became of it."""
    lost = RowRecord(Dimension("k1", "", "", "", ""), None, confirmed=False, outcome_known=False, code_known=False)
    stray = shown("r1", "1", "Somebody's")

    _, plan = compared(source(dim("k1", "1")), RemoteView([stray]), ledger_of(lost, strays=[stray]))

    assert plan.changes == ()
    assert [hold.slug for hold in plan.holds] == ["key-unconfirmed"]


def test_a_row_held_by_the_comparison_is_contested_or_matched_but_never_an_orphan() -> None:
    _, plan = compared(source(dim("k1", "1", "New")), RemoteView([shown("r1", "1"), shown("r2", "2")]))

    assert (plan.matched + plan.contested, plan.orphans) == (1, ("r2",))


def test_two_spellings_of_one_letter_are_one_text() -> None:
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"

    _, plan = compared(
        source(dim("k1", clean(decomposed), clean(f" {decomposed}\n"))), RemoteView([shown("r1", composed, composed)])
    )

    assert plan.unchanged == 1


def test_the_plan_is_in_the_order_of_keys() -> None:
    rows = [dim(key, str(number)) for number, key in enumerate("dbca")]
    index = RemoteView([shown("r9", "9", key="z"), shown("r8", "8", key="y")])

    _, plan = compared(source(*rows, dim("z", "9", "New"), dim("y", "8", "New")), index)

    assert [change.row.key for change in plan.changes] == ["a", "b", "c", "d", "y", "z"]


def plan_of(*rows: Dimension, remote: RemoteRow) -> Plan:
    return compared(source(*rows), RemoteView([remote]))[1]


def test_the_digest_tells_plans_apart() -> None:
    before = shown("r1", "1", key="k1")
    plans = {
        "one create": plan_of(dim("k1", "1"), dim("k2", "2"), remote=before),
        "another create": plan_of(dim("k1", "1"), dim("k2", "3"), remote=before),
        "a code": plan_of(dim("k1", "1"), dim("k2", "2", code=""), remote=before),
        "an update": plan_of(dim("k1", "1", "New"), remote=before),
        "the same to another row": plan_of(dim("k1", "1", "New"), remote=before._replace(id="r2")),
        "nothing": plan_of(dim("k1", "1"), remote=before),
    }

    assert len({plan.digest for plan in plans.values()}) == len(plans)
    assert plans["nothing"].digest == Plan().digest


def demanding(
    wanted: Wanted, index: RemoteView, record: CompanyRecord | None = None, *, needs_code: bool = True
) -> Plan:
    """Return the plan under a contract that demands codes, or does not."""
    record = record or CompanyRecord()
    return diff(join(wanted, index, record), index, record, DiffRules(needs_code=needs_code))


NO_CODE = known(dim("k1", "1"), "r1")  # written by us; the source gave no code

UNCODED: dict[str, tuple[RemoteRow, RowRecord | None]] = {
    "first contact, no code shown": (shown("r1", "1"), None),
    "first contact, a code shown": (shown("r1", "1", code="X"), None),
    "listed key, its ERP id for a code": (shown("r1", "1", key="k1", code="1"), None),
    "listed key, somebody's code": (shown("r1", "1", key="k1", code="X"), None),
    "listed key, an empty code": (shown("r1", "1", key="k1", code=""), None),
    "ours, no code shown": (shown("r1", "1"), NO_CODE),
    "ours, somebody's code": (shown("r1", "1", code="X"), NO_CODE),
    "ours, somebody's code, seen before": (
        shown("r1", "1", code="X"),
        NO_CODE._replace(seen=shown("r1", "1", code="X")),
    ),
    "adopted, a code shown": (shown("r1", "1", code="X"), ADOPTED),
}


@each_of(product(UNCODED.values(), [False, True]))
def test_a_row_without_a_code_is_no_different_for_it(
    case: tuple[RemoteRow, RowRecord | None], needs_code: bool
) -> None:
    remote, entry = case
    record = ledger_of(*([entry] if entry else []))

    plan = demanding(source(dim("k1", "1")), RemoteView([remote]), record, needs_code=needs_code)

    assert (plan.changes, plan.holds, plan.unchanged, plan.code_unseen) == ((), (), 1, 0)


def test_a_code_that_the_source_dropped_is_none_to_take_away_where_one_is_demanded() -> None:
    """Another one could only be made up; where codes are optional, the row is sent without."""
    index, record = RemoteView([shown("r1", "1")]), ledger_of(MINE)

    assert demanding(source(dim("k1", "1")), index, record).changes == ()
    plan = demanding(source(dim("k1", "1")), index, record, needs_code=False)
    assert [(change.fields, change.sent.code) for change in plan.updates] == [(("code",), None)]


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (dim("k1", "1", code="c1"), None),
        (dim("k1", "1", code="c2"), ("code",)),
        (dim("k1", "1", "New", code="c1"), ("name",)),
    ],
)
def test_a_code_that_the_source_gives_is_compared_all_the_same(row: Dimension, fields: tuple[str, ...] | None) -> None:
    plan = demanding(source(row), RemoteView([shown("r1", "1", key="k1", code="c1")]))

    assert [change.fields for change in plan.updates] == ([fields] if fields else [])
    assert all(change.code is None and change.sent is change.row for change in plan.updates)


def test_a_create_without_a_code_is_sent_with_its_erp_id_and_kept_without() -> None:
    plan = demanding(source(dim("k1", "0100"), dim("k2", "2", code="c2")), RemoteView())

    assert [change.row for change in plan.creates] == [dim("k1", "0100"), dim("k2", "2", code="c2")]
    assert [change.sent.code for change in plan.creates] == ["0100", "c2"]


@pytest.mark.parametrize(
    ("remote", "entry", "code"),
    [
        (shown("r1", "1", "Old", key="k1", code="X"), None, "X"),
        (shown("r1", "1", "Old", key="k1"), None, "1"),
        (shown("r1", "1", "Old", key="k1", code=""), None, "1"),
        (shown("r1", "1", "Old", code="X"), NO_CODE, "X"),
        (shown("r1", "1", "Old"), NO_CODE, "1"),
    ],
)
def test_an_update_without_a_code_keeps_the_one_that_is_there(
    remote: RemoteRow, entry: RowRecord | None, code: str
) -> None:
    plan = demanding(source(dim("k1", "1")), RemoteView([remote]), ledger_of(*([entry] if entry else [])))

    assert [(change.row.code, change.sent.code, change.fields) for change in plan.updates] == [(None, code, ("name",))]


def test_a_code_seen_in_an_earlier_listing_is_kept_when_nothing_is_read() -> None:
    entry = NO_CODE._replace(seen=shown("r1", "1", code="X"))
    record = ledger_of(entry)

    plan = demanding(source(dim("k1", "1", "New")), as_known(record), record)

    assert [change.sent.code for change in plan.updates] == ["X"]


def test_the_digest_tells_a_filled_in_code() -> None:
    wanted = source(dim("k1", "1"))

    assert demanding(wanted, RemoteView()).digest != demanding(wanted, RemoteView(), needs_code=False).digest


def test_no_type_shown_is_no_difference() -> None:
    """The reference contract need not show it; the row is known by its key, or by what the ledger says."""
    bare = shown("r1", "1", label="Account")._replace(type_code="")

    for remote, record in ((bare._replace(key="k1"), ledger_of()), (bare, ledger_of(NO_CODE))):
        plan = demanding(source(dim("k1", "1")), RemoteView([remote]), record)
        assert (plan.changes, plan.holds, plan.unchanged) == ((), (), 1)
        plan = demanding(source(dim("k1", "1", "New")), RemoteView([remote]), record)
        assert [change.fields for change in plan.updates] == [("name",)]


@pytest.mark.parametrize("row", [dim("k1", "1"), dim("k1", "01", "Other"), dim("k1", "2", "Row 1")])
def test_a_row_of_no_shown_type_is_never_doubled_by_a_create(row: Dimension) -> None:
    """Neither key nor type is shown: it may be this one, so a person decides."""
    bare = shown("r1", "1", label="")._replace(type_code="")

    plan = demanding(source(row), RemoteView([bare]))

    assert plan.changes == ()
    assert [hold.slug for hold in plan.holds] == ["look-alike"]
    assert (plan.contested, plan.orphans) == (1, ())


def _as_guide(row: RemoteRow) -> RemoteRow:
    return row._replace(key=None, code=None)


def _without_type(row: RemoteRow) -> RemoteRow:
    return row._replace(type_code="")


def _basic(row: RemoteRow) -> RemoteRow:
    return row._replace(key=None, code=None, type_code="")


SHOWS: tuple[Callable[[RemoteRow], RemoteRow], ...] = (lambda row: row, _as_guide, _without_type, _basic)
"""What a listing shows of a row: all, no key and code (guide), no type (optional in the reference), the least."""


class World:
    """A server, a ledger, and runs between them in which nothing gets lost."""

    def __init__(self) -> None:
        self.server = ModelServer(shows_keys=True)
        self.ledger = ModelLedger()

    def listing(self, shows: int) -> RemoteView:
        return RemoteView(map(SHOWS[shows], self.server.listing().rows.values()))

    def compare(self, wanted: Wanted, shows: int, *, needs_code: bool) -> Plan:
        """Compare with a listing, and learn from it."""
        index, record = self.listing(shows), self.ledger.read()
        matching = join(wanted, index, record)
        self.ledger.learn(absorb(matching, index, record, certificate(index), NOW))
        return diff(matching, index, record, DiffRules(needs_code=needs_code))

    def carry_out(self, plan: Plan, *, told: bool) -> None:
        """Store what a plan sends, and keep what it wants; answers tell ids, or do not (rows of one name)."""
        for change in plan.changes:
            self.server.put(change.sent)
            row_id = self.server.rows[change.row.key].id
            self.ledger.rows[change.row.key] = known(change.row, row_id if told else None)


distinct = st.lists(
    st.builds(
        dim,
        key=st.sampled_from([f"k{number}" for number in range(5)]),
        erp_id=st.sampled_from("12345"),
        name=st.sampled_from(["Rent", "Miete", "Caf\u00e9"]),
        type_code=st.sampled_from(["account", "cost_type"]),
        code=st.sampled_from([None, None, "c1", "1"]),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda row: row.key, lambda row: row.erp_id),
)
theirs = st.lists(st.sampled_from([None, "X", "1", ""]), min_size=5, max_size=5)
"""Codes that others gave to rows of which the source gives none."""
contracts = st.tuples(st.sampled_from([0, 1]), st.booleans())
"""How the first listing looks, and whether the contract demands codes."""


@steady(160)
@given(
    distinct,
    st.integers(0, 4),
    theirs,
    contracts,
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(range(len(SHOWS))), st.booleans()), max_size=5),
)
def test_a_contract_that_is_switched_alone_changes_nothing(
    rows: list[Dimension],
    there: int,
    codes: list[str | None],
    first: tuple[int, bool],
    told: bool,
    later: list[tuple[int, bool]],
) -> None:
    """Some rows are there already, the others are created in the first run; after that, whatever listings show."""
    assume(told or not later or SHOWS[later[0][0]] is not _basic)  # neither id nor key nor type: nothing links a row
    world, wanted = World(), source(*rows)
    for row, code in zip(rows[:there], codes, strict=False):
        world.server.put(row if row.code is not None else row._replace(code=code))
    begun = world.compare(wanted, first[0], needs_code=first[1])
    assert [change.row.key for change in begun.changes] == sorted(row.key for row in rows[there:])
    world.carry_out(begun, told=told)

    for shows, needs_code in later:
        record = world.ledger.read()
        at_rest = demanding(wanted, as_known(record), record, needs_code=needs_code)
        for plan in (at_rest, world.compare(wanted, shows, needs_code=needs_code)):
            assert (plan.changes, plan.holds, plan.unchanged, plan.orphans) == ((), (), len(rows), ())
    kept = {key: entry.row.code for key, entry in world.ledger.rows.items()}
    assert all(kept.get(row.key) is None for row in rows if row.code is None)


@steady(80)
@given(distinct, theirs, st.sampled_from([(0, 1), (1, 0)]), st.booleans())
def test_what_was_learnt_from_one_contract_stands_under_the_other(
    rows: list[Dimension], codes: list[str | None], order: tuple[int, int], needs_code: bool
) -> None:
    """All rows are there, under our keys: nothing was ever sent, all is known from listings."""
    world, wanted = World(), source(*rows)
    for row, code in zip(rows, codes, strict=False):
        world.server.put(row if row.code is not None else row._replace(code=code))
    for shows in (*order, *order):
        plan = world.compare(wanted, shows, needs_code=needs_code)
        record = world.ledger.read()
        at_rest = demanding(wanted, as_known(record), record, needs_code=needs_code)
        for each in (plan, at_rest):
            assert (each.changes, each.holds, each.unchanged, each.orphans) == ((), (), len(rows), ())


@steady(80)
@given(distinct, theirs, st.sampled_from(["", "New"]), st.booleans())
def test_a_source_without_codes_never_differs_because_of_them(
    rows: list[Dimension], codes: list[str | None], name: str, shows_codes: bool
) -> None:
    """What differs is a name; what is sent for a code is the one that is there, else the ERP id."""
    world = World()
    for row, code in zip(rows, codes, strict=False):
        world.server.put(row._replace(code=code))
    wanted = source(*(row._replace(name=name or row.name, code=None) for row in rows))

    for needs_code in (False, True):
        plan = demanding(wanted, world.listing(0 if shows_codes else 1), needs_code=needs_code)
        assert all("code" not in change.fields for change in plan.changes)
        assert all("code" not in hold.message for hold in plan.holds)
        for change in plan.changes:
            stored = world.server.rows[change.row.key]
            assert change.row.code is None
            assert change.sent.code == ((stored.code or stored.erp_id) if needs_code else None)


class Move(NamedTuple):
    """Rows that the ledger knows under their keys, ids as they are wanted, and which of them are held."""

    wanted: dict[str, str]  # key -> wanted ERP id; what it is there: see `THERE`
    held: str = ""  # keys, space-separated
    updated: str = ""


THERE = {"a": "1", "b": "2", "c": "3"}
MOVES = {
    "to an id that nobody bears": Move({"a": "9"}, updated="a"),
    "to the id of an orphan": Move({"a": "7"}, held="a"),
    "to the id of a row that stays": Move({"a": "2", "b": "2"}, held="a"),
    "two that swap": Move({"a": "2", "b": "1"}, updated="a b"),
    "three in a circle": Move({"a": "2", "b": "3", "c": "1"}, updated="a b c"),
    "one after the other": Move({"a": "2", "b": "9"}, updated="a b"),
    "behind one that cannot move": Move({"a": "2", "b": "7"}, held="a b"),
    "two that want one place": Move({"a": "9", "b": "9"}, updated="a b"),  # each alone would be free to
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_l11_a_row_takes_no_id_that_another_remote_row_keeps(move: Move) -> None:
    ledger = ledger_of(*(known(dim(key, erp_id, key), f"r-{key}") for key, erp_id in THERE.items()))
    remote = [*(shown(f"r-{key}", erp_id, key) for key, erp_id in THERE.items()), shown("r-orphan", "7", "orphan")]
    wanted = source(*(dim(key, move.wanted.get(key, erp_id), key) for key, erp_id in THERE.items()))
    _, plan = compared(wanted, RemoteView(remote), ledger)
    assert ({hold.key for hold in plan.holds}, {hold.slug for hold in plan.holds} - {"ambiguous"}) == (
        set(move.held.split()),
        set(),
    )
    assert {change.row.key for change in plan.updates} == set(move.updated.split())
    assert plan.unchanged == len(THERE) - len(plan.holds) - len(plan.updates)
