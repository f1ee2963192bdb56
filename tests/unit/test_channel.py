"""What is told of a request, and when: once it may leave, and never of one that does not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random

import anyio
import pytest

from engine.errors import AccountParked, EngineError, OutcomeUnknown
from engine.model.events import Event, RequestAnswered, RequestSent
from engine.model.settings import Account, Api, Limits, Secret
from engine.net.call import Call, Spent
from engine.net.channel import Channel
from engine.net.http.exchange import Answer, LateTransport, Request
from engine.net.key import Key
from engine.net.limits.quota import Quota
from engine.net.retry import Policy
from engine.net.telling import Listens, nobody
from tests.unit.virtual_time import run

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Desk:
    """A transport and a store that note what they are asked, and an audience that notes what it is told."""

    def __init__(self, limits: Limits, listens: Listens = nobody) -> None:
        secret = Secret("x")
        account = Account(
            name="main", account_id="a", api_key=secret, client_id=secret, client_secret=secret, limits=limits
        )
        self.sent_at_s: list[float] = []
        self.told_at_s: list[float] = []
        self.used = 0
        self.takes_s = 0.1
        quota = Quota(account, self, "https://api.test/v1", lambda: NOON)
        self.answers: list[RequestAnswered] = []
        self.channel = Channel(
            Key(account, quota), Api(), self, emit=self.emit, now=lambda: NOON, rng=Random(7), listens=listens
        )

    async def reserve_requests(self, _origin: str, _account: str, _day: date, _usable: int, _most: int) -> int:
        self.used += 64
        return 64

    async def charge_requests(self, _origin: str, _account: str, _day: date, requests: int) -> None:
        self.used += requests

    async def send(self, _request: Request) -> Answer:
        self.sent_at_s.append(anyio.current_time())
        await anyio.sleep(self.takes_s)
        return Answer(status=200, headers={}, body=b"")

    async def emit(self, event: Event) -> None:
        if isinstance(event, RequestSent):
            self.told_at_s.append(anyio.current_time())
        elif isinstance(event, RequestAnswered):
            self.answers.append(event)

    async def ask(self, spent: Spent) -> None:
        call: Call[int] = Call(
            kind="list",
            method="GET",
            path="/dimensions",
            read=lambda answer: len(answer.body),
            policy=Policy(max_attempts=1),
            spent=spent,
            bearer=False,
        )
        await self.channel.call(call)


def test_a_request_is_told_of_at_the_moment_it_leaves() -> None:
    async def play() -> Desk:
        desk, spent = Desk(Limits(requests_per_second=5.0)), Spent()
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(desk.ask, spent)
        return desk

    desk = run(play())
    assert desk.told_at_s == pytest.approx(desk.sent_at_s, abs=0.001)
    assert desk.told_at_s[-1] > 1.0


@pytest.mark.parametrize(("listens", "times"), [(True, 2), (False, 0)])
def test_an_answer_is_told_of_where_somebody_listens(listens: bool, times: int) -> None:
    async def play() -> Desk:
        desk, spent = Desk(Limits(), lambda: listens), Spent()
        for _ in range(2):
            await desk.ask(spent)
        return desk

    told = [(each.kind, each.status, each.attempt, round(each.seconds, 3)) for each in run(play()).answers]
    assert told == [("list", 200, 1, 0.1)] * times


@pytest.mark.parametrize("end", ["parked", "cancelled"])
def test_what_waits_for_the_rate_and_never_leaves_is_not_told_of_nor_counted(end: str) -> None:
    async def play() -> tuple[Desk, Spent]:
        desk, spent = Desk(Limits(requests_per_second=1.0)), Spent()

        async def try_to() -> None:
            try:
                await desk.ask(spent)
            except AccountParked:
                assert end == "parked"

        async with anyio.create_task_group() as tasks:
            for _ in range(6):
                tasks.start_soon(try_to)
            await anyio.sleep(0.5)
            if end == "parked":
                await desk.channel.park(EngineError("enough"))
            else:
                tasks.cancel_scope.cancel()
        await desk.channel.key.quota.settle()
        return desk, spent

    desk, spent = run(play())
    assert len(desk.told_at_s) == len(desk.sent_at_s) == spent.requests().total == desk.used == 1


def test_a_cancelled_caller_sends_nothing_more_even_if_nothing_would_make_it_wait() -> None:
    """The request that is out is answered; the next one would find a place, a unit and a request of the quota free."""

    async def play() -> tuple[Desk, Spent]:
        desk, spent = Desk(Limits(requests_per_second=1_000.0)), Spent()

        async def ask_for_ever() -> None:
            while True:
                await desk.ask(spent)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_for_ever)
            await anyio.sleep(0.25)
            tasks.cancel_scope.cancel()
        assert anyio.current_time() == pytest.approx(0.3, abs=0.001)
        return desk, spent

    desk, spent = run(play())
    assert len(desk.sent_at_s) == spent.requests().total == 3


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_request_without_an_answer_ends_by_its_own_timeout_whether_its_caller_is_cancelled_or_not(
    is_cancelled: bool,
) -> None:
    async def play() -> float:
        desk, ended_at_s = Desk(Limits(timeout_s=2.0)), 0.0
        desk.takes_s = 1_000.0

        async def ask() -> None:
            nonlocal ended_at_s
            with pytest.raises(OutcomeUnknown, match=r"^no answer within 2 s$") as met:
                await desk.ask(Spent())
            assert met.value.timed_out
            ended_at_s = anyio.current_time()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.sleep(0.5)
            if is_cancelled:
                tasks.cancel_scope.cancel()
        return ended_at_s

    assert run(play()) == pytest.approx(2.0, abs=0.001)


async def test_a_late_transport_is_made_once_and_for_the_first_request() -> None:
    desk, made = Desk(Limits()), list[Desk]()

    async def make() -> Desk:
        made.append(desk)
        return desk

    late = LateTransport(make)
    assert not made
    for _ in range(3):
        await late.send(Request(method="GET", url="https://api.test/v1", headers={}))
    assert (len(made), len(desk.sent_at_s)) == (1, 3)
