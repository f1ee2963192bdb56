"""Bulk requests that are refused, half done or lied about: each row ends in one column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.sandbox.fault_table.case import (
    GROW,
    LOAD,
    MANY,
    MISMATCH,
    ONE_BY_ONE,
    RECODE,
    REJECTED,
    TWINS,
    UNCERTAIN,
    Case,
    Then,
    answer,
    at,
    bad,
    good,
)

NIGHT = Then.NEXT_NIGHT
ONE_REFUSED, TWO_REFUSED = "created 3, rejected 1", "created 2, rejected 2"


def refused_chunks() -> Iterator[Case]:
    """Bisected down to the row, from both ends in turn; a size is no fault of a row."""
    for code in (400, 413, 422):
        yield bad(
            LOAD,
            f"a poisoned chunk: {code}",
            at("bulk", "poison", key="K00001", status=code),
            says=REJECTED,
            books=ONE_REFUSED,
            sent=f"list 200; bulk A4 {code}, B2 {code}, C1 201+, D2 201+, E1 {code}",
            then=NIGHT,
        )
    yield bad(
        GROW,
        "a poisoned update",
        at("bulk", "poison", erp_id="00000"),
        says=REJECTED,
        books="unchanged 4, created 1, updated 1, rejected 1",
        sent="list 200; bulk A3 400, B2 400, C1 201+, D1 201+, E1 400",
        then=NIGHT,
    )
    for name, fault in {
        "413 above two rows": at("bulk", "too-many-rows", above=2),
        "413 above 500 bytes": at("bulk", "too-many-bytes", above=500),
        "422, a key used before": answer("bulk", 422, "This idempotency key was used with another body.", times=1),
    }.items():
        yield good(LOAD, name, fault, sent=f"list 200; bulk A4 {name[:3]}, B2 201+, C2 201+")
    refusal = answer("bulk", 400, "no")
    sent = "list 200; bulk A4 400, B2 400, C1 400, D2 400, E1 400, F1 400, G1 400"
    yield bad(LOAD, "400 to each row", refusal, says=REJECTED, books="rejected 4", sent=sent, then=NIGHT)
    sizes = (16, 8, 4, 2, 1, 8, 4, 2, 1, 1, 1, 2, 1, 2, 1, 1, 1)  # eight rows alone: enough
    sent = "list 200; bulk " + ", ".join(f"{chr(65 + n)}{rows} 400" for n, rows in enumerate(sizes))
    yield bad(MANY, "400 to eight rows of many", refusal, says=REJECTED, books="rejected 16", sent=sent, then=NIGHT)


def refused_rows() -> Iterator[Case]:
    """Named rows are refused and the others stored, however the errors are spelled."""
    rule = at("bulk", "reject-rows", erp_id="^0000[13]$", message="no such period")
    styles: Mapping[str, dict[str, Any]] = {
        "as the contract has them": {},
        "from 1": {"first": 1},
        "shuffled": {"shuffled": True},
        "in the guide's shape": {"shape": "guide"},
        "keyless": {"shape": "guide", "keyless": True},
        "keyless, from 1": {"shape": "guide", "keyless": True, "first": 1},
        "keyless, from 1, shuffled": {"shape": "guide", "keyless": True, "first": 1, "shuffled": True},
        "bare": {"shape": "bare"},
        "bare, shuffled": {"shape": "bare", "shuffled": True},
    }
    named: dict[str, Any] = {"says": REJECTED, "books": TWO_REFUSED, "sent": "list 200; bulk A4 207+", "then": NIGHT}
    for name, style in styles.items():
        yield bad(LOAD, f"errors {name}", rule, at("bulk", "error-style", **style), **named)
    unnamed = named | {"says": UNCERTAIN, "books": "created 2, uncertain 2", "sent": "list 200x2; bulk A4 207+"}
    alone = named | {"sent": "list 200; bulk A4 207+, B1 201+, C1 207+, D1 207+, E1 201+"}  # to be told apart
    for name in ("in the guide's shape", "keyless", "bare"):
        style, ends = styles[name], alone if name == "bare" else named
        yield bad(TWINS, f"errors {name} for rows of one name", rule, at("bulk", "error-style", **style), **ends)
    for rows, says, books in (
        (1, "partial 10 rejected uncertain", "created 2, rejected 1, uncertain 1"),
        (2, UNCERTAIN, "created 2, uncertain 2"),
    ):
        fault, ends = at("bulk", "missing-errors", rows=rows), unnamed | {"says": says, "books": books}
        yield bad(LOAD, f"errors without {rows} of 2 rows", rule, fault, **ends)
    every = at("bulk", "reject-rows", erp_id=".")
    yield bad(LOAD, "all rows refused", every, **named | {"books": "rejected 4"})
    update = at("bulk", "reject-rows", name="^New Name 00001")
    ends = named | {"books": "unchanged 4, created 1, updated 1, rejected 1", "sent": "list 200; bulk A3 207+"}
    yield bad(GROW, "a refused update", update, **ends)


def refused_in_batches() -> Iterator[Case]:
    """A batch names refused rows as well, unless it tells nothing."""
    rule = at("bulk", "reject-rows", erp_id="^00001$")
    for style in ("answer", "rows", "opaque"):
        taken = at("bulk", "batch", style=style, polls=0)
        silent = style == "opaque"
        yield bad(
            LOAD,
            f"202, a row refused, results: {style}",
            rule,
            taken,
            says=UNCERTAIN if silent else REJECTED,
            books="created 3, uncertain 1" if silent else ONE_REFUSED,
            sent=f"list 200{'x2' if silent else ''}; bulk A4 202+; progress 200; results 200",
            then=NIGHT,
        )


def lying_counters() -> Iterator[Case]:
    """Counters that disagree prove nothing; a name that one row bears, with an id, does."""
    for counter, by in (
        ("success_count", -1),
        ("success_count", 1),
        ("created_count", -1),
        ("created_count", 1),
        ("updated_count", 1),
        ("error_count", 1),
    ):
        lie, name = at("bulk", "lying-counter", counter=counter, by=by), f"{counter} {by:+}"
        bulk = "bulk A4 207+" if counter == "error_count" else "bulk A4 201+"
        alike = {"sent": f"list 200; {bulk.replace('207', '201')}"}
        yield bad(
            LOAD,
            name,
            lie,
            says="synced 0 miscounted",
            books=LOAD.books,
            sent=f"list 200; {bulk}",
            reference=alike,
        )
        alike = {"sent": f"list 200x2; {bulk.replace('207', '201')}"}
        yield good(TWINS, f"{name} for rows of one name", lie, sent=f"list 200x2; {bulk}", reference=alike)
    below = at("bulk", "lying-counter", counter="error_count", by=-1)
    sent = "list 200x2; bulk A4 207+ 207=x2"
    yield good(LOAD, "a counter below zero", below, sent=sent, reference={"sent": sent.replace("207", "201")})
    lie = at("bulk", "lying-counter", counter="updated_count", by=-1)
    ends = {"says": "synced 0 miscounted", "books": RECODE.books, "sent": RECODE.bulk}
    yield bad(RECODE, "a miscount of codes", lie, **ends)


def surplus() -> Iterator[Case]:
    """Keys that lead nowhere: the first row too many is the last one, and only a person starts again."""
    nowhere = at("bulk", "ignore-keys")
    yield bad(
        GROW,
        "keys that lead nowhere",
        nowhere,
        says=MISMATCH,
        books="unchanged 4, created 3",
        sent="list 200; bulk A3 201+",
        then=Then.NEVER,
    )
    yield bad(
        GROW,
        "keys that lead nowhere, row by row",
        nowhere,
        says=MISMATCH,
        books="unchanged 4, created 2, held 1",
        sent="list 200; bulk A1 201+, B1 201+",
        limits={**ONE_BY_ONE, "chunk_rows": 1},
        then=Then.NEVER,
    )
    yield bad(
        LOAD,
        "rows sent anew after a 208 are made anew",
        nowhere,
        answer("bulk", 500, commit=True, times=1),
        says=MISMATCH,
        books=LOAD.books,
        sent="list 200; bulk A4 500+ 208=, B4 201+",
        options={"replay_bytes": 0},
        then=Then.NEVER,
    )


PARTS = (refused_chunks, refused_rows, refused_in_batches, lying_counters, surplus)
