"""What an answer asks for, however it says so; and when a call is given up before its last attempt."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import anyio
import pytest

from engine.errors import (
    AccountParked,
    ApiError,
    CompanyRefused,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    Throttled,
    Unauthorized,
    WrongContract,
)
from engine.model.events import Event
from engine.model.settings import Account, Api, Limits, NamedCompany, Secret
from engine.net.call import Call, Spent
from engine.net.channel import Channel
from engine.net.http.answer import asked_wait_s, problem
from engine.net.http.exchange import Answer, Request
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.net.retry import Policy
from engine.net.trouble.host import Host
from tests.tables import each_of
from tests.unit.virtual_time import run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_3_S = "Sat, 21 Nov 2026 12:00:03 GMT"

WAITS: dict[str, tuple[dict[str, str], float | None]] = {
    "seconds": ({"Retry-After": "7"}, 7.0),
    "none": ({}, None),
    "zero": ({"Retry-After": "0"}, 0.0),
    "blanks around": ({"Retry-After": " 7 "}, 7.0),
    "below zero": ({"Retry-After": "-7"}, None),
    "a fraction": ({"Retry-After": "1.5"}, None),
    "words": ({"Retry-After": "soon"}, None),
    "empty": ({"Retry-After": ""}, None),
    "other digits": ({"Retry-After": "\u0667"}, None),
    "huge": ({"Retry-After": "9" * 400}, float("inf")),
    "a date": ({"Retry-After": IN_3_S}, 3.0),
    "a date that is past": ({"Retry-After": "Fri, 20 Nov 2026 12:00:00 GMT"}, 0.0),
    "a date far off": ({"Retry-After": "Sat, 21 Nov 99999 12:00:03 GMT"}, None),
    "W14: an hour ahead over there": (
        {"Retry-After": "Sat, 21 Nov 2026 13:00:03 GMT", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"},
        3.0,
    ),
    "W14: an hour behind over there": (
        {"Retry-After": "Sat, 21 Nov 2026 11:00:03 GMT", "Date": "Sat, 21 Nov 2026 11:00:00 GMT"},
        3.0,
    ),
    "W14: an old date, from a cache": ({"Retry-After": IN_3_S, "Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, 3.0),
    "W14: a date that is none": ({"Retry-After": IN_3_S, "Date": "noon"}, 3.0),
    "W14: seconds need no date": ({"Retry-After": "3", "Date": "Sat, 21 Nov 2026 13:00:00 GMT"}, 3.0),
}


@each_of(WAITS)
def test_how_long_an_answer_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait_s(Answer(status=429, headers=headers, body=b""), NOW) == seconds


GATEWAY, VENDOR = b'{"message":"Forbidden"}', b'{"code":"Forbidden","message":"not yours"}'
QUOTA = b'{"message":"Limit Exceeded"}'

MEANT: dict[str, tuple[int, bytes, str, dict[str, str], type[ApiError]]] = {
    "the gateway's 403 to a listing": (403, GATEWAY, "list", {}, Unauthorized),
    "the vendor's 403 to a listing": (403, VENDOR, "list", {}, OutOfScope),
    "a page's 403 to a listing": (403, b"<html>", "list", {}, OutOfScope),
    "the vendor's 403 to a chunk": (403, VENDOR, "bulk", {}, OutOfScope),
    "a page's 403 to a chunk": (403, b"<html>", "bulk", {}, Unauthorized),
    "no quota": (429, QUOTA, "list", {}, QuotaExhausted),
    "no quota, and a time to wait": (429, QUOTA, "list", {"Retry-After": "5"}, Throttled),
    "no quota, and words to wait": (429, QUOTA, "list", {"Retry-After": "soon"}, QuotaExhausted),
    "no token endpoint": (404, b"", "token", {}, WrongContract),
    "no bulk path": (405, b"", "bulk", {}, WrongContract),
    "503": (503, b"", "list", {"Retry-After": "5"}, OutcomeUnknown),
}


@each_of(MEANT)
def test_what_an_answer_stands_for(
    status: int, body: bytes, kind: str, headers: dict[str, str], error: type[ApiError]
) -> None:
    answer = Answer(status=status, headers=headers, body=body)
    found = problem(answer, kind=kind, now=lambda: NOW, company_id=7)
    assert type(found) is error
    assert (found.status, found.company_id) == (status, 7)
    if isinstance(found, Throttled | OutcomeUnknown):
        assert found.retry_after_s == 5.0


class Desk:
    """A server that says the same to each kind of request, and counts them."""

    def __init__(self, companies: int = 3, /, **says: Answer) -> None:
        secret = Secret("s3cret-0")
        account = Account(
            name="main", account_id="a", api_key=secret, client_id=secret, client_secret=secret, limits=Limits()
        )
        self.says = says
        self.sent: list[str] = []
        quota = Quota(account, self, "https://api.test/v1", lambda: NOW)
        host = Host(NamedCompany("main", n) for n in range(companies))
        self.channel = Channel(
            Key(account, quota), Api(), self, emit=self.emit, now=lambda: NOW, rng=Random(7), host=host
        )

    async def reserve_requests(self, *_of: object) -> int:
        return 64

    async def charge_requests(self, *_of: object) -> None:
        """Take back what was not used."""

    async def emit(self, event: Event) -> None:
        """Tell nobody."""

    async def send(self, request: Request) -> Answer:
        kind = {"POST": "bulk"}.get(request.method, "directory" if "/accounts/" in request.url else "list")
        if request.url.endswith("/oauth/token"):
            body = b'{"access_token":"tok-0123","expires_in":3600}'
            return Answer(status=200, headers={}, body=body)
        self.sent.append(kind)
        await anyio.sleep(0.01)
        return self.says.get(kind, Answer(status=200, headers={}, body=b'{"count":0,"results":[]}'))

    async def ask(self, kind: str = "bulk", company_id: int = 1, /, **policy: int) -> object:
        call: Call[object] = Call(
            kind=kind,
            method="POST" if kind == "bulk" else "GET",
            path="/dimensions",
            read=lambda answer: answer.body,
            policy=Policy(**{"max_attempts": 6, **policy}),
            spent=Spent(),
            company_id=company_id,
        )
        return await self.channel.call(call)


def failing(desk: Desk, **policy: int) -> ApiError:
    """Return what a bulk call ends with."""

    async def play() -> ApiError:
        with pytest.raises(ApiError) as caught:
            await desk.ask(**policy)
        return caught.value

    return run(play())


def broken(status: int = 500, words: bytes = b"oops") -> Answer:
    return Answer(status=status, headers={}, body=words)


@pytest.mark.parametrize("status", [500, 502])
def test_w9_the_same_failure_twice_is_enough_where_the_host_answers_others(status: int) -> None:
    desk = Desk(bulk=broken(status))
    error = failing(desk, max_alike=2)
    assert isinstance(error, OutcomeUnknown)
    assert (error.alike, error.status, desk.sent) == (True, status, ["bulk", "bulk", "directory"])


def test_w9_whatever_was_answered_meanwhile_spares_the_witness() -> None:
    desk = Desk(bulk=broken())

    async def play() -> OutcomeUnknown:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.ask, "list", 2)
            with pytest.raises(OutcomeUnknown) as caught:
                await desk.ask(max_alike=2)
        return caught.value

    assert run(play()).alike
    assert sorted(desk.sent) == ["bulk", "bulk", "list"]


@pytest.mark.parametrize(("status", "policy"), [(500, {}), (503, {"max_alike": 2}), (504, {"max_alike": 2})])
def test_w9_other_failures_have_all_their_attempts(status: int, policy: dict[str, int]) -> None:
    desk = Desk(bulk=broken(status))
    error = failing(desk, **policy)
    assert isinstance(error, OutcomeUnknown)
    assert (error.alike, desk.sent.count("bulk")) == (False, 6)


def test_w9_where_nobody_is_answered_it_is_the_hosts() -> None:
    desk = Desk(1, bulk=broken(), directory=broken())

    async def play() -> None:
        with pytest.raises(OutcomeUnknown) as caught:
            await desk.ask(max_alike=2)
        assert not caught.value.alike

    run(play())
    assert (desk.sent.count("bulk"), desk.sent.count("directory")) == (6, 1)


ALONE: dict[str, tuple[str, Answer, type[ApiError]]] = {
    "403 to a listing": ("list", broken(403, GATEWAY), OutOfScope),
    "403 to a chunk": ("bulk", broken(403, GATEWAY), Rejected),
    "401 to a listing": ("list", broken(401), OutOfScope),
    "401 to a chunk": ("bulk", broken(401), Rejected),
    "no quota for a listing": ("list", broken(429, QUOTA), CompanyRefused),
    "no quota for a chunk": ("bulk", broken(429, QUOTA), CompanyRefused),
}


@pytest.mark.parametrize(("kind", "says", "error"), ALONE.values(), ids=ALONE)
def test_w12_the_witness_is_asked_once_for_an_incident(kind: str, says: Answer, error: type[ApiError]) -> None:
    desk = Desk(**{kind: says})

    async def play() -> list[type[BaseException]]:
        ends: list[type[BaseException]] = []
        for company_id in (1, 1, 2):
            with pytest.raises(ApiError) as caught:
                await desk.ask(kind, company_id)
            ends.append(caught.type)
            assert "other requests with the same API key" in str(caught.value) or error is Rejected
        await anyio.sleep(61)
        with pytest.raises(ApiError):
            await desk.ask(kind, 2)
        return ends

    assert run(play()) == [error] * 3
    assert desk.sent.count("directory") == 2
    assert (desk.channel.spent.counts["directory"], desk.channel.parked) == (2, None)


@pytest.mark.parametrize("said", [broken(403, GATEWAY), broken(401), broken(429, QUOTA), broken(500)])
def test_w12_a_directory_that_is_refused_too_is_the_accounts(said: Answer) -> None:
    desk = Desk(bulk=said, directory=said)

    async def play() -> None:
        if said.status == 500:
            desk.says["bulk"] = broken(403, GATEWAY)
        for _ in range(2):
            with pytest.raises(AccountParked):
                await desk.ask()

    run(play())
    assert desk.sent.count("directory") == 1


def test_w13_a_wait_that_a_503_names_holds_the_whole_key() -> None:
    desk = Desk(bulk=Answer(status=503, headers={"Retry-After": "5"}, body=b""))

    async def play() -> float:
        async with anyio.create_task_group() as tasks:

            async def be_well_again() -> None:
                await anyio.sleep(2)
                desk.says.clear()

            tasks.start_soon(be_well_again)
            await desk.ask(max_attempts=1)
        return anyio.current_time()

    assert run(play()) >= 5.0
    assert desk.sent == ["bulk", "bulk"]
