"""What one request changes in the ledger, in one transaction with the end of its intent. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.compare.spelling import answered_words
from engine.model.dimension import NaturalKey, fingerprint, natural_key
from engine.model.ledger_writes import Intent, Settlement
from engine.model.outcome import STORED, ChunkOutcome, Column, ItemResult, columns_of, result_table, trail
from engine.model.resting import Rejection
from engine.model.row_record import RowRecord
from engine.net.client import BulkCall
from engine.send.known_rows import KnownRows
from engine.send.remote_owners import Collision

NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one intent, and how its rows were sent."""

    intent: Intent
    results: Sequence[ItemResult]  # of its rows; those that are sent again in other parts are not among them
    exposed: bool  # something of theirs may have landed: keys without a stored outcome lose their acknowledged state
    is_lost: bool = False  # a send was not answered, so that the server may still be at it; `exposed` implies it
    call: BulkCall | None = None  # None: they were not sent
    answer: ChunkOutcome | None = None  # reconciled; None: there is none
    collisions: Sequence[Collision] = ()  # nobody knows what their remote rows hold: neither key counts as stored

    @property
    def is_repeated(self) -> bool:
        """Whether the rows may have been sent before the send that was answered, or were never answered."""
        return self.is_lost or (self.exposed and self.answer is None)

    @property
    def answered(self) -> Mapping[str, str]:
        """By key: names in the answer that are not those that were sent."""
        return NO_NAMES if self.answer is None else self.answer.answered

    @property
    def doubt(self) -> str:
        """How the answer contradicts itself, where it says of each row what became of it; empty: it does not."""
        if self.answer is None or not self.answer.doubt or Column.UNCERTAIN in columns_of(self.answer.results):
            return ""
        return self.answer.doubt

    @property
    def colliding(self) -> set[str]:
        """Keys of the collisions that this answer showed."""
        return {key for collision in self.collisions for key in (collision.key, collision.other_key)}


def records_of(sent: Sent, counted: Sequence[ItemResult], known: KnownRows) -> Mapping[str, RowRecord]:
    """Return the ledger's records of the rows that an answer acknowledges, by key."""
    explained, answered = sent.answer is not None and sent.answer.explained, sent.answered
    if explained and (made := known.all_created(result_table(counted), answered)) is not None:
        return made
    return {
        result.change.row.key: known.acknowledged(
            result, explained=explained, answered=answered.get(result.change.row.key)
        )
        for result in counted
        if result.column in STORED
    }


def respelled(records: Mapping[str, RowRecord], answered: Mapping[str, str]) -> dict[str, str]:
    """Return words on stored rows whose names were answered otherwise, by key."""
    return {key: answered_words(records[key].row.name, name) for key, name in answered.items() if key in records}


def settlement(
    sent: Sent, counted: Sequence[ItemResult], records: Mapping[str, RowRecord], left_out: set[str], at: datetime
) -> Settlement:
    """Return what is written down.

    `counted`: its results without those of `left_out`, the keys that are known to collide by now. `records`: of the
    rows that were stored.
    """
    call, counts = sent.call, columns_of(sent.results)
    doubtful = sent.intent.keys if sent.exposed else ()
    unknown = (key for key in doubtful if key not in records and key not in left_out)
    return Settlement(
        intent_id=sent.intent.id,
        at=at,
        rows=records,
        rejected=_rejections(counted, at) if Column.REJECTED in counts else {},
        rejected_as=_rejected_as(counted) if Column.REJECTED in counts else {},
        unknown=(*unknown, *sorted(left_out)),
        may_be_there=_may_be_there(sent.results, sent.colliding) if sent.collisions or counts[Column.UNCERTAIN] else {},
        created=counts[Column.CREATED],
        lost_at=at if sent.exposed or sent.is_lost else None,
        outcomes=trail(counted),
        sends=call.sends if call else 0,
        status=call.status if call else None,
        request_id=call.request_id if call else None,
    )


def _rejections(results: Iterable[ItemResult], at: datetime) -> dict[str, Rejection]:
    return {
        result.change.row.key: Rejection(fingerprint(result.change.sent), at, result.message)
        for result in results
        if result.column is Column.REJECTED
    }


def _rejected_as(results: Iterable[ItemResult]) -> dict[str, NaturalKey]:
    return {
        result.change.row.key: natural_key(result.change.row) for result in results if result.column is Column.REJECTED
    }


def _may_be_there(results: Iterable[ItemResult], colliding: Container[str]) -> dict[str, NaturalKey]:
    """Return, by key, the natural keys that rows of unknown outcome may have now: creates, and updates that move rows.

    `colliding`: keys of rows that were stored, one over the other.
    """
    return {
        change.row.key: natural_key(change.row)
        for change, column, _, _ in results
        if (column is Column.UNCERTAIN or (column in STORED and change.row.key in colliding))
        and (change.remote_id is None or not change.fields or change.moves)
    }
