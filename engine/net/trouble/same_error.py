"""The same 500 or 502 again and again while the host answers other requests: a further repeat would end the same."""

from __future__ import annotations

from typing import Any

from engine.errors import ApiError
from engine.net.call import Call
from engine.net.trouble.good_answers import GoodAnswers
from engine.net.trouble.witness import Witness


class SameError:
    """Counts, on each call, how often in a row a server error came in the same words."""

    def __init__(self, witness: Witness, good: GoodAnswers) -> None:
        self._witness = witness
        self._good = good

    async def is_final(self, call: Call[Any], error: ApiError) -> bool:
        """Return whether one error came `Policy.max_alike` times in a row while the host answers other requests.

        False for the last attempt that the policy lets: with that the call ends anyway.
        """
        if error.status not in {500, 502} or call.attempts >= call.policy.max_attempts:
            call.said, call.alike = "", 0
            return False
        call.alike = call.alike + 1 if call.said == str(error) else 1
        call.said = str(error)
        if call.policy.max_alike is None or call.alike < call.policy.max_alike:
            return False
        return self._good.since(call.first_sent_at_s) or await self._witness.answers(call.first_sent_at_s)
