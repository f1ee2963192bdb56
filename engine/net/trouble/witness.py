"""The witness: one request for an account's directory, sent to learn whose trouble another request has met.

If it is answered, the host is up and the API key is good, so the trouble is the company's own.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio

from engine.errors import ApiError, OutOfScope, Rejected
from engine.net.call import Call, Spent
from engine.net.retry import Policy
from engine.wire.directory import companies_path, read_companies

KEPT_S = 60.0
"""For how many seconds one answer counts: requests refused within that time are one incident, and ask once."""

DIRECTORY_PAGE = 100
"""Companies on the page that is asked for. What they are does not matter here."""

Send: TypeAlias = Callable[[Call[object]], Awaitable[object]]


class Witness:
    """Asks for the directory once for all calls that want to know."""

    def __init__(self, account_id: str, spent: Spent, send: Send) -> None:
        """Take the account's id, the count that the requests go to, and what sends a call (`Channel.call`)."""
        self.is_asked_of_throttle = False  # a 429 is then an answer: it is not waited out
        self._account_id = account_id
        self._spent = spent
        self._send = send
        self._turn = anyio.Lock()
        self._asked_at_s = 0.0  # on the event loop's clock
        self._said: bool | None = None  # None: not asked yet

    async def answers(self, since_s: float | None = None) -> bool:
        """Return whether the directory is answered. An answer counts if it was asked for at `since_s` or later.

        `since_s`: on the event loop's clock; None: `KEPT_S` ago.
        """
        async with self._turn:
            now_s = get_running_loop().time()
            if self._said is None or self._asked_at_s < (now_s - KEPT_S if since_s is None else since_s):
                self._said, self._asked_at_s = await self._ask(), now_s
            return self._said

    async def clears_account(self, *, of_throttle: bool = True) -> bool:
        """Return whether the directory is answered, so that what one company's request met is that company's trouble.

        `of_throttle`: that request was throttled. A 429 to the witness then means that the whole key is.
        """
        self.is_asked_of_throttle = of_throttle
        try:
            return await self.answers()
        finally:
            self.is_asked_of_throttle = False

    async def _ask(self) -> bool:
        """Send the request, once; return whether the answer shows a good API key. A refusal by the API itself does."""
        call: Call[object] = Call(
            kind="directory",
            method="GET",
            path=companies_path(self._account_id, 1, DIRECTORY_PAGE),
            read=lambda answer: read_companies(answer.body),
            policy=Policy(max_attempts=1),
            spent=self._spent,
            is_witness=True,
        )
        try:
            await self._send(call)
        except (Rejected, OutOfScope):
            return True
        except ApiError:
            return False
        return True
