"""The columns of a file's first rows, found by names that are compared without case, blanks and signs.

"Account #" is `account`; "Number (GL)" is `number`; "AccountCD.value" is `accountcd`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from engine.sources.guess.head import Head


class Columns:
    """A head's columns by their folded names."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._names: dict[str, str] = {}
        for name in head.columns:
            if name:
                self._names.setdefault(_folded(name), name)

    def named(self, wanted: str) -> str | None:
        """Return the first of the wanted names that is a column."""
        return next((self._names[name] for name in wanted.split() if name in self._names), None)

    def all_named(self, wanted: str) -> Iterator[str]:
        """Yield the wanted names that are columns, as the file spells them."""
        return (self._names[name] for name in wanted.split() if name in self._names)

    def values(self, name: str) -> list[str]:
        """Return a column's cells."""
        at = self._head.columns.index(name)
        return [row[at] for row in self._head.rows]

    def texts(self, but: Collection[str]) -> str | None:
        """Return the first column that mostly holds different texts with letters."""
        for name in self._names.values():
            values = [value for value in self.values(name) if value]
            different = len(set(values)) > 0.8 * len(values)
            if name not in but and different and sum(map(_has_letters, values)) > 0.8 * len(self._head.rows):
                return name
        return None

    def names(self) -> Collection[str]:
        """Return all names of columns."""
        return self._names.values()

    def is_unique(self, name: str, scope: Sequence[str]) -> bool:
        """Return whether a column is filled in all rows, each time with another value.

        `scope`: columns within each of whose values that has to be so.
        """
        return all(self.values(name)) and not self.repeated(name, scope)

    def repeated(self, name: str, scope: Sequence[str]) -> list[tuple[str, int]]:
        """Return values that several rows have, and in how many rows, the most first."""
        rows = Counter(zip(*(self.values(one) for one in (name, *scope)), strict=True))
        return [(row[0], count) for row, count in rows.most_common() if count > 1 and row[0]]


def _folded(name: str) -> str:
    return re.sub(r"\(.*?\)|[\W_]|value$", "", name.casefold())


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in text)
