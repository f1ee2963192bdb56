"""A token that workers share: fetched once for all, replaced once when it is refused, and never kept in clear."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.settings import Account, Secret
from engine.model.shared_limits import KeyName
from engine.net.http.auth import TokenKeeper
from engine.net.http.sealing import Seal
from engine.net.shared_token import SharedToken
from engine.wire.oauth import Grant
from tests.unit.model_limits import KEY, ModelLimits
from tests.unit.model_server import steady
from tests.unit.virtual_time import run

ACCOUNT = Account(
    name="main", account_id="racc_1", api_key=Secret("key"), client_id=Secret("id"), client_secret=Secret("secret")
)
TOKENS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


class Endpoint:
    """Grants one token after the other; each takes a tenth of a second."""

    def __init__(self) -> None:
        self.granted = 0

    async def fetch(self) -> Grant:
        await anyio.sleep(0.1)
        self.granted += 1
        return Grant(token=Secret(f"token-{self.granted}"), lifetime_s=3600.0)


def keeper(shared: ModelLimits, account: Account = ACCOUNT) -> TokenKeeper:
    return TokenKeeper(SharedToken(shared, KEY, account))


async def all_tokens(keepers: list[TokenKeeper], endpoint: Endpoint) -> list[str]:
    """Return the tokens of several workers that need one at once."""
    found = [""] * len(keepers)

    async def get(number: int) -> None:
        found[number] = (await keepers[number].token(endpoint.fetch)).reveal()

    async with anyio.create_task_group() as group:
        for number in range(len(keepers)):
            group.start_soon(get, number)
    return found


def test_four_workers_fetch_one_token() -> None:
    async def found() -> tuple[list[str], int]:
        shared, endpoint = ModelLimits(), Endpoint()
        tokens = await all_tokens([keeper(shared) for _ in range(4)], endpoint)
        tokens += await all_tokens([keeper(shared)], endpoint)  # one that comes later
        return tokens, endpoint.granted

    assert run(found()) == (["token-1"] * 5, 1)


def test_a_refused_token_is_replaced_once_for_all_workers() -> None:
    async def found() -> tuple[list[str], int]:
        shared, endpoint = ModelLimits(), Endpoint()
        keepers = [keeper(shared) for _ in range(4)]
        await all_tokens(keepers, endpoint)
        for each in keepers[:3]:
            assert each.current is not None
            assert not each.is_hopeless(each.current) or each is keepers[0]
            each.refused(each.current)
        return await all_tokens(keepers, endpoint), endpoint.granted

    assert run(found()) == (["token-2"] * 3 + ["token-1"], 2)


def test_a_token_that_one_worker_took_over_is_replaced_by_it_when_it_is_refused() -> None:
    async def found() -> tuple[list[str], list[str]]:
        shared, endpoint = ModelLimits(), Endpoint()
        first, second = keeper(shared), keeper(shared)
        await all_tokens([first], endpoint)
        await all_tokens([second], endpoint)
        assert second.current is not None
        second.refused(second.current)
        return await all_tokens([second], endpoint), await all_tokens([first], endpoint)

    assert run(found()) == (["token-2"], ["token-1"])


Spoil = Callable[[ModelLimits], Account]


def _other_secret(_: ModelLimits) -> Account:
    return replace(ACCOUNT, client_secret=Secret("another"))


def _other_key(_: ModelLimits) -> Account:
    return replace(ACCOUNT, api_key=Secret("another"))


def _damaged(shared: ModelLimits) -> Account:
    assert shared.kept is not None
    *others, last = shared.kept.sealed
    shared.kept = replace(shared.kept, sealed=bytes([*others, last ^ 1]))
    return ACCOUNT


def _cut_short(shared: ModelLimits) -> Account:
    assert shared.kept is not None
    shared.kept = replace(shared.kept, sealed=b"")
    return ACCOUNT


@pytest.mark.parametrize("spoil", [_other_secret, _other_key, _damaged, _cut_short])
def test_a_token_that_cannot_be_opened_is_as_none(spoil: Spoil) -> None:
    async def found() -> tuple[list[str], list[str]]:
        shared, endpoint = ModelLimits(), Endpoint()
        await all_tokens([keeper(shared)], endpoint)
        account = spoil(shared)
        mended = await all_tokens([keeper(shared, account)], endpoint)
        return mended, await all_tokens([keeper(shared, account)], endpoint)

    assert run(found()) == (["token-2"], ["token-2"])


def test_with_the_database_away_each_worker_fetches_its_own() -> None:
    async def found() -> tuple[list[str], int]:
        shared, endpoint = ModelLimits(), Endpoint()
        shared.is_away = True
        tokens = await all_tokens([keeper(shared) for _ in range(2)], endpoint)
        return sorted(tokens), endpoint.granted

    assert run(found()) == (["token-1", "token-2"], 2)


def test_a_failed_fetch_lets_the_next_worker_try() -> None:
    async def found() -> list[str]:
        shared, endpoint = ModelLimits(), Endpoint()

        async def fail() -> Grant:
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011  the test's own
            await keeper(shared).token(fail)
        return await all_tokens([keeper(shared)], endpoint)

    assert run(found()) == ["token-1"]


def test_without_cryptography_tokens_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "engine.net.http.sealing", None)

    async def found() -> tuple[list[str], int, object]:
        shared, endpoint = ModelLimits(), Endpoint()
        tokens = await all_tokens([keeper(shared) for _ in range(2)], endpoint)
        return sorted(tokens), endpoint.granted, shared.kept

    assert run(found()) == (["token-1", "token-2"], 2, None)


@given(token=TOKENS, origin=st.text(max_size=20), key_id=st.text(max_size=20))
@steady(30)
def test_what_was_sealed_is_opened_by_the_same_secrets_alone_and_holds_no_token(
    token: str, origin: str, key_id: str
) -> None:
    seal, key = Seal(ACCOUNT, KeyName(origin, key_id)), KeyName(origin, key_id)
    sealed = seal.sealed(Secret(token))
    assert Seal(ACCOUNT, key).opened(sealed) == Secret(token)
    assert token.encode() not in sealed or len(token) < 4
    assert seal.sealed(Secret(token)) != sealed
    assert Seal(ACCOUNT, KeyName(origin, key_id + "x")).opened(sealed) is None
    assert Seal(ACCOUNT, KeyName(origin + "x", key_id)).opened(sealed) is None
    assert Seal(replace(ACCOUNT, client_secret=Secret("secre")), key).opened(sealed) is None
