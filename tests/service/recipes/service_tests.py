"""A service's own code, and its tests: `pytest_plugins = ["dimsync.testing.fixtures"]` in the topmost `conftest.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from dimsync import Company, Dimension, Engine, State
from dimsync.testing import Clock, Match, Rule, Sandbox, faults

RENT = Dimension(key="123:account:6000", type_code="account", type_label="GL Account", name="Rent", erp_id="6000")


async def rows() -> AsyncIterator[Dimension]:
    yield RENT


async def sync_harbor_grill(engine: Engine) -> State:
    """Stand for the code that is tested: it takes an engine, and knows nothing of tests."""
    result = await engine.sync([Company(id=123, source=rows())]).result()
    return result.companies[0].state


async def test_rows_arrive(dimsync_engine: Engine, dimsync_sandbox: Sandbox) -> None:
    dimsync_sandbox.place(123, name="Harbor Grill")
    async with dimsync_engine as engine:
        assert await sync_harbor_grill(engine) == State.SYNCED
    assert dimsync_sandbox.rows(123) == [RENT]


async def test_a_row_that_is_refused_is_no_exception(dimsync_engine: Engine, dimsync_sandbox: Sandbox) -> None:
    dimsync_sandbox.place(123)
    dimsync_sandbox.set_faults(Rule(effect=faults.RejectRows(erp_id="6000", message="no such parent")))
    async with dimsync_engine as engine:
        assert await sync_harbor_grill(engine) == State.PARTIAL


async def test_a_lost_answer_creates_nothing_twice(dimsync_engine: Engine, dimsync_sandbox: Sandbox) -> None:
    dimsync_sandbox.place(123)
    lost = faults.Reset(commit=True)  # the rows are stored, and the connection is cut instead of an answer
    dimsync_sandbox.set_faults(Rule(effect=lost, match=Match(operation="bulk"), times=1))
    async with dimsync_engine as engine:
        assert await sync_harbor_grill(engine) == State.SYNCED
    assert dimsync_sandbox.rows(123) == [RENT]
    assert len(dimsync_sandbox.requests("bulk")) == 2


async def test_an_unchanged_company_costs_one_request_a_day(
    dimsync_engine: Engine, dimsync_sandbox: Sandbox, dimsync_clock: Clock
) -> None:
    dimsync_sandbox.place(123, [RENT])
    async with dimsync_engine as engine:
        await sync_harbor_grill(engine)
        dimsync_sandbox.forget_requests()
        await sync_harbor_grill(engine)
        assert dimsync_sandbox.requests() == []
        dimsync_clock.forward(days=1, hours=1)
        await sync_harbor_grill(engine)
    assert [request.operation for request in dimsync_sandbox.requests() if request.company_id == 123] == ["list"]
