"""A bulk answer -> what became of each row that was sent. Only what the body proves counts; the status does not.

Numbered, as the cases are told apart below:
1. Errors are joined to rows by key. A key in another case, or with a prefix, will do if it fits one row only; if keys
   of rows differ in nothing but case, name or position has to tell them apart. Without a key: by the remote id that a
   row updates, else by a name that only one row has, else by position. Positions count from 0, unless errors with
   keys, or the names of stored rows, show that they count from 1. If one row was sent, all errors are that row's.
2. Counters, arrays and rows sent agree and each error found its own row: every other row was stored.
3. Otherwise only rows whose unique name, or whose remote id, stands in `created` or `updated` were stored, and joined
   errors were refused; the rest is uncertain. Where an answer gives no names, its ids alone tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import compress
from operator import not_

from engine.model.change import Change
from engine.model.outcome import BulkAnswer, Chunk, ChunkOutcome, Column, ItemResult
from engine.model.wording import counted
from engine.send.joined_answer import Joined, join_answer


def reconcile(chunk: Chunk, answer: BulkAnswer, *, exposed: bool, landed: bool = False) -> ChunkOutcome:
    """Return each row of the chunk once, with its outcome.

    `exposed`: the rows may have landed before this answer (a send of them was lost), so that "updated" does not
    contradict a planned create. `landed`: the server says that they did, so that "created" makes a row a second time.
    """
    joined = join_answer(chunk.changes, answer)
    if joined.all_joined and joined.agrees:
        return _explained(joined, answer, exposed=exposed, landed=landed)
    return _doubtful(chunk, joined, answer, exposed=exposed, landed=landed)


def _explained(joined: Joined, answer: BulkAnswer, *, exposed: bool, landed: bool) -> ChunkOutcome:
    """Return the outcome of a chunk whose answer adds up: every row that was not refused was stored. The case 2."""
    planned = joined.creates.count(True)
    otherwise = _otherwise(joined, answer, planned, exposed=exposed)
    columns = _as_planned(joined) if otherwise is None else otherwise
    results: Sequence[ItemResult] = joined.results(columns)
    doubled = 0 if otherwise is None else _doubled(joined, otherwise)
    beyond = 0 if exposed else answer.updated_count - (len(joined.changes) - planned)
    return ChunkOutcome(
        results=results,
        explained=True,
        unexpected_creates=max(doubled, answer.created_count - (0 if landed else planned), 0),
        creates_that_updated=max(_repeats(joined.entry_ids), beyond),
        answered=joined.answered,
    )


def _doubtful(chunk: Chunk, joined: Joined, answer: BulkAnswer, *, exposed: bool, landed: bool) -> ChunkOutcome:
    """Return the outcome of a chunk whose answer does not add up: only what it names is told. The case 3."""
    created = {remote_id for remote_id, _ in answer.created}
    doubt = _doubt(chunk, answer, all_joined=joined.all_joined)
    results = list(joined.refused)
    for change, remote_id in zip(joined.changes, joined.ids, strict=True):
        if remote_id is not None:
            was_new = exposed and change.remote_id is None  # an earlier send of it may have made it
            column = Column.CREATED if remote_id in created or was_new else Column.UPDATED
            results.append(ItemResult(change, column, remote_id))
        else:
            results.append(ItemResult(change, Column.UNCERTAIN, None, doubt))
    doubled = sum(result.change.remote_id is not None and result.column is Column.CREATED for result in results)
    creates = 0 if landed else chunk.creates
    return ChunkOutcome(
        results=tuple(results),
        explained=False,
        doubt=doubt,
        unexpected_creates=max(doubled, min(answer.created_count, len(answer.created)) - creates, 0),
        creates_that_updated=sum(
            result.change.remote_id is None and result.column is Column.UPDATED for result in results
        ),
        unjoined=not joined.all_joined,
        answered=joined.answered,
    )


_PLANNED = {True: Column.CREATED, False: Column.UPDATED}


def _as_planned(joined: Joined) -> list[Column]:
    return list(map(_PLANNED.__getitem__, joined.creates))


def _doubled(joined: Joined, columns: Sequence[Column]) -> int:
    """Return how many updates the server answered as created."""
    pairs = zip(columns, joined.creates, strict=True)
    return sum(column is Column.CREATED and not is_create for column, is_create in pairs)


def _otherwise(joined: Joined, answer: BulkAnswer, planned: int, *, exposed: bool) -> list[Column] | None:
    """Return created or updated for each stored row, as the names tell; None: as planned, they need not be asked.

    They must if the server created another number of rows than planned, or says "created" of a name that only an update
    has. Then the update's key led nowhere; the counts agree because a planned create has updated a row instead.
    """
    if "" in joined.entry_names:
        return _columns_by_id(joined.changes, answer, planned, exposed=exposed)
    made = joined.entry_names[: len(answer.created)]
    as_counted = answer.created_count == planned or (exposed and answer.created_count < planned)
    of_updates = set(compress(joined.names, map(not_, joined.creates)))
    of_updates = of_updates.intersection(made).difference(compress(joined.names, joined.creates))
    if as_counted and not of_updates:
        return None
    sure = {remote_id for remote_id, _ in answer.updated if remote_id}  # whatever names they share with created ones
    rows = zip(joined.names, joined.changes, strict=True)
    if as_counted and all(name not in of_updates or change.remote_id in sure for name, change in rows):
        return None
    columns, created = [], Counter(made)
    for name, change in zip(joined.names, joined.changes, strict=True):
        is_new = created[name] > 0 and change.remote_id not in sure
        created[name] -= is_new
        was_new = exposed and change.remote_id is None  # an earlier send of it may have made it
        columns.append(Column.CREATED if is_new or was_new else Column.UPDATED)
    return columns


def _columns_by_id(stored: Sequence[Change], answer: BulkAnswer, planned: int, *, exposed: bool) -> list[Column]:
    """Return created or updated for each stored row where the answer gives no names: by its id, else as counted.

    If more rows were created than `planned`, these are updates whose id the answer does not give.
    """
    updated = {remote_id for remote_id, _ in answer.updated}
    new, beyond = min(answer.created_count, planned), max(0, answer.created_count - planned)
    columns = []
    for change in stored:
        if change.remote_id is None:
            columns.append(Column.CREATED if new > 0 or exposed else Column.UPDATED)
            new -= 1
        else:
            is_made = beyond > 0 and change.remote_id not in updated
            columns.append(Column.CREATED if is_made else Column.UPDATED)
            beyond -= is_made
    return columns


def _repeats(row_ids: Sequence[str]) -> int:
    """Return how many entries of an answer have the remote id of another entry: the server made one row of two."""
    distinct = set(row_ids)
    return len(row_ids) - (row_ids.count("") - 1 if "" in distinct else 0) - len(distinct)


def _doubt(chunk: Chunk, answer: BulkAnswer, *, all_joined: bool) -> str:
    """Return why rows of this answer are uncertain."""
    if not all_joined:
        return "the answer names a row as refused that cannot be told from its chunk: this one may be it"
    counts = f"{answer.created_count} created, {answer.updated_count} updated, {answer.error_count} refused"
    arrays = f"{len(answer.created)}, {len(answer.updated)} and {len(answer.errors)}"
    return (
        f"{counted(len(chunk.changes), 'row was', 'rows were')} sent, and the answer counts {counts} but lists {arrays}"
    )
