"""What a program does by mistake is told in words that name the mistake and the remedy; nothing is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from yarl import URL

from engine import Company, ConfigError, Dimension, Engine, EngineError, Secret, Settings
from tests.sandbox.conftest import World, account, company, dims


class OtherClient:
    """As much of another HTTP client's session as tells it from one of aiohttp: httpx and others are like this."""

    async def request(self, method: str, url: str) -> None:
        raise NotImplementedError


async def nothing() -> AsyncIterator[Dimension]:
    return
    yield  # it is a generator


any_: Callable[[object], Any] = lambda value: value  # noqa: E731  hides a value's type: programs may be untyped


def fails(make: Callable[[World], object]) -> Callable[[World], Awaitable[object]]:
    async def attempt(world: World) -> object:
        return make(world)

    return attempt


def on_engine(use: Callable[[Engine], object]) -> Callable[[World], Awaitable[object]]:
    async def attempt(world: World) -> object:
        async with world.engine() as engine:
            used = use(engine)
            return await used if isinstance(used, Awaitable) else used

    return attempt


async def twice(world: World) -> None:
    async with world.engine() as engine:
        pending = engine.sync([])
        await pending.result()
        await pending.result()


async def events_after_the_block(world: World) -> None:
    async with world.engine() as engine:
        async with engine.sync([company(1, dims(1))]) as run:
            pass
        await anext(run)


async def result_of_a_run_under_way(world: World) -> None:
    async with world.engine() as engine, engine.sync([company(1, dims(1))]) as run:
        _ = run.result


async def begun_after_the_engine(world: World) -> None:
    async with world.engine() as engine:
        pending = engine.sync([])
    await pending


ONE, ROW = {"id": 1, "source": nothing()}, {"unique_key": "K1", "name": "Cash"}

MISTAKES: dict[str, tuple[Callable[[World], Awaitable[object]], type[EngineError], str]] = {
    "the outcome of one run twice": (twice, EngineError, r"begun before.*call it again"),
    "events after the block": (events_after_the_block, EngineError, "read them inside of it"),
    "a result too early": (result_of_a_run_under_way, EngineError, "the run has not ended: read its events"),
    "a run begun too late": (begun_after_the_engine, EngineError, "engine.*has been left"),
    "an engine that is not open": (
        fails(lambda world: world.unchecked_engine().sync([])),
        EngineError,
        "use it as `async with Engine",
    ),
    "a dict for a company": (
        on_engine(lambda engine: engine.sync([any_(ONE)])),
        ConfigError,
        r"companies: item 1 is of type dict: it must be a Company: Company\(id=",
    ),
    "one company for a list": (
        on_engine(lambda engine: engine.plan(any_(Company(id=1, source=nothing())))),
        ConfigError,
        r"companies is of type engine\.model\.settings\.Company: it must be a list",
    ),
    "a number for a list of companies": (on_engine(lambda engine: engine.check(any_(1))), ConfigError, "type int"),
    "an id for a company": (on_engine(lambda engine: engine.rows(any_(1))), ConfigError, "company is of type int"),
    "a dict for a company's id": (on_engine(lambda engine: engine.client(any_(ONE))), ConfigError, "Company: id is {"),
    "a truth for a company's id": (on_engine(lambda engine: engine.client(True)), ConfigError, "Company: id is True"),
    "a key that is no text": (
        on_engine(lambda engine: engine.client(1).upsert([Dimension(any_(7), "account", "Account", "Cash", "1")])),
        ConfigError,
        "rows: item 1: its key is of type int: it must be text",
    ),
    "text for rows": (on_engine(lambda engine: engine.client(1).upsert(any_("K1"))), ConfigError, "is of type str"),
    "a dict for a row": (
        on_engine(lambda engine: engine.put(company(1, []), any_(ROW))),
        ConfigError,
        r"is of type dict: it must be a Dimension: Dimension\(key",
    ),
    "text for what is allowed": (
        on_engine(lambda engine: engine.sync([], allow=any_(["mass-create:1"]))),
        ConfigError,
        r'it must be an Allow: Allow\("mass-create", 123\)',
    ),
    "text for a plan": (on_engine(lambda engine: engine.apply(any_("{}"), [])), ConfigError, "must be a SavedPlan"),
    "no result of a plan": (
        on_engine(lambda engine: engine.saved_plan(any_(engine.plan))),
        ConfigError,
        r"the result is of type method: it must be a RunResult: await engine\.plan",
    ),
    "a dict for an added account": (
        on_engine(lambda engine: engine.add_account(any_({"name": "main"}))),
        ConfigError,
        r"the account is of type dict: it must be an Account: Account\(name=",
    ),
    "text for a secret": (
        fails(lambda _: replace(account(), api_key=any_("text"))),
        ConfigError,
        r"must be a Secret: Secret\(text\)",
    ),
    "no text in a secret": (fails(lambda _: Secret(any_(None))), ConfigError, "Secret: its text is of type NoneType"),
    "a dict for settings": (fails(lambda _: Engine(any_({}))), ConfigError, "settings is of type dict"),
    "a URL for a ledger": (
        fails(lambda world: Engine(world.settings, ledger=any_("sqlite:///x.db"))),
        ConfigError,
        r"ledger is of type str.*`await open_ledger\(url\)`; an address goes into Settings\(ledger_url",
    ),
    "a URL object for a session": (
        fails(lambda world: Engine(world.settings, session=any_(URL("http://api.test")))),
        ConfigError,
        r"session is of type yarl\..*it must be an aiohttp\.ClientSession",
    ),
    "another client's session": (
        fails(lambda world: Engine(world.settings, session=any_(OtherClient()))),
        ConfigError,
        r"session is of type .*OtherClient: it must be an aiohttp\.ClientSession",
    ),
    "a path for the ledger's address": (
        fails(lambda _: Settings(accounts=(account(),), ledger_url=any_(Path("data/x.db")))),
        ConfigError,
        "ledger_url is a path: it must be text, such as 'sqlite:///data/x.db'",
    ),
    "a dict for an account": (
        fails(lambda _: Settings(accounts=any_([{"name": "main"}]))),
        ConfigError,
        "accounts has an item of type dict: .*an Account",
    ),
    "one account for a tuple": (
        fails(lambda _: Settings(accounts=any_(account()))),
        ConfigError,
        "accounts is of type Account: it must be a tuple",
    ),
}


@pytest.mark.parametrize(("attempt", "kind", "words"), MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_is_told_in_words(
    world: World, attempt: Callable[[World], Awaitable[object]], kind: type[EngineError], words: str
) -> None:
    world.place(1)
    with pytest.raises(kind, match=words) as caught:
        await attempt(world)
    assert type(caught.value) is kind
    assert "demo-" not in str(caught.value), "a secret is shown"


async def test_a_run_that_nobody_begins_warns_as_a_coroutine_does(world: World) -> None:
    async with world.engine() as engine:
        with pytest.warns(RuntimeWarning, match=r"the run sync \S+ was never begun, and nothing was sent"):
            engine.sync([])
    assert world.sent() == 0


async def test_a_run_can_be_awaited(world: World) -> None:
    world.place(1)
    async with world.engine() as engine:
        result = await engine.sync([company(1, dims(3))])
    assert (result.exit_code, result.totals.created) == (0, 3)


def test_a_session_of_aiohttp_or_one_like_it_passes() -> None:
    """Programs wrap sessions to trace them: what counts is how its `request` is used."""
    settings = Settings(accounts=(account(),), ledger_url="sqlite://")
    Engine(settings, session=cast("Any", SimpleNamespace(request=lambda *_, **__: None)))
