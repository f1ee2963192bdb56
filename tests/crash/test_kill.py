"""Real processes, really killed: whatever the moment, the next run leaves nothing lost, wrong or there twice."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import ceil
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from engine import Dimension, open_ledger
from engine.model.company_record import CompanyRecord
from engine.model.settings import CompanyKey
from engine.send.sender import WORKERS
from tests.crash.conftest import LATENCY, LOST_ANSWERS, PATIENCE_S, Site, dims

COMPANIES = (1, 2, 3)
LOAD = dims(900)
KILLS = 6
CHUNK_ROWS = 100

SMALL = ("--chunk-rows", "25")
HANG = {"effect": "hang", "commit": True, "match": {"operation": "bulk"}}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("seed", range(1, 11) if os.environ.get("DIMSYNC_KILL") == "all" else [1])
async def test_a_first_load_that_is_killed_again_and_again_converges(site: Site, seed: int) -> None:
    """Moments are seeded and spread over the whole load; 3 % of the answers are lost after the work was done."""
    rng = Random(seed)
    site.script(LATENCY, LOST_ANSWERS, seed=seed)
    _want(site, LOAD)
    in_flight = dict.fromkeys(COMPANIES, 0)
    for kill in range(KILLS):
        await _kill_on_the_way(site, rng, kills_to_come=KILLS - kill)
        for company_id, keys in site.in_flight().items():
            assert keys <= WORKERS * CHUNK_ROWS
            in_flight[company_id] += keys
    assert (await site.run())["exit_code"] == 0
    _check_loaded(site, LOAD)
    for company_id in COMPANIES:
        # a chunk that is repeated within its run bears one key, and counts once
        chunks = {entry.idempotency_key: entry.rows for entry in site.bulks() if entry.company == company_id}
        assert sum(chunks.values()) <= len(LOAD) + in_flight[company_id], "more was done again than was in flight"
    await _check_at_rest(site, LOAD)


async def _kill_on_the_way(site: Site, rng: Random, kills_to_come: int) -> None:
    """Start a client and kill it while it reads, or when a part of the missing rows has arrived."""
    missing = [len(LOAD) - len(site.stored(company_id)) for company_id in COMPANIES]
    chunks = sum(ceil(rows / CHUNK_ROWS) for rows in missing)
    arriving = rng.randint(0, 2 * chunks // (kills_to_come + 1))
    if arriving:
        goal = len(site.bulks()) + arriving
        await site.kill_when(lambda: len(site.bulks()) >= goal)
    else:
        await site.kill_at(rng.randint(1, 1 + len(COMPANIES)))


@pytest.mark.timeout(60)
async def test_a_source_that_goes_a_b_a_around_kills_ends_at_a(site: Site) -> None:
    """B is killed at a seeded moment; in every other turn so is the way back."""
    rng = Random(3)
    site.script(LATENCY, LOST_ANSWERS)
    wanted = await _load(site, dims(500))
    for turn in range(3):
        _want(site, _other(wanted, turn))
        await site.kill_at(rng.randint(2, 20), *SMALL)
        wanted = [*wanted, *_newcomers(turn)]
        _want(site, wanted)
        if turn % 2:
            await site.kill_at(rng.randint(1, 6), *SMALL)
        assert (await site.run(*SMALL))["exit_code"] == 0
        _check_equal(site, wanted)
    await _check_at_rest(site, wanted)


@pytest.mark.timeout(60)
async def test_a_kill_between_the_servers_commit_and_the_ledgers_leaves_no_b(site: Site) -> None:
    """The work is done and its answer held back: nothing of it can be in the ledger."""
    wanted = await _load(site, dims(500))
    for turn, (answered, held_back) in enumerate([(0, 8), (7, 6), (16, 1)]):
        await _kill_while_b_is_unanswered(site, _other(wanted, turn), answered, held_back)
        assert site.open_intents()
        wanted = [*wanted, *_newcomers(turn)]
        _want(site, wanted)
        assert (await site.run(*SMALL))["exit_code"] == 0
        _check_equal(site, wanted)
    await _check_at_rest(site, wanted)


@pytest.mark.timeout(60)
async def test_without_intents_the_same_kill_does_leave_b(site: Site) -> None:
    """The mutation: a ledger that is written after the answer alone is green, and each row that landed is wrong."""
    wanted = await _load(site, dims(500), "--ack-only")
    since = len(site.log)
    await _kill_while_b_is_unanswered(site, _other(wanted, 0), 0, 8, "--ack-only")
    _want(site, wanted)
    assert (await site.run("--ack-only", *SMALL))["exit_code"] == 0
    wrong = sum(len(_wrong(site, company_id, wanted)) for company_id in COMPANIES)
    landed = sum(entry.updated for entry in site.log[since:])
    assert wrong == landed > 50


async def _load(site: Site, rows: list[Dimension], *options: str) -> list[Dimension]:
    """Sync all companies to rows, undisturbed."""
    _want(site, rows)
    assert (await site.run(*options))["exit_code"] == 0
    _check_loaded(site, rows)
    return rows


async def _kill_while_b_is_unanswered(
    site: Site, rows: list[Dimension], answered: int, held_back: int, *options: str
) -> None:
    """Kill a sync when so many bulk requests have been answered and so many carried out without an answer."""
    _want(site, rows)
    site.script(HANG | {"after": answered})
    since = len(site.log)
    await site.kill_when(lambda: len(site.hanging(since)) >= held_back, *SMALL, *options)
    site.script()


def _want(site: Site, rows: list[Dimension]) -> None:
    for company_id in COMPANIES:
        site.want(company_id, _of(company_id, rows))


def _of(company_id: int, rows: list[Dimension]) -> list[Dimension]:
    """Return the rows as one company has them: clients that look alike would be a case of its own."""
    return [row._replace(name=f"{row.name} of {company_id}") for row in rows]


def _other(rows: list[Dimension], turn: int) -> list[Dimension]:
    """Return B: an eighth of the names changed, an eighth of the codes alone, a tenth vanished, and 40 rows added."""
    changed = [
        row._replace(name=f"{row.name} B{turn}")
        if n % 8 == 0
        else row._replace(code=f"B{turn}-{n}")
        if n % 8 == 1
        else row
        for n, row in enumerate(rows)
        if n % 10 != 4
    ]
    return [*changed, *dims(40, first=5000 + 100 * turn, name="Added")]


def _newcomers(turn: int) -> list[Dimension]:
    """Return rows that A has more each time, so that the way back creates, too."""
    return dims(10, first=8000 + 100 * turn, name="New")


def _wrong(site: Site, company_id: int, wanted: list[Dimension]) -> list[Dimension]:
    stored = site.stored(company_id)
    return [row for row in _of(company_id, wanted) if stored.get(row.key) != row]


def _check_equal(site: Site, wanted: list[Dimension]) -> None:
    """Check that each wanted row is stored as it is; rows that vanished stay, as there is no way to delete them."""
    keys = {row.key for row in wanted}
    for company_id in COMPANIES:
        assert _wrong(site, company_id, wanted) == []
        assert all(row.name.startswith("Added") for key, row in site.stored(company_id).items() if key not in keys)


def _check_loaded(site: Site, wanted: list[Dimension]) -> None:
    """Check that the rows are stored, nothing else, and that each was created by one request alone."""
    for company_id in COMPANIES:
        assert site.stored(company_id) == {row.key: row for row in _of(company_id, wanted)}
        assert sum(entry.created for entry in site.bulks() if entry.company == company_id) == len(wanted)


async def _check_at_rest(site: Site, wanted: list[Dimension]) -> None:
    """Check that the ledger has nothing open, and that one more run finds nothing to do and asks nothing."""
    assert site.open_intents() == 0
    requests = len(site.log)
    result = await site.run()
    assert (result["exit_code"], result["totals"]["unchanged"]) == (0, len(COMPANIES) * len(wanted))
    assert len(site.log) == requests


@pytest.mark.timeout(60)
async def test_a_kill_while_the_ledger_is_made_leaves_one_that_opens(site: Site) -> None:
    _want(site, dims(150))
    for turn, begun in enumerate(MAKING):
        site.ledger = site.folder / f"new-{turn}.db"
        _kill_as_soon_as(site, begun)
        async with await open_ledger(f"sqlite:///{site.ledger}") as ledger:
            assert await ledger.read(CompanyKey(origin="", account="", company_id=1)) == CompanyRecord()
    assert (await site.run())["exit_code"] == 0
    _check_loaded(site, dims(150))


def _size(path: Path, suffix: str = "") -> int:
    """Return a file's size, -1 where there is none."""
    try:
        return path.with_name(path.name + suffix).stat().st_size
    except FileNotFoundError:
        return -1


MAKING: tuple[Callable[[Path], bool], ...] = (
    lambda ledger: _size(ledger) >= 0,
    lambda ledger: _size(ledger) > 0,
    lambda ledger: _size(ledger, "-wal") >= 0,
    lambda ledger: _size(ledger, "-wal") > 40_000,
)
"""How far the making of a ledger has got: its file, WAL mode, and the schema's one transaction."""


def _kill_as_soon_as(site: Site, begun: Callable[[Path], bool]) -> None:
    """Start a client and kill it without a breath's delay: all of a migration takes milliseconds."""
    client = site.start()
    give_up = monotonic() + PATIENCE_S
    while not begun(site.ledger):
        assert monotonic() < give_up
    client.kill()


@pytest.mark.timeout(60)
async def test_a_second_client_is_locked_out_until_the_first_is_killed(site: Site) -> None:
    rows = dims(100)
    _want(site, rows)
    site.script(HANG)
    holder = site.start()
    await site.reach(holder, lambda: len(site.hanging(0)) == len(COMPANIES))
    requests = len(site.log)
    second = await site.run()
    assert (second["exit_code"], {company["state"] for company in second["companies"]}) == (9, {"locked"})
    assert len(site.log) == requests, "something was sent for a company that another run held"
    site.script()
    holder.kill()
    third = await site.run()
    assert (third["exit_code"], {company["state"] for company in third["companies"]}) == (0, {"synced"})
    _check_loaded(site, rows)
    await _check_at_rest(site, rows)


@pytest.mark.timeout(60)
async def test_two_clients_at_once_share_the_companies_out(site: Site) -> None:
    """They make the ledger together as well. Each company is one's or the other's, and nothing is there twice."""
    rows = dims(300)
    site.script(LATENCY)
    _want(site, rows)
    clients = [site.start(), site.start()]
    results = [await site.wait(client) for client in clients]
    assert {result["exit_code"] for result in results} <= {0, 9}
    for states in zip(*([company["state"] for company in result["companies"]] for result in results), strict=True):
        assert "synced" in states
        assert set(states) <= {"synced", "unchanged", "locked"}
    _check_loaded(site, rows)
    await _check_at_rest(site, rows)


@pytest.mark.timeout(60)
async def test_a_create_is_not_made_on_a_probe_while_another_is_uncertain(site: Site) -> None:
    """One row that the killed run created and one that the vendor removed leave the count as it was."""
    rows, newcomer = dims(20), Dimension("N1", "account", "Account", "Newcomer", "9999", None)
    site.want(1, rows)
    assert (await site.run())["exit_code"] == 0
    site.want(1, [*rows, newcomer])
    site.script(HANG)
    await site.kill_when(lambda: len(site.hanging(0)) == 1)
    site.script()
    tenant = site.sandbox.tenant
    tenant.remove(tenant.companies[1], tenant.companies[1].rows[5])
    site.want(1, [*rows, newcomer._replace(key="N2")])  # the same row, its key corrected in the source
    assert (await site.run())["exit_code"] == 0
    site.stored(1)  # has nothing twice


@pytest.mark.timeout(60)
async def test_a_dead_clients_request_that_lands_late_is_waited_for(site: Site) -> None:
    """Overtaken by it, the rows would be B although A was acknowledged, and nobody would look again for days."""
    rows = dims(20)
    site.want(1, rows)
    assert (await site.run())["exit_code"] == 0
    site.want(1, [row._replace(name=f"B {row.name}", code="B") for row in rows])
    site.script({"effect": "latency", "seconds": 1.0, "match": {"operation": "bulk"}})
    since = len(site.log)
    client = site.start()
    await site.reach(client, lambda: any(entry.operation == "bulk" for entry in site.log[since:]))
    client.kill()
    site.script()
    site.want(1, rows)
    assert (await site.run("--server-timeout", "1.5"))["exit_code"] == 0
    await site.calm()
    assert sorted(site.stored(1).values()) == rows
