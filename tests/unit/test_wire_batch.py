"""Work that is answered later: each way in which results may tell of rows, and those in which they tell nothing."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.change import Change
from engine.model.outcome import BulkAnswer, BulkError, Chunk, Column
from engine.send.reconcile import reconcile
from engine.wire.batch import (
    Accepted,
    progress_path,
    read_accepted,
    read_completed,
    read_results,
    results_path,
)
from engine.wire.dialect import BadAnswer
from engine.wire.reference import DIALECT
from tests.contract import check_request
from tests.tables import each_of
from tests.unit.model_server import COMPANY, STEADY, dim

ACCEPTED = {
    "version": "1.0.0",
    "status": "processing",
    "batch_id": "b-1",
    "batch_url": "/v1/batch/b-1/progress",
    "results_url": "/v1/batch/b-1/results",
    "summary": {"count": 1},
}
NOTHING = BulkAnswer(0, 0, 0, 0, [], [], [])


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def results(*tasks: object) -> BulkAnswer:
    return read_results(body({"version": "1.0.0", "batch_id": "b-1", "results": tasks}))


@pytest.mark.parametrize(
    ("document", "batch_id"),
    [
        (ACCEPTED, "b-1"),
        ({"batch_id": "b-1"}, "b-1"),
        ({"batch_id": 7}, "7"),
        (ACCEPTED | {"status": None, "summary": []}, "b-1"),
    ],
)
def test_an_accepted_request_is_known_by_its_batch(document: object, batch_id: str) -> None:
    assert read_accepted(body(document)) == Accepted(batch_id=batch_id)


@pytest.mark.parametrize("batch_id", [None, "", True, 1.5, [], {"id": "b-1"}], ids=repr)
def test_an_accepted_request_without_a_batch_is_refused(batch_id: object) -> None:
    with pytest.raises(BadAnswer):
        read_accepted(body(ACCEPTED | {"batch_id": batch_id}))
    with pytest.raises(BadAnswer):
        read_accepted(body({name: value for name, value in ACCEPTED.items() if name != "batch_id"}))


def test_no_url_of_an_answer_is_used() -> None:
    """Followed, they could carry the token to another host."""
    evil = "https://elsewhere.example/"

    batch = read_accepted(body(ACCEPTED | {"batch_url": evil, "results_url": evil}))

    assert progress_path(batch) == "/batch/b-1/progress"
    assert results_path(batch) == "/batch/b-1/results"


@STEADY
@given(st.text(min_size=1, max_size=8) | st.sampled_from(["a/b", "../../accounts", "b?x=1#y", "%2e%2e", "//host/"]))
def test_a_batch_id_stays_inside_its_path(batch_id: str) -> None:
    batch = Accepted(batch_id=batch_id)
    for path, end in ((progress_path(batch), "/progress"), (results_path(batch), "/results")):
        middle = path.removeprefix("/batch/").removesuffix(end)
        assert path == f"/batch/{middle}{end}"
        assert middle.isascii()
        assert not set(middle) & set("/?#\\ ")
        assert unquote(middle) == batch_id


@pytest.mark.parametrize("batch_id", [".", ".."])
def test_a_batch_id_that_would_climb_is_refused(batch_id: str) -> None:
    """No quoting helps: `%2E%2E` is `..` to whatever tidies paths on the way (RFC 3986, 6.2.2)."""
    with pytest.raises(BadAnswer):
        read_accepted(body(ACCEPTED | {"batch_id": batch_id}))


def test_the_paths_are_those_of_the_file() -> None:
    batch = Accepted(batch_id="b-1")
    for path in (progress_path(batch), results_path(batch)):
        check_request("GET", f"https://api.ottimate.com/v1{path}", {"Authorization": "Bearer t", "X-Api-Key": "k"}, b"")


PROGRESS = {
    "version": "1.0.0",
    "batch_id": "b-1",
    "progress": 0.5,
    "tasks_count": 2,
    "tasks_completed": 1,
    "tasks_failed": 0,
    "status": "processing",
    "results_url": None,
    "error": None,
}


@pytest.mark.parametrize(
    ("changed", "done"),
    [
        ({}, False),
        ({"progress": 1.0, "tasks_completed": 2}, False),  # its own word counts, not the arithmetic
        ({"status": "completed"}, True),
        ({"status": "completed", "progress": 0.0, "tasks_failed": 2}, True),
        ({"status": "completed", "error": "it all failed"}, True),  # ended, not well
    ],
)
def test_progress_tells_whether_the_work_has_ended(changed: dict[str, object], done: bool) -> None:
    assert read_completed(body(PROGRESS | changed)) is done


@pytest.mark.parametrize("status", [None, "", "failed", "COMPLETED", True, 1, [], ["completed"], {"is": "completed"}])
def test_progress_of_another_status_is_refused(status: object) -> None:
    with pytest.raises(BadAnswer):
        read_completed(body(PROGRESS | {"status": status}))
    with pytest.raises(BadAnswer):
        read_completed(body({name: value for name, value in PROGRESS.items() if name != "status"}))


A, B = {"id": "dim_a", "name": "A"}, {"id": "dim_b", "name": "B"}
ANSWER = {
    "version": "1.0.0",
    "success_count": 2,
    "created_count": 1,
    "updated_count": 1,
    "error_count": 1,
    "created": [A],
    "updated": [B],
    "errors": [{"index": 2, "unique_key": "k3", "error": "bad", "type": "validation_error"}],
}
PART = {"success_count": 0, "errors": [{"unique_key": "k3", "error": "bad", "type": "validation_error"}]}
REFUSED = BulkError("bad", "validation_error", "k3", None, 2)

TASKS: dict[str, tuple[list[object], BulkAnswer]] = {
    "no task": ([], NOTHING),
    "the bulk answer": (
        [{"task": 1, "result": ANSWER}],
        BulkAnswer(2, 1, 1, 1, [("dim_a", "A")], [("dim_b", "B")], [REFUSED]),
    ),
    "a bulk answer in parts": (
        [{"task": 1, "result": {"success_count": 1, "created": [A]}}, {"task": 2, "result": PART}],
        BulkAnswer(1, 1, 0, 1, [("dim_a", "A")], [], [REFUSED._replace(position=None)]),
    ),
    "a task for each row": (
        [
            {"task": 1, "result": {**A, "unique_key": "k1", "status": "created"}},
            {"task": 2, "result": {**B, "reference_id": "k2", "status": "updated"}},
            {"task": 3, "result": {"unique_key": "k3", "status": "failed"}, "message": "bad"},
            {"task": 4, "result": {"reference_id": "k4", "status": "failed"}, "message": "worse"},
        ],
        BulkAnswer(
            2,
            1,
            1,
            2,
            [("dim_a", "A")],
            [("dim_b", "B")],
            [BulkError("bad", "error", "k3"), BulkError("worse", "error", "k4")],
        ),
    ),
    "a failed row that only its own words tell of": (
        [{"task": 1, "result": {"name": "C", "status": "failed", "error": "bad", "type": "t"}}],
        BulkAnswer(0, 0, 0, 1, [], [], [BulkError("bad", "t", None, "C")]),
    ),
    "opaque": ([{"task": 1}, {"task": 2}], NOTHING),
    "opaque, with words": ([{"task": 1, "message": "bad"}, {"task": 2, "result": None}], NOTHING),
    "results that are no objects": (
        [{"task": 1, "result": "created"}, {"task": 2, "result": [ANSWER]}, {"task": 3, "result": True}],
        NOTHING,
    ),
    "a status that nobody declared": ([{"task": 1, "result": {**A, "status": "queued"}}], NOTHING),
    "no status": ([{"task": 1, "result": A}], NOTHING),
    "stored, without a name": (
        [{"task": 1, "result": {"id": "dim_a", "status": "created"}}],
        BulkAnswer(1, 1, 0, 0, [("dim_a", "")], [], []),
    ),
    "stored, and neither id nor name": ([{"task": 1, "result": {"status": "created"}}], NOTHING),
    "an id that is a number": (
        [{"task": 1, "result": {"id": 7, "name": "A", "status": "created"}}],
        BulkAnswer(1, 1, 0, 0, [("7", "A")], [], []),
    ),
    "a name to clean": (
        [{"task": 1, "result": {"id": "dim_a", "name": "Cafe\u0301 ", "status": "updated"}}],
        BulkAnswer(1, 0, 1, 0, [], [("dim_a", "Caf\u00e9")], []),
    ),
}


@each_of(TASKS)
def test_results_are_one_bulk_answer(case: tuple[list[object], BulkAnswer]) -> None:
    tasks, expected = case

    assert results(*tasks) == expected


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"results": None},
        {"results": {}},
        {"results": "done"},
        {"results": ["done"]},
        {"results": [None]},
        {"results": [{"task": 1, "result": {"success_count": "two"}}]},
        {"results": [{"task": 1, "result": {"success_count": 1, "created": ["dim_a"]}}]},
    ],
    ids=str,
)
def test_results_of_another_shape_are_refused(document: object) -> None:
    with pytest.raises(BadAnswer):
        read_results(body(document))


def test_words_that_cannot_be_written_again_are_no_reason_to_stumble() -> None:
    """orjson reads what is nested deeper than it writes: 254 levels."""
    words: object = "bad"
    for _ in range(300):
        words = [words]
    try:
        answer = results({"task": 1, "result": {"unique_key": "k1", "status": "failed", "error": words}})
    except BadAnswer:
        return
    assert [error.key for error in answer.errors] == ["k1"]


CHANGES = (Change(dim("k1", "1", "A"), None), Change(dim("k2", "2", "B"), "dim_b", ("name",)))
ROWS = tuple(DIALECT.row(change.row) for change in CHANGES)
CHUNK = Chunk(changes=CHANGES, rows=ROWS, body=DIALECT.bulk_body(COMPANY, ROWS))
CREATED = {"task": 1, "result": {**A, "reference_id": "k1", "status": "created"}}
UPDATED = {"task": 2, "result": {**B, "reference_id": "k2", "status": "updated"}}
FAILED = {"task": 2, "result": {"reference_id": "k2", "status": "failed"}, "message": "bad"}
NEW, OLD, NO, OPEN = Column.CREATED, Column.UPDATED, Column.REJECTED, Column.UNCERTAIN


@pytest.mark.parametrize(
    ("tasks", "columns"),
    [
        ([CREATED, UPDATED], (NEW, OLD)),
        ([UPDATED, CREATED], (NEW, OLD)),
        ([CREATED, FAILED], (NEW, NO)),
        ([CREATED], (NEW, OPEN)),
        ([FAILED], (OPEN, NO)),
        ([{"task": 1}, {"task": 2}], (OPEN, OPEN)),
        ([{"task": 1, "message": "bad"}, UPDATED], (OPEN, OLD)),
        ([], (OPEN, OPEN)),
    ],
    ids=["all", "in another order", "one failed", "one left out", "the other left out", "opaque", "half", "nothing"],
)
def test_a_row_that_results_do_not_explain_is_uncertain(tasks: list[object], columns: tuple[Column, ...]) -> None:
    """Whatever a completed batch leaves out was not thereby stored, nor refused."""
    outcome = reconcile(CHUNK, results(*tasks), exposed=True)

    assert {result.change.row.key: result.column for result in outcome.results} == dict(
        zip(("k1", "k2"), columns, strict=True)
    )
    assert outcome.explained is (OPEN not in columns)
