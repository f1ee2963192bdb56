"""Bulk requests that the server answers later: a 202, then a progress page, then a results page.

The reference declares these for other bulk calls than that of dimensions; the vendor's limits page says that any bulk
call may be answered so. What a `result` contains is declared nowhere. A bulk answer and one entry for each row are
understood; anything else tells nothing about rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.model.outcome import BulkAnswer, BulkError
from engine.wire.dialect import BadAnswer
from engine.wire.listing import read_stored
from engine.wire.reading import read_bulk_object, read_error, read_object, segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A bulk request that the server has accepted, and whose outcome it tells later."""

    batch_id: str


def read_accepted(body: bytes) -> Accepted:
    """Decode a 202. Its URLs are ignored: following them could send the token to another host. Raises `BadAnswer`."""
    batch_id = read_object(body).get("batch_id")
    if not isinstance(batch_id, str | int) or isinstance(batch_id, bool) or str(batch_id) in {"", ".", ".."}:
        raise BadAnswer("202 without a usable `batch_id`")
    return Accepted(batch_id=str(batch_id))


def progress_path(batch: Accepted) -> str:
    """Return the path of the progress page."""
    return f"/batch/{segment(batch.batch_id)}/progress"


def results_path(batch: Accepted) -> str:
    """Return the path of the results page."""
    return f"/batch/{segment(batch.batch_id)}/results"


def read_completed(body: bytes) -> bool:
    """Decode a progress page: whether the work has ended, with success or without. Raises `BadAnswer`."""
    status = read_object(body).get("status")
    if status not in ("processing", "completed"):  # a tuple, not a set: `status` may be unhashable
        raise BadAnswer(f"`status` is {status!r}, neither processing nor completed")
    return bool(status == "completed")


def read_results(body: bytes) -> BulkAnswer:
    """Decode the results as one bulk answer. Entries that tell nothing about a row are left out. Raises `BadAnswer`."""
    tasks = read_object(body).get("results")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise BadAnswer("no array `results` of objects")
    return _sum(list(_answers(tasks)))


def _answers(tasks: list[dict[str, Any]]) -> Iterator[BulkAnswer]:
    for task in tasks:
        result = task.get("result")
        if not isinstance(result, dict):
            continue
        if "success_count" in result:
            yield read_bulk_object(result)
        elif (answer := _of_row(result, task.get("message"))) is not None:
            yield answer


def _of_row(result: dict[str, Any], message: object) -> BulkAnswer | None:
    """Return the entry of one row as a bulk answer; None: it does not tell the row's outcome."""
    status = result.get("status")
    if status == "failed":
        return BulkAnswer(0, 0, 0, 1, [], [], [_refused(result, message)])
    try:
        stored = read_stored([result])
    except BadAnswer:
        return None
    if stored == [("", "")]:
        return None
    if status == "created":
        return BulkAnswer(1, 1, 0, 0, stored, [], [])
    return BulkAnswer(1, 0, 1, 0, [], stored, []) if status == "updated" else None


def _refused(result: dict[str, Any], message: object) -> BulkError:
    error = read_error(result)
    return error._replace(message=message) if isinstance(message, str) and message else error


def _sum(answers: list[BulkAnswer]) -> BulkAnswer:
    errors = [error for answer in answers for error in answer.errors]
    if len(answers) > 1:  # indexes of errors count from the beginning of each answer
        errors = [error._replace(position=None) for error in errors]
    return BulkAnswer(
        success_count=sum(answer.success_count for answer in answers),
        created_count=sum(answer.created_count for answer in answers),
        updated_count=sum(answer.updated_count for answer in answers),
        error_count=sum(answer.error_count for answer in answers),
        created=[row for answer in answers for row in answer.created],
        updated=[row for answer in answers for row in answer.updated],
        errors=errors,
    )
