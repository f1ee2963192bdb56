"""The keys that a source's rows bear, in dicts that stay small. Pure.

A dict of 100,000 texts grows twice while it is filled, each time within one call that looks at all of its keys: some
2 and 4 ms on the event loop, on top of the batch that it takes in.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST = 40_000
"""Keys in one dict: at 43,690 it would grow, which takes some 2 ms."""


class BorneKeys:
    """A set of keys that takes in a batch of them at a time."""

    __slots__ = ("_last", "_parts")

    def __init__(self) -> None:
        self._last: dict[str, None] = {}  # see `distinct` for why it is a dict
        self._parts = [self._last]

    def __contains__(self, key: str) -> bool:
        return any(key in part for part in self._parts)

    def has_any(self, keys: Iterable[str]) -> bool:
        """Return whether any of some keys is among these."""
        return not all(part.keys().isdisjoint(keys) for part in self._parts)

    def add(self, keys: dict[str, None]) -> None:
        """Take in keys."""
        if len(self._last) + len(keys) > MOST and self._last:
            self._last = {}
            self._parts.append(self._last)
        self._last |= keys
