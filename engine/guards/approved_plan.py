"""Remember a plan that passed the guards until all of it is done, so that the rest of it passes in the next run.

Otherwise a large plan that was stopped half-way would be held when the next run sends the rest of it.
Each of its rows leaves a mark of 8 bytes; the marks, sorted and joined, are `CompanyState.passed`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from itertools import chain

from engine.model.breath import sliced
from engine.model.change import Change, table_of
from engine.model.dimension import Dimension
from engine.model.table import EACH, FEW, SLICE, gathered

MARK_BYTES = 8
"""Size of a row's mark in a plan that passed. The chance that two of a million rows share one is 1 in 37 million."""


SEPARATOR = "\0"
"""Between the fields of a row, none of which holds it."""


def marks(rows: Iterable[Dimension]) -> bytes:
    """Return the marks of rows of a plan that passed, by which later runs recognise them.

    A mark stands for the key and for all that the source says of the row: its name, ERP id, type and code. Type labels
    are left out, as a listing between two runs may change them. An older dimsync made marks of keys alone; they equal
    none of these marks, so that the guards count the rest of its plan again.
    """
    return _in_order(map(_mark, rows))


def marks_of(changes: Sequence[Change]) -> bytes:
    """Return the marks of the rows of changes, as `marks` does."""
    if not changes:
        return b""
    table = table_of(changes)
    columns = (_texts(table.column(name)) for name in table.resource.unlabelled)
    return _in_order(map(_digest, map(SEPARATOR.join, zip(*columns, strict=True))))


def joined(passed: bytes | None, more: bytes) -> bytes:
    """Return the marks of both plans."""
    return _in_order(_taken_apart(passed) | _taken_apart(more))


def without(passed: bytes | None, done: Iterable[Dimension]) -> bytes | None:
    """Return the marks of what is left when these rows are done; None: nothing is."""
    left = _taken_apart(passed)
    for part in sliced(map(_mark, done), EACH):
        left.difference_update(part)
    return _in_order(left) or None


def within(passed: bytes | None, left: Iterable[Dimension]) -> bytes | None:
    """Return the marks of those of these rows that are in the plan; None: none is."""
    known = _taken_apart(passed)
    return _in_order({mark for part in sliced(map(_mark, left), EACH) for mark in known.intersection(part)}) or None


def has_passed(passed: bytes | None) -> Callable[[Dimension], bool]:
    """Return what tells whether a row, as it is now, was part of a plan that passed."""
    known = _taken_apart(passed)
    return lambda row: bool(known) and _mark(row) in known


def not_passed(changes: Collection[Change], passed: bytes | None) -> int:
    """Return how many changes were not part of the plan that passed before."""
    if not passed:
        return len(changes)
    is_known = has_passed(passed)
    return sum(not is_known(change.row) for part in sliced(changes, EACH) for change in part)


def _in_order(marks: Iterable[bytes]) -> bytes:
    """Return marks sorted and joined: sorted by their first byte, and then by the rest, as one sort of all is long."""
    begun: list[list[bytes]] = [[] for _ in range(256)]
    for part in sliced(marks, EACH):
        for mark in part:
            begun[mark[0]].append(mark)
    return b"".join(gathered(chain.from_iterable(map(sorted, begun)), FEW))


def _taken_apart(passed: bytes | None) -> set[bytes]:
    starts = range(0, len(passed or b""), MARK_BYTES)
    return {passed[at : at + MARK_BYTES] for part in sliced(starts, SLICE) for at in part} if passed else set()


def _mark(row: Dimension) -> bytes:
    return _digest(SEPARATOR.join(_texts(row.resource.without_label(row))))


def _texts(values: Sequence[str | None]) -> Sequence[str]:
    return [value or "" for value in values]


def _digest(text: str) -> bytes:
    """Return the mark of a row by its values, its label left out, as one text."""
    digest = _EMPTY.copy()  # in two thirds of the time that it takes to make one
    digest.update(text.encode("utf-8", "surrogatepass"))
    return digest.digest()


_EMPTY = blake2b(digest_size=MARK_BYTES)
