"""A listing of a company's remote rows: its pages, and the certificate that shows whether it is whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from engine.model.dimension import RemoteRow, remote_table
from engine.model.wording import counted


class Undecoded(Sequence[RemoteRow]):
    """The rows of a page whose bytes are those of a page of an earlier, whole listing.

    Their number is known from then. They are decoded when one of them is looked at.
    """

    __slots__ = ("_count", "_decode", "_rows")

    def __init__(self, count: int, decode: Callable[[], Sequence[RemoteRow]]) -> None:
        """Take their number, and what decodes them."""
        self._count = count
        self._decode = decode
        self._rows: Sequence[RemoteRow] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> RemoteRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RemoteRow]: ...
    def __getitem__(self, index: int | slice) -> RemoteRow | Sequence[RemoteRow]:
        return self.decoded()[index]

    def decoded(self) -> Sequence[RemoteRow]:
        """Return the rows, decoded once."""
        if self._rows is None:
            self._rows = self._decode()
        return self._rows


class Page(NamedTuple):
    """One decoded page of a listing."""

    number: int  # as the server echoes it; the first is 1
    limit: int  # rows a page as the server grants it, which may differ from what was asked for
    declared: int  # rows in the whole listing, as this page declares them
    rows: Sequence[RemoteRow]
    foreign: int | None  # the first other company's id in the page; None: all rows are of the one asked for
    mark: bytes = b""  # a hash of its bytes, where pages are told by it


class SeenIds:
    """Counts the different remote ids of a listing's pages, each page taken once.

    Pages that are not decoded are counted by their number of rows, as long as no other page comes: the listing that
    they are known from had no id twice.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._known: dict[bytes, Undecoded] = {}  # by mark

    def take(self, page: Page) -> None:
        """Count a page's ids."""
        if isinstance(page.rows, Undecoded) and not self._ids:
            self._known[page.mark] = page.rows
            return
        for rows in self._known.values():
            self._ids.update(remote_table(rows.decoded()).column("id"))
        self._known.clear()
        self._ids.update(remote_table(page.rows).column("id"))

    @property
    def undecoded(self) -> list[Undecoded]:
        """The rows that are decoded as soon as another page is taken: all those of known pages, in one go."""
        return list(self._known.values())

    def __len__(self) -> int:
        return len(self._ids) + sum(map(len, self._known.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was declared and seen in a listing, which shows whether it is whole.

    It is whole if every page declares the same count, and that number of different ids was seen.
    """

    declared: int  # on the first page
    declared_last: int  # on the page that differs from the first, else on the last one
    unique: int  # different remote ids seen
    rows: int  # rows seen, repeats included
    pages: int  # pages read
    counts_pages: bool = False  # there were more rows than declared: the API counts the rows of each page alone

    @property
    def repeats(self) -> int:
        """Rows seen more than once: rows moved between pages while the listing was read."""
        return self.rows - self.unique

    @property
    def whole(self) -> bool:
        """Whether the listing is whole, so that a row that it does not show is not there."""
        return self.declared == self.declared_last == self.unique and not self.counts_pages

    def describe(self) -> str:
        """Return one line for people: what was declared and what was seen."""
        count = (
            str(self.declared) if self.declared == self.declared_last else f"{self.declared}, then {self.declared_last}"
        )
        seen = (
            f"{counted(self.unique, 'different row')} seen on {counted(self.pages, 'page')}"
            f" ({counted(self.repeats, 'repeat')})"
        )
        why = "; the API counts the rows of a page, not of all, so nothing shows where the listing ends"
        return f"{count} rows declared, {seen}{why if self.counts_pages else ''}"
