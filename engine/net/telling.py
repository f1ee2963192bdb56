"""Tell listeners, where there are any, what became of a request that was sent."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable
from typing import Any

from engine.errors import OutcomeUnknown
from engine.model.events import Emit, RequestAnswered
from engine.net.call import Call

Listens = Callable[[], bool]
"""Tells whether anybody wants to know of answers: else no event is made of them."""


def nobody() -> bool:
    """Return that nobody listens."""
    return False


class AnswerTelling:
    """Tells of all requests of one account."""

    def __init__(self, account: str, emit: Emit, listens: Listens) -> None:
        self._account = account
        self._emit = emit
        self.listens = listens

    async def tell(self, call: Call[Any], failed: OutcomeUnknown | None = None) -> None:
        """Tell of the last send of a call: answered, as the call says, or without a whole answer (`failed`).

        Ask first whether anybody listens.
        """
        await self._emit(
            RequestAnswered(
                account=self._account,
                company_id=call.company_id,
                kind=call.kind,
                attempt=call.sends,
                status=call.status if failed is None else failed.status,
                seconds=get_running_loop().time() - call.sent_at_s,
                request_id=call.request_id if failed is None else None,
                chunk=call.headers.get("Idempotency-Key"),
                is_timeout=failed is not None and failed.timed_out,
                is_unsent=failed is not None and failed.unsent,
            )
        )
