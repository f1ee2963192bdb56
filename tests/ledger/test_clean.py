"""That nothing was to do is forgotten with whatever may change that: a run that believes it compares nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from engine.errors import LedgerError
from engine.ledger.journal import Intents, SavedPlans
from engine.ledger.protocols import Ledger
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.store import Passes, Rekeys, Reverts, Rows, Sketches
from engine.model.company_record import CompanyState
from engine.model.ledger_writes import Clean, GoodEnd, Learned, Settlement
from engine.model.resting import RestingRow
from engine.model.row_record import Agreement
from engine.model.settings import AccountCompany
from engine.model.sketch import Sketch
from engine.model.wanted import GoodCounts, LeftOut
from tests.ledger.conftest import Play
from tests.ledger.values import (
    ANCHOR,
    HARBOR,
    LATER,
    NOON,
    ORIGIN,
    a_result,
    certificate,
    intent,
    known_rows,
    settlement,
)

DIGEST = b"\x00\xffdigest of all"
LISTED = Learned(certificate=certificate(2), at=NOON, rows=known_rows("a", "b"))
CLEAN = CompanyState(listed_at=NOON, checked_at=NOON, remote_count=2, clean=DIGEST, clean_rows=7, clean_adopted=2)

Call = Callable[[Ledger], Awaitable[object]]


async def settled(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.settle(HARBOR, settlement("chunk", "a"))


async def recovered(ledger: Ledger) -> None:
    await ledger.begin(HARBOR, intent("chunk", "a"))
    await ledger.recover(HARBOR)


CHANGES: dict[str, Call] = {
    "learn": lambda ledger: ledger.learn(HARBOR, Learned(certificate=certificate(1), at=NOON, gone=("b",))),
    "learn, rows": lambda ledger: ledger.learn(HARBOR, replace(LISTED, rows=known_rows("a", name="theirs"))),
    "learn, strays": lambda ledger: ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON, keyless=())),
    "checked": lambda ledger: ledger.checked(HARBOR, None),
    "note": lambda ledger: ledger.note(HARBOR, CompanyState(failures=1, failure="forbidden")),
    "distrust": lambda ledger: ledger.distrust(HARBOR),
    "rekey": lambda ledger: ledger.rekey(HARBOR, {"c": "a"}, NOON),
    "unkey": lambda ledger: ledger.unkey(HARBOR, ["c"]),
    "end_well, trouble is over": lambda ledger: ledger.end_well(HARBOR, GoodEnd(is_trouble_over=True)),
    "passed": lambda ledger: ledger.passed(HARBOR, b"12345678"),
    "passed, finished": lambda ledger: ledger.passed(HARBOR, None),
    "reverted": lambda ledger: ledger.reverted(HARBOR, ["a"], NOON),
    "begin": lambda ledger: ledger.begin(HARBOR, intent("chunk", "a")),
    "sent_again": lambda ledger: ledger.sent_again(HARBOR, "chunk", LATER),
    "settle": settled,
    "recover": recovered,
    "agree": lambda ledger: ledger.agree(HARBOR, {"a": Agreement()}),
    "rest": lambda ledger: ledger.rest(HARBOR, {"a": RestingRow("uncertain", b"sent", "no answer", NOON)}),
}
OTHERS: dict[str, Call] = {
    "learn, nothing new": lambda ledger: ledger.learn(HARBOR, Learned(certificate=certificate(2), at=NOON)),
    "checked, it agreed": lambda ledger: ledger.checked(HARBOR, NOON),
    "recover, nothing left over": lambda ledger: ledger.recover(HARBOR),
    "note_clean": lambda ledger: ledger.note_clean(HARBOR, DIGEST, 7, 2),
    "gather": lambda ledger: ledger.gather(HARBOR),
    "sketch": lambda ledger: ledger.sketch(HARBOR, 7, b"12345678"),
    "end_well": lambda ledger: ledger.end_well(HARBOR, GoodEnd(is_trouble_over=True, clean=Clean(DIGEST, 7, 2))),
    "end_well, the sketch is news": lambda ledger: ledger.end_well(HARBOR, GoodEnd(sketch=Sketch(7, b"12345678"))),
    "begin_plan": lambda ledger: ledger.begin_plan(HARBOR, "plan", "run-2", NOON),
    "end_plan": lambda ledger: ledger.end_plan(HARBOR, "plan-1"),
    "start_run": lambda ledger: ledger.start_run("run-1", "sync", NOON, origin=ORIGIN),
    "finish_run": lambda ledger: ledger.finish_run(a_result("open")),
    "prune": lambda ledger: ledger.prune(LATER),
    "another company's": lambda ledger: ledger.begin(ANCHOR, intent("chunk", "a")),
    "another company's rows": lambda ledger: ledger.learn(ANCHOR, LISTED),
}
READING = {
    "read",
    "unlisted",
    "brief",
    "generation",
    "states",
    "life",
    "bearing",
    "known_companies",
    "applied",
    "sketches",
}


@pytest.fixture
async def clean(ledger: Ledger) -> Ledger:
    """A ledger that knows of a company in which nothing was to do."""
    await ledger.start_run("open", "sync", NOON, origin=ORIGIN)
    await ledger.begin_plan(HARBOR, "plan-1", "run-1", NOON)
    await ledger.learn(HARBOR, LISTED)
    await ledger.note_clean(HARBOR, DIGEST, 7, 2)
    assert await ledger.brief(HARBOR) == CLEAN
    return ledger


async def test_why_rows_were_left_out_is_kept_with_it(clean: Ledger) -> None:
    reasons = (LeftOut("filter", "Inactive", "Yes", "account", 9), LeftOut("heading", "", "", None, 3))
    await clean.note_clean(HARBOR, DIGEST, 7, 2, reasons)
    assert await clean.brief(HARBOR) == replace(CLEAN, clean_left_out=reasons)
    await clean.note_clean(HARBOR, DIGEST, 7, 2)
    assert await clean.brief(HARBOR) == CLEAN


async def test_what_was_listed_then_is_kept_with_it(clean: Ledger) -> None:
    async def listing(digest: bytes, listed: bytes | None) -> bytes | None:
        await clean.note_clean(HARBOR, digest, 7, 2, (), listed)
        state = await clean.brief(HARBOR)
        assert state is not None
        return state.clean_listing

    assert await listing(DIGEST, b"") == b""  # nothing was
    assert await listing(DIGEST, b"listed") == b"listed"
    assert await listing(DIGEST, b"") == b"listed"  # what was found then holds, as nothing has changed
    assert await listing(b"another source", b"") == b""
    assert await listing(b"another source", b"listed") == b"listed"
    assert await listing(b"another source", None) is None
    assert await listing(b"another source", b"") == b""


@pytest.mark.parametrize("name", CHANGES)
async def test_what_may_change_that_ends_it(name: str, clean: Ledger) -> None:
    await clean.note_clean(HARBOR, DIGEST, 7, 2, (), b"listed")
    await CHANGES[name](clean)
    states = (await clean.states(ORIGIN))[HARBOR.of_account], (await clean.read(HARBOR)).state
    assert [(state.clean, state.clean_rows, state.clean_adopted) for state in states] == [(None, None, None)] * 2
    assert [state.clean_listing for state in states] == [None] * 2


SOURCES: dict[str, Call] = {
    "sketch": OTHERS["sketch"],
    "counts": lambda ledger: ledger.keep_good_source(HARBOR, None, GoodCounts((), {})),
    "rows": lambda ledger: ledger.keep_good_source(HARBOR, 9, None),
}


@pytest.mark.parametrize("name", SOURCES)
async def test_what_another_source_was_like_ends_what_was_listed(name: str, clean: Ledger) -> None:
    """A run that goes by the listing would not note again what the source is like."""
    await clean.note_clean(HARBOR, DIGEST, 7, 2, (), b"listed")
    await SOURCES[name](clean)
    state = await clean.brief(HARBOR)
    assert state is not None
    assert (state.clean, state.clean_listing) == (DIGEST, None)


@pytest.mark.parametrize("name", OTHERS)
async def test_what_bears_on_no_row_leaves_it(name: str, clean: Ledger) -> None:
    await OTHERS[name](clean)
    assert await clean.brief(HARBOR) == (await clean.read(HARBOR)).state == CLEAN
    assert (await clean.states(ORIGIN))[HARBOR.of_account] == CLEAN


def test_each_method_on_a_company_is_one_or_the_other() -> None:
    """A method that is added has to be thought of here."""
    protocols = (Rows, Rekeys, SavedPlans, Passes, Sketches, Reverts, Intents)
    methods = {name for protocol in protocols for name in vars(protocol) if not name.startswith("_")}
    assert methods == READING | {name.partition(",")[0] for name in (*CHANGES, *OTHERS)} & methods


async def test_nothing_is_told_of_a_company_that_was_never_written(ledger: Ledger) -> None:
    await ledger.note_clean(HARBOR, DIGEST, 7, 2)
    assert await ledger.brief(HARBOR) is None
    assert await ledger.known_companies(ORIGIN) == []


async def test_an_open_request_leaves_something_to_do(clean: Ledger) -> None:
    await clean.begin(HARBOR, intent("chunk", "a"))
    assert await clean.brief(HARBOR) is None
    await clean.note_clean(HARBOR, DIGEST, 7, 2)
    assert (await clean.read(HARBOR)).state.clean is None


async def test_a_lost_answer_is_to_be_seen_to_once(clean: Ledger) -> None:
    await clean.begin(HARBOR, intent("chunk", "a"))
    await clean.settle(HARBOR, Settlement(intent_id="chunk", at=LATER, unknown=("a",), lost_at=LATER))
    assert await clean.brief(HARBOR) is None
    await clean.note_clean(HARBOR, DIGEST, 7, 2)  # by a run that waited until it could not land any more
    assert await clean.brief(HARBOR) == CLEAN
    assert (await clean.read(HARBOR)).lost_at is None


async def test_a_refused_intent_changes_nothing(clean: Ledger) -> None:
    with pytest.raises(LedgerError, match="names a key twice"):
        await clean.begin(HARBOR, intent("chunk", "a", "a"))
    assert await clean.brief(HARBOR) == CLEAN


async def test_a_killed_run_leaves_nothing_that_looks_done(on_disk: SqliteLedger, play: Play) -> None:
    """The source was changed, a run died while it sent that, and the source is as it was: it is not as it was there."""
    await on_disk.learn(HARBOR, LISTED)
    await on_disk.note_clean(HARBOR, DIGEST, 7, 2)
    with play("begin") as child:
        assert child.heard() == "begun"
        child.kill()
    assert await on_disk.brief(HARBOR) is None
    assert (await on_disk.read(HARBOR)).state.clean is None
    await on_disk.recover(HARBOR)
    assert (await on_disk.read(HARBOR)).state.clean is None


async def test_notes_are_given_of_the_companies_that_are_asked_for(ledger: Ledger) -> None:
    for company_key in (HARBOR, ANCHOR):
        await ledger.note(company_key, CompanyState(failures=company_key.company_id))
    every = await ledger.states(ORIGIN)
    assert {whose: state.failures for whose, state in every.items()} == {HARBOR.of_account: 101, ANCHOR.of_account: 102}
    strange = AccountCompany("racc_1", 9)
    assert await ledger.states(ORIGIN, [ANCHOR.of_account, strange]) == {ANCHOR.of_account: every[ANCHOR.of_account]}
    assert await ledger.states(ORIGIN, []) == {}
