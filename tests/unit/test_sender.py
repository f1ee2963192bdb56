"""The sender over a fake transport, in virtual time: each row has one outcome, whatever becomes of its requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from random import Random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import AccountParked, EngineError, LedgerError, OutcomeUnknown
from engine.model.change import Change
from engine.model.outcome import STORED, Column, columns_of
from engine.net.http.exchange import Answer
from engine.send.chunks import cut
from engine.send.sender import WORKERS
from engine.send.shared_results import ENDED
from engine.send.split import REFUSED_ALONE
from tests.sandbox.memory import perform
from tests.unit.model_api import COMPANY_KEY, TAKES_S, Asked, Desk, ModelApi, Trouble, creates, desk, refusal, row
from tests.unit.model_server import steady


def poisoned(*numbers: int, status: int = 400) -> Trouble:
    """Refuse each request that has one of these rows."""
    keys = {f"{number:03}" for number in numbers}
    return lambda asked, _api: None if keys.isdisjoint(asked.keys) else refusal(status, "a bad row")


def after(times: int, trouble: Trouble) -> Trouble:
    """Let trouble befall requests after the first few."""
    return lambda asked, api: trouble(asked, api) if len(api.asked) > times else None


def up_to(times: int, trouble: Trouble) -> Trouble:
    """Let trouble befall the first few requests."""
    return lambda asked, api: trouble(asked, api) if len(api.asked) <= times else None


def timed_out(_asked: Asked, _api: ModelApi) -> Answer | None:
    raise OutcomeUnknown("no answer in time", timed_out=True)


def reset_after_storing(asked: Asked, api: ModelApi) -> Answer | None:
    api.store(asked.keys)
    raise OutcomeUnknown("the connection was cut")


def sent(count: int, trouble: Trouble = lambda _asked, _api: None, **limits: int) -> Desk:
    """Send so many new rows to their end."""

    async def play() -> Desk:
        with desk(trouble, **limits) as here:
            await here.send(creates(count))
            assert await here.ledger.recover(COMPANY_KEY) == 0, "an intent is left open"
            return here

    return perform(play())


def counted(here: Desk) -> dict[str, int]:
    assert max(Counter(result.change.row.key for result in here.results).values(), default=1) == 1
    return {column.value: count for column, count in columns_of(here.results).items()}


@pytest.mark.parametrize(
    ("rows", "chunks", "at_once"), [(0, 0, 0), (10, 1, 1), (11, 2, 2), (40, 4, WORKERS), (95, 10, WORKERS)]
)
def test_chunks_go_in_the_order_of_the_plan_a_few_at_a_time(rows: int, chunks: int, at_once: int) -> None:
    here = sent(rows, chunk_rows=10)

    assert counted(here) == ({"created": rows} if rows else {})
    begun = sorted(here.api.asked, key=lambda asked: int(asked.idempotency_key.rpartition(".")[2]))
    assert [key for asked in begun for key in asked.keys] == [f"{number:03}" for number in range(rows)]
    assert (len(here.api.asked), here.api.most_at_once) == (chunks, at_once)
    assert len({asked.idempotency_key for asked in here.api.asked}) == chunks


def test_outcomes_are_told_as_they_come_and_a_worker_waits_until_its_own_is_taken() -> None:
    async def play() -> list[tuple[int, int]]:
        told = []
        with desk(chunk_rows=1) as here:
            async with here.sender.open(cut(creates(9), here.cut)) as outcomes:
                async for _ in outcomes:
                    await anyio.sleep(10 * TAKES_S)
                    told.append((round(anyio.current_time()), len(here.api.asked)))
        return told

    told = perform(play())
    assert len(told) == 9
    assert told[0] == (11, WORKERS)
    assert [begun for _, begun in told[: WORKERS - 1]] == [WORKERS] * (WORKERS - 1)  # some outcome is not taken yet
    assert told[WORKERS - 1][1] == 2 * WORKERS


def test_rows_that_overwrite_another_keys_are_not_sent_and_no_request_is_made_for_none() -> None:
    async def play() -> Desk:
        with desk(chunk_rows=2) as here:
            here.sender.requests.owners.collided |= {"000", "001", "002"}
            await here.send(creates(4))
            return here

    here = perform(play())
    assert [list(asked.keys) for asked in here.api.asked] == [["003"]]
    assert counted(here) == {"created": 1}


# Chunks that are refused as a whole


@pytest.mark.parametrize(("bad", "status"), [(0, 400), (37, 400), (99, 400), (37, 413), (37, 422)])
def test_a_chunk_is_halved_down_to_the_row_that_it_is_refused_for(bad: int, status: int) -> None:
    """100 rows: at most 1 + 2 * 7 requests, one after the other; the 99 other rows are stored."""
    here = sent(100, poisoned(bad, status=status))

    assert counted(here) == {"created": 99, "rejected": 1}
    (refused,) = (result for result in here.results if result.column is Column.REJECTED)
    assert refused.change.row == row(bad)
    assert "a bad row" in refused.message
    assert len(here.api.asked) in {13, 15}
    assert here.api.most_at_once == 1
    assert len({asked.idempotency_key for asked in here.api.asked}) == len(here.api.asked)
    assert len(here.api.server.rows) == 99


def test_after_eight_rows_refused_alike_the_rest_is_refused_with_them_unsent() -> None:
    """Of 64 rows eight from both ends are sent alone, and 13 requests lead down to them."""
    here = sent(64, lambda _asked, _api: refusal(400))

    assert counted(here) == {"rejected": 64}
    assert here.api.sizes.count(1) == REFUSED_ALONE
    assert len(here.api.asked) == 21
    assert sum("not sent alone" in result.message for result in here.results) == 64 - REFUSED_ALONE


def test_as_long_as_rows_are_stored_each_bad_one_is_found() -> None:
    here = sent(32, poisoned(*range(0, 32, 2)))

    assert counted(here) == {"created": 16, "rejected": 16}
    assert set(here.api.server.rows) == {f"{number:03}" for number in range(1, 32, 2)}


def test_a_size_is_no_fault_of_a_row() -> None:
    here = sent(100, lambda asked, _api: refusal(413) if len(asked.keys) > 30 else None)

    assert counted(here) == {"created": 100}
    assert sorted(here.api.sizes) == [25] * 4 + [50] * 2 + [100]


def test_a_chunk_that_is_refused_does_not_hold_up_the_others() -> None:
    here = sent(40, poisoned(*range(10, 20)), chunk_rows=10)

    assert counted(here) == {"created": 30, "rejected": 10}


# Answers that are lost


def test_a_lost_answer_is_asked_for_again_under_the_same_key() -> None:
    here = sent(5, up_to(1, reset_after_storing))

    assert counted(here) == {"created": 5}
    first, second = here.api.asked
    assert first[:2] == second[:2]


@pytest.mark.parametrize("status", [409, 500, 503])
def test_a_request_that_is_not_done_yet_or_failed_is_sent_again_under_the_same_key(status: int) -> None:
    here = sent(5, up_to(1, lambda _asked, _api: refusal(status)))

    assert counted(here) == {"created": 5}
    assert len({asked.idempotency_key for asked in here.api.asked}) == 1
    assert here.api.sizes == [5, 5]


def test_two_timeouts_halve_a_chunk() -> None:
    """10, 10 again, then 5 and 5 under keys of their own: a smaller request may fare better."""
    here = sent(10, up_to(2, timed_out), max_attempts=4)

    assert counted(here) == {"created": 10}
    assert here.api.sizes == [10, 10, 5, 5]
    assert len({asked.idempotency_key for asked in here.api.asked}) == 3


def test_halving_after_timeouts_ends_with_the_attempts_of_each_row() -> None:
    here = sent(4, timed_out, max_attempts=3)

    assert counted(here) == {"uncertain": 4}
    assert here.api.sizes == [4, 4, 2, 2]


def test_an_answer_that_is_not_given_again_is_had_under_a_new_key() -> None:
    def done_before(asked: Asked, api: ModelApi) -> Answer | None:
        api.store(asked.keys)
        return Answer(status=208, headers={}, body=b"")

    here = sent(5, up_to(1, done_before))

    assert counted(here) == {"created": 5}
    assert here.api.sizes == [5, 5]
    assert len({asked.idempotency_key for asked in here.api.asked}) == 2


def test_what_nobody_answers_is_of_unknown_outcome_in_the_ledger_too() -> None:
    async def play() -> Mapping[str, bool]:
        with desk(lambda asked, _api: refusal(500) if "001" in asked.keys else None, chunk_rows=1) as here:
            assert columns_of(await here.send(creates(3))) == {Column.CREATED: 2, Column.UNCERTAIN: 1}
            records = (await here.ledger.read(COMPANY_KEY)).rows
            return {key: record.outcome_known for key, record in records.items()}

    assert perform(play()) == {"000": True, "001": False, "002": True}


# What ends the sending


def test_a_cancelled_run_waits_for_what_is_out_and_begins_nothing_else() -> None:
    async def play() -> Desk:
        with desk(chunk_rows=10) as here:
            with anyio.move_on_after(TAKES_S / 2):
                await here.send(creates(95))
            assert await here.ledger.recover(COMPANY_KEY) == 0, "an intent is left open"
            return here

    here = perform(play())
    assert len(here.api.asked) == WORKERS
    assert counted(here) == {"created": 10 * WORKERS}
    assert here.api.under_way == []


def test_a_cancelled_wait_between_two_sends_leaves_the_rows_unknown() -> None:
    async def play() -> Desk:
        with desk(lambda _asked, _api: refusal(500)) as here:
            with anyio.move_on_after(TAKES_S * 1.1):
                await here.send(creates(5))
            assert await here.ledger.recover(COMPANY_KEY) == 0, "an intent is left open"
            return here

    here = perform(play())
    assert len(here.api.asked) == 1
    assert {(result.column, result.message) for result in here.results} == {(Column.UNCERTAIN, ENDED)}


def test_leaving_the_block_waits_for_requests_in_flight_and_keeps_their_outcomes() -> None:
    async def interrupted(here: Desk) -> None:
        async with here.sender.open(cut(creates(95), here.cut)) as outcomes:
            here.heard.append(await anext(outcomes))
            raise ValueError("enough")

    async def play() -> Desk:
        with desk(chunk_rows=10) as here:
            with pytest.raises(ValueError, match="enough"):
                await interrupted(here)
            here.heard += here.sender.untaken()
            return here

    here = perform(play())
    assert counted(here) == {"created": sum(here.api.sizes)}
    assert len(here.api.asked) <= WORKERS + 1


def test_an_account_that_is_stopped_ends_it_and_rows_that_were_not_sent_have_no_outcome() -> None:
    async def play() -> Desk:
        with desk(after(WORKERS, lambda _asked, _api: refusal(401)), chunk_rows=10) as here:
            here.api.reads = lambda kind: None if kind == "oauth" else refusal(401)
            with pytest.raises(AccountParked):
                await here.send(creates(95))
            return here

    here = perform(play())
    assert counted(here) == {"created": 10 * WORKERS}


def test_a_key_that_led_nowhere_is_the_last_and_is_noted() -> None:
    """Updates that are answered as creates."""

    async def play() -> tuple[Desk, str | None]:
        with desk(chunk_rows=1) as here:
            await here.send([Change(row(n), f"dim_{n}", ("name",)) for n in range(20)])
            return here, (await here.ledger.read(COMPANY_KEY)).state.failure

    here, failure = perform(play())
    assert len(here.api.asked) == WORKERS
    assert here.notes.unexpected_creates == WORKERS
    assert failure == "key-mismatch"


def test_a_ledger_that_cannot_be_written_ends_it_before_anything_is_sent() -> None:
    async def play() -> Desk:
        with desk(chunk_rows=10) as here:
            await here.ledger._thread.read(lambda connection: connection.execute("pragma query_only = on"))
            with pytest.raises(LedgerError):
                await here.send(creates(95))
            return here

    here = perform(play())
    assert (here.api.asked, here.results) == ([], [])


# Whatever becomes of requests

FATES: Mapping[str, Trouble] = {
    "answered": lambda _asked, _api: None,
    "refused": lambda _asked, _api: refusal(400),
    "bad row": poisoned(*range(0, 60, 7)),
    "failed": lambda _asked, _api: refusal(500),
    "busy": lambda _asked, _api: refusal(503),
    "under way": lambda _asked, _api: refusal(409),
    "lost": reset_after_storing,
    "late": timed_out,
    "done before": lambda _asked, _api: Answer(status=208, headers={}, body=b""),
    "unreadable": lambda _asked, _api: Answer(status=201, headers={}, body=b"{"),
}


@steady(40)
@given(
    rows=st.integers(0, 30),
    chunk_rows=st.integers(1, 12),
    fates=st.lists(st.sampled_from(sorted(FATES)), min_size=1, max_size=6),
    seed=st.integers(0, 2**16),
    ends_after_s=st.none() | st.floats(0.5, 20.0),
)
def test_each_row_that_was_exposed_has_one_outcome_and_none_is_called_stored_that_is_not(
    rows: int, chunk_rows: int, fates: list[str], seed: int, ends_after_s: float | None
) -> None:
    chance = Random(seed)

    def befall(asked: Asked, api: ModelApi) -> Answer | None:
        return FATES[chance.choice(fates)](asked, api)

    async def play() -> tuple[Desk, set[str]]:
        with desk(befall, chunk_rows=chunk_rows, max_attempts=3) as here:
            with anyio.move_on_after(ends_after_s), suppress(EngineError):  # the account is stopped, or refused
                await here.send(creates(rows))
            assert await here.ledger.recover(COMPANY_KEY) == 0, "an intent is left open"
            records = (await here.ledger.read(COMPANY_KEY)).rows
            return here, {key for key, record in records.items() if record.outcome_known}

    here, known = perform(play())
    counted(here)
    told = {result.change.row.key: result.column for result in here.results}
    exposed = {key for asked in here.api.asked for key in asked.keys}
    stored = {key for key, column in told.items() if column in STORED}
    assert told.keys() <= exposed | {key for key, column in told.items() if column is Column.REJECTED}
    assert stored == known
    assert stored <= here.api.server.rows.keys()
    assert not here.api.server.rows.keys() - told.keys(), "a row is stored, and nobody tells what became of it"
