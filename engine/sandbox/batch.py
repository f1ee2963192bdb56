"""Bulk requests that are answered 202: their progress, and their results.

The vendor documents these calls for bulk endpoints of other resources; for dimensions they are assumed. The work is
done at once: progress calls say "processing" as often as the fault asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from engine.sandbox.contract import VERSION, Contract
from engine.sandbox.exchange import Accepted, Answer, BulkDone, Call
from engine.sandbox.tenant import Row

Task = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Batch:
    """One accepted request, and the number of its progress calls."""

    id: str
    company_id: int | None
    polls: int  # progress calls that say "processing"
    tasks: list[Task]
    asked: int = 0

    @property
    def finished(self) -> bool:
        """Return whether the next progress call says "completed", or an earlier one has."""
        return self.asked >= self.polls


def accept(call: Call, accepted: Accepted, done: BulkDone, contract: Contract) -> Batch:
    """Return a batch with a new id that keeps what a bulk request did."""
    tasks = _tasks(call, accepted, done, contract)
    return Batch(id=f"b-{call.number}", company_id=call.company_id, polls=accepted.polls, tasks=tasks)


def begun(batch: Batch, rows: int) -> Answer:
    """Return the 202 answer that names the batch of a request with this number of rows."""
    body = {
        "version": VERSION,
        "status": "processing",
        "batch_id": batch.id,
        "batch_url": f"/v1/batch/{batch.id}/progress",
        "results_url": _results_url(batch),
        "summary": {"count": rows},
    }
    return Answer(status=202, body=orjson.dumps(body))


def progress(batch: Batch) -> Answer:
    """Count a progress call and return its answer; "completed" does not mean that the rows were stored."""
    finished, count = batch.finished, len(batch.tasks)
    batch.asked += 1
    share = 1.0 if finished else batch.asked / (batch.polls + 1)
    failed = sum("message" in task for task in batch.tasks) if finished else 0
    body = {
        "version": VERSION,
        "batch_id": batch.id,
        "progress": share,
        "tasks_count": count,
        "tasks_completed": int(share * count) - failed,
        "tasks_failed": failed,
        "status": "completed" if finished else "processing",
        "results_url": _results_url(batch) if finished else None,
        "error": None,
    }
    return Answer(status=200, body=orjson.dumps(body))


def results(batch: Batch) -> Answer:
    """Return the results of a batch; they are empty until it is finished."""
    body = {"version": VERSION, "batch_id": batch.id, "results": batch.tasks if batch.finished else []}
    return Answer(status=200, body=orjson.dumps(body))


def _results_url(batch: Batch) -> str:
    return f"/v1/batch/{batch.id}/results"


def _tasks(call: Call, accepted: Accepted, done: BulkDone, contract: Contract) -> list[Task]:
    if accepted.style == "answer":
        return [{"task": 1, "result": contract.outcome(done)}]
    if accepted.style == "opaque":
        return [{"task": number} for number in range(1, len(call.items) + 1)]
    numbers: dict[str | None, int] = {}
    for number, item in enumerate(call.items, 1):
        numbers.setdefault(item.key, number)
    stored = [*_stored(done.created, "created", contract), *_stored(done.updated, "updated", contract)]
    tasks = [{"task": numbers[result[contract.key]], "result": result} for result in stored]
    tasks += [
        {"task": error.at + 1, "message": error.message, "result": {contract.key: error.key, "status": "failed"}}
        for error in done.errors
    ]
    return sorted(tasks, key=lambda task: task["task"])


def _stored(rows: Iterable[Row], status: str, contract: Contract) -> Iterable[Task]:
    return ({"id": row.id, "name": row.values.name, contract.key: row.values.key, "status": status} for row in rows)
