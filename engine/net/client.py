"""One company's API: read a page, send a chunk. Its requests take turns here before they meet other companies'."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from engine.errors import Rejected
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.net.channel import Call, Channel, Spent
from engine.net.retry import Policy
from engine.wire.dialect import Dialect

T = TypeVar("T")

WIDTH = 8
"""Requests of one company in the air at a time: the key's gate is first come first served, so this keeps a giant from
standing in it alone."""

SMALLEST_PAGE = 20
"""The API's own default page size: a server that refuses even this is not refusing the size."""


class CompanyClient:
    """Calls of one company through its account's channel; counts what they cost."""

    def __init__(self, channel: Channel, dialect: Dialect, company_id: int) -> None:
        self.channel = channel
        self.dialect = dialect
        self.company_id = company_id
        self.spent = Spent()
        self.width = min(WIDTH, channel.account.limits.max_concurrency)
        self._room = anyio.Semaphore(self.width, fast_acquire=True)

    async def page(self, number: int, limit: int, *, kind: str = "list") -> Page:
        """Read one page. Raises `ApiError`; `Rejected` may mean that the limit is refused."""
        call: Call[Page] = Call(
            kind=kind,
            method="GET",
            path=self.dialect.list_path(self.company_id, number, limit),
            read=lambda body: self.dialect.page(body, self.company_id),
            policy=Policy(max_attempts=self.channel.account.limits.max_attempts),
            spent=self.spent,
            company_id=self.company_id,
        )
        return await self._take_turn(call)

    async def first_page(self, *, kind: str = "list") -> tuple[Page, int]:
        """Read page 1 and return it with the page size to go on with.

        A refused size is halved down to 20. What the server grants is what all companies of the key ask for afterwards.
        """
        limit = self.channel.key.page_size
        while True:
            try:
                page = await self.page(1, limit, kind=kind)
            except Rejected:
                if limit <= SMALLEST_PAGE:
                    raise
                limit = max(SMALLEST_PAGE, limit // 2)
            else:
                granted = page.limit or limit
                if page.declared > len(page.rows):  # else the echo may only tell of a listing that fits one page
                    self.channel.key.page_size = min(self.channel.key.page_size, granted)
                return page, granted

    def bulk_call(
        self, body: bytes, idempotency_key: str, policy: Policy, before_repeat: Callable[[], Awaitable[None]]
    ) -> Call[BulkAnswer]:
        """Return the call that sends a chunk; whoever sends it can see afterwards whether its outcome is in doubt."""
        return Call(
            kind="bulk",
            method="POST",
            path=self.dialect.bulk_path,
            body=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            read=self.dialect.bulk,
            policy=policy,
            spent=self.spent,
            company_id=self.company_id,
            before_repeat=before_repeat,
        )

    async def bulk(self, call: Call[BulkAnswer]) -> BulkAnswer:
        """Send a chunk, again if need be. Raises `ApiError` or `AccountParked`."""
        answer = await self._take_turn(call)
        errors = [error._replace(message=self.channel.redacted(error.message)) for error in answer.errors]
        return answer._replace(errors=errors)

    async def _take_turn(self, call: Call[T]) -> T:
        async with self._room:
            return await self.channel.call(call)
