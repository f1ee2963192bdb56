"""What was known of a company's rows before anything was sent, and the record of a row that an answer acknowledges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.compare.agreement import pushed
from engine.compare.equality import differing_fields
from engine.model.dimension import RemoteRow
from engine.model.outcome import Column, ItemResult, Results
from engine.model.remote_id import is_linked
from engine.model.row_record import RowRecord, entries, flags_of
from engine.model.table import constant

_CREATED, _NONE = frozenset({Column.CREATED}), frozenset({None})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownRows:
    """What a company's plan rests on, row by row."""

    run_id: str
    records: Mapping[str, RowRecord]  # the ledger's, by key
    listed_ids: Collection[str]  # ids of the remote rows that the comparison was with
    remotes: Mapping[str, RemoteRow] = field(default_factory=dict)  # the same remote rows, by their ids
    again: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by key: rows that are pushed once more

    def all_created(self, results: Results, answered: Mapping[str, str]) -> Mapping[str, RowRecord] | None:
        """Return the records of rows that an explained answer calls created and of which nothing was known before.

        What `acknowledged` says of one of them, it says of each. `answered`: names that were answered otherwise, by
        key. None: these are not all of the rows.
        """
        changes, keys = results.changes, results.keys
        if not _CREATED.issuperset(results.column("column")) or not _NONE.issuperset(changes.column("remote_id")):
            return None
        if not keys or any(_has_any(known, keys) for known in (self.records, self.again, answered)):
            return None
        one = self.acknowledged(results[0], explained=True, answered=None)
        alike = (constant(note, len(keys)) for note in (flags_of(one), one.seen, one.agreement, one.before))
        return entries((*changes.rows, results.column("remote_id"), *alike), changes.resource)

    def acknowledged(self, result: ItemResult, *, explained: bool, answered: str | None) -> RowRecord:
        """Return the ledger's record of a stored row. `answered`: its name in the answer, if another one.

        Its key is confirmed when it was so before, when we created the row, when the answer bears the matched id (or
        any id, where none was matched), or when the key was ours already (sent once, outcome lost) and this answer
        leaves nothing open.
        """
        change, column, answered_id, _ = result
        before = self.records.get(change.row.key)
        matched_id = change.remote_id if is_linked(change.remote_id) else None
        confirmed = (before is not None and before.confirmed) or (
            explained
            and (
                column is Column.CREATED
                or (answered_id is not None and answered_id == (matched_id or answered_id))
                or (before is not None and not before.outcome_known)
            )
        )
        # An update's id that no listing has shown is another spelling of the matched one.
        is_respelled = column is Column.UPDATED and matched_id is not None and answered_id not in self.listed_ids
        remote_id = matched_id if is_respelled else answered_id or matched_id
        met_id = answered_id if change.remote_id is None and column is Column.UPDATED else None
        there = self.remotes.get(change.remote_id or met_id or "")
        fields = change.fields
        if met_id is not None and there is not None:  # a create that changed an existing row
            fields = differing_fields(change.row, there)
        agreement, shown_before = pushed(
            change.row,
            before if before is not None and before.remote_id in {None, remote_id} else None,
            fields,
            there,
            answered=answered,
            again=self.again.get(change.row.key),
            run_id=self.run_id,
        )
        return RowRecord(
            change.row,
            remote_id,
            confirmed=confirmed,
            outcome_known=True,
            code_known=True,
            agreement=agreement,
            before=shown_before,
        )


def _has_any(known: Mapping[str, object], keys: Iterable[str]) -> bool:
    return len(known) > 0 and any(map(known.__contains__, keys))
