"""Trouble while a company is read: an incomplete reading never leads to a write."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sandbox.fault_table.case import (
    GROW,
    INCOMPLETE,
    LEAK,
    LOAD,
    LOSSES,
    ONE_BY_ONE,
    OUT_OF_SCOPE,
    QUICKLY,
    READ,
    SENSELESS,
    TWICE,
    UNAVAILABLE,
    Case,
    Then,
    answer,
    at,
    bad,
    good,
    told,
)

NIGHT = Then.NEXT_NIGHT


def broken() -> Iterator[Case]:
    """Ask again; without end, the company fails and rests."""
    for name, loss in LOSSES.items():
        sent = f"list {told('200', loss.got, '200')}; bulk A2 201+"
        yield good(READ, f"{name} once at a page", loss.at("list", page=2, times=1), sent=sent, limits=QUICKLY)
    for name in (
        "500",
        "504",
        "reset",
        "html",
        "malformed",
        "truncated",
        "huge",
        "hang",
        "gzip-bomb",
    ):
        loss = LOSSES[name]
        sent = f"list {told('200', loss.got, loss.got)}"
        fault = loss.at("list", page=2)
        yield bad(READ, f"{name} at a page", fault, says=UNAVAILABLE, sent=sent, limits=TWICE, then=NIGHT)
    fault = LOSSES["error-in-a-200"].at("list", page=2)  # JSON, and no page
    sent = "list 200x3"
    yield bad(READ, "W15: error-in-a-200 at a page", fault, says=SENSELESS, sent=sent, limits=QUICKLY, then=NIGHT)
    for name in ("503", "reset", "malformed"):
        loss = LOSSES[name]
        sent = f"list {told(loss.got, '200')}; bulk A3 201+"
        yield good(GROW, f"{name} once at a probe", loss.at("list", times=1), sent=sent)
        sent = f"list {told(loss.got, loss.got)}"
        yield bad(GROW, f"{name} at a probe", loss.at("list"), says=UNAVAILABLE, sent=sent, limits=TWICE, then=NIGHT)


def slow() -> Iterator[Case]:
    """A wait within the limits is none, and a compressed answer is an answer."""
    yield good(READ, "pages in gzip", at("list", "gzip"))
    yield good(READ, "a slow page", at("list", "latency", seconds=0.5, jitter=0.5))
    yield good(READ, "a slow drip within the timeout", at("list", "slow-drip", pieces=4, pause_s=0.1))
    yield good(
        READ,
        "a page that the gateway gives up",
        at("list", "latency", seconds=2.0, times=1),
        sent="list 504 200x2; bulk A2 201+",
        options={"timeout_s": 0.5},
    )


def unsound() -> Iterator[Case]:
    """Three readings; what does not prove whole holds the company."""
    for name, fault in {
        "a count that is one more": at("list", "lying-count", by=1),
        "a count that is one less": at("list", "lying-count", by=-1),
        "a count that changes": at("list", "lying-count", by=1, page=2),
        "a page that is shifted on": at("list", "shifted-page", by=1, page=2),
        "a page that is repeated": at("list", "repeat-page", page=2),
    }.items():
        yield bad(READ, name, fault, says=INCOMPLETE, sent="list 200x6", then=NIGHT)
        yield good(READ, f"{name}, once", {**fault, "times": 1}, sent="list 200x4; bulk A2 201+")
    yield good(READ, "a page that is shifted back, and hides no row", at("list", "shifted-page", by=-1, page=2))
    drift = at("list", "drift", page=2)
    yield bad(READ, "rows added at each reading", drift, says=INCOMPLETE, sent="list 200x6", then=NIGHT, strangers=3)
    sent = "list 200x4; bulk A2 201+"
    yield good(READ, "a row added at the first reading", {**drift, "times": 1}, sent=sent, strangers=1)
    lie = at("list", "lying-count", by=1)
    yield bad(GROW, "a probe that lies", lie, says=INCOMPLETE, sent="list 200x3", then=NIGHT)
    yield good(GROW, "a probe that lies once", {**lie, "times": 1}, sent="list 200x2; bulk A3 201+")


def empty() -> Iterator[Case]:
    """A company whose rows are known is not loaded anew because a listing shows none."""
    empty = at("list", "empty-listing")
    gone = "held 4 vanished-company"
    yield bad(GROW, "a listing that is empty by mistake", empty, says=gone, sent="list 200", then=NIGHT)


def foreign() -> Iterator[Case]:
    """Another company's row, of this account or of nobody: nothing is written."""
    for page, owner in ((1, 3), (2, 4), (2, 4711)):
        fault = at("list", "foreign-row", company=owner, page=page)
        sent = f"list {told(*['200'] * page)}"
        yield bad(READ, f"a row of company {owner} on page {page}", fault, says=LEAK, sent=sent, then=NIGHT)
    fault = at("list", "foreign-row", company=3)
    yield bad(GROW, "a row of another company at a probe", fault, says=LEAK, sent="list 200", then=NIGHT)


def page_sizes() -> Iterator[Case]:
    """What the server grants is believed; what it refuses is halved down to 20."""
    clamped = at("list", "clamp-limit", limit=10)
    yield good(READ, "a clamped limit", clamped, sent="list 200x3; bulk A2 201+")
    refused, sent = at("list", "refuse-limit", above=20), "list 400x4 200x2; bulk A2 201+"
    yield good(READ, "a refused limit", refused, sent=sent, limits={"page_size": 100})
    sent = "list 400x3 200; bulk A3 201+"
    yield good(GROW, "a refused limit at a probe", refused, sent=sent, limits={"page_size": 100}, alone=True)
    refused = at("list", "refuse-limit", above=19)
    yield bad(READ, "every limit refused", refused, says="failed 1 refused", sent="list 400", then=NIGHT)


def scope() -> Iterator[Case]:
    """One company may not be seen: it fails alone."""
    for code in (403, 404):
        fault, sent = answer("list", code, "not yours"), f"list {code}"
        yield bad(READ, f"{code} at a listing", fault, says=OUT_OF_SCOPE, sent=sent, then=NIGHT)
        yield bad(GROW, f"{code} at a probe", fault, says=OUT_OF_SCOPE, sent=sent, then=NIGHT)
    fault, sent = answer("bulk", 403, "not yours"), "list 200; bulk A4 403"
    yield bad(LOAD, "403 at a chunk", fault, says=OUT_OF_SCOPE, sent=sent, then=NIGHT)
    yield bad(
        LOAD,
        "404 on a bulk path that was there",
        answer("bulk", 404, "no such company", after=1),
        says=OUT_OF_SCOPE,
        books="created 2, deferred 2",
        sent="list 200; bulk A2 201+, B2 404",
        limits=ONE_BY_ONE,
        then=NIGHT,
    )


PARTS = (broken, slow, unsound, empty, foreign, page_sizes, scope)
