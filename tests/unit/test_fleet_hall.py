"""How many of an account's companies are open at a time: by their rows, a few in any case, and in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import anyio
from hypothesis import given
from hypothesis import strategies as st

from engine.model.company_record import CompanyState
from engine.model.settings import Account, Company, Secret
from engine.run.fleet import LEAST, Slots
from engine.run.schedule import USUAL_ROWS, rows_of
from engine.run.work import Job
from tests.unit.model_server import STEADY
from tests.unit.virtual_time import run


async def _play(hall: Slots, guesses: Sequence[int], sizes: Sequence[int]) -> tuple[list[int], list[dict[int, int]]]:
    """Open companies one after the other, each of which learns its size and ends; return who began and who was open."""
    began, seen, now = list[int](), list[dict[int, int]](), dict[int, int]()

    async def be_open(turn: int) -> None:
        await anyio.sleep(0.1)
        now[turn] = sizes[turn]
        hall.weigh(turn, sizes[turn])
        await anyio.sleep(1.0)
        del now[turn]
        hall.leave(turn)

    async with anyio.create_task_group() as companies:
        for turn, guess in enumerate(guesses):
            await hall.enter(turn, guess)
            began.append(turn)
            now[turn] = guess
            seen.append(dict(now))
            companies.start_soon(be_open, turn)
    return began, seen


def _most_open(guesses: Sequence[int], sizes: Sequence[int] | None = None, *, most: int = 32, rows: int = 1_000) -> int:
    _, seen = run(_play(Slots(most=most, rows=rows), guesses, sizes or guesses))
    return max(map(len, seen))


def test_small_companies_are_open_in_numbers_and_large_ones_are_few() -> None:
    assert _most_open([10] * 100) == 32
    assert _most_open([100] * 100) == 10
    assert _most_open([400] * 100) == LEAST
    assert _most_open([10**6] * 20) == LEAST
    assert _most_open([10] * 20, most=1) == 1


def test_a_giant_leaves_room_for_small_ones() -> None:
    assert _most_open([10**6, *[10] * 100]) == 32
    sizes = [10**6, *[50] * 100]
    _, seen = run(_play(Slots(most=32, rows=1_000), sizes, sizes))
    assert max(len(each) for each in seen if 0 in each) == 11


def test_what_a_company_turns_out_to_have_counts() -> None:
    assert _most_open([100] * 100, [10] * 100) > 20
    assert _most_open([10] * 100, [500] * 100) == 32  # nobody knew


@STEADY
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 2_000)), max_size=40), st.integers(1, 12))
def test_all_begin_in_their_order_and_within_bounds(companies: list[tuple[int, int]], most: int) -> None:
    guesses, sizes = [guess for guess, _ in companies], [size for _, size in companies]
    began, seen = run(_play(Slots(most=most, rows=1_000), guesses, sizes))
    assert began == list(range(len(companies)))
    for each in seen:
        assert len(each) <= most
        assert len(each) <= LEAST or sum(min(rows, 500) for rows in each.values()) <= 1_000


async def test_a_companys_rows_are_guessed_from_last_time() -> None:
    class Source:
        size_bytes = 8_000

        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> dict[str, object]:
            raise StopAsyncIteration

    secret = Secret("x")
    account = Account(name="main", account_id="a", api_key=secret, client_id=secret, client_secret=secret)
    job = Job(company=Company(id=1, source=Source()), account=account)
    listed = CompanyState(remote_count=70, last_good_rows=30, checked_at=datetime(2026, 11, 21, tzinfo=UTC))
    assert rows_of(job, listed) == 70
    assert rows_of(job, CompanyState(last_good_rows=30)) == 30
    assert rows_of(job, CompanyState()) == 100
    assert rows_of(job, None) == 100
    Source.size_bytes = 0
    assert rows_of(job, None) == USUAL_ROWS
