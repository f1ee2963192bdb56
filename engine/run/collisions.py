"""Collisions that a run meets: rows whose keys the API takes for one, so that each overwrites the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.compare.collision import collisions, message
from engine.model.outcome import Column
from engine.model.resting import KEY_COLLISION, RestingRow
from engine.model.wanted import Wanted
from engine.run.row_counts import RowCounts


@dataclass(slots=True, kw_only=True)
class Collisions:
    """The collisions that a run met. Their rows are counted as held at once."""

    counts: RowCounts
    groups: dict[str, set[str]] = field(default_factory=dict)  # keys by remote id

    def add(self, key: str, other: str, remote_id: str) -> None:
        """Take in two keys that were answered with one remote id, and count their rows as held."""
        group = self.groups.setdefault(remote_id, set())
        group |= {key, other}
        texts = {each: message(group - {each}, remote_id) for each in (key, other)}
        self.counts.recount(texts, Column.HELD, KEY_COLLISION)

    @property
    def keys(self) -> set[str]:
        """The keys of all collisions. Their rows are counted already."""
        return set().union(*self.groups.values())

    def notes(self, source: Wanted, now: datetime) -> dict[str, RestingRow]:
        """Return the notes on them for the ledger, by key."""
        return collisions(self.groups, source, now)
