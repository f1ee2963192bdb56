"""The engine along a server's limits: whichever way it counts, nothing is refused; and the width is told."""

from __future__ import annotations

import pytest

from engine.model.events import Waiting, WidthChanged
from engine.model.settings import Verify, VerifyMode
from engine.sandbox.access import Allowance
from engine.sandbox.rates import RateModel
from engine.sandbox.server import Options
from tests.sandbox.conftest import DEMO, World, account, assert_exact, company, dims, memory_world, watch
from tests.sandbox.memory import perform

FULL = Verify(mode=VerifyMode.FULL)


@pytest.mark.parametrize("model", ["bucket", "fixed", "sliding"])
def test_a_run_fills_the_rate_and_is_never_refused(model: RateModel) -> None:
    """40 requests a second, and more than 80 to send: two seconds at the least, the first of them included."""

    async def run() -> None:
        options = Options(accounts=(DEMO,), allowance=Allowance(rate=40, burst=4, rate_model=model))
        with memory_world(options) as world:
            world.accounts = (account(),)
            world.limit(requests_per_second=40.0)
            for n in range(40):
                world.place(n + 1)
            result = await world.sync(*(company(n + 1, dims(5)) for n in range(40)))
            assert (result.exit_code, result.totals.created) == (0, 200)
            assert result.requests.total > 80
            assert world.sandbox.service.access.meters[DEMO.api_key].throttled == 0

    perform(run())


async def test_more_at_once_while_all_goes_well_and_it_is_told(world: World) -> None:
    world.limit(max_concurrency=64, page_size=20)
    world.script({"effect": "latency", "seconds": 0.02})
    for n in range(64):
        world.place(n + 1, dims(30))
    world.verify = FULL
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n + 1, dims(30)) for n in range(64)))
    assert result.exit_code == 0
    told = [event for event in events if isinstance(event, WidthChanged)]
    assert [event.places for event in told[:2]] == [16, 32]
    assert {event.account for event in told} == {"main"}
    assert told[0].reason == "answers come in time"


async def test_503s_leave_fewer_at_once_and_the_run_ends_exact(world: World) -> None:
    world.script({"effect": "status", "status": 503, "share": 0.3, "times": 12})
    for n in range(16):
        world.place(n + 1)
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n + 1, dims(40)) for n in range(16)))
    assert result.exit_code == 0
    for n in range(16):
        assert_exact(world, n + 1, dims(40))
    told = [event for event in events if isinstance(event, WidthChanged)]
    assert min(event.places for event in told) < 8
    assert "HTTP 503" in {event.reason for event in told}
    assert len(told) < result.requests.total / 4  # never one a request


@pytest.mark.sockets
async def test_a_429_pauses_the_key_and_leaves_fewer_at_once(world: World) -> None:
    throttle = {"effect": "status", "status": 429, "headers": {"Retry-After": "1"}, "after": 3, "times": 1}
    world.script(throttle)
    for n in range(20):
        world.place(n + 1)
    async with world.engine() as engine:
        events, result = await watch(engine, *(company(n + 1, dims(5)) for n in range(20)))
    assert (result.exit_code, result.requests.retry) == (0, 1)
    assert [event.seconds for event in events if isinstance(event, Waiting)] == [1.0]
    told = [event for event in events if isinstance(event, WidthChanged)]
    assert any(event.reason == "HTTP 429" for event in told)
