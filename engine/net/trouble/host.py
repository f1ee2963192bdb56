"""Whether the API's host answers. One object serves all accounts of a run, so that an outage is one incident.

While the host is in doubt, one request (the prober) is repeated, and all others wait until it is answered or given up.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Iterable
from datetime import datetime
from math import inf
from typing import Any

import anyio

from engine.errors import EngineError
from engine.model.settings import NamedCompany
from engine.net.call import Call
from engine.net.trouble.companies_met import COMPANIES_ALIKE, CompaniesMet, Who

FIRST = 8
"""Requests that all accounts together may have out before the host has answered one: an outage then costs no more than
these. A run with one account is not bounded by it, as that account's own concurrency begins at 8 (`limits.width`)."""

PROBES = 3
"""How often the prober is repeated while the others wait."""


class Host:
    """What a run knows of the API's host. Without companies, as outside of a run, it is never in doubt."""

    def __init__(self, companies: Iterable[NamedCompany] = ()) -> None:
        """Take the run's companies, each with the name of its account."""
        self._companies: frozenset[Who] = frozenset(Who(*company) for company in companies)
        self.companies_met = CompaniesMet(self._companies)
        self._met: set[Who] = set()  # who got no answer, or a 5xx, since any request was last answered well
        self._failing: list[Call[Any]] = []  # calls that got no answer, or a 5xx, and are to be repeated
        self._prober: Call[Any] | None = None  # the one call that may be sent while the host is in doubt
        self._prober_account = ""
        self._witnesses: dict[Call[Any], str] = {}  # those that are under way, and their accounts
        self._news = anyio.Event()
        self._most = FIRST if len({account for account, _ in self._companies}) > 1 else inf
        self._out = 0  # requests with a token that are out
        self._has_answered = False  # whether a request with a token was answered well
        self._trusted_until_s = 0.0  # by the event loop's clock
        self.is_doubted = False
        self.probes = 0  # failed repeats of the prober since the host is in doubt
        self.directory_failed = False  # a directory could not be read since a request was last answered well
        self.since: datetime | None = None  # when the first request of `_met` failed, by the wall clock
        self.since_s = 0.0  # the same by the event loop's clock
        self.down: EngineError | None = None  # why the rest of the run is deferred; None: the host is not down

    @property
    def is_watched(self) -> bool:
        """Whether there are companies to compare: only then can the host's trouble be told from one company's."""
        return bool(self._companies)

    @property
    def is_silent(self) -> bool:
        """Whether a request failed and none was answered well since."""
        return bool(self._met)

    @property
    def is_shared(self) -> bool:
        """Whether more than one company, or account, met the trouble."""
        return len(self._met) > 1

    def failed(self, account: str, call: Call[Any], now: datetime) -> None:
        """Note that a request got no answer, or a 5xx; decide whether the host is in doubt."""
        if not self.is_watched:
            return
        if not self._met:
            self.since, self.since_s = now, get_running_loop().time()
        self._met.add(Who(account, call.kind if call.company_id is None else call.company_id))
        if call not in self._failing:
            self._failing.append(call)
        if call is self._prober:
            self.probes += 1
        is_the_hosts = self.is_widely_met or (call.bearer and not self._has_answered)  # a token shows nothing
        is_trusted = get_running_loop().time() < self._trusted_until_s
        self.is_doubted = self.is_doubted or (is_the_hosts and not is_trusted)

    @property
    def is_widely_met(self) -> bool:
        """Whether three companies or accounts met the trouble, or all; an account without a token counts as one."""
        return len(self._met) >= COMPANIES_ALIKE or all(
            company in self._met or Who(company.account, "token") in self._met for company in self._companies
        )

    def gave_up_directory(self) -> None:
        """Note that a directory could not be read within all attempts; it matters if nothing else was answered."""
        if self._met:
            self.directory_failed = self.is_doubted = True

    def answered(self, call: Call[Any]) -> None:
        """Note that a request was answered well: the host is up."""
        if self._met or (call.bearer and not self._has_answered):
            self._met.clear()
            self._has_answered = self._has_answered or call.bearer
            self.is_doubted = self.directory_failed = False
            self.probes = 0
            self._tell()

    def vouch(self, call: Call[Any], for_s: float) -> None:
        """Note that a witness was answered: for `for_s` seconds, companies' trouble is not taken for the host's."""
        self._trusted_until_s = get_running_loop().time() + for_s
        self.answered(call)

    def sent(self, call: Call[Any]) -> None:
        """Note that a request is out."""
        self._out += call.bearer

    def landed(self, call: Call[Any]) -> None:
        """Note that a request has been answered, or has failed."""
        self._out -= call.bearer
        if not self._has_answered:
            self._tell()

    def fall(self, reason: EngineError) -> None:
        """Take the host for down for the rest of the run."""
        self.down = self.down or reason
        self._tell()

    async def turn(self, account: str, call: Call[Any]) -> None:
        """Wait while the host is in doubt and another call is the prober. Where there is none, this call becomes it."""
        if call.is_witness:
            self._witnesses[call] = account
            self._tell()  # a request for this account's token may go on
        while not self.lets(account, call):
            if self._prober is None and self.is_doubted and (call in self._failing or not self._failing):
                self._prober, self._prober_account = call, account
                self._tell()  # a request for this account's token may go on
                return
            self._news = anyio.Event() if self._news.is_set() else self._news
            await self._news.wait()

    def lets(self, account: str, call: Call[Any]) -> bool:
        """Return whether a request may leave now. In doubt: the prober, a witness, and their tokens."""
        if self.down is not None or call.is_witness or call is self._prober:
            return True
        if not self.is_doubted:
            return self._has_answered or self._out < self._most or not call.bearer
        is_probers = self._prober is not None and account == self._prober_account
        return call.kind == "token" and (is_probers or account in self._witnesses.values())

    def leave(self, call: Call[Any]) -> None:
        """Note that a call has ended; if it was the prober, the next waiting call takes its place."""
        self._witnesses.pop(call, None)
        if call in self._failing:
            self._failing.remove(call)
        if call is self._prober:
            self._prober = None
            self._tell()

    def _tell(self) -> None:
        self._news.set()
