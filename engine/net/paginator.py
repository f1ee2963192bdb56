"""Read the pages of a listing concurrently, and prove that together they are the whole listing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from math import ceil

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from engine.errors import OutOfScope, Rejected, TenantLeak, plain
from engine.model.listing import Certificate, Page, SeenIds, Undecoded
from engine.net.client import CompanyClient
from engine.net.feed import Feed

NO_SUCH_PAGE = frozenset({400, 404})
"""Statuses with which a server may refuse a page after the last one."""

MANY = 3_000
"""Rows that take 4 ms to decode: more are not decoded on the event loop in one go."""


class Listing:
    """An async iterator of pages, in the order of their arrival. `certificate` is final when the iteration ends."""

    def __init__(self, client: CompanyClient, first: Page, size: int, feed: Feed[Page]) -> None:
        self._client = client
        self._first = first
        self._size = max(1, size)
        self._feed = feed
        self._ids = SeenIds()
        self._decoding = anyio.Lock()
        self._rows = self._pages = 0
        self._declared_last = first.declared
        self._expected = ceil(first.declared / self._size)  # pages
        self._may_go_on = client.channel.key.pages.may_go_on(first, self._size)
        self._counts_pages = False  # there were rows beyond the declared count
        self._falls_short = False  # a page before the last had fewer rows than it should
        self._readers = 0  # tasks at work

    @property
    def certificate(self) -> Certificate:
        """How many rows were declared, and how many were seen so far."""
        return Certificate(
            declared=self._first.declared,
            declared_last=self._declared_last,
            unique=len(self._ids),
            rows=self._rows,
            pages=self._pages,
            counts_pages=self._counts_pages,
        )

    @property
    def is_short(self) -> bool:
        """Whether page 1 is the whole listing, as it is for most companies."""
        return self._expected <= 1 and not self._may_go_on

    def __aiter__(self) -> AsyncIterator[Page]:
        return self._feed

    async def begin(self, tasks: TaskGroup | None) -> None:
        """Hand on page 1 and start the tasks that read the others. `tasks`: None for a listing of one page.

        As many pages are read concurrently as page 1 lets expect; then one by one while rows are missing.
        """
        await self._take(1, self._first)
        if tasks is None:
            self._feed.end()
            return
        numbers = iter(range(2, self._expected + 1))
        self._readers = 1 if self._may_go_on else min(self._client.width, self._expected - 1)
        for _ in range(self._readers):
            tasks.start_soon(self._read_rest, numbers)

    async def _read_rest(self, numbers: Iterator[int]) -> None:
        """Read pages together with other tasks; the last one that has nothing left to read ends the stream."""
        if self._may_go_on:
            await self._look_behind()
        else:
            await self._read(numbers)
        self._readers -= 1
        if not self._readers:
            await self._read_on()
            self._feed.end()

    async def _read(self, numbers: Iterator[int]) -> None:
        for number in numbers:
            page = await self._client.page(number, self._size)
            await self._take(number, page)
            if not page.rows:  # the end, whatever the count says: the certificate then shows what is missing
                for _ in numbers:
                    pass

    async def _look_behind(self) -> None:
        """Ask for page 2 although page 1 holds all declared rows: the API may count the rows of each page alone."""
        try:
            page = await self._client.page(2, self._size)
        except (Rejected, OutOfScope) as error:
            if error.status not in NO_SUCH_PAGE:
                raise
            return
        self._counts_pages = bool(page.rows)
        await self._take(2, page)

    async def _read_on(self) -> None:
        """Read on past the expected end if pages were smaller than agreed, until a page brings no new row."""
        number = max(1, self._expected)
        while self._falls_short and len(self._ids) < self._first.declared:
            seen, number = len(self._ids), number + 1
            await self._take(number, await self._client.page(number, self._size))
            if len(self._ids) == seen:
                return

    async def _take(self, number: int, page: Page) -> None:
        """Count a page and hand it on. Raises `TenantLeak` if it has another company's row, before any row is used."""
        if page.foreign is not None:
            asked = self._client.company_id
            raise TenantLeak(
                f"the listing of company {asked} shows a row of company {page.foreign}: nothing is written"
            )
        if self._ids.undecoded and not isinstance(page.rows, Undecoded):
            await self._decode_known()
        self._pages += 1
        self._rows += len(page.rows)
        self._ids.take(page)
        if number < self._expected and len(page.rows) < self._size:
            self._falls_short = True
        if page.declared != self._first.declared:
            self._declared_last = page.declared
        await self._feed.send(page)

    async def _decode_known(self) -> None:
        """Decode the pages that were held, as a page has come that is not known: in a thread, if they are many."""
        async with self._decoding:  # other pages that are not known may come meanwhile
            held = self._ids.undecoded
            if sum(map(len, held)) > MANY:
                await to_thread.run_sync(_decode, held)


def _decode(held: Iterable[Undecoded]) -> None:
    for rows in held:
        rows.decoded()


@asynccontextmanager
async def paginate(client: CompanyClient, first: Page, size: int) -> AsyncIterator[Listing]:
    """Stream the pages of a listing whose first page is read. At most `client.width` pages wait for the reader.

        async with paginate(client, first, size) as listing:
            async for page in listing: ...
        certificate = listing.certificate

    `size`: rows a page, as the server granted it. Leaving the block early ends the reading. Raises `ApiError` and
    `TenantLeak`.
    """
    listing = Listing(client, first, size, Feed(client.width))
    with plain():
        if listing.is_short:
            await listing.begin(None)
            yield listing
            return
        async with anyio.create_task_group() as reading:
            await listing.begin(reading)
            yield listing
            reading.cancel_scope.cancel()
