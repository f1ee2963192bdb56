"""A bulk answer joined to the rows of its chunk: what it tells of each, and whether it adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from engine.model.change import Change, table_of, values_of
from engine.model.outcome import BulkAnswer, BulkError, Column, ItemResult, Results
from engine.model.table import constant, taken
from engine.send.answered_names import respelled_names
from engine.send.refused_rows import fits, join_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The rows of a chunk that were not refused, position by position, and what an answer tells of each."""

    changes: Sequence[Change]
    names: Sequence[str]  # as the answer has them, where it is known to spell them its own way
    ids: Sequence[str | None]  # remote ids, as the answer tells them
    creates: Sequence[bool]  # whether a row was to be created
    entry_ids: Sequence[str]  # of the answer's entries, those of created rows first; empty: it gives none
    entry_names: Sequence[str]
    refused: list[ItemResult]
    answered: Mapping[str, str]  # by key: names in the answer that differ from those sent
    all_joined: bool  # each error found a row of its own
    agrees: bool  # counters and arrays agree with the rows

    def results(self, columns: Sequence[Column]) -> Sequence[ItemResult]:
        """Return the outcome of each row, those of refused rows first. `columns`: of the rows that were not refused."""
        stored = Results(table_of(self.changes), columns, self.ids, constant("", len(columns)))
        return (*self.refused, *stored) if self.refused else stored


def join_answer(changes: Sequence[Change], answer: BulkAnswer) -> Joined:
    """Return what the answer tells of each row (case 1 of `reconcile`), and what decides between cases 2 and 3."""
    names: Sequence[str] = values_of(changes, "name")
    entry_ids, entry_names = answer.ids, answer.names
    refused, all_joined = join_errors(changes, answer)
    sent, told = set(names), set(entry_names) - {""}
    respelled = {} if told <= sent else respelled_names(changes, answer)
    ids = _ids(changes, names, sent, entry_ids, entry_names)
    if respelled:
        names, ids = _as_spelled(changes, names, ids, respelled)
    stored: Sequence[Change] = changes
    if refused:
        left = [position for position in range(len(changes)) if position not in refused]
        stored, names, ids = table_of(changes).take(left), taken(names, left), taken(ids, left)
    is_to_these = not told or bool(respelled) or not told.isdisjoint(sent)
    return Joined(
        changes=stored,
        names=names,
        ids=ids,
        entry_ids=entry_ids,
        entry_names=entry_names,
        creates=[remote_id is None for remote_id in values_of(stored, "remote_id")],
        refused=[_refusal(changes[position], error) for position, error in refused.items()] if refused else [],
        answered={key: name for key, (_, name) in respelled.items()} if respelled else {},
        all_joined=all_joined,
        agrees=is_to_these and fits(changes, answer, refused) and _adds_up(answer, len(stored)),
    )


def _as_spelled(
    changes: Sequence[Change],
    names: Sequence[str],
    ids: Sequence[str | None],
    respelled: Mapping[str, tuple[str, str]],
) -> tuple[Sequence[str], Sequence[str | None]]:
    """Return names and remote ids as the answer has them. `respelled`: by key, where the name is not the one sent."""
    found = [respelled.get(change.row.key, ("", "")) for change in changes]
    told_names = [told or name for (_, told), name in zip(found, names, strict=True)]
    return told_names, [told or row_id for (told, _), row_id in zip(found, ids, strict=True)]


def _adds_up(answer: BulkAnswer, stored: int) -> bool:
    """Return whether counters and arrays agree with each other, and with the number of rows that were not refused."""
    counted = (answer.created_count, answer.updated_count, answer.error_count)
    is_listed = counted == (len(answer.created), len(answer.updated), len(answer.errors))
    return is_listed and answer.success_count == answer.created_count + answer.updated_count == stored


def _ids(
    changes: Sequence[Change],
    names: Sequence[str],
    sent: AbstractSet[str],
    entry_ids: Sequence[str],
    entry_names: Sequence[str],
) -> Sequence[str | None]:
    """Return the remote ids of rows that the answer names, by position.

    A name tells the id if it stands once among the rows sent and once among the entries. An entry without a name is
    about the row that was to be updated under its id. If one row was sent and there is one entry, it is that row's.
    """
    by_name = dict(zip(entry_names, entry_ids, strict=True))
    if len(by_name) < len(entry_names) or len(sent) < len(names):
        shown, uses = Counter(entry_names), Counter(names)
        by_name = {name: row_id for name, row_id in by_name.items() if shown[name] == 1 == uses[name]}
    ids: Sequence[str | None] = list(map(by_name.get, names))
    if "" in entry_ids:
        ids = [row_id or None for row_id in ids]
    if "" in entry_names:
        if len(changes) == 1 == len(entry_names):
            return [entry_ids[0] or None]
        nameless = {row_id for row_id, name in zip(entry_ids, entry_names, strict=True) if not name} - {""}
        pairs = zip(changes, ids, strict=True)
        ids = [change.remote_id if change.remote_id in nameless else row_id for change, row_id in pairs]
    return ids


def _refusal(change: Change, error: BulkError) -> ItemResult:
    return ItemResult(change, Column.REJECTED, None, f"{error.message} ({error.kind})")
