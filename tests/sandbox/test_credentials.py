"""Credentials from a provider: asked at the start, and when they are refused; and accounts that come later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from engine import (
    Account,
    AccountParked,
    CompanyResult,
    ConfigError,
    Credentials,
    Parked,
    QuotaDay,
    RequestSent,
    Secret,
)
from engine.model.origin import origin_of
from engine.sandbox import access
from engine.sandbox.access import Meter
from tests.sandbox.conftest import (
    DEMO,
    OPEN,
    OTHER,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    kinds,
    verdict,
    watch,
)

NEW = access.Credentials(api_key="new-key", client_id="new-client", client_secret="new-secret")
NEW_KEY = replace(DEMO, api_key="new-key")


any_: Callable[[object], Any] = lambda value: value  # noqa: E731  hides a value's type: programs may be untyped


def credentials(of: access.Credentials) -> Credentials:
    return Credentials(
        api_key=Secret(of.api_key), client_id=Secret(of.client_id), client_secret=Secret(of.client_secret)
    )


class Vault:
    """A provider as a service has one: it gives what is stored, or fails; and it counts how often it was asked."""

    def __init__(self, *stored: access.Credentials | Exception | object) -> None:
        """Take what to give; the last is given again and again."""
        self.stored = list(stored)
        self.asked: list[str] = []  # API keys that the engine had when it asked

    async def __call__(self, account: Account) -> Credentials:
        self.asked.append(account.api_key.reveal())
        await anyio.sleep(0.01)
        given: Any = self.stored.pop(0) if len(self.stored) > 1 else self.stored[0]
        if isinstance(given, Exception):
            raise given
        return credentials(given) if isinstance(given, access.Credentials) else given


def provided(vault: Vault, name: str = "main", account_id: str = DEMO.account_id) -> Account:
    return Account(name=name, account_id=account_id, credentials=vault, limits=account().limits)


def rotate(world: World, new: access.Credentials, old: access.Credentials = DEMO) -> None:
    """Let the API know new credentials of an account, and the old ones no more."""
    known = world.sandbox.service.access
    del known.by_key[old.api_key]
    known.by_key[new.api_key] = new
    known.meters[new.api_key] = Meter(counter=known.meters[old.api_key].counter)
    known.expire(old.account_id)


def vault_of(world: World, *stored: object) -> Vault:
    """Let the world's one account have a vault."""
    vault = Vault(*stored)
    world.accounts = (provided(vault),)
    return vault


# Asked at the start


async def test_the_provider_is_asked_once_for_all_that_an_engine_does(world: World) -> None:
    vault = vault_of(world, DEMO)
    for n in range(1, 6):
        world.place(n)
    async with world.engine() as engine:
        assert not vault.asked
        runs = await asyncio.gather(
            engine.sync([company(n, dims(5)) for n in (1, 2)]).result(),
            engine.sync([company(n, dims(5)) for n in (3, 4)]).result(),
            engine.plan([company(5, dims(5))]).result(),
        )
        await engine.directory()
    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert vault.asked == [""]
    assert world.sent("token") == 1


async def test_credentials_that_are_given_beside_a_provider_are_used_until_they_are_refused(world: World) -> None:
    vault = Vault(NEW)
    world.accounts = (replace(account(), credentials=vault),)
    world.place(1)
    async with world.engine() as engine:
        assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
        assert not vault.asked
        rotate(world, NEW)
        assert (await engine.sync([company(1, dims(6))]).result()).exit_code == 0
    assert vault.asked == ["demo-key"]


# Refused


@pytest.mark.parametrize(
    ("new", "requests"),
    [
        (NEW, {"bulk": 1, "directory": 1, "retry": 2, "token": 1}),
        (NEW_KEY, {"bulk": 1, "directory": 1, "retry": 2, "token": 1}),
    ],
    ids=["all three", "the key alone"],
)
async def test_credentials_that_change_between_two_runs_cost_one_question(
    world: World, new: access.Credentials, requests: dict[str, int]
) -> None:
    """The refused chunk, the witness twice, a token, and the chunk again: nothing is lost or done twice."""
    vault = vault_of(world, DEMO, new)
    world.place(1)
    async with world.engine() as engine:
        assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
        rotate(world, new)
        renamed = [row._replace(name=f"{row.name} again") for row in dims(5)]
        events, result = await watch(engine, company(1, renamed))
    assert (result.exit_code, columns(result)) == (0, {"updated": 5})
    assert (vault.asked, [event for event in events if isinstance(event, Parked)]) == (["", "demo-key"], [])
    assert kinds_with_apart(result) == requests
    assert_exact(world, 1, renamed)


def kinds_with_apart(result: Any) -> dict[str, int]:
    spent = result.requests
    return kinds(spent) | {name: count for name in ("directory", "token") if (count := getattr(spent, name))}


async def test_many_requests_that_are_refused_at_once_ask_once(world: World) -> None:
    vault = vault_of(world, DEMO, NEW)
    fleet = range(1, 13)
    for n in fleet:
        world.place(n)
    async with world.engine() as engine:
        assert (await engine.sync([company(n, dims(5)) for n in fleet]).result()).exit_code == 0
        rotate(world, NEW)
        result = await engine.sync([company(n, dims(6)) for n in fleet]).result()
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 60, "created": 12})
    assert vault.asked == ["", "demo-key"]
    for n in fleet:
        assert_exact(world, n, dims(6))


async def test_credentials_that_change_in_the_middle_of_a_run(world: World) -> None:
    """In flight when they change: refused chunks are sent again, and the books are exact."""
    vault = vault_of(world, DEMO, NEW)
    world.limit(max_concurrency=2, chunk_rows=10)
    world.place(1)
    async with world.engine() as engine, engine.sync([company(1, dims(200))]) as run:
        async for event in run:
            if type(event).__name__ == "ChunkSettled" and NEW.api_key not in world.sandbox.service.access.by_key:
                rotate(world, NEW)
    assert (run.result.exit_code, columns(run.result)) == (0, {"created": 200})
    assert len(vault.asked) == 2
    assert run.result.requests.total == len(world.sandbox.service.log)
    assert_exact(world, 1, dims(200))


@pytest.mark.parametrize("moment", range(1, 26))
async def test_whenever_they_change_nothing_is_lost_and_each_request_counts_on_its_own_key(
    world: World, moment: int
) -> None:
    """After the request of this number of a run over five companies, of which two are known."""
    vault = vault_of(world, DEMO, NEW)
    world.limit(max_concurrency=4, chunk_rows=10)
    for n in range(1, 6):
        world.place(n, dims(15, first=n * 100) if n < 3 else [])
    fleet = [company(n, dims(30, first=n * 100)) for n in range(1, 6)]
    world.guards = OPEN
    sent = 0
    async with world.engine() as engine, engine.sync(fleet) as run:
        async for event in run:
            sent += isinstance(event, RequestSent)
            if sent == moment and NEW.api_key not in world.sandbox.service.access.by_key:
                rotate(world, NEW)
    assert run.result.exit_code == 0, run.result.companies
    assert columns(run.result)["created"] == 120
    assert len(vault.asked) <= 2
    for n in range(1, 6):
        assert_exact(world, n, dims(30, first=n * 100))
    log = world.sandbox.service.log
    refused = sum(entry.account is None for entry in log)
    assert await used_of(world, NEW) + await used_of(world, DEMO) == run.result.requests.total == len(log)
    assert await used_of(world, DEMO) >= refused


async def used_of(world: World, of: access.Credentials) -> int:
    """Return how many requests the ledger counts on an API key today."""
    async with world.open_ledger() as ledger:
        origin, key_id = origin_of(world.settings.api.base_url), account(credentials=of).key_id
        return (await ledger.quota(origin, key_id, world.clock().date())).used


async def test_the_token_endpoint_that_refuses_asks_too(world: World) -> None:
    """A new client secret: the old token lives on, and the next one is refused."""
    vault = vault_of(world, DEMO, replace(DEMO, client_secret="new-secret"))
    world.place(1)
    async with world.engine() as engine:
        assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
        rotate(world, replace(DEMO, client_secret="new-secret"), replace(DEMO, api_key=DEMO.api_key))
        world.sandbox.service.log.clear()
        result = await engine.sync([company(1, dims(6))]).result()
    assert (result.exit_code, columns(result)) == (0, {"unchanged": 5, "created": 1})
    assert (len(vault.asked), world.sent("token")) == (2, 2)


async def test_the_same_credentials_again_stop_the_account_after_one_question(world: World) -> None:
    vault = vault_of(world, DEMO)
    fleet = range(1, 9)
    for n in fleet:
        world.place(n)
    rotate(world, NEW)
    async with world.engine() as engine:
        first = await engine.sync([company(n, dims(5)) for n in fleet]).result()
        assert (first.exit_code, columns(first)) == (8, {"deferred": 40})
        assert len(vault.asked) == 2  # at the start, and after the refusal
        vault.stored = [NEW]
        second = await engine.sync([company(n, dims(5)) for n in fleet]).result()
    assert (second.exit_code, columns(second)) == (0, {"created": 40})
    assert len(vault.asked) == 3  # at the start of the next run, as they were refused


async def test_a_provider_that_gives_other_bad_credentials_each_time_is_not_asked_for_ever(world: World) -> None:
    vault = vault_of(world, *(replace(DEMO, api_key=f"wrong-{n}") for n in range(50)))
    world.place(1)
    result = await world.sync(company(1, dims(5)))
    assert (verdict(result.companies[0]), len(vault.asked)) == (("deferred", 8, ["authentication"]), 2)
    assert len(world.sandbox.service.log) == 2


# Failing


def told(result: CompanyResult) -> str:
    return result.problems[0].message


FAILING: dict[str, tuple[object, str]] = {
    "it raises": (
        RuntimeError("the vault is sealed"),
        "its credentials provider failed: RuntimeError: the vault is sealed",
    ),
    "it raises without a word": (TimeoutError(), "its credentials provider failed: TimeoutError$"),
    "it gives something else": ({"api_key": "x"}, "its credentials provider returned dict: it must return Credentials"),
    "it gives an empty key": (
        access.Credentials(api_key=""),
        "its credentials provider returned cannot be used: api_key of account 'main' is empty, or",
    ),
    "it gives another account's key": (
        OTHER,
        "what its credentials provider returned cannot be used: accounts 'main' and 'other' have one api_key",
    ),
}


@pytest.mark.parametrize(("stored", "words"), FAILING.values(), ids=FAILING)
async def test_a_provider_that_fails_stops_its_account_alone_and_is_asked_again(
    world: World, stored: object, words: str
) -> None:
    vault = vault_of(world, stored, DEMO)
    world.accounts = (account("other", OTHER), *world.accounts)
    world.place(1)
    world.place(9, owner=OTHER.account_id)
    both = company(1, dims(3), account="main"), company(9, dims(3), account="other")
    async with world.engine() as engine:
        first = await engine.sync(both).result()
        mine, others = first.companies
        assert (verdict(mine), others.state, first.exit_code) == (("deferred", 8, ["authentication"]), "synced", 8)
        assert "account main has no credentials: " in told(mine)
        assert re.search(words, told(mine))
        assert (await engine.sync(both).result()).exit_code == 0
    assert len(vault.asked) == 2


async def test_a_provider_that_fails_after_a_refusal_is_told_with_the_refusal(world: World) -> None:
    vault_of(world, DEMO, RuntimeError(f"no lease for {DEMO.api_key}\nof {DEMO.client_secret}"))
    world.place(1)
    async with world.engine() as engine:
        assert (await engine.sync([company(1, dims(3))]).result()).exit_code == 0
        rotate(world, NEW)
        result = await engine.sync([company(1, dims(4))]).result()
    assert verdict(result.companies[0]) == ("deferred", 8, ["authentication"])
    assert "; its credentials provider failed: RuntimeError: no lease for *** of ***" in told(result.companies[0])


async def test_nothing_is_sent_without_credentials_though_a_run_is_under_way_when_its_provider_fails(
    world: World,
) -> None:
    """Another call meets the refusal first, and its provider fails at the next: the run ends with those words."""
    vault = vault_of(world, DEMO, DEMO, RuntimeError("it is sealed"))
    keys: list[str] = []
    assert world.line is not None
    world.line.watch = lambda turn: keys.append(turn.call.api_key)
    world.place(1)
    world.place(2)
    world.limit(max_concurrency=1, chunk_rows=5)
    async with world.engine() as engine:
        async with engine.sync([company(1, dims(50))]) as run:
            async for event in run:
                if type(event).__name__ == "ChunkSettled" and len(vault.asked) == 1:
                    rotate(world, NEW)
                    for words in ("gateway refuses|HTTP 40", "no credentials: its credentials provider failed"):
                        with pytest.raises(AccountParked, match=words):
                            await engine.client(2).count()
        (one,) = run.result.companies
    assert (verdict(one), len(vault.asked)) == (("deferred", 8, ["authentication"]), 3)
    assert "it is sealed" in told(one)
    assert run.result.totals.adds_up
    assert set(keys) == {DEMO.api_key}
    assert [entry.account for entry in world.sandbox.service.log].count(None) == 4  # of both: a request and a witness


async def test_a_provider_that_hangs_is_waited_for_as_long_as_for_a_request(world: World) -> None:
    async def hang(_: Account) -> Credentials:
        await anyio.sleep_forever()
        raise AssertionError

    world.accounts = (Account(name="main", account_id="racc_demo", credentials=hang, limits=account().limits),)
    world.place(1)
    async with world.engine() as engine:
        result = await engine.sync([company(1, dims(3))]).result()
        with pytest.raises(AccountParked, match="did not answer within 5 s"):
            await engine.quota()
    assert "its credentials provider did not answer within 5 s" in told(result.companies[0])
    assert not world.sandbox.service.log


async def test_a_cancelled_run_leaves_the_provider_to_the_next_one(world: World) -> None:
    vault = vault_of(world, DEMO)
    world.place(1)
    async with world.engine() as engine:
        running = asyncio.ensure_future(engine.sync([company(1, dims(3))]).result())
        while not vault.asked:
            await anyio.lowlevel.checkpoint()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await engine.sync([company(1, dims(3))]).result()).exit_code == 0


# The key is what quota counts by


async def test_a_new_key_has_a_quota_of_its_own_and_the_ledger_stays(world: World) -> None:
    vault_of(world, DEMO, NEW)
    world.place(1)
    async with world.engine() as engine:
        assert (await engine.sync([company(1, dims(5))]).result()).exit_code == 0
        before = await engine.quota()
        assert before.used == len(world.sandbox.service.log) > 0
        rotate(world, NEW)
        sent = len(world.sandbox.service.log)
        result = await engine.sync([company(1, dims(6))]).result()
        after = await engine.quota()
    refused = sum(entry.account is None for entry in world.sandbox.service.log[sent:])  # with the old key
    assert refused == 2
    assert after.used == len(world.sandbox.service.log) - sent - refused
    assert (after.account, after.left) == ("main", after.usable - after.used)
    assert result.days[0].used == after.used
    assert columns(result) == {"unchanged": 5, "created": 1}  # the ledger knew the company's rows
    world.accounts = (account("main", DEMO),)
    async with world.engine() as engine:
        old = await engine.quota()
    assert old.used == before.used + refused


async def test_the_quota_names_no_secret(world: World) -> None:
    async with world.engine() as engine:
        day = await engine.quota("main")
    assert day == QuotaDay(
        account="main", day=world.clock().date(), used=0, per_day=10_000, reserve=1_000, closed_until=None
    )


# Accounts that come later


async def test_an_account_is_added_to_a_running_engine(world: World) -> None:
    world.accounts = ()
    vault = Vault(OTHER)
    world.place(1)
    world.place(9, owner=OTHER.account_id)
    other = provided(vault, "other", OTHER.account_id)
    async with world.engine() as engine:
        engine.add_account(account())
        assert (await engine.sync([company(1, dims(3))]).result()).exit_code == 0
        running = asyncio.ensure_future(engine.sync([company(1, dims(4), account="main")]).result())
        for _ in range(2):  # as a worker does for each job
            engine.add_account(other)
        result = await engine.sync([company(9, dims(3), account="other")]).result()
        assert (await running).exit_code == 0
        status = await engine.status()
    assert (result.exit_code, len(vault.asked)) == (0, 1)
    assert {where.account for where in status.syncs} == {"main", "other"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: replace(account(), api_key=Secret("other")),
            r"'main' with other values \(api_key\): .*one provider",
        ),
        (
            lambda: replace(account(), credentials=any_(print)),
            r"'main' with other values \(credentials\): .* made anew for each job is a different one each time",
        ),
        (lambda: account("second", replace(OTHER, account_id=DEMO.account_id)), "have one account_id"),
        (lambda: account("second", replace(OTHER, api_key=DEMO.api_key)), "have one api_key"),
        (lambda: account("second", replace(OTHER, api_key="a\nb")), "api_key of account 'second' is empty, or holds"),
        (lambda: Account(name="second", account_id="racc_2", api_key=Secret("k")), "client_id is missing: give a"),
        (
            lambda: Account(name="second", account_id="racc_2", credentials=any_(OTHER)),
            "credentials is of type Credentials",
        ),
    ],
    ids=["name", "provider", "account id", "API key", "not sendable", "missing", "no function"],
)
async def test_an_account_that_cannot_be_added_is_refused_in_words(
    world: World, make: Callable[[], Account], words: str
) -> None:
    async with world.engine() as engine:
        with pytest.raises(ConfigError, match=words) as caught:
            engine.add_account(make())
        assert "demo-key" not in str(caught.value)
        world.place(1)
        assert (await engine.sync([company(1, dims(3))]).result()).exit_code == 0
