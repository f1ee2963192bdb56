"""Rows of all accounts' open companies are bounded together, and no account waits for long for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.run.fleet import Slots
from engine.run.rows_in_work import PATIENCE_S, RowsInWork
from tests.unit.model_server import STEADY
from tests.unit.virtual_time import run

MOST = 900
THIRD = MOST // 3


async def _play(accounts: Mapping[str, Sequence[int]], lasts_s: float = 1.0) -> tuple[list[str], int]:
    """Open the companies of accounts, with their rows; return who began, in order, and the most rows at a time."""
    in_work, began, most = RowsInWork(most=MOST, accounts=len(accounts)), list[str](), 0

    async def be_open(slots: Slots, turn: int) -> None:
        await anyio.sleep(lasts_s)
        slots.leave(turn)

    async def run_account(name: str, sizes: Sequence[int]) -> None:
        nonlocal most
        slots = Slots(most=3, rows=MOST, all_rows=in_work)
        async with anyio.create_task_group() as companies:
            for turn, rows in enumerate(sizes):
                await slots.enter(turn, rows)
                began.append(name)
                most = max(most, in_work.taken)
                companies.start_soon(be_open, slots, turn)

    async with anyio.create_task_group() as tasks:
        for name, sizes in accounts.items():
            tasks.start_soon(run_account, name, sizes)
    assert in_work.taken == 0
    return began, most


@STEADY
@given(st.dictionaries(st.text(max_size=2), st.lists(st.integers(0, 3 * MOST), max_size=8), max_size=8))
def test_the_bound_is_passed_by_one_company_at_most_and_all_begin(accounts: dict[str, list[int]]) -> None:
    began, most = run(_play(accounts))
    assert sorted(began) == sorted(name for name, sizes in accounts.items() for _ in sizes)
    assert most < MOST + THIRD


def test_accounts_take_turns() -> None:
    began, most = run(_play({f"account {number}": [THIRD] * 4 for number in range(3)}))
    assert sorted(began[:3]) == sorted(began[3:6]) == ["account 0", "account 1", "account 2"]
    assert most == MOST


def test_an_account_waits_a_while_for_others_that_do_not_end() -> None:
    slow = {f"slow {number}": [MOST] for number in range(3)}
    began, most = run(_play(slow | {"other": [10]}, lasts_s=100 * PATIENCE_S))
    assert began == [*slow, "other"]
    assert most == MOST + 10


@pytest.mark.parametrize("is_called", [False, True])
async def test_one_that_leaves_the_line_holds_up_nobody(is_called: bool) -> None:
    in_work, went_in = RowsInWork(most=MOST), list[str]()
    for _ in range(3):
        await in_work.enter(MOST, waits=True)

    async def wait(name: str) -> None:
        await in_work.enter(1, waits=True)
        went_in.append(name)

    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as first:
            async with anyio.create_task_group() as impatient:
                impatient.start_soon(wait, "first")
                await anyio.wait_all_tasks_blocked()
                tasks.start_soon(wait, "second")
                await anyio.wait_all_tasks_blocked()
                if is_called:
                    in_work.change(MOST, 0)
                first.cancel()
        if not is_called:
            in_work.change(MOST, 0)
    assert went_in == (["first", "second"] if is_called else ["second"])
