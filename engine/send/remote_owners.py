"""Which key each remote row belongs to, by the ledger and this run's answers; and creates that changed another's row.

Two keys that lead to one remote row collide: each overwrites what the other one sent. A create that is answered with
the id of a row which was there has updated that row, whichever key it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, islice
from typing import NamedTuple

from engine.model.breath import breathe
from engine.model.change import Change, keys_of, values_of
from engine.model.outcome import STORED, BulkAnswer, Chunk, Column, ItemResult, Results, result_table
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
        keys, ids = _stored_under_ids(result_table(results))
        owners = list(map(self._keys_by_id.setdefault, ids, keys))
        if owners == keys and self._has_no_other(ids, keys):
            return []
        found = []
        for key, remote_id, owner in zip(keys, ids, owners, strict=True):
            other = (self._owner(remote_id, other_than=key) or owner) if owner == key else owner
            if other != key:
                found.append(Collision(key, other, remote_id))
        return found

    def sharing(self, chunk: Chunk, results: Sequence[ItemResult], answer: BulkAnswer) -> list[Change]:
        """Return rows that may share a remote row with another key, where their names do not tell which of them does.

        That is so if an id stands twice in the answer, or is the id of an existing row that the chunk was not to
        change. When they are sent again in separate chunks, the answers tell each row's id.
        """
        ids = result_table(results).column("remote_id")
        if None not in ids:
            return []
        named = (*answer.created, *answer.updated)
        uses = Counter(remote_id for remote_id, _ in named)
        told = {*values_of(chunk.changes, "remote_id"), *ids}
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
        meant = set(values_of(chunk.changes, "remote_id"))
        named = set(answer.ids).difference(meant, told)
        keys = set(keys_of(chunk.changes))
        others = {remote_id for remote_id in named & self._keys_by_id.keys() if self._keys_by_id[remote_id] not in keys}
        count = len(others.union(named & self._loose_ids, filter(self.known.listed_ids.__contains__, named)))
        if "" in answer.names:
            nameless = {remote_id for remote_id, name in (*answer.created, *answer.updated) if remote_id and not name}
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

    def _has_no_other(self, ids: Sequence[str], keys: Sequence[str]) -> bool:
        """Return whether no answer has shown, by the ledger, that another key leads to any of these remote rows."""
        confirmed = self._confirmed_keys()
        return confirmed.shared.keys().isdisjoint(ids) and list(map(confirmed.key.get, ids, keys)) == keys

    def _confirmed_keys(self) -> Confirmed:
        if self.confirmed is None:
            self.confirmed = confirmed_keys(self.known.records)
        return self.confirmed

    def _is_listed(self, remote_id: str) -> bool:
        return remote_id in self.known.listed_ids

    def _owner(self, remote_id: str, other_than: str = "") -> str | None:
        """Return another key of the source that an answer has shown to lead to a remote row, by the ledger.

        One that was merely matched with it does not hold it: the row may be the other key's.
        """
        for key in self._confirmed_keys().of(remote_id):
            if key != other_than and key in self.wanted_keys:
                return key
        return None


def _stored_under_ids(results: Results) -> tuple[list[str], list[str]]:
    """Return the keys of stored rows whose remote ids were answered, and these ids."""
    keys, ids = results.keys, results.column("remote_id")
    if results.are_stored and None not in ids:
        return list(keys), list(ids)
    found = [
        (key, remote_id)
        for key, remote_id, column in zip(keys, ids, results.column("column"), strict=True)
        if remote_id is not None and column in STORED
    ]
    return [key for key, _ in found], [remote_id for _, remote_id in found]


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
