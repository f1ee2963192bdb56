"""Accounts that are stopped in run after run, and keys whose day stays used up: tried less and less often.

The first stop costs nothing: the next run tries at once, so that what was put right is found to be.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from engine import Api, Company, Limits, RunResult, Secret, Settings
from engine.errors import HostDown, OutcomeUnknown, Throttled, Unauthorized, Untrusted
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.run.key_memory import ACCOUNT, is_lasting
from tests.sandbox.conftest import Rows
from tests.sandbox.fuzz import Desk, Fate
from tests.worlds.server import ACCOUNT as RACC
from tests.worlds.server import Reply, Server, Way
from tests.worlds.stage import BASE_URL, MORNING, Clock, Stage, account, new_ledger, perform
from tests.worlds.test_fleet import rows_of
from tests.worlds.ways import ANSWERS, About, Facts, Instead, Refused, When

LIMITS = Limits(max_attempts=2, batch_wait_s=20.0)
MINE = 2


def odd(make: Callable[[], Reply], what: str, company: int | None = None) -> list[Way]:
    return [Instead("", make, About(what=what, company=company), When("always"))]


class Bench:
    """One account with a few companies, a server, and runs of it on a clock that stands still."""

    def __init__(self, database: Any, companies: int = MINE) -> None:
        self.runs = 0
        self.clock = Clock()
        self.server = Server(
            contract="guide",
            companies={n: f"Company {n}" for n in range(1, companies + 1)},
            most_rows=100,
            ways=[],
            now=self.clock,
        )
        settings = Settings(accounts=(account(LIMITS),), api=Api(base_url=BASE_URL))
        self.stage = Stage(server=self.server, clock=self.clock, database=database, settings=settings)
        self.companies = [Company(id=n, name=f"Company {n}", source=Rows(rows_of(n))) for n in self.server.companies]

    async def run(self, *, verb: str = "sync", rows: int = 4, fresh: bool = False) -> tuple[RunResult, int]:
        """Return the result, and how many requests were received, tokens included."""
        before = len(self.server.calls)
        companies = [replace(each, source=Rows(rows_of(each.id, rows))) for each in self.companies]
        self.runs += 1
        result = await self.stage.run(companies, seed=self.runs, verb=verb, fresh=fresh)
        return result, len(self.server.calls) - before

    async def cost(self, **how: Any) -> int:
        return (await self.run(**how))[1]

    def later(self, **time: float) -> None:
        self.clock.forward_to(self.clock() + timedelta(**time))

    def with_account(self, **fields: Any) -> None:
        (own,) = self.stage.settings.accounts
        self.stage.settings = replace(self.stage.settings, accounts=(replace(own, **fields),))


def play(scene: Callable[[Bench], Coroutine[Any, Any, None]], companies: int = MINE) -> None:
    async def go(bench: Bench) -> None:
        bench.clock.go()
        await scene(bench)

    with new_ledger() as database:
        perform(go(Bench(database, companies)))


def told(result: RunResult) -> list[tuple[str, str, int]]:
    return [(each.problems[0].code, str(each.state), int(each.exit_code)) for each in result.companies]


STOPS: dict[str, tuple[list[Way], tuple[str, str, int]]] = {
    "401 to all": (odd(ANSWERS["401"][0], "all"), ("authentication", "deferred", 8)),
    "401 for a token": (odd(ANSWERS["401"][0], "token"), ("authentication", "deferred", 8)),
    "the gateway's 403": (odd(ANSWERS["gateway"][0], "directory"), ("authentication", "deferred", 8)),
    "a redirect of the token endpoint": (odd(ANSWERS["redirect"][0], "token"), ("wrong-contract", "failed", 2)),
    "a redirect of the directory": (odd(ANSWERS["redirect"][1], "directory"), ("wrong-contract", "failed", 2)),
    "no token endpoint": (odd(ANSWERS["missing"][0], "token"), ("wrong-contract", "failed", 2)),
    "a token that cannot be read": (odd(ANSWERS["unreadable"][0], "token"), ("unavailable", "failed", 1)),
    "a token without its text": (odd(ANSWERS["unreadable"][4], "token"), ("bad-answer", "failed", 1)),
    "409 for a token": (odd(ANSWERS["busy"][0], "token"), ("failed", "failed", 1)),
}


@pytest.mark.parametrize("kind", STOPS)
def test_an_account_that_is_stopped_again_rests_and_is_told_alike(kind: str) -> None:
    ways, said = STOPS[kind]

    async def scene(bench: Bench) -> None:
        bench.server.ways = ways
        for _ in range(2):  # the first one, and at once the next
            result, cost = await bench.run()
            assert (said in told(result), cost > 0) == (True, True)
        first = result
        for hours in (1, 6, 23.5, 23.5):
            resting, cost = await bench.run()
            assert (told(resting), cost, resting.exit_code) == (told(first), 0, first.exit_code)
            assert first.companies[-1].problems[0].message in resting.companies[-1].problems[0].message
            assert "; tried again from 20" in resting.companies[-1].problems[0].message
            bench.later(hours=hours, seconds=-1)
            assert await bench.cost() == 0
            bench.later(seconds=1)
            tried, cost = await bench.run()
            assert (said in told(tried), 0 < cost <= 8) == (True, True)
        bench.server.ways = []
        bench.later(hours=24)
        healed, _ = await bench.run()
        assert healed.exit_code == 0
        bench.server.ways = ways  # it begins anew
        bench.later(hours=25)
        for _ in range(2):
            assert await bench.cost(rows=5) > 0
        assert await bench.cost(rows=5) == 0

    play(scene)


def test_a_server_that_asks_for_an_hour_each_time_is_asked_less_and_less_often() -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(ANSWERS["told-to-wait"][0], "list")
        costly = []
        for hour in range(5 * 24):
            bench.clock.forward_to(MORNING + timedelta(minutes=61 * hour))
            result, cost = await bench.run()
            assert set(told(result)) == {("throttled", "deferred", 5)}
            costly += [hour] if cost else []
        assert costly[:4] == [0, 2, 4, 10]
        assert len(costly) <= 9

    play(scene)


def changed(which: str) -> dict[str, Any]:
    return {"account_id": "racc_2"} if which == "account_id" else {which: Secret("another one")}


@pytest.mark.parametrize("which", ["api_key", "client_id", "client_secret", "api", "fresh", "check", "none"])
def test_what_may_mend_an_account_ends_its_rest(which: str) -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(ANSWERS["401"][0], "token")
        for _ in range(2):
            await bench.run()
        bench.server.ways = []
        if which == "api":
            bench.stage.settings = replace(bench.stage.settings, api=Api(base_url=BASE_URL, scope="all"))
        elif which in {"api_key", "client_id", "client_secret"}:
            bench.with_account(**changed(which))
        result, cost = await bench.run(fresh=which == "fresh", verb="check" if which == "check" else "sync")
        assert (cost > 0, result.exit_code == 8) == (which != "none", which == "none")
        if which == "none":
            assert "when its credentials or [api] are changed; sync and plan try it now with --fresh" in (
                result.companies[0].problems[0].message
            )

    play(scene)


def test_a_try_that_a_person_asks_for_lengthens_no_rest() -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(ANSWERS["401"][0], "token")
        for _ in range(2):
            await bench.run()
        for how in ({"fresh": True}, {"verb": "check"}, {"fresh": True}):
            assert await bench.cost(**how) == 1
        bench.later(hours=1)
        assert await bench.cost() == 1

    play(scene)


def test_credentials_are_not_written_down() -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(ANSWERS["401"][0], "token")
        await bench.run()
        ledger = SqliteLedger(Desk(bench.stage.database, Fate()), MemoryLocks().hold)
        rest = (await ledger.rests("http://world.test:80/v1", RACC))[ACCOUNT]
        assert (rest.failures, rest.code, len(rest.settings)) == (1, "authentication", 16)
        dump = "\n".join(bench.stage.database.iterdump())
        for secret in ("key of main", "id of main", "secret of main"):
            assert secret not in dump

    play(scene)


LASTING = {
    "credentials": (Unauthorized("401", status=401), True),
    "a host that is down": (HostDown("down"), False),
    "a certificate": (Untrusted("expired"), False),
    "no connection": (OutcomeUnknown("refused", unsent=True), False),
    "a token endpoint in trouble": (OutcomeUnknown("HTTP 500", status=500), True),
    "an hour to wait": (Throttled("429", retry_after_s=3600.0), True),
    "a deadline": (Throttled("429", retry_after_s=30.0), False),
    "nothing": (None, False),
}


@pytest.mark.parametrize("kind", LASTING)
def test_which_stops_are_remembered(kind: str) -> None:
    why, lasts = LASTING[kind]
    assert is_lasting(why, LIMITS) is lasts


# One run a day

REFUSED = Refused(["honest"], Random(1), Facts(contract="guide", wanted={1: rows_of(1)}))

DAILY: dict[str, tuple[list[Way], str, str]] = {
    "a company that cannot be read": (odd(ANSWERS["unreadable"][0], "list", company=1), "unavailable", "list"),
    "a refused row": ([REFUSED], "rejected", "bulk"),
    "rows of unknown outcome": (odd(ANSWERS["broken"][0], "bulk", company=1), "uncertain", "bulk"),
    "an account that is stopped": (odd(ANSWERS["401"][0], "token"), "authentication", "token"),
    "companies that cannot be listed": (odd(ANSWERS["unreadable"][0], "directory"), "directory", "directory"),
}
"""What is odd, how it is told, and which requests are its tries."""


@pytest.mark.parametrize("kind", DAILY)
def test_one_run_a_day_at_the_same_minute_tries_what_failed_each_day(kind: str) -> None:
    """Each run fails a while after it has begun. Runs in every hour try no more often."""
    ways, code, what = DAILY[kind]

    async def tries(bench: Bench, hour: int) -> int:
        bench.clock.forward_to(MORNING + timedelta(hours=hour))
        before = len(bench.server.calls)
        result, _ = await bench.run()
        assert bench.clock() >= MORNING + timedelta(hours=hour)
        problems = [*result.problems, *(problem for each in result.companies for problem in each.problems)]
        assert code in {problem.code for problem in problems}
        return sum(call.what == what and call.company_id in {1, None} for call, _ in bench.server.calls[before:])

    async def scene(bench: Bench) -> None:
        bench.server.ways = ways
        daily = [await tries(bench, hour) for hour in range(0, 9 * 24, 24)]
        hourly = [await tries(bench, hour) for hour in range(9 * 24, 11 * 24 + 1)]
        assert [day for day, count in enumerate(daily) if count] == list(range(9))
        assert [hour for hour, count in enumerate(hourly) if count] == [0, 24, 48]

    play(scene, companies=2)


# A used-up day


USED_UP = {
    "the word quota": ANSWERS["quota"][0],
    "429 without a word": ANSWERS["throttled"][0],
    "429, three seconds each time": ANSWERS["throttled"][1],
}


@pytest.mark.parametrize("companies", [1, 4])
@pytest.mark.parametrize("what", ["all", "list", "bulk"])
@pytest.mark.parametrize("kind", USED_UP)
def test_a_used_up_key_is_tried_by_one_request(kind: str, what: str, companies: int) -> None:
    """Besides a token, a look at the count before a create, and the witness where several companies could be meant."""

    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(USED_UP[kind], what)
        result, _ = await bench.run()
        assert (result.exit_code, set(told(result))) == (5, {("quota", "deferred", 5)})
        assert await bench.cost() == 0
        most = 1 + (what != "all") + (what == "bulk") + (companies > 1) * (1 if what == "all" else 4)
        for hours in (1, 1, 6):
            bench.later(hours=hours, seconds=-1)
            assert await bench.cost() == 0
            bench.later(seconds=1)
            assert 0 < await bench.cost() <= most
        bench.clock.forward_to(bench.clock().replace(hour=23, minute=59))
        assert await bench.cost() == 0
        bench.later(minutes=1)  # a new day: one try, and then none until the next one
        assert 0 < await bench.cost() <= most + 1
        for hours in (1, 5, 1, 8, 8):  # 23 together
            bench.later(hours=hours)
            assert await bench.cost() == 0
        bench.server.ways = []
        bench.later(hours=1)
        healed, _ = await bench.run()
        assert healed.exit_code == 0

    if not (what != "all" and companies > 1):  # there one company's request may be refused alone
        play(scene, companies)


def test_an_ordinary_throttle_after_a_used_up_day_is_waited_out() -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(USED_UP["the word quota"], "all")
        assert (await bench.run())[0].exit_code == 5
        bench.later(hours=24)
        bench.server.ways = [
            Instead("", USED_UP["429 without a word"], About(what="list", company=2), When("first", 2))
        ]
        bench.companies.sort(key=lambda each: each.id != 1)
        result, _ = await bench.run()
        assert (result.exit_code, result.totals.created) == (0, 8)

    play(scene)


def test_w12_a_company_that_is_throttled_without_end_fails_alone_and_is_not_waited_for_again() -> None:
    async def scene(bench: Bench) -> None:
        bench.server.ways = odd(USED_UP["429 without a word"], "list", company=2)
        result, _ = await bench.run()
        assert [int(each.exit_code) for each in result.companies] == [0, 1, 0, 0]
        assert "this is about the company alone" in result.companies[1].problems[0].message
        assert await bench.cost() == 0
        bench.later(hours=1)
        began = bench.clock()
        result, cost = await bench.run()
        assert ([int(each.exit_code) for each in result.companies], cost) == ([0, 1, 0, 0], 3)
        assert bench.clock() - began < timedelta(seconds=5)

    play(scene, companies=4)
