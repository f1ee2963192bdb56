"""Rows whose keys the API takes for one: each overwrites what the other one sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from engine.model.known import KEY_COLLISION, RestingRow
from engine.model.outcome import Column
from engine.model.wanted import Wanted
from engine.planning.withhold import collision_fingerprint
from engine.run.books import Books


@dataclass(slots=True, kw_only=True)
class Collisions:
    """Those that a run met, by remote id. They are counted as held from the moment on that they are met."""

    books: Books
    groups: dict[str, set[str]] = field(default_factory=dict)  # keys by remote id

    def add(self, key: str, other: str, remote_id: str) -> None:
        """Take in two keys that were answered with one remote id, and count their rows as held."""
        group = self.groups.setdefault(remote_id, set())
        group |= {key, other}
        texts = {each: message(group - {each}, remote_id) for each in (key, other)}
        self.books.recount(texts, Column.HELD, KEY_COLLISION)

    @property
    def keys(self) -> set[str]:
        """The keys of all of them."""
        return set().union(*self.groups.values())

    def notes(self, source: Wanted, now: datetime) -> dict[str, RestingRow]:
        """Return what the ledger keeps of them, by key."""
        rows = {row.key: row for row in source.rows if any(row.key in group for group in self.groups.values())}
        found = {}
        for remote_id, group in self.groups.items():
            known = sorted(key for key in group if key in rows)
            fingerprint = collision_fingerprint(rows[key] for key in known)
            for key in known:
                others = tuple(each for each in known if each != key)
                text = message(group - {key}, remote_id)
                found[key] = RestingRow(KEY_COLLISION, fingerprint, text, now, others=others)
        return found


def message(others: set[str], remote_id: str) -> str:
    """Return what is said of a row whose key leads to another key's remote row."""
    them = " and ".join(repr(key) for key in sorted(others)[:3])
    return (
        f"its key and {them} lead to one row in Ottimate, {remote_id}: the API takes them for one key, and each would"
        " overwrite what the other one sent; neither is sent again until one of them is changed in the source"
    )
