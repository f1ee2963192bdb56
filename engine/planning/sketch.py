"""Compact sketches of companies' rows: enough to see that one client's file was given for another's. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from hashlib import blake2b
from heapq import nsmallest
from typing import NamedTuple

from engine.model.dimension import Dimension
from engine.model.known import SETTLED, Acknowledged

KEPT = 256
"""Marks of a sketch, the smallest ones: 2 KB a company, and a share of 90 % is told to about 2 points."""

MARK_BYTES = 8
LEAST = 8
"""Fewer marks to compare say nothing: short lists are alike by chance."""

OWN_SHARE = 0.5
OTHER_SHARE = 0.9
"""Held when less than the one is the company's own and more than the other is another's (DESIGN section 5)."""


class Sketch(NamedTuple):
    """The smallest marks of a company's rows, ascending. A mark stands for type, ERP id and name."""

    rows: int
    marks: bytes


class Likeness(NamedTuple):
    """Another company whose rows a source holds."""

    company_id: int
    share: float  # of the source's rows, estimated


def sketch(rows: Iterable[Dimension]) -> Sketch:
    """Return the sketch of a company's rows. O(rows)."""
    marks = _marks(rows)
    return Sketch(len(marks), b"".join(nsmallest(KEPT, marks)))


def own_share(rows: Iterable[Dimension], acked: Acknowledged) -> float:
    """Return the share of the source's rows that are among the acknowledged ones; 1 for no rows."""
    own = {(entry[1], entry[4], entry[3]) for entry in acked.cells.values() if entry[7] & SETTLED}
    faces = [_face(row) for row in rows]
    return sum(face in own for face in faces) / len(faces) if faces else 1.0


def likest(rows: Iterable[Dimension], others: Iterable[tuple[int, Sketch]]) -> Likeness | None:
    """Return the other company that has the most of these rows; None: too little is known of any."""
    marks = sorted(_marks(rows))
    found = [
        Likeness(company_id, share) for company_id, other in others if (share := _shared(marks, other)) is not None
    ]
    return max(found, key=lambda likeness: (likeness.share, -likeness.company_id), default=None)


def _shared(marks: list[bytes], other: Sketch) -> float | None:
    """Return the share of the marks that are another's, judged by those that its sketch can speak of."""
    theirs = [other.marks[at : at + MARK_BYTES] for at in range(0, len(other.marks), MARK_BYTES)]
    whole = other.rows <= len(theirs)
    told = marks if whole else marks[: bisect_right(marks, theirs[-1])] if theirs else []
    if len(told) < LEAST:
        return None
    kept = set(theirs)
    return sum(mark in kept for mark in told) / len(told)


def _marks(rows: Iterable[Dimension]) -> list[bytes]:
    return [
        blake2b("\0".join(_face(row)).encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest() for row in rows
    ]


def _face(row: Dimension) -> tuple[str, str, str]:
    return row.type_code, row.erp_id, row.name
