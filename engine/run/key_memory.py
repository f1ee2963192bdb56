"""What a run leaves to the next one about API keys: granted page sizes, pauses, the day's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.compare.backoff import account_stopped, rest_again
from engine.errors import (
    ApiError,
    EngineError,
    HostDown,
    OutcomeUnknown,
    QuotaExhausted,
    Throttled,
    Unreadable,
    Untrusted,
    WrongContract,
)
from engine.ledger.protocols import Ledger
from engine.model.quota import UsedUp
from engine.model.resting import Pause, Rest
from engine.model.result import AccountDay
from engine.model.settings import Limits
from engine.net.channel import Channel
from engine.run.endings import code_of, error_of
from engine.wire.oauth import ENCODINGS, FORM

LONGEST_PAUSE_S = 86_400.0
"""A pause is kept for a day at most: by then every quota is new, and a server may have named any number."""

CONTRACT = "contract:"
WHATS = ("list", "bulk")
"""A rest is named `contract:` and the kind of answer that could not be read."""

ACCOUNT = "account"
"""Name of the rest of an account that runs ended with stopped."""

USED_UP = "used-up"
"""Name of the rest of a key whose day the API called used up; `DayUse` says when it is tried again."""

BY_HAND = "sync and plan try it now with --fresh"

COUNTS_ALL, TOKEN_ENCODING, TRIED = "counts-all", "token-encoding", "tried:"
"""Names of notes on a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMemory:
    """The ledger's notes on the API keys of one origin."""

    ledger: Ledger
    origin: str
    now: Callable[[], datetime]
    rests: bool = True  # False: a person asks for it, by a verb that tries what rests
    fresh: bool = False  # True: what rests is tried all the same, and a failure lengthens no rest

    async def recall(self, channel: Channel) -> None:
        """Let a channel go on from where the last run left its key. Of an account without credentials none is known."""
        if channel.account.fault:
            return
        granted = await self.ledger.page_size(self.origin, channel.account.key_id)
        if granted is not None:
            channel.key.pages.remembered(granted)
        noted = await self.ledger.key_notes(self.origin, channel.account.account_id)
        key = channel.key
        key.noted = {TOKEN_ENCODING: FORM} | noted  # a form is the default, which is not noted
        key.pages.counts_all = key.pages.counts_all or COUNTS_ALL in noted
        if noted.get(TOKEN_ENCODING) in ENCODINGS:
            key.token_encoding = noted[TOKEN_ENCODING]
        rests = await self.ledger.rests(self.origin, channel.account.account_id)
        await self._keep_unreadable(channel, rests)
        await self._keep_pause(channel)
        await self._keep_quota(channel, rests.get(USED_UP))
        await self._keep_stop(channel, rests.get(ACCOUNT))

    async def _stop(self, channel: Channel, reason: EngineError) -> None:
        """Stop an account from the start of this run, for a reason that an earlier run has noted."""
        await channel.park(reason)
        channel.earlier.is_left_alone = True

    async def _keep_unreadable(self, channel: Channel, rests: Mapping[str, Rest]) -> None:
        """Stop an account whose answers could not be read lately; after its rest one company tries."""
        for name, rest in rests.items():
            what = name.removeprefix(CONTRACT)
            if name == what or rest.settings != channel.settings:
                continue
            if not self.fresh and rest.holds(self.now(), channel.settings):
                text = f"{rest.message}; tried again from {rest.retry_at:%Y-%m-%d %H:%M} UTC, or when [api] was changed"
                await self._stop(channel, WrongContract(f"{text}; {BY_HAND}"))
            else:
                channel.earlier.unreadable.add(what)
                channel.trial.begin(what, failed=_ids(channel.key.noted.get(TRIED + what, "")))

    async def _keep_stop(self, channel: Channel, rest: Rest | None) -> None:
        """Stop an account that was stopped in several runs in a row; after its rest one request of each kind tries."""
        if rest is None or rest.settings != channel.credentials:
            return
        channel.earlier.rest = rest
        if self.fresh or not self.rests or not rest.holds(self.now(), channel.credentials):
            channel.trial.begin(*WHATS)
            return
        until = f"tried again from {rest.retry_at:%Y-%m-%d %H:%M} UTC, or when its credentials or [api] are changed"
        await self._stop(channel, error_of(rest.code, f"{rest.message}; {until}; {BY_HAND}"))

    async def _keep_pause(self, channel: Channel) -> None:
        """Stop an account whose API key was asked to wait, as long as that wait lasts."""
        pause = await self.ledger.pause(self.origin, channel.account.key_id)
        if pause is None or not pause.holds(self.now()):
            return
        if self.fresh:
            channel.earlier.pause = pause
        else:
            asked, until = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (pause.at, pause.until))
            text = f"asked at {asked} to wait until {until}: {pause.reason}; {BY_HAND}"
            await self._stop(channel, Throttled(text, status=429))

    async def _keep_quota(self, channel: Channel, rest: Rest | None) -> None:
        """Stop an account whose day the API called used up; after its rest one request of each kind tries.

        `rest`: what was noted on another day; it counts until a run has gone well.
        """
        account, now = channel.account, self.now()
        channel.earlier.used_up = rest
        channel.earlier.was_used_up = rest is not None and rest.settings == _quota_of(account.limits)
        if channel.earlier.was_used_up:
            channel.trial.begin(*WHATS)
        today = await self.ledger.quota(self.origin, account.key_id, channel.key.quota.day_of(now))
        until = today.closed_until(now, account.limits)
        if today.used_up is None or until is None:
            return
        if self.fresh:
            channel.earlier.closed = today
        else:
            text = f"said at {today.used_up.at:%H:%M} UTC: {today.used_up.reason}; tried again from {until:%H:%M} UTC"
            await self._stop(channel, QuotaExhausted(f"{text}, or when requests_per_day was changed; {BY_HAND}"))

    async def keep(self, channels: Iterable[Channel]) -> None:
        """Note for the next run what pages keys were granted, and which of them are to wait.

        What they have counted of their quota and not sent is given back.
        """
        ledger, origin, now = self.ledger, self.origin, self.now()
        for channel in _usable(channels):
            key, account, why = channel.key, channel.account, channel.parked
            if key.pages.is_learned:
                await ledger.remember_page_size(origin, account.key_id, key.pages.rows)
            await self._keep_notes(channel)
            await self._remember_unreadable(channel)
            await self._remember_stop(channel)
            if isinstance(why, Throttled) and why.retry_after_s is not None:
                asked_at = channel.parked_at or now
                until = asked_at + timedelta(seconds=min(why.retry_after_s, LONGEST_PAUSE_S))
                pause = Pause(at=asked_at, until=until, reason=str(why))
                await ledger.remember_pause(origin, account.key_id, pause)
            await self._remember_used_up(channel)
            await self._take_back(channel)
            await key.settle()

    async def _remember_unreadable(self, channel: Channel) -> None:
        """Note the rest of an account whose answers could not be read, or that it is over."""
        why, account_id = channel.parked, channel.account.account_id
        if not channel.earlier.unreadable and not isinstance(why, Unreadable):
            return
        rests = await self.ledger.rests(self.origin, account_id)
        for what in WHATS:
            before = rests.get(CONTRACT + what)
            if isinstance(why, Unreadable) and why.what == what:
                again = rest_again(before, str(why), self.now(), channel.settings)
                await self.ledger.remember_rest(self.origin, account_id, CONTRACT + what, again)
                await self._note(channel, TRIED + what, self._tried(channel, why))
            elif before is not None and channel.host.companies_met.has_read(what):
                await self.ledger.remember_rest(self.origin, account_id, CONTRACT + what, None)
                await self._note(channel, TRIED + what, "")

    def _tried(self, channel: Channel, why: Unreadable) -> str:
        """Return the companies that tried in vain, with the company that stopped the account: others try next.

        So one company's own trouble does not stop the account each time. When all have tried, the list begins anew.
        """
        tried = _ids(channel.key.noted.get(TRIED + why.what, "")) | {why.company_id or 0}
        if tried.issuperset(channel.host.companies_met.of_account(channel.account.name)):
            tried = frozenset({why.company_id or 0})
        return " ".join(map(str, sorted(tried)))

    async def _remember_stop(self, channel: Channel) -> None:
        """Note that the account was stopped once more, or that it is well again."""
        why, account_id, earlier = channel.parked, channel.account.account_id, channel.earlier
        before = earlier.rest
        if earlier.is_left_alone or not (is_lasting(why, channel.account.limits) or (before and channel.is_well)):
            return
        if why is None:
            await self.ledger.remember_rest(self.origin, account_id, ACCOUNT, None)
            return
        now = self.now()
        stop = Rest(failures=1, retry_at=now, message=str(why), settings=channel.credentials, code=code_of(why))
        noted = (await self.ledger.rests(self.origin, account_id)).get(ACCOUNT)
        is_same_moment = noted is not None and noted != before  # by a run that went on beside this one
        counts = self.rests and not self.fresh and not is_same_moment
        rest = account_stopped(None if channel.has_stored else noted, stop, now, counts=counts)
        await self.ledger.remember_rest(self.origin, account_id, ACCOUNT, rest)

    async def _keep_notes(self, channel: Channel) -> None:
        """Note what was found out about a key in this run, where that is news."""
        key = channel.key
        notes = {TOKEN_ENCODING: key.token_encoding} | ({COUNTS_ALL: "1"} if key.pages.counts_all else {})
        for name, value in notes.items():
            await self._note(channel, name, value)

    async def _note(self, channel: Channel, name: str, value: str) -> None:
        noted = channel.key.noted
        if noted.get(name, "") != value:
            await self.ledger.note_key(self.origin, channel.account.account_id, name, value)
            noted[name] = value

    async def _remember_used_up(self, channel: Channel) -> None:
        """Note that the API called the key's day used up, and how often in a row; or that it answers well again.

        That our own count has reached the quota is not noted here.
        """
        account, why, account_id = channel.account, channel.parked, channel.account.account_id
        if channel.earlier.used_up is not None and channel.is_well:
            await self.ledger.remember_rest(self.origin, account_id, USED_UP, None)
        if not isinstance(why, QuotaExhausted) or why.status is None:
            return
        limits, at = account.limits, channel.parked_at or self.now()
        noted = (await self.ledger.rests(self.origin, account_id)).get(USED_UP)
        tries = 0
        if noted is not None and noted.settings == _quota_of(limits) and not channel.has_stored:
            is_same = noted == channel.earlier.used_up  # no run that went on beside this one has counted it
            is_one_more = is_same and self.rests and not self.fresh
            tries = noted.failures + is_one_more
        said = UsedUp(
            at=at, per_day=limits.requests_per_day, reserve=limits.reserve_per_day, reason=str(why), tries=tries
        )
        await self.ledger.remember_used_up(self.origin, account.key_id, channel.key.quota.day_of(at), said)
        rest = Rest(failures=tries, retry_at=at, message=str(why), settings=_quota_of(limits), code=code_of(why))
        await self.ledger.remember_rest(self.origin, account_id, USED_UP, rest)

    async def _take_back(self, channel: Channel) -> None:
        """End what an earlier run was told of the key, where this one has tried it all the same and it answers well."""
        if not channel.is_well:
            return
        key_id, pause, closed = channel.account.key_id, channel.earlier.pause, channel.earlier.closed
        if pause is not None:
            await self.ledger.forget_pause(self.origin, key_id, pause.at)
        if closed is not None and closed.used_up is not None:
            await self.ledger.forget_used_up(self.origin, key_id, closed.day, closed.used_up.at)

    async def days(self, channels: Iterable[Channel]) -> tuple[AccountDay, ...]:
        """Return how much of its day each key has used."""
        days = []
        for channel in _usable(channels):
            account, day = channel.account, channel.key.quota.day_of(self.now())
            today = await self.ledger.quota(self.origin, account.key_id, day)
            usable = account.limits.requests_per_day - account.limits.reserve_per_day
            days.append(AccountDay(account.name, today.used, usable))
        return tuple(days)


def _usable(channels: Iterable[Channel]) -> list[Channel]:
    """Return the channels of accounts whose API key is known."""
    return [channel for channel in channels if not channel.account.fault]


def _quota_of(limits: Limits) -> str:
    """Return the settings that let a used-up key be tried at once when they are changed."""
    return f"{limits.requests_per_day} {limits.reserve_per_day}"


def is_lasting(why: EngineError | None, limits: Limits) -> bool:
    """Return whether an account was stopped for a reason that may last, as a host's being down may not."""
    if isinstance(why, Throttled):
        return why.retry_after_s is not None and why.retry_after_s > limits.max_wait_s
    if isinstance(why, Unreadable | HostDown | QuotaExhausted | Untrusted) or (
        isinstance(why, OutcomeUnknown) and why.unsent
    ):
        return False
    return isinstance(why, ApiError)


def _ids(text: str) -> frozenset[int]:
    return frozenset(map(int, text.split()))
