"""A plan for some rows alone: it adds up, nothing of another row is in it, and its parts are the whole."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.compare.remote_view import RemoteView
from engine.compare.subset import corrected, gone, subset
from engine.model.change import Plan
from engine.model.dimension import Dimension
from engine.model.outcome import Problem
from engine.model.wanted import Wanted
from tests.unit.model_server import STEADY, compared, dim, known, ledger_of, shown, source

KEYS = [f"k{n}" for n in range(8)]


def rejected(key: str | None, file: str | None = None) -> Problem:
    return Problem(code="missing-field", message="name is empty", key=key, file=file)


def bad(wanted: Wanted, *problems: Problem) -> Wanted:
    """Return a source with invalid rows besides."""
    keys = frozenset(problem.key for problem in problems if problem.key is not None)
    return replace(
        wanted,
        source_rows=wanted.source_rows + len(problems),
        invalid=wanted.invalid + len(problems),
        problems=wanted.problems + problems,
        invalid_keys=wanted.invalid_keys | keys,
    )


def parts(plan: Plan) -> dict[str, list[str]]:
    """Return the keys of each part of a plan."""
    return {
        "creates": [change.row.key for change in plan.creates],
        "updates": [change.row.key for change in plan.updates],
        "canaries": [change.row.key for change in plan.canaries],
        "holds": [hold.key for hold in plan.holds],
        "reverts": list(plan.reverts),
    }


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, Wanted]:
    """Return a source, some of whose rows are new, changed, held, equal or invalid, and its plan."""
    rows, remotes, entries, problems = [], [], [], []
    for n, key in enumerate(KEYS):
        state = draw(st.sampled_from(("absent", "new", "equal", "changed", "reverted", "unconfirmed", "invalid")))
        row, there = dim(key, f"{n}"), shown(f"r{n}", f"{n}")
        if state == "invalid":
            problems.append(rejected(key))
        elif state != "absent":
            rows.append(row)
        if state in {"equal", "changed", "reverted"}:
            record = row if state != "changed" else row._replace(name="Old")
            entries.append(known(record, f"r{n}"))
        if state == "equal":
            remotes.append(there)
        elif state in {"changed", "reverted", "unconfirmed"}:
            remotes.append(there._replace(name="Old"))
    wanted = bad(source(*rows), *problems)
    _, plan = compared(wanted, RemoteView(remotes), ledger_of(*entries))
    return plan, wanted


@STEADY
@given(plans(), st.sets(st.sampled_from(KEYS)))
def test_it_adds_up_and_is_about_nothing_else(both: tuple[Plan, Wanted], keys: set[str]) -> None:
    plan, few = subset(*both, keys)
    assert {row.key for row in few.rows} <= keys
    assert {problem.key for problem in few.problems} <= keys
    assert all(set(part) <= keys for part in parts(plan).values())
    assert few.source_rows == len(few.rows) + few.invalid
    assert len(few.problems) == few.invalid
    assert plan.unchanged >= 0
    assert len(few.rows) == plan.unchanged + len(plan.changes) + len(plan.holds)


@STEADY
@given(plans(), st.sets(st.sampled_from(KEYS)))
def test_a_part_and_its_rest_are_the_whole(both: tuple[Plan, Wanted], keys: set[str]) -> None:
    plan, wanted = both
    halves = [subset(plan, wanted, some) for some in (keys, set(KEYS) - keys)]
    for name, whole in parts(plan).items():
        assert sorted(key for part, _ in halves for key in parts(part)[name]) == sorted(whole)
    assert sum(part.unchanged for part, _ in halves) == plan.unchanged
    for column in ("source_rows", "invalid"):
        assert sum(getattr(few, column) for _, few in halves) == getattr(wanted, column)
    assert sorted(row for _, few in halves for row in few.rows) == sorted(wanted.rows)


@STEADY
@given(plans())
def test_all_of_it_sends_what_the_whole_sends(both: tuple[Plan, Wanted]) -> None:
    plan, wanted = both
    picked, few = subset(plan, wanted, set(KEYS))
    assert (picked.digest, picked.unchanged, few.rows) == (plan.digest, plan.unchanged, wanted.rows)
    assert subset(picked, few, set(KEYS)) == (picked, few)


@STEADY
@given(plans(), st.sets(st.sampled_from([*KEYS, "strange"])))
def test_each_key_is_there_well_or_ill_or_gone(both: tuple[Plan, Wanted], keys: set[str]) -> None:
    _, few = subset(*both, keys)
    here = {row.key for row in few.rows} | {problem.key for problem in few.problems if problem.key}
    assert here | set(gone(keys, both[1])) == keys
    assert not here & set(gone(keys, both[1]))


def test_keys_are_the_sources_and_not_those_of_the_wire() -> None:
    wanted = replace(source(dim("old", "1"), dim("b", "2")), source_keys={"old": "new"})
    assert gone({"new", "b", "c"}, wanted) == ["c"]
    assert gone({"old"}, wanted) == ["old"]


def test_what_is_invalid_in_the_corrected_file_counts_whatever_its_key() -> None:
    wanted = bad(
        source(dim("a", "1")), rejected("z", "rows.csv"), rejected(None, "fix.ndjson"), rejected(None, "rows.csv")
    )
    _, few = subset(Plan(unchanged=1), wanted, {"a"}, "fix.ndjson")
    assert (few.invalid, few.source_rows, few.problems) == (1, 2, (rejected(None, "fix.ndjson"),))
    _, few = subset(Plan(unchanged=1), wanted, {"a"})
    assert (few.invalid, few.source_rows) == (0, 1)


# Corrected rows

SOURCE = source(dim("a", "1"), dim("b", "2"), dim("c", "3"))


def file_of(*rows: Dimension) -> Wanted:
    return replace(source(*rows), file="fix.ndjson", lines={row.key: n for n, row in enumerate(rows, start=1)})


def test_corrected_rows_stand_where_the_sources_did() -> None:
    better = corrected(SOURCE, file_of(dim("b", "2", "Better")))
    assert [row.name for row in better.rows] == ["Row 1", "Better", "Row 3"]
    assert (better.source_rows, better.invalid, better.problems) == (3, 0, ())
    assert corrected(SOURCE, file_of()) == SOURCE


def test_a_row_of_no_source_is_invalid_with_its_place() -> None:
    better = corrected(SOURCE, file_of(dim("b", "2", "Better"), dim("z", "9")))
    (problem,) = better.problems
    assert (problem.code, problem.key, problem.file, problem.line) == ("not-in-source", "z", "fix.ndjson", 2)
    assert (better.source_rows, better.invalid, len(better.rows)) == (4, 1, 3)


def test_a_row_whose_correction_is_bad_counts_once() -> None:
    own = bad(file_of(), rejected("b", "fix.ndjson"))
    better = corrected(SOURCE, own)
    assert (better.source_rows, [row.key for row in better.rows]) == (3, ["a", "c"])


def test_a_row_that_is_bad_in_the_source_alone_is_counted_once() -> None:
    better = corrected(bad(SOURCE, rejected("d")), file_of(dim("d", "4")))
    _, few = subset(Plan(), better, {"d"}, "fix.ndjson")
    assert few.source_rows == 1
