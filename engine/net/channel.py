"""One account's way to the API: its key, token, limits and retries, shared by all of its companies.

Every request of an account passes `Channel.call`, so what stops the account stops all of it: parked, it sends nothing.
"""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from math import inf
from random import Random
from typing import TypeVar

import anyio

from engine.errors import (
    AccountParked,
    ApiError,
    BudgetSpent,
    EngineError,
    InFlight,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unauthorized,
    WrongContract,
)
from engine.model.events import Event, Parked, RequestSent, Waiting, WidthChanged
from engine.model.settings import Account, Api, Secret
from engine.net.answer import problem, request_id
from engine.net.auth import TokenKeeper
from engine.net.budget import Budget
from engine.net.call import Call, Spent
from engine.net.exchange import Answer, Request, Transport
from engine.net.limits import KeyLimits, Place
from engine.net.pages import PageSize
from engine.net.quota import Quota
from engine.net.retry import Policy, error_timed_out, step_s, wait_s
from engine.net.width import trouble_of
from engine.wire.dialect import BadAnswer
from engine.wire.oauth import FORM, Grant, read_grant, token_request

T = TypeVar("T")

Emit = Callable[[Event], Awaitable[None]]

SAME_REFUSALS = 3
"""So many companies must meet one refusal of whole chunks before it is taken for the contract's (DESIGN section 6)."""

REFUSALS = 4
"""So many 401s in a row for one call are no bad luck with expiring tokens."""

PATIENCE_S = 600.0
"""Throttled without end for this long, whatever the answers call it, is a used-up quota (DESIGN section 7)."""


class Key:
    """What all runs of an engine share of one API key: its gate, its quota, its token, and what the server grants it.

    Built inside the event loop that uses it.
    """

    def __init__(self, account: Account, quota: Quota) -> None:
        self.account = account
        self.quota = quota
        self.gate = KeyLimits(account.limits)
        self.keeper = TokenKeeper()
        self.pages = PageSize(account.limits.page_size)


class _Outdated(Exception):
    """The token has been refused, or has run out, since it was taken: nothing was sent with it."""


class Channel:
    """Sends an account's calls within one run."""

    def __init__(
        self,
        key: Key,
        api: Api,
        transport: Transport,
        *,
        emit: Emit,
        now: Callable[[], datetime],
        rng: Random,
        budget: Budget | None = None,
        give_up_at_s: float = inf,
    ) -> None:
        """Take what a run has. `give_up_at_s`: its deadline, on the event loop's clock."""
        self.key = key
        self.account = key.account
        self.spent = Spent()  # requests that belong to no company: tokens
        self.parked: EngineError | None = None  # why the account was stopped
        self.parked_at: datetime | None = None
        self._parking = anyio.Event()
        self._api = api
        self._transport = transport
        self._emit = emit
        self._now = now
        self._rng = rng
        self._budget = budget or Budget()
        self._give_up_at_s = give_up_at_s
        self._throttles = 0  # 429s in a row, over the whole key
        self._throttled_since = 0.0
        self._paused_at = 0.0  # when the last pause began
        self._refused: dict[str, set[int]] = {}  # refusal of a whole chunk -> companies that met it
        self._accepts_chunks = False

    def chunk_accepted(self) -> None:
        """Note that a bulk request was understood: refusals are about rows, then."""
        self._accepts_chunks = True

    async def chunk_refused(self, company_id: int, error: Rejected) -> AccountParked | None:
        """Note that a whole chunk was refused; the same from three companies before any success parks the account.

        Returns what to raise then, once the chunk is settled; None: go on.
        """
        met = self._refused.setdefault(str(error), set())
        met.add(company_id)
        if len(met) >= SAME_REFUSALS and not self._accepts_chunks:
            text = f"{error}: said to whole chunks of {len(met)} companies and nothing accepted; check api.contract"
            return await self.park(WrongContract(text, status=error.status))
        return None

    async def park(self, reason: EngineError) -> AccountParked:
        """Stop the account and return what every call of it raises from now on. The first reason stays."""
        if self.parked is None:
            self.parked, self.parked_at = reason, self._now()
            self._parking.set()
            await self._emit(Parked(account=self.account.name, reason=str(reason)))
        return AccountParked(self.parked)

    async def call(self, call: Call[T]) -> T:
        """Send a call until it is answered as it should be, as far as its policy allows; return what it reads.

        Raises what the last answer stands for, and `AccountParked` where that ends the account. Throttling is waited
        out and is no attempt. Cancelling takes effect between sends: a request that is out ends by its own timeout.
        """
        refusals = 0
        while True:
            token = None
            try:
                token, answer = await self._exchange(call)
                value = self._read(call, answer)
            except Unauthorized as error:
                refusals += 1
                if error.status != 401 or token is None or self._is_hopeless(token, refusals):
                    raise await self.park(error) from error
                await self.key.keeper.renewed(token, self._fetch_token)
            except (QuotaExhausted, WrongContract) as error:
                raise await self.park(error) from error
            except Throttled as error:
                refusals = 0
                await self._wait_out(error, call.sent_at_s)
            except (OutcomeUnknown, InFlight) as error:
                refusals = 0
                unsent = isinstance(error, OutcomeUnknown) and error.unsent
                if not unsent:
                    call.exposed = True
                call.attempts += 1
                call.timeouts += error_timed_out(error)
                rest_s = wait_s(call.policy, call.attempts, call.timeouts, error, self._rng.random())
                if rest_s is None:
                    if unsent:  # what cannot be reached for one company cannot be for another
                        raise await self.park(error) from error
                    raise
                await anyio.sleep(rest_s)
            else:
                if token is not None:
                    self.key.keeper.proven(token)
                return value

    def _is_hopeless(self, token: Secret, refusals: int) -> bool:
        """Note that a token was refused, and return whether another one would be no better."""
        self.key.keeper.refused(token)
        return refusals > REFUSALS or (refusals > 1 and self.key.keeper.is_hopeless(token))

    async def _exchange(self, call: Call[T]) -> tuple[Secret | None, Answer]:
        """Send once, with a token that is good when the request leaves; return that, too."""
        while True:
            token = await self.key.keeper.token(self._fetch_token) if call.bearer else None
            try:
                return token, await self._send(call, token)
            except _Outdated:  # nothing was sent
                pass

    async def _send(self, call: Call[T], token: Secret | None) -> Answer:
        """Send once, in the key's turn."""
        request = self._request(call, token)
        async with self.key.gate.place(self._parking) as place:
            if token is not None and not self.key.keeper.is_good(token):  # it was refused while this one waited
                raise _Outdated
            kind = "retry" if call.sends else call.kind
            day = await self._counted(call, kind, place)
            call.sends += 1
            call.spent.add(kind)
            before, call.exposed = call.exposed, True  # until it is known better: not all that ends a send is an answer
            call.sent_at_s = place.sent_at_s
            try:
                with anyio.CancelScope(shield=True):
                    answer = await self._transport.send(request)
            except OutcomeUnknown as error:
                self._learn(place, call, error.status, timed_out=error.timed_out)
                if error.unsent:
                    call.exposed = before
                    call.sends -= 1
                    call.spent.add(kind, -1)
                    self.key.quota.give_back(day)
                    self._budget.give_back(call.kind)
                else:
                    self.key.quota.answered(day, None)
                raise
            call.exposed = before
            self._learn(place, call, answer.status, received=len(answer.body))
            self.key.quota.answered(day, answer.headers.get("Date"))
        call.status, call.request_id = answer.status, request_id(answer.headers) or call.request_id
        return answer

    async def _counted(self, call: Call[T], kind: str, place: Place) -> date:
        """Count a request that is about to go out, let it set off and tell of it; return the day that it counts on.

        Raises `AccountParked`, `QuotaExhausted`, and what the ledger raises: it has cost nothing then.
        """
        self._refuse_when_parked()
        try:
            self._budget.take(call.kind)
        except BudgetSpent as spent:
            raise await self.park(spent) from spent
        day = await self._day(call.kind)
        try:
            if call.sends and call.before_repeat is not None:
                await call.before_repeat()
            await self._tell_width()
            await self.key.gate.set_off(place, self._parking)
            self._refuse_when_parked()
            await self._emit(RequestSent(account=self.account.name, company_id=call.company_id, kind=kind))
        except BaseException:
            self.key.quota.give_back(day)
            self._budget.give_back(call.kind)
            raise
        return day

    async def _day(self, kind: str) -> date:
        try:
            return await self.key.quota.take()
        except BaseException:
            self._budget.give_back(kind)
            raise

    def _refuse_when_parked(self) -> None:
        if self.parked is not None:
            raise AccountParked(self.parked)

    async def _tell_width(self) -> None:
        """Tell of what may be out at once, when that has changed."""
        width = self.key.gate.news()
        if width is not None:
            await self._emit(WidthChanged(account=self.account.name, places=width.places, reason=width.reason))

    def _learn(
        self, place: Place, call: Call[T], status: int | None, *, received: int = 0, timed_out: bool = False
    ) -> None:
        """Tell the gate what came of a request: times compare between requests of one kind and about one size."""
        size = (len(call.body or b"") + received).bit_length()
        self.key.gate.answered(place, (call.kind, size), trouble_of(status, timed_out=timed_out))

    def _request(self, call: Call[T], token: Secret | None) -> Request:
        headers = {
            "X-Api-Key": self.account.api_key.reveal(),
            "X-API-Version": self._api.api_version,
            "Accept": "application/json",
            **call.headers,
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        return Request(
            method=call.method,
            url=call.path if "://" in call.path else self._api.base_url + call.path,
            headers=headers,
            body=call.body,
            timeout_s=self.account.limits.timeout_s,
        )

    def _read(self, call: Call[T], answer: Answer) -> T:
        """Decode an answer, or raise what is wrong with it: a 2xx that cannot be read is as good as none."""
        if answer.status >= 300:  # such a body is quoted to people
            answer = replace(answer, body=self.redacted(answer.body.decode("utf-8", "replace")).encode())
        # A bulk path that was there does not vanish: by then a 404 speaks of the company.
        kind = "list" if answer.status == 404 and self._accepts_chunks else call.kind
        error = problem(answer, kind=kind, now=self._now, company_id=call.company_id)
        if error is not None:
            call.request_id = error.request_id or call.request_id
            raise error
        try:
            value = call.read(answer)
        except BadAnswer as bad:
            text = f"HTTP {answer.status}, but {self.redacted(str(bad))}"
            raise OutcomeUnknown(text, status=answer.status, company_id=call.company_id) from bad
        call.exposed = False
        self._throttles = 0
        return value

    def redacted(self, words: str) -> str:
        """Return a server's words without the account's secrets, should it have echoed one."""
        for secret in (self.account.api_key, self.account.client_secret, self.key.keeper.current):
            if secret is not None:
                words = _spellings(secret).sub("***", words)
        return words

    async def _wait_out(self, error: Throttled, sent_at_s: float) -> None:
        """Hold the whole key back for as long as the API asks, or for a growing while where it names none.

        Of requests that were out together, the first answer makes the pause; the others only wait it out.
        """
        now_s = get_running_loop().time()
        if self._throttles and sent_at_s <= self._paused_at and error.retry_after_s is None:
            return
        if self._throttles == 0:
            self._throttled_since = now_s
        self._throttles += 1
        self._paused_at = now_s
        wait = error.retry_after_s or step_s(self._throttles, self._rng.random())
        if now_s - self._throttled_since > PATIENCE_S:
            text = f"{error}, for {PATIENCE_S / 60:g} minutes: the API key's requests of the day are taken for used up"
            raise await self.park(QuotaExhausted(text, status=error.status)) from error
        if wait > self.account.limits.max_wait_s or now_s + wait > self._give_up_at_s:
            raise await self.park(error) from error
        self.key.gate.pause(wait)
        await self._emit(Waiting(account=self.account.name, seconds=wait, reason=str(error)))

    async def _fetch_token(self) -> Grant:
        """Get a new token. Whatever keeps it from coming stops the account: nothing can be sent without."""
        fetch: Call[Grant] = Call(
            kind="token",
            method="POST",
            path=self._api.token_url or "/oauth/token",
            body=token_request(self.account, self._api.scope),
            headers={"Content-Type": FORM},
            read=lambda answer: read_grant(answer.body),
            policy=Policy(max_attempts=self.account.limits.max_attempts),
            spent=self.spent,
            bearer=False,
        )
        try:
            return await self.call(fetch)
        except (Rejected, OutOfScope) as error:
            refusal = Unauthorized(f"the token endpoint refused the account: {error}", status=error.status)
            raise await self.park(refusal) from error
        except ApiError as error:
            raise await self.park(error) from error


def _spellings(secret: Secret) -> re.Pattern[str]:
    """Return what finds a secret although a server escaped it, for JSON or for an address, or only parts of it."""
    ways = (
        rf"(?:{re.escape(char)}|\\{re.escape(char)}|\\u{ord(char):04x}|%{ord(char):02x})" for char in secret.reveal()
    )
    return re.compile("".join(ways), re.IGNORECASE)
