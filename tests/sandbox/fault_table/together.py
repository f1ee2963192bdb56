"""Several troubles at once: each rule goes on while the others strike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.sandbox.fault_table.case import (
    BUSY,
    GROW,
    LOAD,
    ONE_BY_ONE,
    READ,
    REJECTED,
    UNAVAILABLE,
    Case,
    Then,
    answer,
    at,
    bad,
    good,
)

ONE_REFUSED = at("bulk", "reject-rows", erp_id="^00001$")
REFUSED: dict[str, Any] = {"says": REJECTED, "books": "created 3, rejected 1", "then": Then.NEXT_NIGHT}


def two_or_three() -> Iterator[Case]:
    """A few at once, one after the other."""
    yield good(
        LOAD,
        "an expired token, then 500, then 429",
        at("bulk", "expire-tokens", times=1),
        answer("bulk", 500, times=1, after=1),
        answer("bulk", 429, times=1, after=2),
        sent="token 200x2; list 200; bulk A4 401 500 429 201+",
        alone=True,
    )
    lost = at("bulk", "reset", commit=True, times=1)
    sent = "list 200; bulk A3 reset+ 429 201="
    yield good(GROW, "a reset after the work, then 429", lost, answer("bulk", 429, times=1, after=1), sent=sent)
    refusals = answer("bulk", 400, "no", after=1)
    sent = "list 200x2; bulk A4 reset+ 400, B2 400, C1 400, D2 400, E1 400, F1 400, G1 400"
    yield good(LOAD, "a reset after the work, then 400", lost, refusals, sent=sent)
    poison, once = at("bulk", "poison", key="K00001"), answer("bulk", 503, times=1)
    sent = "list 200; bulk A4 503 400, B2 400, C1 201+, D2 201+, E1 400"
    yield bad(LOAD, "poison and 503", poison, once, sent=sent, **REFUSED)
    small, sent = at("bulk", "too-many-rows", above=2), "list 200; bulk A4 413, B2 207+, C2 201+"
    yield bad(LOAD, "413 and a refused row", small, ONE_REFUSED, sent=sent, **REFUSED)
    cut, sent = at("bulk", "truncated", times=1), "list 200; bulk A4 truncated+ 207="
    alike = {"sent": sent.replace("207", "201")}
    yield bad(LOAD, "a refused row in an answer cut short", cut, ONE_REFUSED, sent=sent, reference=alike, **REFUSED)
    taken, style = at("bulk", "batch", polls=0), at("bulk", "error-style", shape="guide", keyless=True, first=1)
    sent = "list 200; bulk A4 202+; progress 200; results 200"
    yield bad(LOAD, "a batch with a refused row, keyless from 1", taken, ONE_REFUSED, style, sent=sent, **REFUSED)
    page = at("list", "html", page=2, times=1)
    drift, sent = at("list", "drift", page=2, times=1), "list 200x5; bulk A2 201+"
    yield good(READ, "a row added behind a page of html", page, drift, sent=sent, strangers=1)
    yield good(
        READ,
        "small pages that break",
        at("list", "clamp-limit", limit=10),
        at("list", "malformed", page=2, times=1),
        answer("list", 503, page=3, times=1),
        sent="list 200x3 503 200; bulk A2 201+",
        limits=ONE_BY_ONE,
    )


def bad_days() -> Iterator[Case]:
    """A good part of everything goes wrong, by chance that repeats itself."""
    trouble = (
        answer("list", 503, share=0.3),
        at("list", "malformed", share=0.3),
        answer("bulk", 502, share=0.3),
        at("bulk", "reset", commit=True, share=0.3),
        at("bulk", "reject-rows", erp_id="^00041$"),
    )
    done = (REJECTED, "unchanged 40, created 11, rejected 1")
    for seed, says, books, sent in (
        (
            1,
            *done,
            "list 200x5 503 200 503 200; bulk A4 reset 502 207+, B4 reset+ reset= reset reset= 502x2, C4 502 201+",
        ),
        (4, *done, "list 200 503 200; bulk A4 207+, B4 reset+ 201=, C4 201+"),
        (5, UNAVAILABLE, "deferred 52", "list 503x3 200 503 200"),
    ):
        yield bad(
            BUSY,
            f"a bad day, seed {seed}",
            *trouble,
            says=says,
            books=books,
            sent=sent,
            limits={"max_attempts": 6, "max_concurrency": 1, "chunk_rows": 4},
            options={"seed": seed},
            then=Then.NEXT_NIGHT,
        )


PARTS = (two_or_three, bad_days)
