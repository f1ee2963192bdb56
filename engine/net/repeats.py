"""No answer, a 5xx, or an answer that cannot be read: wait and let the call be sent again, or raise an error."""

from __future__ import annotations

from random import Random
from typing import Any

from engine.errors import BadPage, InFlight, OutcomeUnknown, Throttled, Untrusted
from engine.net.call import Call
from engine.net.pauses import Pauses
from engine.net.retry import error_timed_out, is_silence, wait_s, was_unsent
from engine.net.trouble.giving_up import GivingUp
from engine.net.trouble.outage import Outage
from engine.net.trouble.parking import Parking
from engine.net.trouble.same_error import SameError
from engine.net.trouble.unreadable import UnreadableAnswers

SENSELESS = 2
"""Answers to one call that are JSON, but not of the agreed shape: a page is not asked for again after this many."""


class Repeats:
    """Decides for each failed send of one account whether there is another."""

    def __init__(
        self,
        parking: Parking,
        same: SameError,
        unreadable: UnreadableAnswers,
        giving_up: GivingUp,
        outage: Outage,
        pauses: Pauses,
        rng: Random,
    ) -> None:
        """Take what may end a call, and `pauses`, which make it wait."""
        self._parking = parking
        self._same = same
        self._unreadable = unreadable
        self._giving_up = giving_up
        self._outage = outage
        self._pauses = pauses
        self._rng = rng

    async def wait(self, call: Call[Any], error: OutcomeUnknown | InFlight) -> None:
        """Return when a call may be sent once more, or raise what ends it. Cases in the order of the steps.

        1. A certificate that is not trusted stops the account; a witness is never repeated.
        2. The same server error again and again, from a host that answers others, ends the call.
        3. Nor is it repeated beyond its policy, or after `SENSELESS` answers of a wrong shape to a GET.
        4. While the host is in doubt, this is the one request that is repeated, with longer waits.
        5. A 503 that names a time holds the whole key back; else this call alone waits.
        """
        if isinstance(error, Untrusted):
            raise await self._parking.park(error) from error
        _note_exposure(call, error)
        if call.is_witness:
            raise error
        await self._count(call, error)
        rest_s = await self._rest_s(call, error)
        if is_silence(error) and self._outage.is_suspected:
            rest_s = await self._outage.probe_wait_s(call, error, rest_s)
        asked_s = _asked_s(error)
        if asked_s is None:
            await self._pauses.rest(call.company_id, rest_s, str(error), "repeat")
        else:
            asked = Throttled(f"{error}: the API asks to wait", retry_after_s=asked_s, status=error.status)
            await self._pauses.begin(asked, asked_s or rest_s)

    async def _count(self, call: Call[Any], error: OutcomeUnknown | InFlight) -> None:
        """Count one more failed send on the call; raise what that shows."""
        if is_silence(error):
            self._outage.note_silence(call)
        if _asked_s(error) is not None:
            call.waits += 1
        else:
            call.attempts += 1
            call.timeouts += error_timed_out(error)
        if await self._same.is_final(call, error):
            raise OutcomeUnknown(str(error), alike=True, status=error.status, company_id=call.company_id) from error
        call.senseless += isinstance(error, BadPage)
        if call.senseless >= SENSELESS:
            await self._unreadable.note(call, error)

    async def _rest_s(self, call: Call[Any], error: OutcomeUnknown | InFlight) -> float:
        """Return how many seconds to wait before the next send; raise what the call ends with if there is none."""
        rest_s = wait_s(call.policy, call.attempts, call.timeouts, error, self._rng.random())
        is_senseless = call.senseless >= SENSELESS and call.method == "GET"
        if rest_s is None or is_senseless or call.waits > call.policy.max_attempts:
            reason = await self._giving_up.reason(call, error)
            raise reason from (None if reason is error else error)
        return rest_s


def _note_exposure(call: Call[Any], error: OutcomeUnknown | InFlight) -> None:
    """Note on the call that a request which has left may have been carried out; a 503 says that it was not."""
    if not was_unsent(error):
        call.exposed = True
        call.is_lost = call.is_lost or error.status != 503


def _asked_s(error: OutcomeUnknown | InFlight) -> float | None:
    """Return how many seconds the answer asked to wait; None: it named no time."""
    return error.retry_after_s if isinstance(error, OutcomeUnknown) else None
