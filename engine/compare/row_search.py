"""Find the rows that a person means by a word: a key, an identifier, a code, an id in Ottimate, or a part of a name.

Pure. No run needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

from engine.model.resource import Resource

MOST_HITS = 20
"""Rows that are kept of those that are meant."""


class Nearness(IntEnum):
    """How a word means a row; where some are nearer than others, only the nearest are meant."""

    KEY = 1  # it is its key, or its id in Ottimate
    VALUE = 2  # it is its identifier or one of its optional fields, such as the code, in any case
    PART = 3  # it stands in one of these, or in its name, in any case


class RowMatch(NamedTuple):
    """A row that is meant."""

    key: str | None  # the source's; None or empty: it has none
    row: Any  # a wanted row, or a remote one
    place: str  # "source", "left out", "ledger", or "ottimate": there alone, as the last listing showed
    remote_id: str | None = None  # where it is known


class Hits(NamedTuple):
    """The rows that are meant."""

    rows: tuple[RowMatch, ...] = ()  # `MOST_HITS` at most, in the order of the places
    total: int = 0  # all


def nearness(word: str, hit: RowMatch, resource: Resource) -> Nearness | None:
    """Return how a word means a row; None: it does not."""
    folded = word.casefold()
    if not folded:
        return None
    if word in {hit.key, hit.remote_id}:
        return Nearness.KEY
    values = [(getattr(hit.row, name) or "").casefold() for name in (resource.identifier, *resource.optional)]
    if folded in values:
        return Nearness.VALUE
    return Nearness.PART if any(folded in text for text in (*values, hit.row.name.casefold())) else None


def search(word: str, candidates: Iterable[RowMatch], resource: Resource) -> Hits:
    """Return the candidates that a word means; of several with one key, the first."""
    found: dict[Nearness, dict[object, RowMatch]] = {}
    for number, each in enumerate(candidates):
        near = nearness(word, each, resource)
        if near is not None:
            found.setdefault(near, {}).setdefault(each.key or number, each)
    if not found:
        return Hits()
    rows = tuple(found[min(found)].values())
    return Hits(rows[:MOST_HITS], len(rows))
