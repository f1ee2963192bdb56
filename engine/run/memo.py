"""A memo of what a listing showed when there was nothing to do: another run tells by it that nothing has changed.

It replays a verdict of the comparison and knows no rule: source, settings, what the ledger knows and what Ottimate
shows are as they were when a comparison found nothing to do. To delete it costs time and changes nothing else.

Two things tell a listing: the bytes of its pages, which are then not decoded; or all fields of its rows, in whatever
pages and order they come. Both are hashes of 128 bits that begin with a number drawn for each company: that two
listings have one hash by chance is less probable than 1 in 10**27, for a million companies that list daily for a
century.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import orjson
from xxhash import xxh3_128

from engine.compare.remote_view import RemoteView
from engine.model.balance import Balance
from engine.model.breath import breathe
from engine.model.dimension import DIMENSIONS, dimension_table
from engine.model.table import Column, taken
from engine.model.wanted import Wanted
from engine.net.known_pages import PageFacts

MOST_PAGES = 2_000
"""Pages that are remembered of a company: 100 KB. A longer listing is told by its rows alone."""

SLICE = 8_000
"""Rows that are encoded at a time: some 3 ms of work."""

MOST_SORTED = 20_000
"""Rows of a listing that are sorted, which takes some 10 ms in which no other thread goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingMemo:
    """The hashes by which a listing is recognized, and how it was counted."""

    seed: int  # of the hashes
    content: bytes  # a hash of all fields of its rows
    pages: Mapping[bytes, PageFacts]  # by the hash of their bytes
    remote_rows: int
    matched: int
    contested: int
    orphans: int

    @property
    def remote(self) -> Balance:
        """The remote columns of the trial balance."""
        return Balance(
            remote_rows=self.remote_rows, matched=self.matched, contested=self.contested, orphans=self.orphans
        )

    def encoded(self) -> bytes:
        """Return it as the ledger keeps it."""
        pages = self.pages if len(self.pages) <= MOST_PAGES else {}
        counts = self.remote_rows, self.matched, self.contested, self.orphans
        named = [(mark.hex(), *facts) for mark, facts in pages.items()]
        return orjson.dumps((self.seed, self.content.hex(), counts, named))


def decoded(blob: bytes) -> ListingMemo | None:
    """Return a memo as it was before `encoded`; None: there is none, or it is damaged."""
    try:
        seed, content, counts, pages = orjson.loads(blob)
        rows, matched, contested, orphans = counts
        numbers = (seed, *counts, *(number for _, *facts in pages for number in facts))
        if not all(type(number) is int and number >= 0 for number in numbers):
            return None
        return ListingMemo(
            seed=seed,
            content=bytes.fromhex(content),
            pages={bytes.fromhex(mark): PageFacts._make(facts) for mark, *facts in pages},
            remote_rows=rows,
            matched=matched,
            contested=contested,
            orphans=orphans,
        )
    except (ValueError, TypeError):
        return None


def content_of_source(wanted: Wanted) -> bytes | None:
    """Return a hash of all that a comparison takes from a source's rows; None: it has invalid rows, or is not known.

    Where its rows stand, and in which files, is no part of it. O(rows): 0.5 us a row.
    """
    if wanted.invalid or wanted.source_keys:
        return None
    rows = dimension_table(wanted.rows)
    counts = [(source.read_rows, source.left_out) for source in wanted.sources]
    marks = [(mark.filters, mark.lacks) for mark in wanted.marks]
    columns = [rows.column(name) for name in DIMENSIONS.names]
    parts = (wanted.source_rows, wanted.left_out_by, counts, marks, wanted.absent_columns)
    digest = blake2b(digest_size=16)
    try:
        digest.update(orjson.dumps(parts, default=list))
        for text in _texts(columns):
            digest.update(text)
    except TypeError:  # half of a surrogate pair, which is no text
        return None
    return digest.digest()


def content_of(view: RemoteView, seed: int) -> bytes:
    """Return a hash of all fields of a listing's rows: in whatever order they come, unless it is a giant. O(rows)."""
    table = view.rows.table
    columns = [table.column(name) for name in view.resource.remote_names]
    if len(table) <= MOST_SORTED:
        order = table.in_order_of("id")
        columns = [taken(column, order) for column in columns]
    digest = xxh3_128(seed=seed)
    for text in _texts(columns):
        digest.update(text)
    return digest.digest()


def _texts(columns: Sequence[Column]) -> Iterator[bytes]:
    """Yield columns as JSON, some rows at a time: no other thread goes on while a part is encoded."""
    for start in range(0, len(columns[0]), SLICE):
        yield orjson.dumps([list(column[start : start + SLICE]) for column in columns])
        if start + SLICE < len(columns[0]):
            breathe()
