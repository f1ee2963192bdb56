"""One account's way to the API: its key, token, limits and retries, shared by all of its companies.

Every request of an account passes `Channel.call`, so what stops the account stops all of it: parked, it sends nothing.
"""

from __future__ import annotations

import re
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from hashlib import blake2b
from math import inf
from random import Random
from typing import TypeVar

import anyio

from engine.errors import (
    AccountParked,
    ApiError,
    BadPage,
    BudgetSpent,
    CompanyRefused,
    EngineError,
    HostDown,
    InFlight,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unauthorized,
    Unreadable,
    Untrusted,
    WrongContract,
)
from engine.model.company_record import Rest
from engine.model.events import Event, Parked, RequestSent, Waiting, WidthChanged
from engine.model.settings import Account, Api, Secret
from engine.net.call import Call, Spent
from engine.net.host import PROBES, Host
from engine.net.http.answer import problem, request_id
from engine.net.http.auth import TokenKeeper
from engine.net.http.exchange import Answer, Request, Transport
from engine.net.limits.budget import Budget
from engine.net.limits.gate import KeyLimits, Place
from engine.net.limits.quota import Quota
from engine.net.limits.width import trouble_of
from engine.net.page_size import PageSize
from engine.net.retry import Policy, error_timed_out, step_s, wait_s
from engine.net.trial import Trial, what_of
from engine.net.witness import KEPT_S, Witness
from engine.wire.dialect import BadAnswer, NotJson
from engine.wire.directory import companies_path, read_companies
from engine.wire.oauth import FORM, Grant, other_encoding, read_grant, token_request

T = TypeVar("T")

Emit = Callable[[Event], Awaitable[None]]

SAME_REFUSALS = 3
"""So many companies must meet one refusal of whole chunks before it is taken for the contract's (DESIGN section 6)."""

REFUSALS = 4
"""So many 401s in a row for one call are no bad luck with expiring tokens."""

SENSELESS = 2
"""How often a page is asked for whose answer is JSON, but no page: a further repeat would end alike."""

DIRECTORY_PAGE = 100
"""Entries of the directory that a witness asks for."""

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
        self.token_encoding = FORM  # what the token endpoint takes, as far as is known
        self.noted: dict[str, str] = {}  # what the ledger has noted of it, by name
        self.directory_turn = anyio.Lock()  # runs that want its directory read it one after the other
        self.directory_tries = 0  # how often it was listed, or tried to be
        self.directory_trouble: str | None = None  # why it could not be, the last time


class _NotNow(Exception):
    """Nothing was sent: the token has expired since it was taken, or the host is in doubt since then."""


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
    ) -> None:
        """Take what a run has. `give_up_at_s`: its deadline, on the event loop's clock.

        `host`: shared by the run's accounts; None: outside of a run, where no other company tells of the host.
        """
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
        self.host = host or Host()
        self.trial = Trial()
        self.unreadable: set[str] = set()  # kinds of answers that could not be read in an earlier run
        self.refused: set[int] = set()  # companies whose requests an earlier run was refused
        self.used_up: Rest | None = None  # what was noted when the key's day was last called used up
        self.was_used_up = False  # that may go on
        self.rest: Rest | None = None  # what was noted of the account's last stop when the run began
        self.is_left_alone = False  # it was stopped as an earlier run had left it, and nothing is sent
        self._served: set[tuple[int | None, str]] = set()  # companies, and kinds of requests that were answered well
        self._asks_of_throttle = False  # the witness is asked whose trouble a 429 is
        self._witness = Witness(self._ask_directory)
        self._vouched: tuple[Secret | None, float] = (None, 0.0)  # a token that the witness was answered with, and when
        self._well_at_s: float | None = None  # when a request with a token was last answered as it should be
        self._strange: set[str] = set()  # kinds of requests whose paths are not there, or another program's
        self._throttles = 0  # 429s in a row, over the whole key
        self._throttled_since = 0.0
        self._paused_at = 0.0  # when the last pause began
        self._refused: dict[str, set[int]] = {}  # refusal of a whole chunk -> companies that met it
        self._accepts_chunks = False

    @property
    def settings(self) -> str:
        """A digest of `[api]`: what failed under other settings is tried at once."""
        api = self._api
        texts = (api.base_url, api.contract, api.token_url or "", api.api_version, api.scope)
        return blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()

    @property
    def credentials(self) -> str:
        """A digest of all that an account's stop may be mended by: `[api]`, account id, API key, client id, secret."""
        account = self.account
        secrets = (each.reveal() for each in (account.api_key, account.client_id, account.client_secret))
        texts = "\0".join((self.settings, account.account_id, *secrets))
        digest = blake2b(texts.encode(errors="surrogatepass"), digest_size=8, person=b"dimsync account")
        return digest.hexdigest()

    @property
    def is_well(self) -> bool:
        """Whether the account was not stopped, and a request with a token was answered as it should be."""
        return self.parked is None and self._well_at_s is not None

    @property
    def has_stored(self) -> bool:
        """Whether rows of a bulk request were stored."""
        return self._accepts_chunks

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
            check = (
                "may the API user write, and is api.contract right?"
                if error.status in {401, 403}
                else "check api.contract"
            )
            text = f"{error}: said to whole chunks of {len(met)} companies and nothing accepted; {check}"
            return await self.park(WrongContract(text, status=error.status))
        return None

    async def park(self, reason: EngineError) -> AccountParked:
        """Stop the account and return what every call of it raises from now on. The first reason stays."""
        if self.parked is None:
            self.parked, self.parked_at = reason, self._now()
            self._parking.set()
            self.trial.left(None)
            await self._emit(Parked(account=self.account.name, reason=str(reason)))
        return AccountParked(self.parked)

    async def call(self, call: Call[T]) -> T:
        """Send a call until it is answered as it should be, as far as its policy allows; return what it reads.

        Raises what the last answer stands for, and `AccountParked` where that ends the account. Throttling is waited
        out and is no attempt. Cancelling takes effect between sends: a request that is out ends by its own timeout.
        """
        try:
            return await self._call(call)
        finally:
            self.host.leave(call)
            self.trial.left(call)

    async def _call(self, call: Call[T]) -> T:
        refusals = 0
        while True:
            token = None
            try:
                token, answer = await self._exchange(call)
                value = self._read(call, answer)
            except Unauthorized as error:
                refusals += 1
                if token is None or not self._helps_another(call, error, token, refusals):
                    await self._judge(call, error, token)
                await self.key.keeper.renewed(token, self._fetch_token)
            except QuotaExhausted as error:
                await self._judge(call, error, token)
            except (WrongContract, OutOfScope) as error:
                raise await self._not_there(call, error) from error
            except Throttled as error:
                refusals = 0
                await self._wait_out(call, error, token)
            except (OutcomeUnknown, InFlight) as error:
                refusals = 0
                await self._rest(call, error)
            else:
                if token is not None:
                    self.key.keeper.proven(token)
                    if call.is_witness:
                        self._vouched = token, get_running_loop().time()
                return value

    def _helps_another(self, call: Call[T], error: Unauthorized, token: Secret, refusals: int) -> bool:
        """Note that a token was refused, and return whether to send the request again with another one.

        A company's request is sent again once, and whenever there is a newer token. A request of no company is sent
        again until a new token is refused before it was ever accepted.
        """
        keeper = self.key.keeper
        if error.status != 401 or refusals > REFUSALS or self._is_vouched_for(token):
            return False
        if call.is_witness and keeper.is_hopeless(token):
            return False
        if refusals > 1 and token is keeper.current and (call.company_id is not None or keeper.is_hopeless(token)):
            return False
        keeper.refused(token)
        return True

    def _is_vouched_for(self, token: Secret) -> bool:
        """Return whether the directory was answered with this token lately, so that the token is good."""
        vouched, at_s = self._vouched
        return token is vouched and get_running_loop().time() < at_s + KEPT_S

    async def _judge(self, call: Call[T], error: ApiError, token: Secret | None) -> None:
        """Raise what a refusal means: the account is parked, unless another request with its API key is answered.

        If one is, the trouble is the company's, or its chunk's. Returns, raising nothing, when that other request got a
        new token: then this one is to be sent again with it.
        """
        if call.company_id is None or self._is_out_of_quota(error, call.company_id):
            raise await self.park(error) from error
        if not await self._is_the_companys(of_throttle=isinstance(error, QuotaExhausted)):
            raise await self.park(error) from error
        if error.status == 401 and token is not self.key.keeper.current:
            return
        raise self._companys(call, error) from error

    async def _is_the_companys(self, *, of_throttle: bool = True) -> bool:
        """Return whether the directory is answered, so that what a company's request met is its own trouble."""
        self._asks_of_throttle = of_throttle
        try:
            return await self._witness.answers()
        finally:
            self._asks_of_throttle = False

    def _companys(self, call: Call[T], error: ApiError) -> ApiError:
        """Return the error of a company whose request was refused, while others with the same API key are answered."""
        text = f"{error.told}, and other requests with the same API key are answered: this is about the company alone"
        kind: type[ApiError] = OutOfScope
        if isinstance(error, QuotaExhausted | Throttled):
            kind = CompanyRefused
        elif call.kind == "bulk":
            kind, text = Rejected, error.told
        return kind(text, status=error.status, company_id=call.company_id, request_id=error.request_id)

    def _is_out_of_quota(self, error: ApiError, company_id: int) -> bool:
        """Return whether a day is used up: by our own count, or by what three companies (or all) were told."""
        if not isinstance(error, QuotaExhausted):
            return False
        return error.status is None or self.host.is_out_of_quota(self.account.name, company_id)

    async def _ask_directory(self) -> bool:
        """Return whether the API answers a request for the account's directory in a way that shows a good API key."""
        account = self.account
        call: Call[object] = Call(
            kind="directory",
            method="GET",
            path=companies_path(account.account_id, 1, DIRECTORY_PAGE),
            read=lambda answer: read_companies(answer.body),
            policy=Policy(max_attempts=1),
            spent=self.spent,
            is_witness=True,
        )
        try:
            await self.call(call)
        except (Rejected, OutOfScope):
            return True
        except ApiError:
            return False
        return True

    async def _not_there(self, call: Call[T], error: WrongContract | OutOfScope) -> EngineError:
        """Return what a 404 or 405 means: the settings are wrong, or the API user may not see one company.

        A bulk path is missed by three companies, or all that the run has, before it is the contract's, and requests are
        redirected for three of the account; listings and directory both, nothing being answered, are the base URL's.
        """
        company_id = call.company_id
        if isinstance(error, WrongContract):
            if company_id is None or self._is_the_contracts(call, error, company_id):
                return await self.park(error)
            text = f"{error}; for other companies it may be there, so this one fails alone"
            kind: type[ApiError] = OutOfScope if error.status in {404, 405} else CompanyRefused
            return kind(text, status=error.status, company_id=company_id, request_id=error.request_id)
        if error.status == 404 and self._is_strange(call):
            return await self.park(self._wrong_base_url(error))
        return error

    def _is_the_contracts(self, call: Call[T], error: WrongContract, company_id: int) -> bool:
        """Return whether what a company's request met is met by others, too, and no request of its kind is answered."""
        what = what_of(call)
        if error.status in {404, 405}:
            return what != "bulk" or self.host.has_no_bulk(self.account.name, company_id)
        if what is None:
            return True
        return self.host.is_sent_away(what, self.account.name, company_id) and (None, what) not in self._served

    def _is_strange(self, call: Call[T]) -> bool:
        """Note that a path is missing, or is another program's; return whether listing and directory both are."""
        if self._well_at_s is None:
            self._strange.add("list" if call.kind == "probe" else call.kind)
        return self._well_at_s is None and self._strange.issuperset({"list", "directory"})

    def _wrong_base_url(self, error: ApiError) -> WrongContract:
        text = f"{error.told}, to listing and directory alike: the API is not at {self._api.base_url}"
        return WrongContract(f"{text}; check api.base_url (it ends in the API's version, /v1)", status=error.status)

    async def _rest(self, call: Call[T], error: OutcomeUnknown | InFlight) -> None:
        """Wait until a call may go out once more, or raise what ends it."""
        asked_s = error.retry_after_s if isinstance(error, OutcomeUnknown) else None
        if isinstance(error, Untrusted):
            raise await self.park(error) from error
        if not (isinstance(error, OutcomeUnknown) and error.unsent):
            call.exposed = True
            call.is_lost = call.is_lost or error.status != 503
        if call.is_witness:
            raise error
        if _is_silent(error):
            self.host.failed(self.account.name, call, self._now())
        if asked_s is not None:
            call.waits += 1
        else:
            call.attempts += 1
            call.timeouts += error_timed_out(error)
        if await self._is_alike(call, error):
            raise OutcomeUnknown(str(error), alike=True, status=error.status, company_id=call.company_id) from error
        call.senseless += isinstance(error, BadPage)
        if call.senseless >= SENSELESS:
            await self._note_senseless(call, error)
        rest_s = wait_s(call.policy, call.attempts, call.timeouts, error, self._rng.random())
        is_senseless = call.senseless >= SENSELESS and call.method == "GET"
        if rest_s is None or is_senseless or call.waits > call.policy.max_attempts:
            ended = await self._end_of(call, error)
            raise ended from (None if ended is error else error)
        if _is_silent(error) and self.host.is_doubted and self.host.is_shared:
            rest_s = await self._probe_s(call, error, rest_s)
        if asked_s is None:
            await anyio.sleep(rest_s)
        else:
            text = f"{error}: the API asks to wait"
            await self._pause(Throttled(text, retry_after_s=asked_s, status=error.status), asked_s or rest_s)

    async def _probe_s(self, call: Call[T], error: ApiError, rest_s: float) -> float:
        """Return how long the one request waits that is repeated while several companies get no answer.

        It is repeated fewer times than others, with longer waits. Raises what ends the run when all of them failed.
        """
        most = call.policy.max_attempts
        if self.host.probes >= max(1, min(PROBES, most - 1)) and await self._is_down(call):
            raise await self._fall(error) from error
        fewer = max(0, most - 1 - PROBES)
        return step_s(call.attempts + fewer, 1.0) if self.host.probes and call.attempts else rest_s

    async def _is_down(self, call: Call[T]) -> bool:
        """Return whether the host answers nobody. If no request was answered since, the directory is asked for, once.

        A token request cannot ask for it, as that takes a token.
        """
        host = self.host
        if not host.is_silent or call.kind == "token":
            return host.is_silent and host.is_widely_met
        if host.directory_failed or not await self._witness.answers(host.since_s):
            return host.is_silent
        host.vouch(call, KEPT_S)
        return False

    async def _note_senseless(self, call: Call[T], error: ApiError) -> None:
        """Stop the account when no company can read answers of this kind; on trial, one company is enough."""
        what, is_answer = what_of(call), error.status is not None and error.status < 300
        if what is None or not is_answer or call.company_id is None:
            return
        who, is_json = (self.account.name, call.company_id), isinstance(error, BadPage)
        is_on_trial = what in self.unreadable and not self.host.has_read(what)
        if self.host.is_unreadable(what, str(error), who, is_json=is_json) or is_on_trial:
            kind = "bulk requests" if what == "bulk" else "listings"
            text = f"{error}: so the answers to {kind} are for every company asked; check api.contract and api.base_url"
            reason = Unreadable(text, status=error.status, company_id=call.company_id)
            reason.what = what
            raise await self.park(reason) from error

    async def _is_alike(self, call: Call[T], error: ApiError) -> bool:
        """Return whether the same 500 or 502 came as often as the policy lets, while the host answers other calls.

        False after the last attempt, with which a call ends anyway.
        """
        if error.status not in {500, 502} or call.attempts >= call.policy.max_attempts:
            call.said, call.alike = "", 0
            return False
        call.alike = call.alike + 1 if call.said == str(error) else 1
        call.said = str(error)
        if call.policy.max_alike is None or call.alike < call.policy.max_alike:
            return False
        is_well = self._well_at_s is not None and self._well_at_s >= call.first_sent_at_s
        return is_well or await self._witness.answers(call.first_sent_at_s)

    async def _end_of(self, call: Call[T], error: OutcomeUnknown | InFlight) -> EngineError:
        """Return what ends a call that failed for good: the error itself, or what ends the account, or the run.

        If no request was answered since, the directory is asked for, to tell the host's trouble from the company's. It
        is not for a bulk call while one company alone is in trouble: its rows are read back, which tells as much.
        """
        host, is_unsent = self.host, isinstance(error, OutcomeUnknown) and error.unsent
        if not _is_silent(error):
            await self._note_senseless(call, error)
            is_page = isinstance(error, OutcomeUnknown) and error.status == 200
            return await self.park(self._wrong_base_url(error)) if is_page and self._is_strange(call) else error
        if not host.is_watched:  # what cannot be reached for one company cannot be for another
            return await self.park(error) if is_unsent else error
        match call.kind:
            case "directory":
                host.gave_up_directory()
                return error
            case "token":
                return await self._fall(error) if host.is_widely_met else error
            case "bulk" if not host.is_shared and not is_unsent:
                return error
        if max(call.attempts, call.waits) < call.policy.max_attempts:
            return error  # it was too large, or too slow
        return await self._fall(error) if await self._is_down(call) else error

    async def _fall(self, error: ApiError) -> AccountParked:
        """Note that the host is down and stop all accounts of the run."""
        since = self.host.since or self._now()
        text = f"the API has answered nothing since {since:%Y-%m-%d %H:%M} UTC ({error})"
        reason = HostDown(f"{text}; what was not sent is deferred, and the next run does it", status=error.status)
        self.host.fall(reason)
        return await self.park(reason)

    async def _exchange(self, call: Call[T]) -> tuple[Secret | None, Answer]:
        """Send once, with a token that is good when the request leaves; return that, too."""
        while True:
            await self.trial.turn(call)
            await self.host.turn(self.account.name, call)
            await self._refuse_when_stopped()
            token = await self.key.keeper.token(self._fetch_token) if call.bearer else None
            try:
                return token, await self._send(call, token)
            except _NotNow:  # nothing was sent
                pass

    async def _send(self, call: Call[T], token: Secret | None) -> Answer:
        """Send once, in the key's turn."""
        request = self._request(call, token)
        async with self.key.gate.place(self._parking) as place:
            if token is not None and not self.key.keeper.is_good(token):  # it was refused while this one waited
                raise _NotNow
            kind = "retry" if call.sends else call.kind
            day = await self._counted(call, kind, place)
            call.sends += 1
            call.first_sent_at_s = call.first_sent_at_s or place.sent_at_s
            call.spent.add(kind)
            before, call.exposed = call.exposed, True  # until it is known better: not all that ends a send is an answer
            call.sent_at_s = place.sent_at_s
            self.host.sent(call)
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
            finally:
                self.host.landed(call)
            call.exposed = before
            self._learn(place, call, answer.status, received=len(answer.body))
            self.key.quota.answered(day, answer.headers.get("Date"))
        call.status, call.request_id = answer.status, request_id(answer.headers) or call.request_id
        return answer

    async def _counted(self, call: Call[T], kind: str, place: Place) -> date:
        """Count a request that is about to go out, let it set off and tell of it; return the day that it counts on.

        Raises `AccountParked`, `QuotaExhausted`, and what the ledger raises: it has cost nothing then.
        """
        await self._refuse_when_stopped()
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
            await self._refuse_when_stopped()
            self._refuse_in_doubt(call)
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

    def _refuse_in_doubt(self, call: Call[T]) -> None:
        """Raise `_NotNow` while the host is in doubt and another request finds out whether it answers."""
        if not self.host.lets(self.account.name, call):
            raise _NotNow

    async def _refuse_when_stopped(self) -> None:
        if self.host.down is not None:
            await self.park(self.host.down)
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
        error = problem(answer, kind=call.kind, now=self._now, company_id=call.company_id)
        if error is not None:
            call.request_id = error.request_id or call.request_id
            if isinstance(error, Rejected | OutOfScope):
                self.host.answered(call)
            raise error
        try:
            value = call.read(answer)
        except BadAnswer as bad:
            kind = OutcomeUnknown if isinstance(bad, NotJson) else BadPage
            text = f"HTTP {answer.status}, but {self.redacted(str(bad))}"
            raise kind(text, status=answer.status, company_id=call.company_id) from bad
        call.exposed = False
        if not call.is_witness:
            self._throttles = 0
        self._answered(call)
        return value

    def _answered(self, call: Call[T]) -> None:
        """Note that a request was answered as it should be."""
        self.host.answered(call)
        if (what := what_of(call)) is not None:
            self.host.read(what)
            self.trial.passed(what)
        self._served.update({(call.company_id, what or call.kind), (None, what or call.kind)})
        if call.bearer:
            self._well_at_s = get_running_loop().time()

    def redacted(self, words: str) -> str:
        """Return a server's words without the account's secrets, should it have echoed one."""
        for secret in (self.account.api_key, self.account.client_secret, self.key.keeper.current):
            if secret is not None:
                words = _spellings(secret).sub("***", words)
        return words

    async def _wait_out(self, call: Call[T], error: Throttled, token: Secret | None) -> None:
        """Hold the whole key back for as long as the API asks, or for a growing while where it names none.

        Of requests that were out together, the first answer makes the pause; the others only wait it out. What an
        earlier run waited for in vain is not waited for again: it is judged at once.
        """
        now_s = get_running_loop().time()
        if call.is_witness and self._asks_of_throttle:
            raise error
        if self._is_fruitless(call):
            used_up = _used_up(error, "as before")
            if call.company_id is None or self._is_out_of_quota(used_up, call.company_id):
                raise await self.park(used_up) from error
            if not await self._is_the_companys():
                raise await self.park(used_up) from error
            self.was_used_up = False
        if self._is_refused_again(call) and await self._is_the_companys():
            raise self._companys(call, error)
        if self._throttles and call.sent_at_s <= self._paused_at and error.retry_after_s is None:
            return
        if self._throttles == 0:
            self._throttled_since = now_s
        self._throttles += 1
        self._paused_at = now_s
        wait = error.retry_after_s or step_s(self._throttles, self._rng.random())
        if now_s - self._throttled_since > PATIENCE_S:
            await self._judge(call, _used_up(error, f"for {PATIENCE_S / 60:g} minutes"), token)
        await self._pause(error, wait)

    def _is_fruitless(self, call: Call[T]) -> bool:
        """Return whether an earlier run left the key as used up, and nothing shows yet that it is not any more."""
        return self.was_used_up and (None, what_of(call) or call.kind) not in self._served

    def _is_refused_again(self, call: Call[T]) -> bool:
        """Return whether a company was refused in an earlier run, and nothing shows yet that it is not any more."""
        return call.company_id in self.refused and (call.company_id, what_of(call) or call.kind) not in self._served

    async def _pause(self, error: Throttled, wait: float) -> None:
        """Hold the whole key back; a wait that is too long for the run parks the account."""
        if wait > self.account.limits.max_wait_s or get_running_loop().time() + wait > self._give_up_at_s:
            raise await self.park(error) from error
        self.key.gate.pause(wait)
        await self._emit(Waiting(account=self.account.name, seconds=wait, reason=str(error)))

    async def _fetch_token(self) -> Grant:
        """Get a new token. Whatever keeps it from coming stops the account: nothing can be sent without.

        An endpoint that refuses one encoding of the request is sent the other, once.
        """
        encoding = self.key.token_encoding
        try:
            try:
                return await self._token(encoding)
            except Rejected as refused:
                if refused.status not in {400, 415}:
                    raise
                return await self._token_otherwise(other_encoding(encoding), refused)
        except (Rejected, OutOfScope) as error:
            refusal = Unauthorized(f"the token endpoint refused the account: {error}", status=error.status)
            raise await self.park(refusal) from error
        except ApiError as error:
            raise await self.park(error) from error

    async def _token_otherwise(self, encoding: str, refused: Rejected) -> Grant:
        """Get a new token by the other encoding, and keep to that; if it is refused too, raise the first refusal."""
        try:
            grant = await self._token(encoding)
        except Rejected:
            raise refused from None
        self.key.token_encoding = encoding
        return grant

    async def _token(self, encoding: str) -> Grant:
        fetch: Call[Grant] = Call(
            kind="token",
            method="POST",
            path=self._api.token_url or "/oauth/token",
            body=token_request(self.account, self._api.scope, encoding),
            headers={"Content-Type": encoding},
            read=lambda answer: read_grant(answer.body),
            policy=Policy(max_attempts=self.account.limits.max_attempts),
            spent=self.spent,
            bearer=False,
        )
        return await self.call(fetch)


def _used_up(error: Throttled, how_long: str) -> QuotaExhausted:
    """Return what a throttle stands for that does not end."""
    told = f"{error}, {how_long}"
    used_up = QuotaExhausted(f"{told}: the API key's requests of the day are taken for used up", status=error.status)
    used_up.told = told
    return used_up


def _is_silent(error: ApiError) -> bool:
    """Return whether an error tells of no answer at all, or of the host's own failure (5xx)."""
    return isinstance(error, OutcomeUnknown) and (error.status is None or error.status >= 500)


def _spellings(secret: Secret) -> re.Pattern[str]:
    """Return what finds a secret although a server escaped it, for JSON or for an address, or only parts of it."""
    ways = (
        rf"(?:{re.escape(char)}|\\{re.escape(char)}|\\u{ord(char):04x}|%{ord(char):02x})" for char in secret.reveal()
    )
    return re.compile("".join(ways), re.IGNORECASE)
