"""Every kind of trouble, at each place, under both contracts: what comes of it, and that it heals.

All cases are played in memory, in virtual time. Some are played over real sockets as well, in a hurried time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import selectors
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle, product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import CompanyResult, RunResult
from engine.compare.readback import Readback
from engine.sandbox.faults.effects import EFFECTS
from engine.sandbox.record import Entry
from engine.sandbox.server import Options, Sandbox
from engine.sandbox.service import CONTRACTS
from tests.postgres_server import PostgresServer
from tests.sandbox.conftest import (
    DEMO,
    OTHER,
    Clock,
    World,
    account,
    assert_exact,
    columns,
    company,
    dims,
    heal,
    memory_world,
    verdict,
)
from tests.sandbox.fault_table import TABLE
from tests.sandbox.fault_table.case import ELSEWHERE, PER_ACCOUNT, Case, Then, told
from tests.sandbox.memory import perform
from tests.sandbox.postgres import postgres_ledger

ALL = os.environ.get("DIMSYNC_KILL") == "all"


def is_accounts_own(case: Case) -> bool:
    """Return whether the trouble strikes requests, and none of a company."""
    struck = {fault.get("match", {}).get("operation") for fault in case.faults}
    return bool(struck) and struck <= PER_ACCOUNT


RUNS = [
    (contract, case)
    for contract in CONTRACTS
    for case in TABLE
    if ALL or contract == "guide" or not is_accounts_own(case)
]
"""Under both contracts; trouble with tokens and the directory, which both spell alike, under one of them."""

LOST = re.compile(r"(after the work|reset|hang|truncated|gzip|huge|malformed|poisoned).* chunk|chunk is lost")
LOST_CHUNKS = [case for case in TABLE if LOST.search(case.name)]
IN_POSTGRES = RUNS if ALL else [("guide", case) for case in LOST_CHUNKS[::2]]
"""What is played with a ledger in Postgres: all, or half of those after which nobody knows what became of a chunk."""

NEIGHBOURS_BEFORE = dims(3, first=900, prefix="N")
NEIGHBOURS = [row._replace(name="Renamed") if row.key == "N00900" else row for row in dims(4, first=900, prefix="N")]
BYSTANDERS = {3: DEMO.account_id, 4: OTHER.account_id}
"""Companies that nobody syncs, and whose they are."""

OVER_SOCKETS: Mapping[str, tuple[str, ...]] = {
    "latency": ("a slow page",),
    "status": ("502 once at a page", "gzip-that-is-none once at a page", "301 to another host at list"),
    "reset": ("reset after the work once at a chunk",),
    "outage": ("no connection for a moment",),
    "hang": ("hang after the work once at a chunk",),
    "html": ("html once at the token",),
    "malformed": ("malformed once at the directory",),
    "truncated": ("truncated once at a chunk",),
    "slow-drip": ("slow-drip once at a chunk",),
    "huge": ("huge once at a page",),
    "gzip": ("half-a-gzip once at a page", "gzip-bomb once at a chunk", "pages in gzip"),
    "expire-tokens": ("a token expires at a page",),
    "clamp-limit": ("a clamped limit",),
    "refuse-limit": ("a refused limit",),
    "lying-count": ("a count that is one less",),
    "empty-listing": ("a listing that is empty by mistake",),
    "shifted-page": ("a page that is shifted on",),
    "repeat-page": ("a page that is repeated",),
    "drift": ("a row added at the first reading",),
    "foreign-row": ("a row of company 4 on page 2",),
    "lying-counter": ("created_count -1",),
    "missing-errors": ("errors without 1 of 2 rows",),
    "error-style": ("errors keyless, from 1, shuffled",),
    "reject-rows": ("a refused update",),
    "poison": ("a poisoned chunk: 413",),
    "too-many-rows": ("413 above two rows",),
    "too-many-bytes": ("413 above 500 bytes",),
    "ignore-keys": ("keys that lead nowhere",),
    "batch": ("202, done at the second poll",),
}
"""What is played over real sockets, too, by effect: of those that change bytes, each kind of bytes."""

SOCKET_NAMES = [name for names in OVER_SOCKETS.values() for name in names]
SOCKET_RUNS = list(product(CONTRACTS, SOCKET_NAMES)) if ALL else list(zip(cycle(CONTRACTS), SOCKET_NAMES, strict=False))
"""Under each contract, or under one of them in turn: what an effect does to bytes, it does under either."""

PACE = 8.0
"""How many times as fast the time passes there."""


class _Selector(selectors.DefaultSelector):
    """Waits for a share of the seconds that it is asked to wait."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / PACE if timeout else timeout)


class Hurried(asyncio.SelectorEventLoop):
    """An event loop whose clock runs `PACE` times as fast."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        return super().time() * PACE


class Hasty(Random):
    """Chance that always draws the shortest wait."""

    def random(self) -> float:
        return 0.0


# What came of it, spelled as the table spells it


def says(result: CompanyResult) -> str:
    state, code, codes = verdict(result)
    return " ".join([state, str(code), *codes])


def books(result: CompanyResult) -> str:
    return ", ".join(f"{column} {count}" for column, count in columns(result).items())


def sent(world: World) -> str:
    """Return the requests of company 1 and its account."""
    mine = ((1, DEMO.account_id), (None, DEMO.account_id))
    log = [entry for entry in world.sandbox.service.log if (entry.company, entry.account) in mine]
    parts = []
    for operation in (*sorted(PER_ACCOUNT, reverse=True), "list", "get", "bulk", "progress", "results"):
        entries = [entry for entry in log if entry.operation == operation]
        text = _bulks(entries) if operation == "bulk" else told(*(entry.status for entry in entries))
        if text and (operation not in PER_ACCOUNT or text != "200"):
            parts.append(f"{operation} {text}")
    return "; ".join(parts)


def _bulks(entries: Sequence[Entry]) -> str:
    by_key: dict[str | None, list[Entry]] = {}
    for entry in entries:
        by_key.setdefault(entry.idempotency_key, []).append(entry)
    assert None not in by_key
    sends = []
    for number, same in enumerate(by_key.values()):
        (rows,) = {entry.rows for entry in same}
        sends.append(f"{chr(ord('A') + number)}{rows} {told(*map(_shown, same))}")
    return ", ".join(sends)


def _shown(entry: Entry) -> str:
    status = 207 if entry.status == 201 and entry.rejected else entry.status
    return f"{status}{'+' if entry.committed else '=' if entry.replayed else ''}"


# One case


async def strike(world: World, case: Case, elsewhere: str) -> RunResult:
    """Run company 1 in its trouble and a neighbour beside it, which has been there before: its token is at hand.

    Requests are not held against the contract's file here: that takes longer than all the rest, and healing does it.
    """
    owner, name = (OTHER.account_id, "other") if case.alone else (DEMO.account_id, "main")
    world.place(1, case.task.placed)
    world.place(2, owner=owner)
    for number, theirs in BYSTANDERS.items():
        world.place(number, dims(3, first=800), owner=theirs)
    before = [company(2, NEIGHBOURS_BEFORE, account=name)]
    if case.task.loaded:
        before.append(company(1, case.task.loaded, account="main"))
    now = [company(1, case.task.wanted, account="main"), company(2, NEIGHBOURS, account=name)]
    async with world.unchecked_engine() as engine:
        assert (await engine.sync(before).result()).exit_code == 0
        world.sandbox.service.log.clear()
        world.script(*json.loads(json.dumps(case.faults).replace(ELSEWHERE, elsewhere)))
        result = await engine.sync(now).result()
    world.check(result, now)
    return result


def check(world: World, case: Case, result: RunResult) -> None:
    """Check what must hold of the run whatever the trouble."""
    troubled, neighbour = result.companies
    assert (neighbour.state, neighbour.exit_code) == ("synced", 0), neighbour.problems
    assert_exact(world, 2, NEIGHBOURS)
    assert result.exit_code == troubled.exit_code
    rows = [row for row in world.stored(1) if not row.key.startswith("drift")]
    if troubled.exit_code == 0:
        assert rows == sorted(case.task.wanted), "green but wrong"
    if case.then is not Then.NEVER:
        for seen in ([row.key for row in rows], [(row.type_code, row.erp_id) for row in rows]):
            assert len(seen) == len(set(seen)), "something is there twice"
    _assert_verdicts(world, case, troubled)
    new = len(rows) - len(case.task.placed) - len(case.task.loaded)
    created, doubtful = troubled.balance.created or 0, troubled.balance.uncertain or 0
    assert created <= new, "rows are told of that were not created"
    assert new <= created + doubtful or case.then is Then.NEVER, "rows were created of which the books do not tell"


def _assert_verdicts(world: World, case: Case, troubled: CompanyResult) -> None:
    """Check what is said of rows that were read back against the record: landed, or not."""
    stored, wanted = {row.key: row for row in world.stored(1)}, {row.key: row for row in case.task.wanted}
    for problem in troubled.problems:
        key = problem.key or ""
        if problem.code == "landed":
            assert stored.get(key) == wanted[key], f"{problem} is not so"
        if problem.code == "uncertain" and problem.message.endswith(Readback.MISSING.value):
            assert stored.get(key) != wanted[key], f"{problem} is not so"


async def mend(world: World, case: Case) -> None:
    """Run again, the trouble over: exact and green, unless the table says why not."""
    world.accounts = world.accounts[:1]
    if case.then is Then.NEVER:
        for hours in (0, 25, 24 * 30):
            world.clock.forward(hours=hours)
            again = await world.sync_one(1, case.task.wanted)
            assert (again.exit_code, world.sent("bulk")) == (4, 0)
        return
    if case.then is Then.NEXT_NIGHT:
        world.clock.forward(hours=25)
    strangers = [row for row in world.stored(1) if row.key.startswith("drift")]
    assert len(strangers) == case.strangers
    await heal(world, 1, [*case.task.wanted, *strangers])  # by then they are in the source, too


def options(contract: str, case: Case) -> Options:
    setup: dict[str, Any] = {"accounts": (DEMO, OTHER), "contract": contract, **case.options}
    return Options(**setup)


async def play(world: World, case: Case, *, elsewhere: str = ELSEWHERE) -> None:
    """Play one case to its end; `elsewhere` is the address of another host."""
    world.accounts = (account(), account("other", OTHER))
    world.limit(**{"page_size": 20, "timeout_s": 20.0, **case.limits})
    result = await strike(world, case, elsewhere)
    troubled = result.companies[0]
    found = {"says": says(troubled), "books": books(troubled), "sent": sent(world)}
    due = {"says": case.says, "books": case.books, "sent": case.sent}
    assert found == {**due, **(case.reference if world.contract == "reference" else {})}
    check(world, case, result)
    await mend(world, case)
    for number in BYSTANDERS:
        assert_exact(world, number, dims(3, first=800))
    assert all(row.revision == 1 for number in BYSTANDERS for row in world.sandbox.tenant.companies[number].rows)


@pytest.mark.parametrize(("contract", "case"), RUNS, ids=[f"{contract}: {case.name}" for contract, case in RUNS])
def test_trouble(contract: str, case: Case) -> None:
    """Each case in memory, in virtual time; a request to another host fails it."""

    async def run() -> None:
        with memory_world(options(contract, case), rng=Hasty(7)) as world:
            await play(world, case)

    perform(run())


@pytest.mark.parametrize(
    ("contract", "case"), IN_POSTGRES, ids=[f"{contract}: {case.name}" for contract, case in IN_POSTGRES]
)
def test_trouble_with_a_ledger_in_postgres(contract: str, case: Case, postgres: PostgresServer) -> None:
    """Half of those after which nobody knows what became of a chunk: they ask most of the ledger."""

    async def run() -> None:
        ledger = partial(postgres_ledger, postgres)
        with memory_world(options(contract, case), rng=Hasty(7), ledger=ledger) as world:
            await play(world, case)

    perform(run())


@pytest.mark.parametrize(("contract", "name"), SOCKET_RUNS, ids=[": ".join(each) for each in SOCKET_RUNS])
def test_trouble_over_sockets(contract: str, name: str, tmp_path: Path) -> None:
    """Each effect with the real aiohttp on both sides, and a ledger file."""
    (case,) = (case for case in TABLE if case.name == name)

    async def run() -> None:
        clock = Clock()
        async with Sandbox(options(contract, case), clock=clock) as sandbox, Sandbox(clock=clock) as elsewhere:
            world = World(sandbox=sandbox, ledger_url=f"sqlite:///{tmp_path}/ledger.db", clock=clock, rng=Hasty(7))
            await play(world, case, elsewhere=elsewhere.url)
            assert not elsewhere.service.log, "another host was asked"

    with asyncio.Runner(loop_factory=Hurried) as runner:
        runner.run(run())


def test_the_table_is_whole() -> None:
    """Every kind of trouble that the sandbox can make, and every case, by a name of its own."""
    assert len({case.name for case in TABLE}) == len(TABLE) >= 280
    played = {contract: {case.name for each, case in RUNS if each == contract} for contract in CONTRACTS}
    assert played["guide"] == {case.name for case in TABLE}
    assert played["guide"] - played["reference"] <= {case.name for case in TABLE if is_accounts_own(case)}
    assert len(played["reference"]) >= 240
    effects = {case.name: {fault["effect"] for fault in case.faults} for case in TABLE}
    assert set().union(*effects.values()) == EFFECTS.keys() == OVER_SOCKETS.keys()
    assert all(effect in effects[name] for effect, names in OVER_SOCKETS.items() for name in names)
