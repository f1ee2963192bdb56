"""Bulk requests whose answer is lost, late, or put off: the same bytes again, and what is there is read back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.sandbox.fault_table.case import (
    GARBLED,
    GROW,
    LOAD,
    LOSSES,
    QUICKLY,
    RECODE,
    RENAME,
    TWICE,
    UNCERTAIN,
    UNDONE,
    Case,
    Then,
    answer,
    at,
    bad,
    good,
    told,
)

LOST = "unchanged 4, uncertain 3"
FORGETFUL = {"replay_bytes": 0}


def lost() -> Iterator[Case]:
    """Repeat under the same key; at the end, read back: what landed is told, what did not is uncertain."""
    for name, loss in UNDONE.items():
        sent = f"list 200; bulk A3 {loss.shown} 201+"
        yield good(GROW, f"{name} once at a chunk", loss.at("bulk", times=1), sent=sent, limits=QUICKLY)
        sent = f"list 200x2; bulk A3 {told(loss.shown, loss.shown)}"
        yield bad(GROW, f"{name} at a chunk", loss.at("bulk"), says=UNCERTAIN, books=LOST, sent=sent, limits=TWICE)
    done = {f"{name} after the work": (loss.at("bulk", commit=True), loss.shown) for name, loss in UNDONE.items()}
    done |= {name: (loss.at("bulk"), loss.shown) for name, loss in GARBLED.items()}
    for name, (fault, shown) in done.items():
        sent = f"list 200; bulk A3 {shown}+ 201="
        yield good(GROW, f"{name} once at a chunk", {**fault, "times": 1}, sent=sent, limits=QUICKLY)
        if name != "slow-drip":
            sent = f"list 200x2; bulk A3 {shown}+ {shown}="
            yield good(GROW, f"{name} at a chunk", fault, sent=sent, limits=TWICE)


def refused_connections() -> Iterator[Case]:
    """A host that takes no connection for a moment is asked again."""
    gone = at("bulk", "outage", seconds=0.5, times=1)
    yield good(
        GROW, "no connection for a moment", gone, sent="list 200; bulk A3 reset 201+", limits={"max_attempts": 6}
    )


def late() -> Iterator[Case]:
    """A slow answer is one; two timeouts halve the chunk; late work is work all the same."""
    yield good(GROW, "a slow chunk", at("bulk", "latency", seconds=0.5))
    yield good(
        GROW,
        "work that ends after the client left",
        at("bulk", "latency", seconds=5.75, times=1),  # asked again after 3.25, 3.75, 4.75 and 6.75 s
        sent="list 200; bulk A3 left+ 409x3 201=",
        limits={**QUICKLY, "max_attempts": 6},
    )
    fault, sent = at("bulk", "latency", seconds=0.6, times=1), "list 200; bulk A3 504+ 201="
    yield good(GROW, "work that ends after the gateway gave up", fault, sent=sent, options={"timeout_s": 0.4})
    for name, shown in (("504", "504"), ("hang", "hang")):
        fault = LOSSES[name].at("bulk", times=2)
        limits = {**QUICKLY, "max_attempts": 4}
        sent = f"list 200; bulk A4 {shown}x2, B2 201+, C2 201+"
        yield good(LOAD, f"{name} twice", fault, sent=sent, limits=limits)
        sent = f"list 200; bulk A4 {shown}+ {shown}=, B2 201+, C2 201+"
        yield good(LOAD, f"{name} twice after the work", {**fault, "commit": True}, sent=sent, limits=limits)
    yield bad(
        LOAD,
        "504 to all halves",
        answer("bulk", 504),
        says=UNCERTAIN,
        books="uncertain 4",
        sent="list 200x2; bulk A4 504x2, B2 504, C2 504",
    )
    busy = answer("bulk", 409, "in flight")
    yield good(GROW, "409 once", {**busy, "times": 1}, sent="list 200; bulk A3 409 201+")
    sent = "list 200x2; bulk A3 409x2"
    yield bad(GROW, "409 without end", busy, says=UNCERTAIN, books=LOST, sent=sent, limits=TWICE)


def read_back() -> Iterator[Case]:
    """What is seen is believed. What cannot be seen stays uncertain, and the next run settles it."""
    lost = at("bulk", "reset", commit=True)
    sends = "bulk A1 reset+ reset="
    yield good(RENAME, "a row read back", lost, sent=f"get 200; {sends}", limits=TWICE)
    ends: dict[str, Any] = {"says": UNCERTAIN, "books": "unchanged 5, uncertain 1", "limits": TWICE}
    for name in ("500", "reset", "html", "malformed"):
        loss = LOSSES[name]
        sent = f"get {told(loss.got, '200')}; {sends}"
        yield good(RENAME, f"a row read back after {name}", lost, loss.at("get", times=1), sent=sent, limits=TWICE)
        sent = f"get {told(loss.got, loss.got)}; {sends}"
        yield bad(RENAME, f"a row not read back for {name}", lost, loss.at("get"), sent=sent, **ends)
    for code in (403, 404):
        gone, sent = answer("get", code, "not now"), f"get {code}; {sends}"
        yield bad(RENAME, f"a row not read back for {code}", lost, gone, sent=sent, **ends)
    ends = {"books": LOST, "limits": TWICE}
    for name, fault, says, codes in (
        ("is refused", answer("list", 403, "not now", after=1), UNCERTAIN, "200 403"),
        ("is unsound", at("list", "lying-count", by=1, after=1), UNCERTAIN, "200x2"),
        ("has a foreign row", at("list", "foreign-row", company=3, after=1), "held 10 tenant-leak uncertain", "200x2"),
    ):
        sent = f"list {codes}; bulk A3 reset+ reset="
        yield bad(GROW, f"the listing to read back {name}", lost, fault, says=says, sent=sent, **ends)
    yield bad(
        RECODE,
        "codes read back",
        lost,
        says=UNCERTAIN,
        books="unchanged 4, uncertain 2",
        sent="list 200; bulk A2 reset+ reset=",
        reference={"says": "synced 0", "books": RECODE.books},  # its listings show codes
        limits=TWICE,
    )
    yield bad(
        GROW,
        "the account ends while a chunk is lost",
        {**lost, "times": 1},
        answer("bulk", 403, after=1),
        answer("companies", 403),
        says="deferred 10 authentication uncertain",
        books=LOST,
        sent="companies 403; list 200; bulk A3 reset+ 403",
        alone=True,
    )


def batches() -> Iterator[Case]:
    """202: asked for until it is done; what its results do not say of a row is read back."""
    taken = at("bulk", "batch", polls=0)
    for style in ("answer", "rows", "opaque"):
        polled = "bulk A3 202+; progress 200; results 200"
        sent = f"list 200x2; {polled}" if style == "opaque" else f"list 200; {polled}"
        yield good(GROW, f"202, results: {style}", {**taken, "style": style}, sent=sent)
    sent = "list 200; bulk A4 202+; progress 200x2; results 200"
    yield good(LOAD, "202, done at the second poll", {**taken, "polls": 1}, sent=sent)
    for operation, before, after in (
        ("progress", "progress", "; results 200"),
        ("results", "progress 200; results", ""),
    ):
        for name in ("500", "reset", "malformed"):
            loss = LOSSES[name]
            sent = f"list 200; bulk A3 202+; {before} {told(loss.got, '200')}{after}"
            yield good(GROW, f"202, {name} once at {operation}", taken, loss.at(operation, times=1), sent=sent)
            sent = f"list 200x2; bulk A3 202+; {before} {told(loss.got, loss.got)}"
            yield good(GROW, f"202, {name} at {operation}", taken, loss.at(operation), sent=sent, limits=TWICE)
        sent = f"list 200x2; bulk A3 202+; {before} 404"
        yield good(GROW, f"202, 404 at {operation}", taken, answer(operation, 404, "no such batch"), sent=sent)
        sent = f"list 200; bulk A3 202+; {before} 401 200{after}"
        fault = at(operation, "expire-tokens", times=1)
        yield good(GROW, f"202, a token expires at {operation}", taken, fault, sent=sent, alone=True)
    anonymous = at("bulk", "status", status=202, body="{}", commit=True)
    yield good(GROW, "202 without a batch", anonymous, sent="list 200x2; bulk A3 202+ 202=", limits=TWICE)
    sent = "list 200; bulk A3 reset+ 202=; progress 200; results 200"
    yield good(GROW, "202 after a lost one", taken, at("bulk", "reset", commit=True, times=1), sent=sent)


def replays() -> Iterator[Case]:
    """208: carried out before, and not a word on the rows. They are sent anew, which changes nothing."""
    for name in ("500", "504", "reset"):
        fault = UNDONE[name].at("bulk", commit=True, times=1)
        sent = f"list 200; bulk A3 {UNDONE[name].shown}+ 208=, B3 201+"
        yield good(GROW, f"208 after {name}", fault, sent=sent, options=FORGETFUL)
    silent = at("bulk", "status", status=208, body="", commit=True)
    yield good(GROW, "208 once", {**silent, "times": 1}, sent="list 200; bulk A3 208+, B3 201+")
    yield good(GROW, "208 without end", silent, sent="list 200x2; bulk A3 208+, B3 208+")
    refused = at("bulk", "reject-rows", erp_id="^00001$")
    yield bad(
        LOAD,
        "208 for an answer with refused rows",
        refused,
        {**silent, "times": 1},
        says="partial 3 rejected",
        books="created 3, rejected 1",
        sent="list 200; bulk A4 208+, B4 207+",
        then=Then.NEXT_NIGHT,
    )


PARTS = (lost, refused_connections, late, read_back, batches, replays)
