"""What a source of rows is, for programs and packages that bring sources of their own.

`engine.sources.files.FileSource` and `engine.sources.sql.SqlSource` are two. An async iterable of rows is enough; what
else is here is asked for only where a source has it, and makes a company cheaper or its messages clearer.
`engine.testing.check_source` checks a source.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from engine.model.dimension import Dimension
from engine.model.settings import RawRow

Rows = Dimension | RawRow | Sequence[Dimension | RawRow]
"""A row, or a batch of rows, which costs less. A mapping has the guide's column names, or the reference's."""


class SourceReading(Protocol):
    """One reading of a source, from its beginning to its end."""

    def __aiter__(self) -> AsyncIterator[Rows]:
        """Return itself."""

    async def __anext__(self) -> Rows:
        """Return the next row, or batch of rows. An exception, other than for the end, fails the company."""

    @property
    def digest(self) -> bytes | None:
        """A digest of all that was read, once it is read to its end; None: there is none.

        Equal digests say that the rows are equal, valid and invalid ones, so it covers how they are read, too.
        """

    async def aclose(self) -> None:
        """Give back files and connections. Called however the reading ends, also in the middle."""


class Source(Protocol):
    """A company's source. It is read anew in each run, so each reading begins at the first row."""

    @property
    def name(self) -> str:
        """Its name in messages, without secrets."""

    def __aiter__(self) -> AsyncIterator[Rows]:
        """Begin a reading; a `SourceReading` is also asked for its digest, and closed."""

    def of_company(self, company_id: int) -> AsyncIterator[Rows]:
        """Begin a reading of the rows of one company, if the source has those of many. Called instead of `__aiter__`.

        A source that has it may be given to several companies.
        """

    async def digest(self) -> bytes | None:
        """Return the digest that a reading would have now, without reading all; None: that cannot be told.

        If it equals the digest of the last run, and that run found nothing to do, the source is not read.
        """

    def absence(self) -> str | None:
        """Return a sentence on why it cannot be read, if that is known at no cost; None: no reason is known.

        `dimsync validate` and `dimsync doctor` ask for it.
        """
