"""Pages of a listing, recognized by their bytes: a page of an earlier listing is decoded only if it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from xxhash import xxh3_128_digest

from engine.model.dimension import RemoteRow
from engine.model.listing import Page, Undecoded

HELD_BYTES = 4_000_000
"""Bytes of pages that are held for one company until they are decoded; beyond, each page is decoded at once."""


class PageFacts(NamedTuple):
    """What a page said of itself and its listing."""

    number: int
    limit: int
    declared: int
    rows: int


def facts_of(page: Page) -> PageFacts:
    """Return what a page said of itself and its listing."""
    return PageFacts(page.number, page.limit, page.declared, len(page.rows))


class KnownPages:
    """Reads pages of one company."""

    def __init__(self, seed: int | None = None, known: Mapping[bytes, PageFacts] | None = None) -> None:
        """Take the seed of the hashes, and the pages of an earlier, whole listing by their hashes.

        `seed` None: pages are not recognized by their bytes, and each is decoded.
        """
        self.seed = seed
        self._known = known or {}
        self._held_bytes = 0

    def page(self, body: bytes, decode: Callable[[bytes], Page]) -> Page:
        """Return a page, decoded unless it is known."""
        if self.seed is None:
            return decode(body)
        mark = xxh3_128_digest(body, self.seed)
        facts = self._known.get(mark)
        if facts is None or self._held_bytes + len(body) > HELD_BYTES:
            return decode(body)._replace(mark=mark)
        self._held_bytes += len(body)
        rows = Undecoded(facts.rows, partial(_rows, body, decode))
        return Page(facts.number, facts.limit, facts.declared, rows, None, mark)


def _rows(body: bytes, decode: Callable[[bytes], Page]) -> Sequence[RemoteRow]:
    return decode(body).rows
