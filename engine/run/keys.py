"""What runs remember of API keys, for each other: pages that were granted, pauses, the day's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.errors import QuotaExhausted, Throttled
from engine.ledger.base import Ledger
from engine.model.known import Pause
from engine.model.quota import UsedUp
from engine.model.result import AccountDay
from engine.net.channel import Channel

LONGEST_PAUSE_S = 86_400.0
"""A pause is kept for a day at most: by then every quota is new, and a server may have named any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMemory:
    """The ledger's notes on the API keys of one origin."""

    ledger: Ledger
    origin: str
    now: Callable[[], datetime]

    async def recall(self, channel: Channel, *, fresh: bool) -> None:
        """Let a channel go on from where the last run left its key; `fresh`: what was asked to wait is tried."""
        granted = await self.ledger.page_size(self.origin, channel.account.key_id)
        if granted is not None:
            channel.key.pages.remembered(granted)
        if not fresh:
            await self._keep_pause(channel)
            await self._keep_quota(channel)

    async def _keep_pause(self, channel: Channel) -> None:
        """Send nothing through a key that was asked to wait for longer than until now."""
        pause = await self.ledger.pause(self.origin, channel.account.key_id)
        if pause is not None and pause.holds(self.now()):
            asked, until = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (pause.at, pause.until))
            text = f"asked at {asked} to wait until {until}: {pause.reason}; sync and plan try it now with --fresh"
            await channel.park(Throttled(text, status=429))

    async def _keep_quota(self, channel: Channel) -> None:
        """Send nothing through a key whose day the API called used up within the hour."""
        account, now = channel.account, self.now()
        today = await self.ledger.quota(self.origin, account.key_id, channel.key.quota.day_of(now))
        until = today.closed_until(now, account.limits)
        if today.used_up is not None and until is not None:
            text = f"said at {today.used_up.at:%H:%M} UTC: {today.used_up.reason}; tried again from {until:%H:%M} UTC"
            text += ", or when requests_per_day was changed; sync and plan try it now with --fresh"
            await channel.park(QuotaExhausted(text))

    async def keep(self, channels: Iterable[Channel]) -> None:
        """Note for the next run what pages keys were granted, and which of them are to wait.

        What they have counted of their quota and not sent is given back.
        """
        ledger, origin, now = self.ledger, self.origin, self.now()
        for channel in channels:
            key, account, why = channel.key, channel.account, channel.parked
            if key.pages.is_learned:
                await ledger.remember_page_size(origin, account.key_id, key.pages.rows)
            if isinstance(why, Throttled) and why.retry_after_s is not None:
                asked_at = channel.parked_at or now
                until = asked_at + timedelta(seconds=min(why.retry_after_s, LONGEST_PAUSE_S))
                pause = Pause(at=asked_at, until=until, reason=str(why))
                await ledger.remember_pause(origin, account.key_id, pause)
            if isinstance(why, QuotaExhausted) and why.status is not None:  # the server's word, not our own count
                await self._remember_used_up(channel, why)
            await key.quota.settle()

    async def _remember_used_up(self, channel: Channel, why: QuotaExhausted) -> None:
        account, at = channel.account, channel.parked_at or self.now()
        limits, day = account.limits, channel.key.quota.day_of(at)
        used_up = UsedUp(at=at, per_day=limits.requests_per_day, reserve=limits.reserve_per_day, reason=str(why))
        await self.ledger.remember_used_up(self.origin, account.key_id, day, used_up)

    async def days(self, channels: Iterable[Channel]) -> tuple[AccountDay, ...]:
        """Return how much of its day each key has used."""
        days = []
        for channel in channels:
            account, day = channel.account, channel.key.quota.day_of(self.now())
            today = await self.ledger.quota(self.origin, account.key_id, day)
            usable = account.limits.requests_per_day - account.limits.reserve_per_day
            days.append(AccountDay(account.name, today.used, usable))
        return tuple(days)
