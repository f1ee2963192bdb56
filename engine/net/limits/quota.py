"""One API key's requests of a day: each is counted durably before it is sent, and none is sent beyond the quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol

import anyio

from engine.errors import QuotaExhausted
from engine.model.quota import next_block
from engine.model.settings import Account
from engine.model.shared_limits import KeyName

ONE_DAY = timedelta(days=1)


class Store(Protocol):
    """Where requests are counted for all processes that use the key. A change is durable when its call returns."""

    async def reserve_requests(self, origin: str, key_id: str, day: date, usable: int, most: int) -> int:
        """Count a block of at most `most` of the day's `usable` requests, and return how many; 0: none is left."""
        ...

    async def charge_requests(self, origin: str, key_id: str, day: date, requests: int) -> None:
        """Count requests beyond those reserved; a negative number gives back what was reserved and not sent."""
        ...


class Quota:
    """Hands out the day's requests one by one, from blocks that the store has counted; built inside its event loop.

    The day is the server's, by the `Date` of its answers, and the wall clock's before the first of them.
    """

    def __init__(
        self,
        account: Account,
        store: Store,
        origin: str,
        now: Callable[[], datetime],
        *,
        ahead: timedelta | None = None,
    ) -> None:
        """Take the account, with its API key. `ahead`: by how much the server's clock is known to be ahead of ours."""
        self._limits = account.limits
        self._name = account.name
        self.key_id = account.key_id
        self._store = store
        self._origin = origin
        self._now = now
        self._ahead = ahead  # by how much the server's clock is ahead of ours; None: not known yet
        self.told_ahead: timedelta | None = None  # the same by any `Date`, however far off, for people to be told
        self._heard = ""  # the last `Date` header
        self._day = self.day_of(now())
        self._in_hand: defaultdict[date, int] = defaultdict(int)  # counted, not sent; below 0: sent, not counted
        self._low = 0  # with this many in hand or fewer, the next block is fetched
        self._asked = 0  # requests asked for in the last block; 0: none was asked for yet
        self._waiting = 0  # tasks that wait for a block
        self._turn = anyio.Lock()

    @property
    def key(self) -> KeyName:
        """The API key's id with its origin."""
        return KeyName(self._origin, self.key_id)

    def of_key(self, account: Account) -> Quota:
        """Return the quota of the API key that the account has now; the server's clock is known already."""
        other = Quota(account, self._store, self._origin, self._now, ahead=self._ahead)
        other.told_ahead = self.told_ahead
        return other

    def day_of(self, moment: datetime) -> date:
        """Return the server's day at a moment of our clock."""
        return (moment.astimezone(UTC) + (self._ahead or timedelta())).date()

    async def take(self) -> date:
        """Take one counted request, and return the day that it counts on.

        Raises `QuotaExhausted` when none is left, and `LedgerError`. A caller that is cancelled has taken none.
        """
        self._go_on_to(self.day_of(self._now()))
        if 0 < self._in_hand[self._day] <= self._low and not self._turn.locked():
            await self._fetch()  # early, while the others use what is in hand
        while self._in_hand[self._day] <= 0:
            self._waiting += 1
            try:
                await self._fetch()
            finally:
                self._waiting -= 1
        self._in_hand[self._day] -= 1
        return self._day

    def give_back(self, day: date) -> None:
        """Take back one request, counted on `day`, that was never sent."""
        self._in_hand[day] += 1

    def answered(self, sent_on: date, header: str | None) -> None:
        """Set the server's clock by an answer's `Date` header; None: it has none, or no answer came.

        A request that was sent on another day than today may count today at the server, so it counts on both days.
        """
        if header is None:
            self._go_on_to(self.day_of(self._now()))
        elif header != self._heard:
            self._heard = header
            self._hear(header)
        if sent_on != self._day:
            self._in_hand[self._day] -= 1

    async def settle(self) -> None:
        """Give back to the store what is in hand. After a `LedgerError` too many stay counted, never too few."""
        in_hand, self._in_hand, self._low = self._in_hand, defaultdict(int), 0
        with anyio.CancelScope(shield=True):
            for day, requests in in_hand.items():
                if requests:
                    await self._store.charge_requests(self._origin, self.key_id, day, -requests)

    async def _fetch(self) -> None:
        """Fetch the next block, once for all that wait. Raises `QuotaExhausted` if there is none, and none in hand.

        Shielded: a block that the store has counted for a cancelled caller would never be given back.
        """
        async with self._turn:
            day, low = self._day, self._low
            if self._in_hand[day] > low:
                return
            usable = self._limits.requests_per_day - self._limits.reserve_per_day
            self._asked = next_block(self._asked, self._waiting)
            with anyio.CancelScope(shield=True):
                requests = await self._store.reserve_requests(self._origin, self.key_id, day, usable, self._asked)
            self._in_hand[day] += requests
            self._low = requests // 2
            if not requests and self._in_hand[day] <= 0:
                raise QuotaExhausted(self._all_used(day, usable))

    def _all_used(self, day: date, usable: int) -> str:
        limits = self._limits
        return (
            f"all {usable:,} requests that account {self._name} may use on {day} are used"
            f" (requests_per_day = {limits.requests_per_day:,} less reserve_per_day = {limits.reserve_per_day:,}); they"
            " return at 00:00 UTC, sooner if one of these two is changed"
        )

    def _hear(self, header: str) -> None:
        """Take over the server's clock. A `Date` more than a day off is no time zone's, but an old answer's."""
        try:
            told = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return
        now = self._now()
        ahead = (told if told.tzinfo else told.replace(tzinfo=UTC)) - now
        self.told_ahead = ahead
        if abs(ahead) > ONE_DAY:
            return
        is_first, self._ahead = self._ahead is None, ahead
        self._go_on_to(self.day_of(now), back=is_first)

    def _go_on_to(self, day: date, *, back: bool = False) -> None:
        """Begin another day.

        One day back is a late answer around midnight and is ignored, unless it is the first answer (`back`). More than
        one day back is a clock that was corrected.
        """
        if day > self._day or (day < self._day and (back or self._day - day > ONE_DAY)):
            self._day, self._low = day, 0
