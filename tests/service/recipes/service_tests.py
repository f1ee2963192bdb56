"""Tests of a service's own code, against a sandbox in the process.

The topmost `conftest.py` has
`pytest_plugins = ["dimsync.testing.fixtures"]`.
"""

from dimsync import Company, Dimension, Engine, State, from_iterable
from dimsync.testing import Clock, Match, Rule, Sandbox, faults

RENT = Dimension(
    key="123:account:6000",
    type_code="account",
    type_label="GL Account",
    name="Rent",
    erp_id="6000",
)


async def sync_harbor_grill(engine: Engine) -> State:
    """Stand for the code that is tested: it knows nothing of tests."""
    company = Company(id=123, source=from_iterable([RENT]))
    return (await engine.sync([company])).companies[0].state


async def test_rows_arrive(
    dimsync_engine: Engine, dimsync_sandbox: Sandbox
) -> None:
    dimsync_sandbox.place(123, name="Harbor Grill")
    async with dimsync_engine as engine:
        assert await sync_harbor_grill(engine) == State.SYNCED
    assert dimsync_sandbox.rows(123) == [RENT]


async def test_a_row_that_is_refused_is_no_exception(
    dimsync_engine: Engine, dimsync_sandbox: Sandbox
) -> None:
    dimsync_sandbox.place(123)
    refused = faults.RejectRows(erp_id="6000", message="no such parent")
    dimsync_sandbox.set_faults(Rule(effect=refused))
    async with dimsync_engine as engine:
        assert await sync_harbor_grill(engine) == State.PARTIAL


async def test_a_lost_answer_creates_nothing_twice(
    dimsync_engine: Engine, dimsync_sandbox: Sandbox
) -> None:
    dimsync_sandbox.place(123)
    lost = Rule(
        effect=faults.Reset(commit=True),  # stored, and then cut off
        match=Match(operation="bulk"),
        times=1,
    )
    dimsync_sandbox.set_faults(lost)
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
    sent = dimsync_sandbox.requests(company_id=123)
    assert [request.operation for request in sent] == ["list"]
