"""A call has failed for good: decide whether that ends the call alone, its account, or the run."""

from __future__ import annotations

from typing import Any

from engine.errors import EngineError, InFlight, OutcomeUnknown
from engine.net.call import Call
from engine.net.retry import is_silence, was_unsent
from engine.net.trouble.host import Host
from engine.net.trouble.outage import Outage
from engine.net.trouble.parking import Parking
from engine.net.trouble.unreadable import UnreadableAnswers
from engine.net.trouble.wrong_paths import WrongPaths


class GivingUp:
    """Judges the calls of one account that are not repeated any more."""

    def __init__(
        self, host: Host, parking: Parking, outage: Outage, unreadable: UnreadableAnswers, paths: WrongPaths
    ) -> None:
        """Take the judges of the host, of the account, of its silence, of its answers, and of its settings."""
        self._host = host
        self._parking = parking
        self._outage = outage
        self._unreadable = unreadable
        self._paths = paths

    async def reason(self, call: Call[Any], error: OutcomeUnknown | InFlight) -> EngineError:
        """Return the error to raise: the call's own, or one that stops the account or the run."""
        if is_silence(error):
            return await self._after_silence(call, error)
        await self._unreadable.note(call, error)
        is_page = isinstance(error, OutcomeUnknown) and error.status == 200
        is_elsewhere = is_page and self._paths.is_strange(call)
        return await self._parking.park(self._paths.wrong_base_url(error)) if is_elsewhere else error

    async def _after_silence(self, call: Call[Any], error: OutcomeUnknown | InFlight) -> EngineError:
        """Return what no answer, or a 5xx, means after the last repeat.

        If nothing was answered since, the witness is asked whether it is the host's trouble or the company's. It is not
        asked for a bulk call while one company alone is in trouble: its rows are read back, which tells the same.
        """
        host = self._host
        if not host.is_watched:  # outside of a run; what cannot be connected to for one company cannot be for another
            return await self._parking.park(error) if was_unsent(error) else error
        match call.kind:
            case "directory":
                host.gave_up_directory()
                return error
            case "token":
                return await self._outage.declare(error) if host.is_widely_met else error
            case "bulk" if not host.is_shared and not was_unsent(error):
                return error
        if max(call.attempts, call.waits) < call.policy.max_attempts:
            return error  # given up early, because the request was too large or too slow
        return await self._outage.declare(error) if await self._outage.is_down(call) else error
