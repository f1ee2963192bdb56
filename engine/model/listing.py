"""What reading a company's remote rows brings: pages, and the proof that together they are the whole listing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.model.dimension import RemoteRow


class Page(NamedTuple):
    """One decoded page of a listing."""

    number: int  # as the server echoes it, from 1
    limit: int  # rows a page, as the server echoes it: what was granted, not what was asked for
    declared: int  # rows in the whole listing, as this page counts them
    rows: Sequence[RemoteRow]
    foreign: int | None  # the first company id in the page that is not the one asked for; None: no such row


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Proof, or the lack of it, that a listing is whole.

    Whole means: every page declares the same count, and as many different ids were seen.
    """

    declared: int  # on the first page
    declared_last: int  # on the page that differs from the first, else on the last one
    unique: int  # different remote ids seen
    rows: int  # rows seen, repeats included
    pages: int  # pages read
    counts_pages: bool = False  # there were rows beyond the declared count: the API counts the rows of each page

    @property
    def repeats(self) -> int:
        """Rows seen more than once: a page moved while it was read."""
        return self.rows - self.unique

    @property
    def whole(self) -> bool:
        """Whether absence from this listing proves anything."""
        return self.declared == self.declared_last == self.unique and not self.counts_pages

    def describe(self) -> str:
        """Return one line for people: what was declared and what was seen."""
        count = (
            str(self.declared) if self.declared == self.declared_last else f"{self.declared}, then {self.declared_last}"
        )
        seen = f"{self.unique} different rows seen on {self.pages} pages ({self.repeats} repeats)"
        why = "; the API counts the rows of a page, not of all, so nothing shows where the listing ends"
        return f"{count} rows declared, {seen}{why if self.counts_pages else ''}"
