"""Read a source that many companies share once, and keep its rows by company in a temporary file.

The file has no name: it is gone however the process ends, and only the process's user could read it.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import AsyncIterator
from hashlib import blake2b
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

import anyio
from anyio import to_thread

from engine.errors import SourceError
from engine.model.wanted import FileEnd
from engine.sources.batch import Batch, Broken
from engine.sources.by_company import Dealer, Rows, Strays
from engine.sources.digests import begun
from engine.sources.files import FileSource
from engine.sources.reading import Batches, Reading, Told
from engine.sources.sql import SqlSource

WAITING_CHARACTERS = 6_000_000
"""Characters of rows that are in memory before they are written to the file: some 50,000 usual rows, 20 MB.

Each company's are written together.
"""

Shared = FileSource | SqlSource


class Spool:
    """The rows of one source by company. The first company that asks reads it; if that fails, it fails for all."""

    def __init__(self, source: Shared, companies: frozenset[int]) -> None:
        """Take the source, and the ids of all companies that have it."""
        self.source = source
        self._companies = companies
        self._turn = anyio.Lock()
        self._reading = Lock()  # of the file: to seek and to read is one act
        self._error: SourceError | None = None
        self._end: FileEnd | None = None
        self.is_filled = False
        self._begin()

    def _begin(self) -> None:
        self._dealer = Dealer(self.source.name, self.source.mapping.company_column or "", self._companies)
        self._file: IO[bytes] | None = None
        self._waiting: dict[int, Rows] = defaultdict(lambda: Rows([], []))
        self._characters = 0  # of the rows that wait
        self._places: dict[int, list[tuple[int, int]]] = defaultdict(list)  # offset and length of each written part
        self._digests: dict[int, blake2b] = {}

    @property
    def strays(self) -> Strays:
        """Rows that name no company which has the source, once it is filled."""
        return self._dealer.strays

    @property
    def share_bytes(self) -> int:
        """The average size of one company's rows in the source; 0: it is no file."""
        return getattr(self.source, "size_bytes", 0) // max(1, len(self._companies))

    async def filled(self) -> None:
        """Read the source, unless that is done. Raises `SourceError`, to each who asks."""
        async with self._turn:
            if not self.is_filled and self._error is None:
                await self._fill()
        if self._error is not None:
            raise SourceError(str(self._error), file=self._error.file, line=self._error.line) from self._error

    async def _fill(self) -> None:
        """Read the source. If the reading task is cancelled, the next one that asks begins anew."""
        self.close()
        self._begin()
        items = aiter(self.source)
        try:
            async for batch in items:
                await to_thread.run_sync(self._put, batch)
            await to_thread.run_sync(self._write)
            self._require_column()
        except SourceError as error:
            self._error = error
            return
        except OSError as error:
            text = f"{self.source.name}: its rows could not be put aside in a temporary file: {error.strerror or error}"
            self._error = SourceError(text, file=self.source.name)
            return
        finally:
            await items.aclose()
        self._end, self.is_filled = items.end, True

    def _put(self, batch: Batch) -> None:
        for company_id, rows in self._dealer.deal(batch).items():
            waiting = self._waiting[company_id]
            waiting.places.extend(rows.places)
            waiting.cells.extend(rows.cells)
            told = [cells.cells if isinstance(cells, Broken) else cells for cells in rows.cells]
            text = "".join([f"{cells!r}\0" for cells in told])
            self._characters += len(text)
            self._digest(company_id).update(text.encode("utf-8", "backslashreplace"))
        if self._characters > WAITING_CHARACTERS:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = TemporaryFile(prefix="dimsync-")  # noqa: SIM115  it lives as long as the run
        for company_id, rows in self._waiting.items():
            part = pickle.dumps((rows.places, rows.cells), pickle.HIGHEST_PROTOCOL)
            self._places[company_id].append((self._file.seek(0, 2), len(part)))
            self._file.write(part)
        self._waiting.clear()
        self._characters = 0

    def _require_column(self) -> None:
        """Raise `SourceError` if the source is of objects of which none names a company."""
        dealer, column = self._dealer, self.source.mapping.company_column or ""
        first = column.partition(".")[0]
        if dealer.columns is None and dealer.keys and column not in dealer.keys and first not in dealer.keys:
            there = ", ".join(dealer.keys)
            text = f"{self.source.name}: missing columns: {column}; there are: {there}"
            raise SourceError(text, file=self.source.name)

    def _digest(self, company_id: int) -> blake2b:
        if company_id not in self._digests:
            self._digests[company_id] = begun(repr(self._dealer.columns), self.source.mapping)
        return self._digests[company_id]

    def digest(self, company_id: int) -> bytes:
        """Return the digest of a company's rows. Those of other companies do not change it."""
        return self._digest(company_id).digest()

    def batches(self, company_id: int) -> Batches:
        """Yield a company's rows, at least one batch, so that missing columns are reported in any case."""
        yield self._batch(Rows([], []))
        keys = dict.fromkeys(self._dealer.keys)  # columns that other companies' objects have are not missing here
        for offset, length in self._places[company_id]:
            rows = self._part(offset, length)
            if keys and not isinstance(rows.cells[0], Broken):
                rows.cells[0] = {**keys, **rows.cells[0]}
                keys = {}
            yield self._batch(rows)
        return Told(self.digest(company_id), self._end)

    def _part(self, offset: int, length: int) -> Rows:
        if self._file is None:
            raise SourceError(f"{self.source.name}: the run that had read it has ended", file=self.source.name)
        with self._reading:
            self._file.seek(offset)
            part = self._file.read(length)
        return Rows(*pickle.loads(part))  # noqa: S301  it was written by this process, to a file without a name

    def _batch(self, rows: Rows) -> Batch:
        dealer = self._dealer
        return Batch(
            rows.cells,
            columns=dealer.columns,
            lines=rows.places if dealer.is_lined else None,
            numbers=None if dealer.is_lined else rows.places,
            mapping=self.source.mapping,
        )

    def close(self) -> None:
        """Close the temporary file, which deletes it."""
        if self._file is not None:
            self._file.close()
            self._file = None


class CompanyRows:
    """The rows of one company in a source that many share: a source of its own."""

    def __init__(self, spool: Spool, company_id: int) -> None:
        self._spool = spool
        self._company_id = company_id
        self.name = spool.source.name

    @property
    def size_bytes(self) -> int:
        """The company's share of the file's size, roughly."""
        return self._spool.share_bytes

    async def digest(self) -> bytes | None:
        """Return the digest that reading the company's rows gives; None: the source cannot be read."""
        try:
            await self._spool.filled()
        except SourceError:
            return None
        return self._spool.digest(self._company_id)

    def __aiter__(self) -> AsyncIterator[Batch]:
        """Yield the company's rows in batches. Raises `SourceError`."""
        return _CompanyReading(self._spool, self._company_id)


class _CompanyReading(AsyncIterator[Batch]):
    """Waits until the source is read, then reads the company's part of it."""

    def __init__(self, spool: Spool, company_id: int) -> None:
        self._spool = spool
        self._company_id = company_id
        self._reading: Reading | None = None

    async def __anext__(self) -> Batch:
        if self._reading is None:
            await self._spool.filled()
            self._reading = Reading(self._spool.batches(self._company_id))
        return await anext(self._reading)

    @property
    def digest(self) -> bytes | None:
        """The digest of the company's rows, once they are read to their end."""
        return None if self._reading is None else self._reading.digest

    @property
    def end(self) -> FileEnd | None:
        """How the file ended, once it is read to its end."""
        return None if self._reading is None else self._reading.end

    async def aclose(self) -> None:
        """Close the reading."""
        if self._reading is not None:
            await self._reading.aclose()
