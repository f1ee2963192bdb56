"""The witness: one request for an account's directory. If it is answered, the key is good, and a trouble is not its."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable

import anyio

KEPT_S = 60.0
"""For how many seconds one answer of the directory counts: refusals within that time are one incident."""


class Witness:
    """Asked once for all that want to know; `ask` makes the request and returns whether it was answered."""

    def __init__(self, ask: Callable[[], Awaitable[bool]]) -> None:
        self._ask = ask
        self._turn = anyio.Lock()
        self._asked_at_s = 0.0  # on the event loop's clock
        self._said: bool | None = None

    async def answers(self, since_s: float | None = None) -> bool:
        """Return whether the directory is answered. An earlier answer counts if it was asked for after `since_s`.

        `since_s`: on the event loop's clock; None: `KEPT_S` ago.
        """
        async with self._turn:
            now_s = get_running_loop().time()
            if self._said is None or self._asked_at_s < (now_s - KEPT_S if since_s is None else since_s):
                self._said, self._asked_at_s = await self._ask(), now_s
            return self._said
