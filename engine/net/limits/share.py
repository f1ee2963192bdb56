"""One worker's part of an API key that other workers use, too: the permits and seats that it has leased.

A request leaves with a permit, at the permit's moment or shortly after, and only while fewer requests are out than the
worker has seats. To decide that is arithmetic on what is in hand; only requests that must wait wait for the database.
"""

from __future__ import annotations

from asyncio import Future, get_running_loop
from collections.abc import Callable
from math import inf
from secrets import token_hex

import anyio

from engine.errors import LedgerError
from engine.model.settings import Limits
from engine.model.shared_limits import Ask, KeyName, Lease, News
from engine.net.limits.absence import Absence
from engine.net.limits.permits import Permits
from engine.net.limits.rate import WINDOW_S
from engine.net.limits.shared import SharedLimits

FRESH_S = 2.0
"""Nothing is sent if the last lease is older than this: without its database, a worker stops."""

TURN_S = 0.2
"""While seats are short, a worker asks again after this time: workers that lack seats get them in turns this long."""

LOOK_S = 1.0
"""A request that waits looks again after this time, in case news was lost."""

LATEST_S = 5.0
"""An answer that took longer is void: the worker, or the database, stood still."""


class Share:
    """Belongs to one event loop, and to one gate, which alone calls it. Only one task waits in `ready` at a time."""

    def __init__(
        self,
        shared: SharedLimits,
        key: KeyName,
        limits: Limits,
        *,
        wants: Callable[[], int],
        hold: Callable[[float], None],
    ) -> None:
        """Take the key and its limits. `wants`: returns the seats that it could use. `hold`: takes others' pauses."""
        self._shared = shared
        self._key = key
        self._worker = token_hex(8)
        self._limits = limits
        self._keep_s = LATEST_S + FRESH_S + limits.timeout_s  # until the last request of a lease has ended
        self._wants = wants
        self._hold = hold
        self._permits = Permits(limits.requests_per_second)
        self._seats = 0  # by the last answer
        self._usable = 0  # the same, or fewer while an answer is awaited that may take seats away
        self._out = 0
        self._is_contended = False
        self._heard_s = -inf  # when the last lease came; all moments are by the event loop's clock
        self._free_from_s = -inf  # permits before this moment do not count, since news was lost
        self._paused_until_s = -inf
        self._asked: Future[Lease] | None = None  # None: no answer is awaited
        self._asked_s = -inf
        self._is_again = False  # ask for seats once more when that answer has come
        self._absence = Absence()
        self._nap: anyio.CancelScope | None = None  # where `ready` waits; None: it does not wait
        self._has_begun = False

    def is_free(self) -> bool:
        """Return whether a request may leave at this moment."""
        now_s = get_running_loop().time()
        is_heard = now_s - self._heard_s < self._fresh_s()
        return self._permits.is_due(now_s) and self._out < self._usable and is_heard

    def take(self) -> None:
        """Let one request leave: `is_free` has just allowed it. Ask for more permits before those in hand are used."""
        self._permits.use()
        self._out += 1
        if self._permits.are_few(self._waiting()):
            self._ask(self._permits.to_ask_for(self._waiting()))

    def landed(self) -> None:
        """Note that a request is no longer out. A worker with a seat too many tells the database at once."""
        self._out -= 1
        if self._is_contended and (self._out >= self._seats or self._wants() < self._seats):
            self._ask(0)
        self._wake()

    async def ready(self, give_up: anyio.Event) -> None:
        """Wait until `is_free`; return early at a pause, and if `give_up` is set. Raises `LedgerError`."""
        while not give_up.is_set() and not self.is_free():
            now_s = get_running_loop().time()
            if now_s < self._paused_until_s:
                return
            self._absence.ensure_short(now_s)
            self._ask_for_what_lacks(now_s)
            with anyio.CancelScope(deadline=self._look_at_s(now_s)) as self._nap:
                await give_up.wait()
            self._nap = None

    def pause(self, seconds: float) -> None:
        """Let the other workers wait, too. If they cannot be told, the API refuses them, too."""
        self._permits.clear()
        self._shared.pause(self._key, seconds).add_done_callback(_ignored)

    def move(self, key: KeyName) -> None:
        """Go on with another API key, if it has changed. Nobody waits until the former key's seats are given back."""
        if key == self._key:
            return
        if self._has_begun:
            self._shared.leave(self._key, self._worker).add_done_callback(_ignored)
        self._key, self._asked, self._has_begun = key, None, False
        self._permits.clear()
        self._seats = self._usable = 0
        self._heard_s = -inf

    async def leave(self) -> None:
        """Give the seats back; permits in hand lapse. If this raises `LedgerError`, the seats come free later."""
        if self._has_begun:
            self._has_begun = False
            with anyio.CancelScope(shield=True):
                await self._shared.leave(self._key, self._worker)

    def hear(self, news: News) -> None:
        """Take in what other workers tell."""
        if not self._has_begun:
            return
        now_s = get_running_loop().time()
        if news.is_lost:
            self._permits.clear()
            self._heard_s, self._free_from_s = -inf, now_s + WINDOW_S
        if news.pause_s:
            self._take_over_pause(now_s, news.pause_s)
        if news.is_wanted or (news.is_free and self._wants() > self._seats):
            self._ask(0)
        self._wake()

    def _fresh_s(self) -> float:
        return TURN_S if self._is_contended else FRESH_S

    def _take_over_pause(self, now_s: float, seconds: float) -> None:
        self._permits.clear()
        self._paused_until_s = max(self._paused_until_s, now_s + seconds)
        self._hold(seconds)

    def _ask_for_what_lacks(self, now_s: float) -> None:
        """Ask for what is missing, unless an answer is awaited, a failure is too recent, or others have the seats."""
        if self._asked is not None or now_s < self._absence.again_s:
            return
        is_stale, is_short = now_s - self._heard_s >= self._fresh_s(), self._out >= self._seats
        if is_stale or (is_short and not self._is_contended) or not (is_short or self._permits):
            self._ask(self._lacking())

    def _waiting(self) -> int:
        """Return how many requests wait to leave."""
        return self._wants() - self._out

    def _lacking(self) -> int:
        """Return how many permits to ask for; 0 while all seats are taken: they would lapse before a seat is free."""
        if self._permits or (self._is_contended and self._out >= self._seats):
            return 0
        return self._permits.to_ask_for(self._waiting())

    def _ask(self, permits: int) -> None:
        """Ask. While an answer is awaited, only note whether seats are to be asked for after it."""
        if self._asked is not None:
            self._is_again = self._is_again or not permits
            return
        if not self._has_begun:
            self._has_begun = True
            self._shared.watch(self._key, self._worker, self.hear)
        self._asked_s = get_running_loop().time()
        self._absence.asked(self._asked_s)
        # What is not reported here may be another worker's before the answer comes. If seats suffice, all are reported.
        self._usable = max(self._out, self._seats if permits and not self._is_contended else 0)
        self._asked = self._shared.lease(
            self._key,
            Ask(
                worker=self._worker,
                permits=permits,
                interval_s=self._permits.interval_s,
                lateness_s=self._permits.lateness_s,
                most=self._limits.max_concurrency,
                wants=max(self._wants(), self._out),
                out=self._usable,
                keep_s=self._keep_s,
            ),
        )
        self._asked.add_done_callback(self._answered)

    def _answered(self, answer: Future[Lease]) -> None:
        if answer is not self._asked:  # the answer to a question about the key before this one
            return
        now_s, self._asked = get_running_loop().time(), None
        error = LedgerError("the question was dropped") if answer.cancelled() else answer.exception()
        if error is None and now_s - self._asked_s > LATEST_S:
            error = LedgerError(f"its answer took {now_s - self._asked_s:.0f} s")
        if error is not None:
            self._absence.failed(error, now_s)
        else:
            self._absence.answered()
            self._take_in(answer.result(), now_s)
        if self._is_again and error is None:
            self._is_again = False
            self._ask(0)
        self._wake()

    def _take_in(self, lease: Lease, now_s: float) -> None:
        self._heard_s = now_s
        self._seats = self._usable = lease.seats
        self._is_contended = lease.is_contended
        if lease.pause_s:
            self._take_over_pause(now_s, lease.pause_s)
        self._permits.add(lease, self._free_from_s)

    def _look_at_s(self, now_s: float) -> float:
        """Return when to look again without news."""
        moments = (self._permits.due_s(), self._absence.again_s)
        look_s = now_s + (TURN_S if self._is_contended else LOOK_S)
        return min([look_s, *(moment_s for moment_s in moments if moment_s > now_s)])

    def _wake(self) -> None:
        if self._nap is not None:
            self._nap.cancel()


def _ignored(told: Future[None]) -> None:
    """Take the error of a future that nobody waits for: asyncio would log it otherwise."""
    if not told.cancelled():
        told.exception()
