"""A wanted row and the remote row that it is, what that rests on, and all rows of both sides so matched."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from engine.compare.agreed import Agreed
from engine.model.change import Hold
from engine.model.dimension import Dimension, RemoteRow, natural_key
from engine.model.row_record import RowRecord


class Via(Enum):
    """What a match rests on."""

    LISTED_KEY = "listed key"
    LEDGER = "ledger"
    NATURAL_KEY = "natural key"


class Pair(NamedTuple):
    """A wanted row and the remote row that it is."""

    row: Dimension
    remote: RemoteRow
    via: Via
    known: RowRecord | None  # what the ledger says of the row's key


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Each wanted row once: paired, missing or held. Each remote row once: paired, contested or an orphan."""

    pairs: list[Pair]
    missing: Sequence[Dimension]  # no remote row could be theirs: to be created
    holds: list[Hold]
    contested: set[str] = field(default_factory=set)  # ids of remote rows that a held or invalid row may mean
    orphans: list[str] = field(default_factory=list)  # ids
    agreed: Agreed | None = None  # rows that need no pair
    relabel: bool = False  # type labels are compared, too

    @property
    def agreed_keys(self) -> AbstractSet[str]:
        """Keys of the rows that need no pair."""
        return self.agreed.keys if self.agreed else frozenset()

    def has_pair(self, key: str) -> bool:
        """Return whether a wanted row is there."""
        return key in self.agreed_keys or any(pair.row.key == key for pair in self.pairs)

    def has(self, key: str) -> bool:
        """Return whether a row is wanted. O(rows), as `has_pair`: for a few keys."""
        open_keys = (row.key for row in self.missing), (hold.key for hold in self.holds)
        return self.has_pair(key) or any(key == each for keys in open_keys for each in keys)


def may_lead_to(known: RowRecord, remote: RemoteRow) -> bool:
    """Return whether a record can be of this remote row.

    A record without an id is of the row with the type and ERP id that were acknowledged. If its outcome is unknown,
    nobody knows what its row looks like: it can be of any.
    """
    if known.remote_id is not None:
        return known.remote_id == remote.id
    return not known.outcome_known or natural_key(known.row) == natural_key(remote)


def is_confirmed(pair: Pair) -> bool:
    """Return whether an answer or a listing has shown that this key leads to this very remote row."""
    return pair.via is Via.LISTED_KEY or (pair.known is not None and pair.known.confirmed and leads_here(pair))


def leads_here(pair: Pair) -> bool:
    """Return whether the key has a record that can be of this very remote row."""
    return pair.via is Via.LEDGER or (pair.known is not None and may_lead_to(pair.known, pair.remote))
