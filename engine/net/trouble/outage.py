"""Decide whether the host is down: then all accounts of the run are stopped. Until then one request is repeated."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from engine.errors import AccountParked, ApiError, HostDown
from engine.net.call import Call
from engine.net.retry import step_s
from engine.net.trouble.host import PROBES, Host
from engine.net.trouble.parking import Parking
from engine.net.trouble.witness import KEPT_S, Witness


class Outage:
    """Decides for one account whether the host answers anybody."""

    def __init__(
        self, account: str, host: Host, parking: Parking, witness: Witness, now: Callable[[], datetime]
    ) -> None:
        """Take the account's name, the run's host, and the wall clock."""
        self._account = account
        self._host = host
        self._parking = parking
        self._witness = witness
        self._now = now

    @property
    def is_suspected(self) -> bool:
        """Whether the host is in doubt because more than one company, or account, got no answer."""
        return self._host.is_doubted and self._host.is_shared

    def note_silence(self, call: Call[Any]) -> None:
        """Note that a request got no answer, or a 5xx."""
        self._host.failed(self._account, call, self._now())

    async def is_down(self, call: Call[Any]) -> bool:
        """Return whether the host answers nobody. If nothing was answered since it fell silent, the witness is asked.

        It is asked once. A token request cannot ask it, as the witness needs a token itself.
        """
        host = self._host
        if not host.is_silent or call.kind == "token":
            return host.is_silent and host.is_widely_met
        if host.directory_failed or not await self._witness.answers(host.since_s):
            return host.is_silent
        host.vouch(call, KEPT_S)
        return False

    async def probe_wait_s(self, call: Call[Any], error: ApiError, usual_s: float) -> float:
        """Return how long to wait before the one request is repeated that finds out whether the host answers.

        It is repeated fewer times than others (`PROBES`), with longer waits. Raises `AccountParked` when all repeats
        failed and the host is down. `usual_s`: the wait of any other request.
        """
        most = call.policy.max_attempts
        if self._host.probes >= max(1, min(PROBES, most - 1)) and await self.is_down(call):
            raise await self.declare(error) from error
        skipped = max(0, most - 1 - PROBES)
        return step_s(call.attempts + skipped, 1.0) if self._host.probes and call.attempts else usual_s

    async def declare(self, error: ApiError) -> AccountParked:
        """Take the host for down: stop all accounts of the run, and return what this account's calls raise."""
        since = self._host.since or self._now()
        text = f"the API has answered nothing since {since:%Y-%m-%d %H:%M} UTC ({error})"
        reason = HostDown(f"{text}; what was not sent is deferred, and the next run does it", status=error.status)
        self._host.fall(reason)
        return await self._parking.park(reason)
