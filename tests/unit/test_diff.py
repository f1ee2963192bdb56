"""Matched rows -> plan: what is compared, what is only known from the ledger, and what is not sent."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from engine.model.change import Plan
from engine.model.dimension import Dimension, RemoteRow, clean
from engine.model.known import Known
from engine.planning.match import RemoteIndex
from tests.unit.model_server import compared, dim, known, ledger_of, shown, source


class Case(NamedTuple):
    """One wanted row, one remote row, perhaps a ledger entry; and what the plan says of them."""

    row: Dimension
    remote: RemoteRow
    entry: Known | None = None
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
        dim("k1", "1", code="c1"), shown("r1", "1"), MINE._replace(settled=False), update=()
    ),
    "unknown outcome of a create, and it is there: sent again": Case(
        dim("k1", "1"),
        shown("r1", "1"),
        known(Dimension("k1", "", "", "", ""), None, confirmed=False, settled=False, code_known=False),
        update=(),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_one_row(case: Case) -> None:
    _, plan = compared(source(case.row), RemoteIndex([case.remote]), ledger_of(*([case.entry] if case.entry else [])))

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
        source(dim("k1", "1", "New", label="GL", code="c1")), RemoteIndex([shown("r1", "1", label="Konto", key="k1")])
    )

    assert [change.row for change in plan.updates] == [dim("k1", "1", "New", label="Konto", code="c1")]


def test_a_create_takes_the_label_in_use_for_its_type() -> None:
    index = RemoteIndex([shown("r1", "1", label="Konto"), shown("r2", "7", type_code="item", label="Ware")])

    _, plan = compared(source(dim("k2", "2", label="GL"), dim("k3", "3", type_code="task", label="Task")), index)

    assert [(change.row.key, change.row.type_label) for change in plan.creates] == [("k2", "Konto"), ("k3", "Task")]


def test_a_type_that_changes_takes_the_label_of_its_new_type() -> None:
    """A row that becomes a department under the label of accounts would be a department named "Konto" on invoices."""
    index = RemoteIndex(
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

    _, plan = compared(source(dim("k1", "1", "New"), dim("k2", "2")), RemoteIndex([bare]))

    assert [change.row.type_label for change in plan.changes] == ["Account", "Account"]


def test_relabel_compares_and_sends_labels() -> None:
    index = RemoteIndex([shown("r1", "1", label="Konto", key="k1"), shown("r2", "2", label="GL", key="k2")])
    wanted = source(dim("k1", "1", label="GL"), dim("k2", "2", label="GL"), dim("k3", "3", label="GL"))

    _, plan = compared(wanted, index, relabel=True)

    assert [(change.row, change.fields) for change in plan.updates] == [(dim("k1", "1", label="GL"), ("type_label",))]
    assert [change.row for change in plan.creates] == [dim("k3", "3", label="GL")]
    assert plan.unchanged == 1


def test_a_known_natural_key_under_another_key_is_held_when_it_would_be_pushed() -> None:
    acked = ledger_of(known(dim("old", "1"), "r1"))

    _, plan = compared(source(dim("new", "1", "Renamed")), RemoteIndex([shown("r1", "1")]), acked)

    assert [(hold.key, hold.slug) for hold in plan.holds] == [("new", "key-shift")]
    assert "'old'" in plan.holds[0].message
    assert plan.changes == ()


def test_a_known_natural_key_under_another_key_may_stay_as_it_is() -> None:
    acked = ledger_of(known(dim("old", "1"), "r1"))

    _, plan = compared(source(dim("new", "1")), RemoteIndex([shown("r1", "1")]), acked)

    assert (plan.unchanged, plan.holds, plan.changes) == (1, (), ())


def test_a_vanished_row_whose_natural_key_lives_under_another_key_is_not_made_again() -> None:
    acked = ledger_of(known(dim("old", "1"), "r1"), known(dim("k2", "2"), "r2"))

    _, plan = compared(source(dim("k2", "1", "Row 2")), RemoteIndex([shown("r1", "1")]), acked)

    assert plan.creates == ()


def test_a_confirmed_key_says_nothing_of_another_remote_row() -> None:
    """The row that the key led to is gone; this one has another key, and sending ours would make a second one."""
    acked = ledger_of(known(dim("k1", "1"), "r1"))

    _, plan = compared(source(dim("k1", "1")), RemoteIndex([shown("r2", "1", "Somebody's")]), acked)

    assert plan.changes == ()
    assert [hold.slug for hold in plan.holds] == ["key-unconfirmed"]


def test_a_create_of_unknown_outcome_is_not_taken_for_a_row_that_was_there_before() -> None:
    """The create was planned from a listing that showed this row already, so it cannot be what became of it."""
    lost = Known(Dimension("k1", "", "", "", ""), None, confirmed=False, settled=False, code_known=False)
    stray = shown("r1", "1", "Somebody's")

    _, plan = compared(source(dim("k1", "1")), RemoteIndex([stray]), ledger_of(lost, strays=[stray]))

    assert plan.changes == ()
    assert [hold.slug for hold in plan.holds] == ["key-unconfirmed"]


def test_a_row_held_by_the_comparison_is_contested_or_matched_but_never_an_orphan() -> None:
    _, plan = compared(source(dim("k1", "1", "New")), RemoteIndex([shown("r1", "1"), shown("r2", "2")]))

    assert (plan.matched + plan.contested, plan.orphans) == (1, ("r2",))


def test_two_spellings_of_one_letter_are_one_text() -> None:
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"

    _, plan = compared(
        source(dim("k1", clean(decomposed), clean(f" {decomposed}\n"))), RemoteIndex([shown("r1", composed, composed)])
    )

    assert plan.unchanged == 1


def test_the_plan_is_in_the_order_of_keys() -> None:
    rows = [dim(key, str(number)) for number, key in enumerate("dbca")]
    index = RemoteIndex([shown("r9", "9", key="z"), shown("r8", "8", key="y")])

    _, plan = compared(source(*rows, dim("z", "9", "New"), dim("y", "8", "New")), index)

    assert [change.row.key for change in plan.changes] == ["a", "b", "c", "d", "y", "z"]


def plan_of(*rows: Dimension, remote: RemoteRow) -> Plan:
    return compared(source(*rows), RemoteIndex([remote]))[1]


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
