"""One company's API: read a page or a row, send a row or a chunk, wait for a batch.

Its requests first take turns among themselves, then compete with those of other companies.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

import anyio

from engine.errors import AnswerLost, ApiError, BatchLost, OutOfScope, Rejected
from engine.model.dimension import Dimension, RemoteRow
from engine.model.listing import Page
from engine.model.outcome import BulkAnswer
from engine.net.call import Call, Spent
from engine.net.channel import Channel
from engine.net.http.exchange import Answer
from engine.net.limits.places import Places
from engine.net.retry import Policy, step_s
from engine.wire.batch import Accepted, progress_path, read_accepted, read_completed, read_results, results_path
from engine.wire.dialect import Dialect

T = TypeVar("T")

BulkCall: TypeAlias = Call[BulkAnswer | Accepted | None]
"""The call that sends a chunk: answered at once, accepted for later (202), or told to be done before (208, no body)."""

WIDTH = 8
"""Requests that one company may have out at a time. The key's gate is first come, first served, so without this bound a
large company would keep all others waiting."""


class CompanyClient:
    """Sends the calls of one company through its account's channel, and counts the requests."""

    def __init__(self, channel: Channel, dialect: Dialect, company_id: int) -> None:
        self.channel = channel
        self.dialect = dialect
        self.company_id = company_id
        self.spent = Spent()
        self.width = min(WIDTH, channel.account.limits.max_concurrency)
        self._room = Places(self.width)
        self._policy = Policy(max_attempts=channel.account.limits.max_attempts)

    async def page(self, number: int, limit: int, *, kind: str = "list") -> Page:
        """Read one page. Raises `ApiError`; `Rejected` may mean that the page size is refused."""
        path = self.dialect.list_path(self.company_id, number, limit)
        return await self._take_turn(self._get(kind, path, lambda body: self.dialect.page(body, self.company_id)))

    async def one(self, row_id: str) -> RemoteRow | None:
        """Read one row by its remote id; None: this company has no such row. Raises `ApiError`."""
        try:
            path = self.dialect.one_path(row_id)
            return await self._take_turn(self._get("probe", path, lambda body: self.dialect.one(body, self.company_id)))
        except OutOfScope as error:
            if error.status == 404:
                return None
            raise

    async def create(self, row: Dimension, idempotency_key: str) -> RemoteRow:
        """Create one row, and return it as the server stores it. Raises `ApiError`.

        If the answer is lost, the same bytes are sent again with the same idempotency key. The API does not say whether
        a row key that exists is updated or refused; to create or update, send a `bulk` of one row.
        """
        call: Call[RemoteRow] = Call(
            kind="bulk",
            method="POST",
            path=self.dialect.create_path,
            body=self.dialect.create_body(self.company_id, row),
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            read=lambda answer: self.dialect.created(answer.body, self.company_id),
            policy=self._policy,
            spent=self.spent,
            company_id=self.company_id,
        )
        return await self._take_turn(call)

    async def first_page(self, *, kind: str = "list") -> tuple[Page, int]:
        """Read page 1; return it with the page size for the other pages.

        The first listing of a key asks for more than is configured. A refused size is halved, down to 20. All companies
        of the key then ask for what the server granted.
        """
        sizes = self.channel.key.pages
        limit = sizes.ask() if kind == "list" else sizes.rows
        while True:
            try:
                page = await self.page(1, limit, kind=kind)
            except Rejected:
                smaller = sizes.refused(limit)
                if smaller is None:
                    raise
                limit = smaller
            else:
                return page, sizes.granted(limit, page)

    def bulk_call(
        self, body: bytes, idempotency_key: str, policy: Policy, before_repeat: Callable[[], Awaitable[None]]
    ) -> BulkCall:
        """Return the call that sends a chunk. Afterwards, `exposed` and `is_lost` tell whether its outcome is known."""
        return Call(
            kind="bulk",
            method="POST",
            path=self.dialect.bulk_path,
            body=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": idempotency_key},
            read=self._read_bulk,
            policy=policy,
            spent=self.spent,
            company_id=self.company_id,
            before_repeat=before_repeat,
        )

    async def bulk(self, call: BulkCall) -> BulkAnswer:
        """Send a chunk, repeat it where needed, and wait for its batch (202). Raises `ApiError` or `AccountParked`."""
        answer = await self._take_turn(call)
        if answer is None:
            call.exposed = True
            text = "HTTP 208: carried out before, without a word on its rows"
            raise AnswerLost(text, status=208, company_id=self.company_id)
        if isinstance(answer, Accepted):
            call.exposed = True
            answer = await self._results(answer)
            call.exposed = False
        if not answer.errors:
            return answer
        errors = [error._replace(message=self.channel.redacted(error.message)) for error in answer.errors]
        return answer._replace(errors=errors)

    async def _results(self, batch: Accepted) -> BulkAnswer:
        """Wait until a batch is done, and return its results. Raises `BatchLost`, `AccountParked`."""
        try:
            if await self._is_done(batch):
                return await self._take_turn(self._get("batch", results_path(batch), read_results))
        except ApiError as error:
            text = f"batch {batch.batch_id} took the rows, and what became of them could not be read: {error}"
            raise BatchLost(text, status=error.status, company_id=self.company_id) from error
        text = f"batch {batch.batch_id} was not done after {self._batch_wait_s:g} s"
        raise BatchLost(text, status=202, company_id=self.company_id)

    async def _is_done(self, batch: Accepted) -> bool:
        """Ask less and less often until the batch is done; False: it is not done after `batch_wait_s`."""
        give_up_at, polls = anyio.current_time() + self._batch_wait_s, 0
        while anyio.current_time() < give_up_at:
            polls += 1
            await anyio.sleep(step_s(polls, 1.0))
            if await self._take_turn(self._get("batch", progress_path(batch), read_completed)):
                return True
        return False

    def _read_bulk(self, answer: Answer) -> BulkAnswer | Accepted | None:
        if answer.status == 208:
            return None
        return read_accepted(answer.body) if answer.status == 202 else self.dialect.bulk(answer.body)

    @property
    def _batch_wait_s(self) -> float:
        return self.channel.account.limits.batch_wait_s

    def _get(self, kind: str, path: str, read: Callable[[bytes], T]) -> Call[T]:
        return Call(
            kind=kind,
            method="GET",
            path=path,
            read=lambda answer: read(answer.body),
            policy=self._policy,
            spent=self.spent,
            company_id=self.company_id,
        )

    async def _take_turn(self, call: Call[T]) -> T:
        await self._room.enter()
        try:
            return await self.channel.call(call)
        finally:
            self._room.leave()
