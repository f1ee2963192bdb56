"""Trouble of a whole account: its token, its key, its directory, its limits, the contract. Other accounts go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.sandbox.access import Allowance
from tests.sandbox.fault_table.case import (
    ELSEWHERE,
    GROW,
    LOAD,
    LOSSES,
    MANY,
    ONE_BY_ONE,
    OUT_OF_SCOPE,
    PARKED,
    QUICKLY,
    QUOTA,
    READ,
    REFUSED,
    REJECTED,
    THROTTLED,
    TWICE,
    UNAVAILABLE,
    WRONG,
    Case,
    Then,
    answer,
    at,
    bad,
    good,
    told,
)

PLACES = {
    "token": (LOAD, "token {}"),
    "companies": (LOAD, "companies {}"),
    "list": (READ, "list {}"),
    "bulk": (LOAD, "list 200; bulk A4 {}"),
}
"""Operation -> a task that comes by it, and what is sent when that ends there."""

SPELLED: dict[str, dict[str, Any]] = {
    "in the gateway's words": {"body": '{"message":"Limit Exceeded"}'},
    "in other words": {"envelope": "Daily quota exceeded"},
}
"""Ways to say that the day's requests are used up."""


def expired_tokens() -> Iterator[Case]:
    """A new token, and the refused request again."""
    for operation, task, sent in (
        ("companies", LOAD, "token 200x2; companies 401 200; list 200; bulk A4 201+"),
        ("list", READ, "token 200x2; list 401 200x2; bulk A2 201+"),
        ("list", GROW, "list 401 200; bulk A3 201+"),  # the first token is from the run before
        ("bulk", LOAD, "token 200x2; list 200; bulk A4 401 201+"),
    ):
        probe = " for a probe" if task is GROW else ""
        fault = at(operation, "expire-tokens", times=1)
        yield good(task, f"a token expires at {operation}{probe}", fault, sent=sent, alone=True)
    fault, sent = at("list", "expire-tokens", page=2, times=1), "token 200x2; list 200 401 200; bulk A2 201+"
    yield good(READ, "a token expires at a page", fault, sent=sent, alone=True)
    twice = (at("list", "expire-tokens", times=1), at("bulk", "expire-tokens", times=1))
    sent = "token 200x3; list 401 200; bulk A4 401 201+"
    yield good(LOAD, "tokens expire one after the other", *twice, sent=sent, alone=True)


def refused_credentials() -> Iterator[Case]:
    """What no other try mends parks the account, if its directory is refused, too."""
    token = answer("companies", 401, "no such token", after=1)
    key = answer("companies", 403, after=1)
    yield bad(
        LOAD,
        "a fresh token is refused at companies",
        answer("companies", 401, "no such token"),
        says=PARKED,
        sent="token 200x2; companies 401x2",
        alone=True,
    )
    fault = answer("companies", 403)
    yield bad(LOAD, "a bad API key at companies", fault, says=PARKED, sent="companies 403", alone=True)
    for operation in ("list", "bulk"):
        task, sent = PLACES[operation]
        fault, ends = answer(operation, 401, "no such token"), f"token 200x2; companies 200 401; {sent.format('401x2')}"
        yield bad(task, f"a fresh token is refused at {operation}", fault, token, says=PARKED, sent=ends, alone=True)
        fault, ends = answer(operation, 403), f"companies 200 403; {sent.format('403')}"
        yield bad(task, f"a bad API key at {operation}", fault, key, says=PARKED, sent=ends, alone=True)
    fault, sent = at("list", "expire-tokens"), "token 200x2; companies 200 401; list 401x2"
    yield bad(READ, "tokens expire at each listing", fault, says=PARKED, sent=sent, alone=True)
    fault, token = answer("list", 401, "no such token"), answer("companies", 401, "no such token")
    sent = "companies 401; list 401x2"
    yield bad(GROW, "a fresh token is refused at a probe", fault, token, says=PARKED, sent=sent, alone=True)
    yield bad(
        LOAD, "a dead grant: 401", answer("token", 401, "invalid_grant"), says=PARKED, sent="token 401", alone=True
    )
    for code in (400, 403):
        fault, sent = answer("token", code, "invalid_grant"), f"token {told(*[code] * (1 + (code == 400)))}"
        yield bad(LOAD, f"a dead grant: {code}", fault, says=PARKED, sent=sent, alone=True)
    fault = answer("token", 403)
    yield bad(LOAD, "a bad API key at token", fault, says=PARKED, sent="token 403", alone=True)
    for code in (404, 405):
        fault = answer("token", code, "no such path")
        yield bad(LOAD, f"no token endpoint: {code}", fault, says=WRONG, sent=f"token {code}", alone=True)


def refused_company() -> Iterator[Case]:
    """W12: the directory is answered with the same API key, so it is the company, or single rows of it."""
    night: dict[str, Any] = {"then": Then.NEXT_NIGHT, "alone": True}
    fault = answer("list", 401, "no such token")
    sent = "token 200x2; companies 200x2; list 401x2"
    yield bad(READ, "W12: 401 at one company's listing", fault, says=OUT_OF_SCOPE, sent=sent, **night)
    yield bad(GROW, "W12: 401 at one company's probe", fault, says=OUT_OF_SCOPE, sent="list 401x2", **night)
    sent = "companies 200x2; list 403"
    yield bad(READ, "W12: 403 at one company's listing", answer("list", 403), says=OUT_OF_SCOPE, sent=sent, **night)
    for code, first, tokens in ((401, "401x2", "token 200x2; "), (403, "403", "")):
        fault = answer("bulk", code, "no" if code == 401 else None)
        parts = ", ".join(f"{part} {code}" for part in ("B2", "C1", "D2", "E1", "F1", "G1"))
        sent = f"{tokens}companies 200x2; list 200; bulk A4 {first}, {parts}"
        name = f"W12: {code} at one company's chunks"
        yield bad(LOAD, name, fault, says=REJECTED, books="rejected 4", sent=sent, **night)
    for code in (404, 405):
        fault, sent = answer("bulk", code), f"list 200; bulk A4 {code}"
        yield bad(LOAD, f"W12: {code} at one company's chunks", fault, says=OUT_OF_SCOPE, sent=sent, **night)
    night["alone"] = False  # the day is used up for a key when all of its companies are told so
    for name, said in SPELLED.items():
        fault, sent = answer("list", 429, page=2, **said), "list 200 429"
        yield bad(READ, f"W12: no quota, {name}, at one company's page", fault, says=REFUSED, sent=sent, **night)
        fault = answer("bulk", 429, after=1, **said)
        sent, books = "list 200; bulk A2 201+, B2 429", "created 2, deferred 2"
        yield bad(
            LOAD,
            f"W12: no quota, {name}, at one company's chunk",
            fault,
            says=REFUSED,
            books=books,
            sent=sent,
            limits=ONE_BY_ONE,
            **night,
        )
        fault = answer("bulk", 429, headers={"Retry-After": "1"}, times=1, **said)
        sent = "list 200; bulk A3 429 201+"
        yield good(GROW, f"W12: no quota, {name}, and a time to wait", fault, sent=sent, limits={"max_attempts": 1})


def broken_token() -> Iterator[Case]:
    """Ask again; without end, nothing can be sent."""
    for name in ("500", "reset", "hang", "html", "malformed", "truncated", "huge", "other-shape", "error-in-a-200"):
        loss = LOSSES[name]
        fault, sent = loss.at("token", times=1), f"token {told(loss.got, '200')}; {LOAD.bulk}"
        yield good(LOAD, f"{name} once at the token", fault, sent=sent, limits=QUICKLY, alone=True)
    for name in ("503", "reset", "html"):
        loss = LOSSES[name]
        sent = f"token {told(loss.got, loss.got)}"
        yield bad(LOAD, f"{name} at the token", loss.at("token"), says=UNAVAILABLE, sent=sent, limits=TWICE, alone=True)


def broken_directory() -> Iterator[Case]:
    """It refuses nobody when it cannot be read: each company tells for itself."""
    for name in ("500", "reset", "hang", "html", "malformed", "truncated", "other-shape", "error-in-a-200"):
        loss = LOSSES[name]
        fault, sent = loss.at("companies", times=1), f"companies {told(loss.got, '200')}; {LOAD.bulk}"
        yield good(LOAD, f"{name} once at the directory", fault, sent=sent, limits=QUICKLY, alone=True)
    for name in ("503", "reset", "malformed"):
        loss = LOSSES[name]
        sent = f"companies {told(loss.got, loss.got)}; {LOAD.bulk}"
        yield good(LOAD, f"{name} at the directory", loss.at("companies"), sent=sent, limits=TWICE, alone=True)
    for code in (403, 404):
        fault, sent = answer("companies", code, "for companies alone"), f"companies {code}; {LOAD.bulk}"
        yield good(LOAD, f"{code} at the directory", fault, sent=sent, alone=True)
    fault, sent = answer("companies", 400, "limit", times=1), f"companies 400 200; {LOAD.bulk}"
    yield good(LOAD, "a refused limit at the directory", fault, sent=sent, alone=True)


def wrong_contract() -> Iterator[Case]:
    """Nobody is asked twice, and no other host is asked at all."""
    for code, operation in ((302, "token"), (301, "companies"), (301, "list"), (303, "bulk"), (308, "bulk")):
        task, sent = PLACES[operation]
        moved = answer(operation, code, headers={"Location": f"{ELSEWHERE}/v1/{operation}"})
        name = f"{code} to another host at {operation}"
        yield bad(task, name, moved, says=WRONG, sent=sent.format(code), alone=True)
    moved = answer("list", 307, headers={"Location": f"{ELSEWHERE}/v1/dimensions"})
    yield bad(GROW, "307 to another host at a probe", moved, says=WRONG, sent="list 307", alone=True)


def throttled() -> Iterator[Case]:
    """The key waits as long as it is told to, or a growing while. It is no attempt: one is all there is."""
    one: dict[str, Any] = {"max_attempts": 1}
    for name, headers in {
        "seconds": {"Retry-After": "1"},
        "a date": {"Retry-After": "Fri, 20 Nov 2026 07:00:01 GMT"},
        "nothing": {},
        "nonsense": {"Retry-After": "soon"},
        "a date that is past": {"Retry-After": "Thu, 19 Nov 2026 07:00:00 GMT"},
    }.items():
        fault, sent = answer("list", 429, headers=headers, page=2, times=1), "list 200 429 200; bulk A2 201+"
        yield good(READ, f"429 with {name} at a page", fault, sent=sent, limits=one)
        fault, sent = answer("bulk", 429, headers=headers, times=1), "list 200; bulk A3 429 201+"
        yield good(GROW, f"429 with {name} at a chunk", fault, sent=sent, limits=one)
    for name, said in {
        "a sign": "+1",
        "less than nothing": "-1",
        "a part": "0.5",
        "two": "1, 2",
        "an empty": "",
    }.items():
        fault = answer("list", 429, headers={"Retry-After": said}, page=2, times=1)
        yield good(READ, f"429 with {name}, at a page", fault, sent="list 200 429 200; bulk A2 201+", limits=one)
    for operation, task, sent in (
        ("token", LOAD, f"token 429 200; {LOAD.bulk}"),
        ("companies", LOAD, f"companies 429 200; {LOAD.bulk}"),
        ("list", GROW, "list 429 200; bulk A3 201+"),
    ):
        fault = answer(operation, 429, headers={"Retry-After": "0"}, times=1)
        probe = " for a probe" if task is GROW else ""
        yield good(task, f"429 at {operation}{probe}", fault, sent=sent, limits=one, alone=True)
    fault, sent = answer("bulk", 429, times=3), "list 200; bulk A4 429x3 201+"
    yield good(LOAD, "429 three times in a row", fault, sent=sent, limits=one)


def stopped() -> Iterator[Case]:
    """Too long a wait, or no requests left: the run ends for the account, and a later one goes on."""
    for operation, (task, sent) in PLACES.items():
        for name, asked in {"an hour": "3600", "a date in an hour": "Fri, 20 Nov 2026 08:00:00 GMT"}.items():
            fault = answer(operation, 429, headers={"Retry-After": asked})
            ends: dict[str, Any] = {"says": THROTTLED, "sent": sent.format(429), "then": Then.NEXT_NIGHT}
            yield bad(task, f"429 with {name} at {operation}", fault, **ends, alone=True)
    ends = {"says": QUOTA, "alone": True, "then": Then.NEXT_NIGHT}
    half: dict[str, Any] = {
        "books": "created 2, deferred 2",
        "sent": "list 200; bulk A2 201+, B2 429",
    }
    for name, said in SPELLED.items():
        fault = answer("list", 429, page=2, **said)
        yield bad(READ, f"no quota, {name}, at a page", fault, sent="list 200 429", **ends)
        fault = answer("bulk", 429, after=1, **said)
        yield bad(LOAD, f"no quota, {name}, at a chunk", fault, **half, limits=ONE_BY_ONE, **ends)
    yield bad(
        MANY,
        "eight requests a day",
        says=QUOTA,
        books="created 10, deferred 6",
        sent="list 200; bulk A2 201+, B2 201+, C2 201+, D2 201+, E2 201+, F2 429",
        limits=ONE_BY_ONE,
        options={"allowance": Allowance(per_day=8)},
        alone=True,
        then=Then.NEXT_NIGHT,
    )


PARTS = (
    expired_tokens,
    refused_credentials,
    refused_company,
    broken_token,
    broken_directory,
    wrong_contract,
    throttled,
    stopped,
)
