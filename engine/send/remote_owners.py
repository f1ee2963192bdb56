"""Which key each remote row belongs to, by the ledger and this run's answers; and creates that changed another's row.

Two keys that lead to one remote row collide: each overwrites what the other one sent. A create that is answered with
the id of a row which was there has updated that row, whichever key it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from operator import attrgetter
from typing import NamedTuple

from engine.model.breath import breathe
from engine.model.change import Change
from engine.model.outcome import STORED, BulkAnswer, Chunk, Column, ItemResult
from engine.model.row_record import CONFIRMED, SETTLED, RowRecord, as_entries
from engine.model.table import FEW, gathered, uses_of
from engine.send.known_rows import KnownRows


class Collision(NamedTuple):
    """Two keys that were answered with one remote id."""

    key: str
    other_key: str
    remote_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Keys that answers have confirmed, by remote id."""

    key: Mapping[str, str]
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # all keys of ids that several have

    def of(self, remote_id: str) -> tuple[str, ...]:
        """Return the keys behind a remote id."""
        if (keys := self.shared.get(remote_id)) is not None:
            return keys
        key = self.key.get(remote_id)
        return () if key is None else (key,)


_remote_id_of = attrgetter("remote_id")
_key_of = attrgetter("row.key")


@dataclass(slots=True, kw_only=True)
class RemoteOwners:
    """One company's, over all chunks of a run."""

    known: KnownRows
    wanted_keys: Container[str]  # the source's: a row whose key is gone from it may go to another key
    collided: set[str] = field(default_factory=set)  # keys of collisions; their rows are not sent any more
    _keys_by_id: dict[str, str] = field(default_factory=dict)  # key behind each remote id that this run was answered
    _loose_ids: set[str] = field(default_factory=set)  # ids of this run's answers that nobody knows the key of
    confirmed: Confirmed | None = None  # by the ledger; None: not made yet
    _all_have_ids: bool | None = None  # whether the id of each acknowledged row is known; None: not looked at yet

    def collisions(self, results: Sequence[ItemResult]) -> list[Collision]:
        """Return the stored rows that were answered with a remote id which another key of the source holds."""
        found = []
        for change, column, remote_id, _ in results:
            if remote_id is None or column not in STORED:
                continue
            key = change.row.key
            owner = self._keys_by_id.setdefault(remote_id, key)
            if owner == key:
                owner = self._owner(remote_id, other_than=key) or owner
            if owner != key:
                found.append(Collision(key, owner, remote_id))
        return found

    def sharing(self, chunk: Chunk, results: Sequence[ItemResult], answer: BulkAnswer) -> list[Change]:
        """Return rows that may share a remote row with another key, where their names do not tell which of them does.

        That is so if an id stands twice in the answer, or is the id of an existing row that the chunk was not to
        change. When they are sent again in separate chunks, the answers tell each row's id.
        """
        named = (*answer.created, *answer.updated)
        uses = Counter(remote_id for remote_id, _ in named)
        told = {*map(_remote_id_of, chunk.changes), *map(_remote_id_of, results)}
        names = {
            name
            for remote_id, name in named
            if (remote_id and uses[remote_id] > 1)
            or (remote_id not in told and (self._is_listed(remote_id) or self._owner(remote_id) is not None))
        }
        return [
            result.change
            for result in results
            if result.remote_id is None and result.column in STORED and result.change.row.name in names
        ]

    def hit(self, chunk: Chunk, answer: BulkAnswer, told: Collection[str]) -> int:
        """Return how many rows that were there an answer names although the chunk was to change none of them.

        `told`: ids of collisions, which are counted elsewhere. An id that an earlier answer of this run gave counts as
        the id of a row that was there.
        """
        meant = set(map(_remote_id_of, chunk.changes))
        entries = (*answer.created, *answer.updated)
        named = {remote_id for remote_id, _ in entries} - meant - set(told)
        keys = set(map(_key_of, chunk.changes))
        others = {remote_id for remote_id in named & self._keys_by_id.keys() if self._keys_by_id[remote_id] not in keys}
        count = sum(
            self._is_listed(remote_id) or remote_id in self._loose_ids or remote_id in others for remote_id in named
        )
        nameless = {remote_id for remote_id, name in entries if remote_id and not name}
        self._loose_ids |= {remote_id for remote_id in nameless & named if remote_id not in self._keys_by_id}
        return count

    def perhaps_hit(self, chunk: Chunk, answer: BulkAnswer) -> int:
        """Return how many creates that were sent twice and answered as updates may have changed another key's row.

        None, if their own first send created those rows. Ids tell that, if the ids of all rows that may have been
        changed are known, and if answers spell ids as listings do (a number cannot be compared with `dim_9e37`).
        """
        if self._all_have_ids is None:
            entries = as_entries(self.known.records).table.columns("remote_id", "flags")
            self._all_have_ids = all(remote_id or not flags & SETTLED for remote_id, flags in entries)
        shown, told = next(iter(self.known.listed_ids), ""), {remote_id for remote_id, _ in answer.updated}
        are_alike = "" not in told and all(shown.isdigit() == remote_id.isdigit() for remote_id in told if shown)
        if self._all_have_ids and are_alike:
            return 0
        return max(0, answer.updated_count - len(chunk.changes) + chunk.creates)

    def as_there(self, result: ItemResult) -> ItemResult:
        """Return a row's outcome: "updated" if the answer says "created" and the row was there at the comparison."""
        if result.column is Column.CREATED and result.remote_id is not None and self._is_listed(result.remote_id):
            return result._replace(column=Column.UPDATED)
        return result

    def stored_without_id(self) -> None:
        """Note that a row was stored whose remote id nobody knows."""
        self._all_have_ids = False

    def _is_listed(self, remote_id: str) -> bool:
        return remote_id in self.known.listed_ids

    def _owner(self, remote_id: str, other_than: str = "") -> str | None:
        """Return another key of the source that an answer has shown to lead to a remote row, by the ledger.

        One that was merely matched with it does not hold it: the row may be the other key's.
        """
        if self.confirmed is None:
            self.confirmed = confirmed_keys(self.known.records)
        for key in self.confirmed.of(remote_id):
            if key != other_than and key in self.wanted_keys:
                return key
        return None


def confirmed_keys(records: Mapping[str, RowRecord]) -> Confirmed:
    """Return the keys that answers have confirmed.

    One pass over all rows of a company that pushes one, by columns: to make records would cost several times as much.
    """
    table = as_entries(records).table
    sure = gathered(map(CONFIRMED.__and__, table.column("flags")))
    ids, keys = (gathered(compress(table.column(name), sure)) for name in ("remote_id", "key"))
    first: dict[str, str] = {}
    pairs = zip(ids, keys, strict=True)
    for _ in range(0, len(keys), FEW):
        first.update(islice(pairs, FEW))
        if len(first) > FEW:
            breathe()
    if len(first) == len(keys):
        return Confirmed(key=first)
    shared: dict[str, tuple[str, ...]] = {}  # some ids are shared, or not known
    uses = uses_of(ids)
    for remote_id, key in zip(ids, keys, strict=True):
        if remote_id and uses[remote_id] > 1:
            shared[remote_id] = (*shared.get(remote_id, ()), key)
    first.pop(None, None)  # type: ignore[call-overload]
    return Confirmed(key=first, shared=shared)
