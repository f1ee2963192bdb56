"""`engine.testing` as the tests of a service use it, with the engine and its ledger as they are."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from engine import Company, Dimension, Engine, EngineError, ExitCode, State, Verify, VerifyMode
from engine.sandbox.faults.effects import EFFECTS
from engine.testing import Clock, Match, MemoryLedger, Rule, Sandbox, Spelling, Way, faults
from tests.sandbox.world import Rows, dims

ROOT = Path(__file__).parents[2]
ROWS = dims(3)


def company(rows: list[Dimension] = ROWS, company_id: int = 123) -> Company:
    return Company(id=company_id, source=Rows(rows))


@pytest.mark.parametrize("contract", ["guide", "reference"])
async def test_a_sandbox_takes_an_engine_s_rows(contract: Any) -> None:
    async with Sandbox(contract=contract) as api, Engine(api.settings()) as syncs:
        api.place(123, name="Harbor Grill")
        result = await syncs.sync([company()]).result()
        assert (result.exit_code, result.totals.created) == (ExitCode.DONE, 3)
        assert api.rows(123) == ROWS
        (bulk,) = api.requests("bulk", company_id=123)
        assert (bulk.status, bulk.rows, bulk.created, bulk.account) == (201, 3, 3, "racc_main")


def test_a_sandbox_in_a_thread_is_there_for_tests_without_an_event_loop() -> None:
    with Sandbox() as api:
        api.place(123, ROWS[:1])

        async def once() -> int | None:
            async with Engine(api.settings()) as syncs:
                return (await syncs.sync([company()]).result()).totals.created

        assert asyncio.run(once()) == 2
        assert api.rows(123) == ROWS
        assert {each.operation for each in api.requests()} >= {"token", "list", "bulk"}
        api.forget_requests()
        assert api.requests() == []


async def test_what_people_do_in_ottimate_is_seen_by_the_next_run() -> None:
    full = Verify(mode=VerifyMode.FULL)
    async with Sandbox() as api:
        api.place(123, ROWS)
        async with Engine(replace(api.settings(), verify=full)) as syncs:
            await syncs.sync([company()]).result()
            api.change(123, ROWS[0]._replace(name="Edited by hand"))
            api.remove(123, ROWS[1].key)
            api.hide(123, ROWS[2].key)
            assert api.rows(123) == [ROWS[0]._replace(name="Edited by hand")]
            (checked,) = (await syncs.check([company()]).result()).companies
            assert checked.balance.remote_rows == 1


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda api: api.rows(9), "no company 9"),
        (lambda api: api.change(123, ROWS[0]), "no row with the key 'K00000'"),
        (lambda api: api.place(9, account="east"), "no account 'east': main"),
        (lambda _: Sandbox().base_url, "does not listen yet"),
    ],
)
async def test_what_is_not_there_is_named(act: Callable[[Sandbox], object], words: str) -> None:
    async with Sandbox() as api:
        api.place(123)
        with pytest.raises(EngineError, match=words):
            act(api)


async def test_trouble_is_a_value_and_ends_when_it_is_taken_back() -> None:
    refused = faults.RejectRows(key="K00001", message="no such parent")
    down = Rule(effect=faults.Status(status=503), match=Match(operation="bulk"), times=1)
    async with Sandbox(faults=[Rule(effect=refused), down]) as api, Engine(api.settings()) as syncs:
        api.place(123)
        (found,) = (await syncs.sync([company()]).result()).companies
        assert (found.state, found.balance.created, found.balance.rejected) == (State.PARTIAL, 2, 1)
        assert next(each.status for each in api.requests("bulk")) == 503
        api.set_faults()
        (again,) = (await syncs.retry([company()], {123: [ROWS[1].key]}).result()).companies
        assert again.balance.created == 1


async def test_a_server_may_have_ways_of_its_own() -> None:
    async with Sandbox(ways=[Way(name=Spelling(capitals=True))]) as api, Engine(api.settings()) as syncs:
        api.place(123)
        await syncs.sync([company()]).result()
        assert [row.name for row in api.rows(123)] == [row.name.upper() for row in ROWS]
        api.set_ways()
        await syncs.sync([company([*ROWS, *dims(1, first=7)])]).result()
        assert api.rows(123)[-1].name == "Name 00007"


async def test_one_clock_moves_the_engine_and_the_sandbox() -> None:
    """A day later the ledger's evidence is a day old: the company is probed once, at the cost of one request."""
    clock = Clock()
    with MemoryLedger() as ledger:
        async with Sandbox(clock=clock) as api:
            api.place(123, ROWS)
            for days, listed in ((0, 1), (0, 0), (1.5, 1)):
                clock.forward(days=days)
                api.forget_requests()
                async with Engine(api.settings(), ledger=ledger, now=clock) as syncs:
                    result = await syncs.sync([company()]).result()
                assert (result.ok, result.finished_at) == (True, clock())
                assert len(api.requests("list")) == listed
                assert all(each.time == clock() for each in api.requests())


def test_a_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        Clock(Clock().time.replace(tzinfo=None))


async def test_each_account_has_credentials_of_its_own() -> None:
    async with Sandbox(accounts=("east", "west")) as api, Engine(api.settings()) as syncs:
        api.place(1, account="east")
        api.place(2, account="west")
        wanted = [replace(company(company_id=n), account=name) for n, name in ((1, "east"), (2, "west"))]
        assert (await syncs.sync(wanted).result()).totals.created == 6
        assert {(each.account, each.company_id) for each in api.requests("bulk")} == {
            ("racc_east", 1),
            ("racc_west", 2),
        }


ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function")
FIXTURES = """
import anyio, asyncio, pytest
from dimsync import Company
from engine.sandbox.faults.effects import EFFECTS
from engine.testing import Clock, MemoryLedger, Sandbox

ROW = {"unique_key": "a", "type": "Account", "dimension_type_code": "account", "name": "Rent", "erp_dimension_id": "1"}

async def rows():
    yield ROW

async def one_run(engine, sandbox, clock):
    sandbox.place(123)
    async with engine:
        result = await engine.sync([Company(id=123, source=rows())]).result()
    assert result.totals.created == len(sandbox.rows(123)) == 1
    assert result.started_at == clock()

def test_without_a_loop(dimsync_engine, dimsync_sandbox, dimsync_clock):
    asyncio.run(one_run(dimsync_engine, dimsync_sandbox, dimsync_clock))

MARK
async def test_with_a_loop(dimsync_engine, dimsync_sandbox, dimsync_clock, dimsync_ledger, dimsync_settings):
    await one_run(dimsync_engine, dimsync_sandbox, dimsync_clock)
    assert isinstance(dimsync_ledger, MemoryLedger)
    assert dimsync_settings.api.base_url == dimsync_sandbox.base_url
"""


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("", [*ASYNCIO, "-o", "asyncio_mode=auto"]),
        ("@pytest.mark.asyncio", [*ASYNCIO, "-o", "asyncio_mode=strict"]),
        ("@pytest.mark.anyio\n@pytest.mark.parametrize('anyio_backend', ['asyncio'])", ["-p", "no:asyncio"]),
    ],
    ids=["asyncio-auto", "asyncio-strict", "anyio"],
)
def test_the_fixtures_work_with_either_plugin(mark: str, options: list[str], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["dimsync.testing.fixtures"]\n')
    (tmp_path / "test_service.py").write_text(FIXTURES.replace("MARK", mark))
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    paths = f"{ROOT}:{ROOT / 'engine/distribution'}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1].partition(" in ")[0]) == (0, "2 passed"), done.stdout


@pytest.mark.parametrize("module", ["testing", "testing.faults", "testing.fixtures"])
def test_both_names_of_the_package_give_the_same_objects(module: str) -> None:
    ours, theirs = import_module(f"engine.{module}"), import_module(f"dimsync.{module}")
    assert ours.__all__ == theirs.__all__
    faults_twice = {"faults"}  # a module under each name, of the same objects
    assert all(getattr(ours, name) is getattr(theirs, name) for name in ours.__all__ if name not in faults_twice)


def test_every_fault_of_the_sandbox_is_public() -> None:
    assert set(EFFECTS.values()) <= {getattr(faults, name) for name in faults.__all__}
