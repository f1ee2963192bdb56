"""One account's way to the API within one run, shared by all of its companies.

Every request of an account passes `Channel.call`. What a failed request means is judged in `engine.net.trouble`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import inf
from random import Random
from typing import Any, TypeVar

from engine.errors import (
    AccountParked,
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
from engine.model.events import Emit, WaitKind
from engine.model.settings import Account, Api, Secret
from engine.net.call import Call, Spent
from engine.net.departure import Departure, NotNow
from engine.net.earlier_runs import EarlierRuns
from engine.net.fingerprints import account_fingerprint, api_fingerprint
from engine.net.http.exchange import Answer, Transport
from engine.net.key import Key
from engine.net.limits.budget import Budget
from engine.net.pauses import Pauses
from engine.net.reading import Reader
from engine.net.repeats import Repeats
from engine.net.sending import Sending
from engine.net.telling import AnswerTelling, Listens, nobody
from engine.net.throttling import Throttling
from engine.net.tokens import Tokens
from engine.net.trouble.chunk_refusals import ChunkRefusals
from engine.net.trouble.giving_up import GivingUp
from engine.net.trouble.good_answers import GoodAnswers
from engine.net.trouble.host import Host
from engine.net.trouble.outage import Outage
from engine.net.trouble.parking import Parking, no_credentials
from engine.net.trouble.refusals import Refusals
from engine.net.trouble.same_error import SameError
from engine.net.trouble.trial import Trial, what_of
from engine.net.trouble.unreadable import UnreadableAnswers
from engine.net.trouble.witness import Witness
from engine.net.trouble.wrong_paths import WrongPaths
from engine.net.turns import answer_turns

T = TypeVar("T")

__all__ = ["Channel", "Emit"]


class Channel:
    """Sends an account's calls within one run."""

    def __init__(  # noqa: PLR0913  a run's things, each of its own kind
        self,
        key: Key,
        api: Api,
        transport: Transport,
        *,
        emit: Emit,
        now: Callable[[], datetime],
        rng: Random,
        budget: Budget | None = None,
        host: Host | None = None,
        give_up_at_s: float = inf,
        listens: Listens = nobody,
    ) -> None:
        """Take what a run has. `give_up_at_s`: its deadline, on the event loop's clock. `listens`: is told of answers.

        `host`: shared by the run's accounts. None: outside of a run, where no other company tells of the host.
        """
        self.key = key
        account = key.account
        self.spent = Spent()  # requests that belong to no company: tokens, directories
        self.host = host = host or Host()
        met = host.companies_met
        self.trial = Trial()
        self.earlier = earlier = EarlierRuns()
        self._api = api
        self._good = good = GoodAnswers()
        self._parking = parking = Parking(account, host, self.trial, emit=emit, now=now)
        self._chunks = ChunkRefusals(parking)
        self._tokens = Tokens(key, api, parking, self.spent, self.call)
        departure = Departure(key, budget or Budget(), host, parking, emit)
        telling = AnswerTelling(account.name, emit, listens)
        self._sending = Sending(key, api, parking, departure, host, transport, telling)
        self._reader = Reader(key, now)
        self._pauses = pauses = Pauses(key, parking, emit, give_up_at_s)
        witness = Witness(account.account_id, self.spent, self.call)
        self._refusals = refusals = Refusals(key, met, parking, witness, good)
        self._throttling = Throttling(pauses, parking, refusals, witness, good, earlier, rng)
        self._paths = paths = WrongPaths(account.name, api.base_url, met, parking, good)
        unreadable = UnreadableAnswers(account.name, met, parking, earlier)
        outage = Outage(account.name, host, parking, witness, now)
        giving_up = GivingUp(host, parking, outage, unreadable, paths)
        same = SameError(witness, good)
        self._repeats = Repeats(parking, same, unreadable, giving_up, outage, pauses, rng)

    @property
    def account(self) -> Account:
        """The account with the credentials in use: its provider may give others meanwhile."""
        return self.key.account

    async def call(self, call: Call[T]) -> T:
        """Send a call until it is answered as it should be, as far as its policy allows; return what it reads.

        Raises what the last answer stands for, and `AccountParked` where that ends the account. Throttling is waited
        out and is no attempt. Cancelling takes effect between sends: a request that is out ends by its own timeout.
        """
        try:
            return await self._until_answered(call)
        finally:
            self.host.leave(call)
            self.trial.left(call)

    async def _until_answered(self, call: Call[T]) -> T:
        """Send again and again. Each kind of failure is waited out, or judged by raising; then the loop goes on."""
        refusals = 0  # 401s in a row
        while True:
            token = None
            try:
                token, answer = await self._send_once(call)
                await answer_turns().take(len(answer.body), settles=call.kind == "bulk")
                value = self._reader.read(call, answer)
            except Unauthorized as error:
                refusals += 1
                if token is None or not self._refusals.helps_another_token(call, error, token, refusals):
                    await self._refusals.judge(call, error, token)
                await self._tokens.other_than(token)
            except QuotaExhausted as error:
                await self._refusals.judge(call, error, token)
            except Throttled as error:
                refusals = 0
                await self._throttling.wait_out(call, error, token)
            except (OutcomeUnknown, InFlight) as error:
                refusals = 0
                await self._repeats.wait(call, error)
            except WrongContract as error:
                raise await self._paths.judge(call, error) from error
            except OutOfScope as error:
                self.host.answered(call)
                raise await self._paths.judge(call, error) from error
            except Rejected:
                self.host.answered(call)
                raise
            else:
                self._note_good_answer(call, token)
                return value

    async def _send_once(self, call: Call[T]) -> tuple[Secret | None, Answer]:
        """Send a call once, with a token that is good when the request leaves; return that token, too."""
        while True:
            await self.trial.turn(call)
            await self.host.turn(self.account.name, call)
            await self._parking.raise_if_parked()
            if (unknown := no_credentials(self.account)) is not None:  # its provider has failed meanwhile
                raise await self._parking.park(unknown)
            token = await self._tokens.current() if call.bearer else None
            try:
                return token, await self._sending.send(call, token)
            except NotNow:  # nothing was sent
                pass

    def _note_good_answer(self, call: Call[Any], token: Secret | None) -> None:
        """Note that a call was answered as it should be: what that shows of the host, the contract and the token."""
        call.exposed = False
        if not call.is_witness:
            self._throttling.has_ended()
        self.host.answered(call)
        if (what := what_of(call)) is not None:
            self.host.companies_met.read(what)
            self.trial.passed(what)
        self._good.note(call, what)
        if token is not None:
            self.key.keeper.proven(token)
            self.key.credentials.proven(call.used)
            if call.is_witness:
                self._good.vouch(token)

    async def rest(self, company_id: int, seconds: float, reason: str, kind: WaitKind) -> None:
        """Let one company's call wait, and tell of it."""
        await self._pauses.rest(company_id, seconds, reason, kind)

    async def park(self, reason: EngineError) -> AccountParked:
        """Stop the account and return what every call of it raises from now on. The first reason stays."""
        return await self._parking.park(reason)

    @property
    def parked(self) -> EngineError | None:
        """Why the account was stopped; None: it is not."""
        return self._parking.reason

    @property
    def parked_at(self) -> datetime | None:
        """When the account was stopped."""
        return self._parking.at

    @property
    def is_well(self) -> bool:
        """Whether the account was not stopped, and a request with a token was answered as it should be."""
        return self.parked is None and self._good.last_at_s is not None

    @property
    def has_stored(self) -> bool:
        """Whether rows of a bulk request were stored."""
        return self._chunks.has_accepted

    def chunk_accepted(self) -> None:
        """Note that a bulk request was understood: refusals are about rows, then."""
        self._chunks.has_accepted = True

    async def chunk_refused(self, company_id: int, error: Rejected) -> AccountParked | None:
        """Note that a whole chunk was refused; return what to raise once the chunk is settled, None: go on.

        The same refusal from three companies before any success stops the account.
        """
        return await self._chunks.refused(company_id, error)

    def redacted(self, words: str) -> str:
        """Return a server's words without the account's secrets, should it have echoed one."""
        return self._reader.redacted(words)

    @property
    def settings(self) -> str:
        """A digest of `[api]`: what failed under other settings is tried at once."""
        return api_fingerprint(self._api)

    @property
    def credentials(self) -> str:
        """A digest of all settings that may mend an account's stop: `[api]`, account id, API key, client id, secret."""
        return account_fingerprint(self.account, self._api)
