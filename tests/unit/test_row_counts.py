"""How one company's rows are counted: each way in which a row can end is one column, and a wrong count shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.balance import Balance
from engine.model.change import Change, Hold, Plan
from engine.model.dimension import Dimension
from engine.model.outcome import Column, ItemResult, Problem, Withheld
from engine.model.resting import NOT_APPLIED, NOT_LISTED, STORED_OTHERWISE
from engine.model.wanted import Wanted
from engine.run.row_counts import RowCounts
from tests.tables import each_of
from tests.unit.model_server import STEADY, dim

NEW = Change(dim("K1", "1"), None)
MOVED = Change(dim("K2", "2"), "dim_2", ("name",))
LIKE = Hold("K3", "look-alike", "it looks like dim_9")
RESTING = Withheld(Change(dim("K4", "4"), None), Column.REJECTED, "rejected", "not sent again today: no", "no")
DOUBTFUL = Withheld(Change(dim("K5", "5"), None), Column.UNCERTAIN, "uncertain", "nobody knows")
AGREED = dim("K6", "6")
INVALID = Problem(code="empty-name", message="it has no name", key="K7")

WANTED = Wanted(
    rows=[NEW.row, MOVED.row, dim("K3", "3"), RESTING.change.row, DOUBTFUL.change.row, AGREED],
    source_rows=7,
    invalid=1,
    problems=(INVALID,),
    file="rows.csv",
    lines={"K1": 2, "K2": 3, "K3": 4, "K4": 5, "K5": 6, "K6": 7},
)
PLAN = Plan(creates=(NEW,), updates=(MOVED,), holds=(LIKE,), unchanged=1)

AT_FIRST = {"invalid": 1, "held": 1, "rejected": 1, "uncertain": 1}
"""Columns of the rows that are not to be sent and not agreed, once they are compared."""


def planned(*, dry: bool = False) -> RowCounts:
    """Return the counts of a company with a row of each kind, compared and not sent yet."""
    counts = RowCounts()
    counts.wanted = WANTED
    counts.take_plan(PLAN, (RESTING, DOUBTFUL), dry=dry, advice={"look-alike": "; look at both"})
    return counts


def columns(balance: Balance) -> dict[str, int]:
    """Return the columns that are not zero, of a balance that adds up."""
    assert balance.adds_up, balance
    return {column.value: count for column in Column if (count := getattr(balance, column.value))}


def ended(column: Column, change: Change = NEW) -> ItemResult:
    return ItemResult(change, column, "dim_1", f"it is {column.value}")


class Way(NamedTuple):
    """One way in which the new row of `planned` can end."""

    take: Callable[[RowCounts], object]
    column: str
    problem: str | None = None  # its code; None: there is nothing to tell of the row


def stored_and(act: Callable[[RowCounts], object]) -> Callable[[RowCounts], object]:
    """Do something to a row once it counts as created."""

    def take(counts: RowCounts) -> None:
        counts.record([ended(Column.CREATED)])
        act(counts)

    return take


def lost_and(column: Column) -> Callable[[RowCounts], object]:
    """Read back a row whose answer was lost."""

    def take(counts: RowCounts) -> None:
        counts.record([ended(Column.UNCERTAIN)])
        counts.amend([ended(column)])

    return take


WAYS: Mapping[str, Way] = {
    "not sent": Way(lambda _counts: None, "deferred"),
    "not sent, since a guard holds the company": Way(lambda counts: setattr(counts, "rest", Column.HELD), "held"),
    "created": Way(lambda counts: counts.record([ended(Column.CREATED)]), "created"),
    "updated, since it was there": Way(lambda counts: counts.record([ended(Column.UPDATED)]), "updated"),
    "refused": Way(lambda counts: counts.record([ended(Column.REJECTED)]), "rejected", "rejected"),
    "held on the way": Way(lambda counts: counts.record([ended(Column.HELD)]), "held", "key-unconfirmed"),
    "its answer lost": Way(lambda counts: counts.record([ended(Column.UNCERTAIN)]), "uncertain", "uncertain"),
    "its answer lost, and found": Way(lost_and(Column.CREATED), "created", "landed"),
    "its answer lost, and not found": Way(lost_and(Column.UNCERTAIN), "uncertain", "uncertain"),
    "its answer lost, then refused": Way(lost_and(Column.REJECTED), "rejected", "rejected"),
    "stored, and shown otherwise": Way(stored_and(lambda counts: counts.reopen({"K1"})), "deferred"),
    "stored, and not listed": Way(
        stored_and(lambda counts: counts.recount({"K1": "gone"}, Column.UNCERTAIN, NOT_LISTED)), "uncertain", NOT_LISTED
    ),
    "stored, and not carried out": Way(
        stored_and(lambda counts: counts.recount({"K1": "ignored"}, Column.REJECTED, NOT_APPLIED)),
        "rejected",
        NOT_APPLIED,
    ),
    "stored, and spelled otherwise": Way(
        stored_and(lambda counts: counts.otherwise({"K1": "shown as X"})), "created", STORED_OTHERWISE
    ),
    "not sent, since it collides": Way(
        lambda counts: counts.recount({"K1": "twice"}, Column.HELD, "key-collision"), "held", "key-collision"
    ),
}


@each_of(WAYS)
def test_each_way_in_which_a_row_can_end_is_one_column(way: Way) -> None:
    counts = planned()
    way.take(counts)
    counts.record([ended(Column.UPDATED, MOVED)])  # what becomes of one row moves no other

    expected = {**AT_FIRST, "unchanged": 1, "updated": 1}
    expected[way.column] = expected.get(way.column, 0) + 1
    assert columns(counts.balance()) == expected
    told = [(problem.code, problem.file, problem.line) for problem in counts.problems if problem.key == "K1"]
    assert told == ([] if way.problem is None else [(way.problem, "rows.csv", 2)])


def test_a_row_that_is_counted_twice_does_not_balance() -> None:
    counts = planned()
    counts.record([ended(Column.CREATED), ended(Column.CREATED)])

    assert not counts.balance().adds_up


def test_a_row_that_nobody_planned_does_not_balance() -> None:
    counts = planned()
    counts.record([ended(Column.CREATED, Change(dim("K9", "9"), None))])

    assert not counts.balance().adds_up


def test_a_plan_that_counts_an_unchanged_row_too_many_does_not_balance() -> None:
    counts = RowCounts()
    counts.wanted = WANTED
    counts.take_plan(
        Plan(creates=(NEW,), updates=(MOVED,), holds=(LIKE,), unchanged=2), (RESTING, DOUBTFUL), dry=False, advice={}
    )

    assert not counts.balance().adds_up


def test_nothing_is_known_of_a_source_that_was_not_read() -> None:
    assert RowCounts().balance() == Balance()


@pytest.mark.parametrize(("rest", "column"), [(Column.DEFERRED, "deferred"), (Column.HELD, "held")])
def test_rows_that_were_read_and_not_compared_wait_or_are_held_together(rest: Column, column: str) -> None:
    counts = RowCounts()
    counts.wanted, counts.rest = WANTED, rest

    assert columns(counts.balance()) == {column: 6, "invalid": 1}


def test_a_dry_run_counts_what_it_would_do() -> None:
    assert columns(planned(dry=True).balance()) == {**AT_FIRST, "unchanged": 1, "created": 1, "updated": 1}


def test_what_rests_and_what_is_held_is_told_with_its_place_and_what_to_do() -> None:
    told = {problem.key: (problem.code, problem.message, problem.line) for problem in planned().problems}

    assert told == {
        "K3": ("look-alike", "it looks like dim_9; look at both", 4),
        "K4": ("rejected", "not sent again today: no", 5),
        "K5": ("uncertain", "nobody knows", 6),
        "K7": ("empty-name", "it has no name", None),
    }


def test_rows_that_were_refused_can_be_corrected_from_their_list() -> None:
    counts = planned()
    counts.record([ended(Column.REJECTED)])

    assert [(reject.row.key, reject.message, reject.file, reject.line) for reject in counts.rejects] == [
        ("K4", "no", "rows.csv", 5),
        ("K1", "it is rejected", "rows.csv", 2),
    ]


def test_a_row_is_told_under_the_key_that_its_source_gives_it() -> None:
    counts = RowCounts()
    counts.wanted = Wanted(rows=[NEW.row], source_rows=1, source_keys={"K1": "own"}, lines={"K1": 2})
    counts.take_plan(Plan(creates=(NEW,)), (), dry=False, advice={})
    counts.record([ended(Column.UNCERTAIN)])
    assert [problem.key for problem in counts.problems] == ["own"]

    counts.amend([ended(Column.CREATED)])  # the uncertain row is found under its own key
    assert [(problem.code, problem.key) for problem in counts.problems] == [("landed", "own")]


def test_what_a_listing_shows_is_added_to_what_the_answer_said_once() -> None:
    counts = planned()
    for message in ("acknowledged as 'A'", "shown as 'B'", "acknowledged as 'A'; shown as 'B'"):
        counts.otherwise({"K6": message})

    (told,) = (problem.message for problem in counts.problems if problem.code == STORED_OTHERWISE)
    assert told == "acknowledged as 'A'; shown as 'B'"


def test_spellings_that_a_person_lets_be_are_not_told() -> None:
    counts = planned()
    counts.lets_spellings = True
    counts.otherwise({"K6": "shown as 'B'"})

    assert STORED_OTHERWISE not in {problem.code for problem in counts.problems}


def test_rows_that_a_saved_plan_does_not_count_are_not_taken_from_those_that_it_does() -> None:
    """The ledger knows keys that the source has no more: they are among the rows, and not among the counts."""
    rows = [dim(f"K{n}", f"{n}") for n in range(3)]
    counts = RowCounts()
    counts.wanted = Wanted(rows=rows, source_rows=2)
    counts.take_plan(Plan(unchanged=2), (), dry=False, advice={})
    counts.reopen({row.key for row in rows})
    counts.recount({"K0": "not there"}, Column.UNCERTAIN, NOT_LISTED)

    assert columns(counts.balance()) == {"deferred": 2}


def test_rows_that_were_refused_before_a_plan_was_saved_are_counted_as_they_were() -> None:
    counts = RowCounts()
    counts.wanted = Wanted(rows=[NEW.row], source_rows=4)
    counts.take_plan(Plan(creates=(NEW,)), (), dry=False, advice={})
    counts.refused([Hold("K2", "rejected", "no"), Hold("K3", NOT_APPLIED, "ignored"), Hold("K4", "uncertain", "lost")])

    assert columns(counts.balance()) == {"deferred": 1, "rejected": 2, "uncertain": 1}


STEPS: tuple[Callable[[RowCounts, Change], object], ...] = (
    lambda counts, change: counts.reopen({change.row.key}),
    lambda counts, change: counts.recount({change.row.key: "gone"}, Column.UNCERTAIN, NOT_LISTED),
    lambda counts, change: counts.recount({change.row.key: "twice"}, Column.HELD, "key-collision"),
    lambda counts, change: counts.otherwise({change.row.key: "shown as X"}),
)
OUTCOMES = (Column.CREATED, Column.UPDATED, Column.REJECTED, Column.UNCERTAIN, Column.HELD)


@STEADY
@given(
    st.lists(st.sampled_from(OUTCOMES), max_size=5),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 7)), max_size=6),
    st.lists(st.sampled_from(OUTCOMES), max_size=5),
)
def test_whatever_is_found_out_later_each_row_stays_in_one_column(
    outcomes: list[Column], steps: list[tuple[Callable[[RowCounts, Change], object], int]], found: list[Column]
) -> None:
    """Five rows are sent in part, some answers read back, and then a second look moves some of them; two are agreed."""
    changes = [Change(dim(f"K{n}", f"{n}"), None) for n in range(7)]
    counts = RowCounts()
    counts.wanted = Wanted(rows=[change.row for change in changes], source_rows=7)
    counts.take_plan(Plan(creates=tuple(changes[:5]), unchanged=2), (), dry=False, advice={})
    sent = list(zip(changes, outcomes, strict=False))
    counts.record([ended(column, change) for change, column in sent])
    lost = [change for change, column in sent if column is Column.UNCERTAIN]
    counts.amend([ended(column, change) for change, column in zip(lost, found, strict=False)])
    assert counts.balance().adds_up
    for step, number in steps:
        step(counts, changes[number % len(changes)])
        assert counts.balance().adds_up


class Watched(list[Dimension]):
    """Rows that note how often all of them are gone through."""

    times = 0

    def __iter__(self) -> Iterator[Dimension]:
        self.times += 1
        return super().__iter__()


def test_rows_are_gone_through_once_however_often_some_are_told_of() -> None:
    """Each answer may tell of rows, and of a giant a thousand answers come."""
    counts, rows = planned(), Watched(WANTED.rows)
    counts.wanted = replace(WANTED, rows=rows, lines={})
    for number in range(5):
        counts.otherwise({"K1": f"spelled in way {number}", "of another company": "spelled"})
    counts.recount({"K6": "it has gone"}, Column.DEFERRED, "gone")
    assert rows.times == 1
    assert {problem.key for problem in counts.problems} >= {"K1", "K6"}


def test_what_a_balance_takes_is_told_before_it_is_made() -> None:
    assert (RowCounts().weight, planned().weight) == (0, 2 + 3)  # two changes; a hold and two rows that rest
