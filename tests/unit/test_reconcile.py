"""A bulk answer -> each row's outcome: status codes lie, so only a body that adds up counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.model.change import Change
from engine.model.outcome import BulkAnswer, BulkError, Chunk, ChunkOutcome, Column, ItemResult
from engine.send.reconcile import reconcile
from engine.wire.guide import DIALECT
from tests.tables import each_of
from tests.unit.model_server import COMPANY, STEADY, ModelServer, Spelling, dim

NEW, OLD, NO, OPEN = Column.CREATED, Column.UPDATED, Column.REJECTED, Column.UNCERTAIN


def chunk_of(*changes: Change) -> Chunk:
    rows = tuple(DIALECT.row(change.row) for change in changes)
    return Chunk(changes=changes, rows=rows, body=DIALECT.bulk_body(COMPANY, rows))


def create(key: str, name: str | None = None) -> Change:
    return Change(dim(key, key, name or key.upper()), None)


def update(key: str, name: str | None = None) -> Change:
    return Change(dim(key, key, name or key.upper()), f"r-{key}", ("name",))


def answered(
    created: str = "", updated: str = "", *errors: BulkError, counts: tuple[int, int, int, int] | None = None
) -> BulkAnswer:
    """Return an answer that lists these names, space-separated; their ids are `r-` and the name in lower case."""
    new = [(f"r-{name.lower()}", name) for name in created.split()]
    old = [(f"r-{name.lower()}", name) for name in updated.split()]
    success, made, changed, failed = counts or (len(new) + len(old), len(new), len(old), len(errors))
    return BulkAnswer(success, made, changed, failed, new, old, list(errors))


def no(
    *, key: str | None = None, name: str | None = None, at: int | None = None, row_id: str | None = None
) -> BulkError:
    return BulkError("bad", "validation_error", key, name, at, row_id)


def nameless(created: str, updated: str, *errors: BulkError) -> BulkAnswer:
    """Return an answer that lists these ids, space-separated, and no names."""
    new, old = ([(row_id, "") for row_id in ids.split()] for ids in (created, updated))
    return BulkAnswer(len(new) + len(old), len(new), len(old), len(errors), new, old, list(errors))


class Case(NamedTuple):
    """A chunk, its answer, and what is to come of it."""

    changes: tuple[Change, ...]
    answer: BulkAnswer
    columns: tuple[Column, ...]
    explained: bool = True
    unexpected_creates: int = 0
    exposed: bool = False
    ids: Mapping[str, str] | None = None  # of stored rows, by key; None: not looked at


AB = (create("a"), create("b"))
ABC = (create("a"), create("b"), create("c"))
SAME = (update("a", "X"), update("b", "X"))

CASES = {
    "all created": Case(AB, answered("A B"), (NEW, NEW)),
    "all updated": Case((update("a"), update("b")), answered("", "A B"), (OLD, OLD)),
    "both kinds": Case((create("a"), update("b")), answered("A", "B"), (NEW, OLD)),
    "in another order": Case((create("a"), update("b"), create("c")), answered("C A", "B"), (NEW, OLD, NEW)),
    "refused by key": Case(AB, answered("A", "", no(key="b", at=1)), (NEW, NO)),
    "key and index disagree: the key": Case(ABC, answered("A C", "", no(key="b", at=0)), (NEW, NO, NEW)),
    "refused by name": Case(AB, answered("A", "", no(name="B")), (NEW, NO)),
    "name and index disagree: the name": Case(ABC, answered("A C", "", no(name="B", at=0)), (NEW, NO, NEW)),
    "refused by index from 0": Case(AB, answered("A", "", no(at=1)), (NEW, NO)),
    "refused by index from 1": Case(AB, answered("B", "", no(at=1)), (NO, NEW)),
    "refused by remote id": Case((update("a"), update("b")), answered("", "A", no(row_id="r-b")), (OLD, NO)),
    "refused by remote id, of one name with another row": Case(
        SAME, answered("", "X", no(row_id="r-b", name="X")), (OLD, NO)
    ),
    "refused by remote id, each of one name": Case(
        SAME, answered("", "", no(row_id="r-b", name="X"), no(row_id="r-a", name="X")), (NO, NO)
    ),
    "key and remote id disagree: the key": Case(
        (update("a"), update("b")), answered("", "B", no(key="a", row_id="r-b")), (NO, OLD)
    ),
    "remote id and index disagree: the id": Case(
        (update("a"), update("b"), update("c")), answered("", "A C", no(row_id="r-b", at=0)), (OLD, NO, OLD)
    ),
    "an id that no row updates: the name": Case(
        (create("a"), update("b")), answered("", "B", no(row_id="r9", name="A")), (NO, OLD)
    ),
    "an id that no row updates, and a shared name": Case(
        SAME, answered("", "X", no(row_id="r9", name="X")), (OPEN, OPEN), explained=False
    ),
    "an id that no row updates: the index": Case(AB, answered("A", "", no(row_id="r9", at=1)), (NEW, NO)),
    "an id that no row updates, alone": Case(AB, answered("A", "", no(row_id="r9")), (NEW, OPEN), explained=False),
    "a key that was not sent, and the id of a row that was": Case(
        (update("a"), update("b")), answered("", "A", no(key="zz", row_id="r-b")), (OLD, OPEN), explained=False
    ),
    "one row refused by key and by remote id": Case(
        (update("a"), update("b"), update("c")),
        answered("", "A", no(key="b"), no(row_id="r-b")),
        (OLD, NO, OPEN),
        explained=False,
    ),
    "all refused, index from 0": Case(AB, answered("", "", no(at=0), no(at=1)), (NO, NO)),
    "all refused, index from 1": Case(AB, answered("", "", no(at=2), no(at=1)), (NO, NO)),
    "a shared name without index: neither is believed": Case(
        (create("a", "X"), create("b", "X"), create("c")),
        answered("X C", "", no(name="X")),
        (OPEN, OPEN, NEW),
        explained=False,
    ),
    "an error that names nobody": Case(AB, answered("A", "", no()), (NEW, OPEN), explained=False),
    "an error that names a row that was not sent": Case(
        AB, answered("A", "", no(key="zz")), (NEW, OPEN), explained=False
    ),
    "W8: a key in lower case": Case(
        (create("K-A", "A"), create("K-B", "B")), answered("A", "", no(key="k-b")), (NEW, NO)
    ),
    "W8: a key behind a prefix": Case(AB, answered("A", "", no(key="company-1:b")), (NEW, NO)),
    "W8: a key that merely ends alike": Case(AB, answered("A", "", no(key="zb")), (NEW, OPEN), explained=False),
    "W8: a spelling that two rows could have": Case(
        (create("a", "A"), create("A", "B")), answered("A", "", no(key="x:a")), (OPEN, NEW), explained=False
    ),
    "W8: keys that differ in case alone, and a server that shows them in one case: the name": Case(
        (create("a", "X"), create("A", "Y")), answered("X", "", no(key="a", name="Y")), (NO, NEW)
    ),
    "W8: the position": Case(
        (create("A", "X"), create("b"), create("a", "X")), nameless("r1 r2", "", no(key="a", at=0)), (NO, NEW, NEW)
    ),
    "W8: neither": Case(
        (create("a", "X"), create("A", "X")), nameless("r1", "", no(key="a")), (OPEN, OPEN), explained=False
    ),
    "W8: its own key and position": Case(
        (create("A", "X"), create("b"), create("a", "X")), nameless("r1 r2", "", no(key="a", at=2)), (NEW, NO, NEW)
    ),
    "W8: whatever the error of a chunk of one row names": Case(
        (create("a"),), answered("", "", no(key="zz", name="Y", at=7, row_id="r9")), (NO,)
    ),
    "W8: two errors for a chunk of one row": Case((create("a"),), answered("", "", no(key="a"), no(at=1)), (NO,)),
    "W7: updates told by their ids": Case(
        (update("a"), update("b")), nameless("", "r-b r-a"), (OLD, OLD), ids={"a": "r-a", "b": "r-b"}
    ),
    "W7: creates without names": Case(AB, nameless("r1 r2", ""), (NEW, NEW), ids={}),
    "W7: one create without a name": Case((create("a"),), nameless("r1", ""), (NEW,), ids={"a": "r1"}),
    "W7: both kinds": Case((create("a"), update("b")), nameless("r1", "r-b"), (NEW, OLD), ids={"b": "r-b"}),
    "W7: one refused": Case(
        (create("a"), update("b"), create("c")),
        nameless("r1", "r-b", no(key="c")),
        (NEW, OLD, NO),
        ids={"b": "r-b"},
    ),
    "W7: an update that made a second row": Case(
        (create("a"), update("b")), nameless("r1 r9", ""), (NEW, NEW), unexpected_creates=1, ids={}
    ),
    "W7: fewer than sent, and the ids of some": Case(
        (update("a"), update("b")), nameless("", "r-b"), (OPEN, OLD), explained=False, ids={"b": "r-b"}
    ),
    "an index beyond the chunk": Case(AB, answered("A", "", no(at=7)), (NEW, OPEN), explained=False),
    "one row refused twice": Case(ABC, answered("A", "", no(key="b"), no(key="b")), (NEW, NO, OPEN), explained=False),
    "fewer counted than sent": Case(AB, answered("A"), (NEW, OPEN), explained=False),
    "more counted than sent": Case(AB, answered("A B C"), (NEW, NEW), explained=False, unexpected_creates=1),
    "counts without rows": Case(AB, answered("", "", counts=(2, 2, 0, 0)), (OPEN, OPEN), explained=False),
    "rows without counts": Case(AB, answered("A B", "", counts=(0, 0, 0, 0)), (NEW, NEW), explained=False),
    "a success count that does not add up": Case(
        AB, answered("A B", "", counts=(3, 2, 0, 0)), (NEW, NEW), explained=False
    ),
    "an error count without errors": Case(AB, answered("A", "", counts=(1, 1, 0, 1)), (NEW, OPEN), explained=False),
    "created beyond the plan": Case((update("a"), update("b")), answered("A", "B"), (NEW, OLD), unexpected_creates=1),
    "updated instead of created": Case(AB, answered("A", "B"), (NEW, OLD)),
    "updated instead of created, an earlier send may have landed": Case(
        AB, answered("A", "B"), (NEW, NEW), exposed=True
    ),
    "created beyond the plan, after an earlier send too": Case(
        (update("a"), create("b")), answered("A B"), (NEW, NEW), unexpected_creates=1, exposed=True
    ),
}


def columns(outcome: ChunkOutcome) -> tuple[Column, ...]:
    return tuple(result.column for result in sorted(outcome.results, key=lambda result: result.change.row.key))


@each_of(CASES)
def test_what_an_answer_means(case: Case) -> None:
    outcome = reconcile(chunk_of(*case.changes), case.answer, exposed=case.exposed)

    assert columns(outcome) == case.columns
    assert (outcome.explained, outcome.unexpected_creates) == (case.explained, case.unexpected_creates)
    if case.ids is not None:
        assert {each.change.row.key: each.remote_id for each in outcome.results if each.remote_id} == case.ids


def test_a_shared_name_is_told_by_its_index() -> None:
    changes = (create("a", "X"), create("b", "X"), create("c"))

    outcome = reconcile(chunk_of(*changes), answered("X C", "", no(name="X", at=1)), exposed=False)

    assert columns(outcome) == (NEW, NO, NEW)


@pytest.mark.parametrize(
    "answer",
    [
        answered("Y Z"),  # an answer to another request
        answered("A", "", no(key="a")),  # stored and refused at once
    ],
)
def test_rows_that_were_not_sent_explain_nothing(answer: BulkAnswer) -> None:
    outcome = reconcile(chunk_of(*AB), answer, exposed=False)

    assert not outcome.explained
    assert columns(outcome)[1] is OPEN


@pytest.mark.parametrize("exposed", [False, True])
def test_an_update_that_came_back_created_is_noticed_whatever_the_counts(exposed: bool) -> None:
    """Its key led nowhere: the row is there twice now, and a create that was there already hides it in the count."""
    outcome = reconcile(chunk_of(create("a"), update("b")), answered("B", "A"), exposed=exposed)

    assert outcome.unexpected_creates == 1
    assert columns(outcome)[1] is NEW


def test_an_id_is_joined_by_a_name_that_is_unique_in_the_chunk() -> None:
    changes = (create("a"), create("b", "X"), create("c", "X"), update("d", "Y"))
    answer = BulkAnswer(4, 3, 1, 0, [("r1", "X"), ("r2", "A"), ("r3", "X")], [("r4", "Y")], [])

    outcome = reconcile(chunk_of(*changes), answer, exposed=False)

    assert {result.change.row.key: result.remote_id for result in outcome.results} == {
        "a": "r2",
        "b": None,
        "c": None,
        "d": "r4",
    }


def test_one_id_for_two_rows_is_noticed_even_where_all_else_is_as_planned() -> None:
    answer = BulkAnswer(2, 2, 0, 0, [("r-a", "A"), ("r-a", "B")], [], [])
    outcome = reconcile(chunk_of(create("a"), create("b")), answer, exposed=False)
    assert (outcome.explained, outcome.creates_that_updated, columns(outcome)) == (True, 1, (NEW, NEW))


def test_a_refusal_carries_the_servers_words() -> None:
    outcome = reconcile(chunk_of(*AB), answered("A", "", no(key="b")), exposed=False)

    assert [result.message for result in outcome.results if result.column is NO] == ["bad (validation_error)"]


def test_a_doubt_says_why() -> None:
    outcome = reconcile(chunk_of(*AB), answered("A"), exposed=False)

    assert [bool(result.message) for result in outcome.results] == [False, True]


few = st.integers(-1, 4)
words = st.sampled_from(["A", "B", "C", "D", ""])
listed = st.lists(st.tuples(st.sampled_from(["r1", "r2", "r3"]), words), max_size=4)
anything = st.builds(
    BulkAnswer,
    few,
    few,
    few,
    few,
    listed,
    listed,
    st.lists(
        st.builds(
            BulkError,
            st.just("bad"),
            st.just("error"),
            st.none() | st.sampled_from(["k0", "k1", "k9"]),
            st.none() | words,
            st.none() | st.integers(-2, 5),
            st.none() | st.sampled_from(["r-k0", "r-k1", "r9"]),
        ),
        max_size=4,
    ),
)
sent_rows = st.lists(st.tuples(st.booleans(), st.sampled_from("ABC")), min_size=1, max_size=4).map(
    lambda rows: chunk_of(
        *((update if known else create)(f"k{number}", name) for number, (known, name) in enumerate(rows))
    )
)


@STEADY
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6), st.data())
def test_what_was_done_as_planned_is_told_so_in_any_order_with_and_without_ids(
    rows: list[tuple[bool, bool]], data: st.DataObject
) -> None:
    changes = [create(f"k{number}") if is_new else update(f"k{number}") for number, (is_new, _) in enumerate(rows)]
    ids = [f"r-k{number}" if shows_id else "" for number, (_, shows_id) in enumerate(rows)]
    entries = [(row_id, change.row.name) for row_id, change in zip(ids, changes, strict=True)]
    new = [entry for entry, change in zip(entries, changes, strict=True) if change.remote_id is None]
    old = [entry for entry, change in zip(entries, changes, strict=True) if change.remote_id is not None]
    made, changed = data.draw(st.permutations(new)), data.draw(st.permutations(old))
    answer = BulkAnswer(len(rows), len(new), len(old), 0, made, changed, [])
    outcome = reconcile(chunk_of(*changes), answer, exposed=False)
    assert outcome == ChunkOutcome(
        results=tuple(
            ItemResult(change, NEW if change.remote_id is None else OLD, row_id or None)
            for change, row_id in zip(changes, ids, strict=True)
        ),
        explained=True,
    )


@STEADY
@given(sent_rows, anything, st.booleans())
def test_each_row_has_one_outcome_whatever_the_answer(chunk: Chunk, answer: BulkAnswer, exposed: bool) -> None:
    outcome = reconcile(chunk, answer, exposed=exposed)

    assert sorted(result.change for result in outcome.results) == sorted(chunk.changes)
    assert {result.column for result in outcome.results} <= {NEW, OLD, NO, OPEN}
    assert not outcome.explained or all(result.column is not OPEN for result in outcome.results)
    shown = {name: remote_id for remote_id, name in (*answer.created, *answer.updated)}
    is_only_one = len(chunk.changes) == 1 == len((*answer.created, *answer.updated))  # an entry without a name is its
    for result in outcome.results:
        name = "" if is_only_one and "" in shown else result.change.row.name
        assert result.remote_id is None or (result.column in {NEW, OLD} and shown.get(name) == result.remote_id)


@STEADY
@given(sent_rows, anything, st.booleans())
def test_an_answer_that_does_not_add_up_proves_a_row_stored_only_by_name(
    chunk: Chunk, answer: BulkAnswer, exposed: bool
) -> None:
    stored = [name for _, name in (*answer.created, *answer.updated)]
    counts = (len(answer.created), len(answer.updated), len(answer.errors))
    adds_up = (
        counts == (answer.created_count, answer.updated_count, answer.error_count)
        and answer.success_count == len(stored)
        and sum(counts) == len(chunk.changes)
    )
    outcome = reconcile(chunk, answer, exposed=exposed)

    assert adds_up or not outcome.explained
    names = [change.row.name for change in chunk.changes]
    for result in outcome.results:
        if not outcome.explained and result.column in {NEW, OLD}:
            assert names.count(result.change.row.name) == stored.count(result.change.row.name) == 1


class Sent(NamedTuple):
    """A chunk, an honest server, and the keys that it is going to refuse."""

    changes: tuple[Change, ...]
    server: ModelServer
    refused: frozenset[str]


@st.composite
def honest(draw: st.DrawFn, *, distinct_names: bool) -> Sent:
    count = draw(st.integers(1, 7))
    server = ModelServer()
    changes = []
    for number in range(count):
        name = f"N{number}" if distinct_names else draw(st.sampled_from("XYZ"))
        row = dim(f"k{number}", str(number), name)
        there = draw(st.booleans())
        if there:
            server.put(row._replace(name="before"))
        changes.append(Change(row, server.rows[row.key].id if there else None))
    order = draw(st.permutations(changes))
    refused = draw(st.frozensets(st.sampled_from([change.row.key for change in changes])))
    return Sent(tuple(order), server, refused)


def judged(case: Sent, spelling: Spelling) -> ChunkOutcome:
    chunk = chunk_of(*case.changes)
    answer = case.server.bulk(chunk.body, refused=case.refused, spelling=spelling)
    return reconcile(chunk, DIALECT.bulk(answer), exposed=False)


spellings = st.builds(
    Spelling, st.booleans(), st.booleans(), st.sampled_from([None, 0, 1]), st.none() | st.integers(0, 99)
)


@STEADY
@given(honest(distinct_names=True), spellings)
def test_an_honest_answer_is_understood_however_it_names_rows(case: Sent, spelling: Spelling) -> None:
    assume(spelling.key or spelling.name or spelling.base is not None or not case.refused)

    outcome = judged(case, spelling)

    assert outcome.explained
    assert outcome.unexpected_creates == 0
    assert {result.change.row.key: result.column for result in outcome.results} == {
        change.row.key: NO if change.row.key in case.refused else NEW if change.remote_id is None else OLD
        for change in case.changes
    }
    for result in outcome.results:
        if result.column is not NO:
            assert result.remote_id == case.server.rows[result.change.row.key].id


@STEADY
@given(honest(distinct_names=False), spellings)
def test_no_refused_row_counts_as_stored_and_no_stored_row_as_refused(case: Sent, spelling: Spelling) -> None:
    """Positions from 1 without a key are left out here: among rows of one name nothing tells them from 0."""
    assume(spelling.key or spelling.base != 1)

    outcome = judged(case, spelling)

    for result in outcome.results:
        forbidden = {NEW, OLD} if result.change.row.key in case.refused else {NO}
        assert result.column not in forbidden
        if result.remote_id is not None:
            assert result.remote_id == case.server.rows[result.change.row.key].id


@STEADY
@given(honest(distinct_names=False), st.none() | st.integers(0, 99))
def test_keys_settle_everything(case: Sent, seed: int | None) -> None:
    outcome = judged(case, Spelling(seed=seed))

    assert outcome.explained
    assert {result.change.row.key for result in outcome.results if result.column is NO} == case.refused


@STEADY
@given(honest(distinct_names=False), st.booleans())
def test_a_remote_id_settles_what_updates_as_a_key_does(case: Sent, named: bool) -> None:
    """Errors of the shape {id, name}: whatever names the rows share, an id is of one row."""
    refused = frozenset(change.row.key for change in case.changes if change.remote_id) & case.refused
    chunk = chunk_of(*case.changes)
    answer = DIALECT.bulk(case.server.bulk(chunk.body, refused=refused))
    errors = [
        BulkError("", "error", None, change.row.name if named else None, None, change.remote_id)
        for change in case.changes
        if change.row.key in refused
    ]

    outcome = reconcile(chunk, answer._replace(errors=errors), exposed=False)

    assert outcome.explained
    assert {result.change.row.key for result in outcome.results if result.column is NO} == refused
