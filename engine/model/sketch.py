"""Compact sketches of companies' rows: enough to see that one client's file was given for another's. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import compress, repeat
from typing import Any, NamedTuple
from zlib import crc32

from engine.model.dimension import DIMENSIONS, Dimension, RemoteRow
from engine.model.resource import Resource
from engine.model.table import Table, gathered, ordered, positions_of, taken

KEPT = 256
"""Marks of a sketch, the smallest ones: 2 KB a company, and a share of 90 % is told to about 2 points."""

MARK_BYTES = 8
CHECKSUM_BYTES = 4
LEAST = 8
"""With fewer marks to compare nothing is concluded: short lists are alike by chance."""


class Sketch(NamedTuple):
    """The smallest marks of a company's rows, ascending. A mark stands for natural key and name.

    It begins with a checksum, so that of many rows only the few that are kept are digested.
    """

    rows: int
    marks: bytes


class Likeness(NamedTuple):
    """Another company whose rows a source holds."""

    company_id: int
    share: float  # of the source's rows, estimated


def sketch(rows: Iterable[Dimension] | Table[RemoteRow], resource: Resource = DIMENSIONS) -> Sketch:
    """Return the sketch of a company's rows, from its source or from Ottimate. O(rows)."""
    texts = _texts(rows, resource)
    sums = gathered(map(crc32, texts))
    few = 2 * KEPT * 2**32 // max(1, len(texts))  # some twice as many texts as are kept have a checksum below this
    some: Sequence[int] = positions_of(map(few.__ge__, sums), len(sums))
    if len(some) >= KEPT:
        small = taken(sums, some)
        some = list(compress(some, map(sorted(small)[KEPT - 1].__ge__, small)))
    else:
        some = range(len(texts))
    marks = sorted(map(_mark, taken(texts, some)))
    return Sketch(len(texts), b"".join(marks[:KEPT]))


def alike(
    rows: Iterable[Dimension], others: Iterable[tuple[int, Sketch]], over: float, resource: Resource = DIMENSIONS
) -> list[Likeness]:
    """Return the other companies that have more than the share `over` of these rows, each once, the largest first.

    Companies of which too little is known are left out.
    """
    best: dict[int, float] = {}
    for company_id, share in _shares(rows, others, resource):
        if share > over:
            best[company_id] = max(share, best.get(company_id, 0.0))
    found = [Likeness(company_id, share) for company_id, share in best.items()]
    return sorted(found, key=lambda likeness: (-likeness.share, likeness.company_id))


def _shares(
    rows: Iterable[Dimension], others: Iterable[tuple[int, Sketch]], resource: Resource
) -> Iterator[tuple[int, float]]:
    """Yield other companies with the share of the rows that they have, where enough is known to tell."""
    marks = list(map(_mark, _texts(rows, resource)))
    marks = taken(marks, ordered(marks))
    for company_id, other in others:
        if (share := _shared(marks, other)) is not None:
            yield company_id, share


def _shared(marks: list[bytes], other: Sketch) -> float | None:
    """Return the share of the marks that are another's, judged by those that its sketch can speak of."""
    is_whole = other.rows * MARK_BYTES <= len(other.marks)
    told = marks if is_whole else marks[: bisect_right(marks, other.marks[-MARK_BYTES:])] if other.marks else []
    if len(told) < LEAST:
        return None
    if not any(mark in other.marks for mark in told[:LEAST]):  # true of most companies, and cheaper than the set below
        return 0.0
    kept = {other.marks[at : at + MARK_BYTES] for at in range(0, len(other.marks), MARK_BYTES)}
    return sum(mark in kept for mark in told) / len(told)


def _texts(rows: Iterable[Dimension] | Table[RemoteRow], resource: Resource) -> list[bytes]:
    """Return natural key and name of each row as one text."""
    table: Table[Any] = resource.wanted_table(rows)
    joined = map("\0".join, table.columns(*resource.traits))
    return gathered(map(str.encode, joined, repeat("utf-8"), repeat("surrogatepass")))


def _mark(text: bytes) -> bytes:
    digest = _EMPTY.copy()  # in half of the time that it takes to make one
    digest.update(text)
    return crc32(text).to_bytes(CHECKSUM_BYTES) + digest.digest()


_EMPTY = blake2b(digest_size=MARK_BYTES - CHECKSUM_BYTES)
