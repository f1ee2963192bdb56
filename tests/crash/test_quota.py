"""The day's count and killed processes: what the sandbox has counted is never more than what the ledger has."""

from __future__ import annotations

import pytest

from engine.model.quota import MOST
from tests.crash.conftest import LATENCY, Site, dims

COMPANIES = (1, 2, 3)
SMALL = ("--chunk-rows", "10")
USED = "select coalesce(sum(used), 0) from quotas"  # of all days: midnight may come


def used(site: Site) -> int:
    ((requests,),) = site._ask(USED)
    return int(requests)


def received(site: Site) -> int:
    return len(site.log)


def want(site: Site, rows: int = 400) -> None:
    for company_id in COMPANIES:
        site.want(company_id, dims(rows, first=1_000 * company_id))


@pytest.mark.timeout(60)
async def test_a_kill_never_counts_too_few(site: Site) -> None:
    """Kills at many places of a load; then a whole run, which counts what it sends to the last request."""
    site.script(LATENCY)
    want(site)
    for kills, requests in enumerate((1, 2, 5, 33, 40), start=1):
        await site.kill_at(requests, *SMALL)
        assert received(site) <= used(site) <= received(site) + min(kills * 2 * MOST, 2 * received(site))
    before = used(site)
    result = await site.run(*SMALL)
    assert result["exit_code"] == 0
    assert used(site) - before == result["totals"]["requests"]["total"]


@pytest.mark.timeout(60)
async def test_l14_many_crashes_do_not_use_up_a_day(site: Site) -> None:
    """Each of eight runs is killed right after it began: 64 requests were counted for each."""
    site.script(LATENCY)
    want(site, rows=40)
    for _ in range(8):
        await site.kill_at(2, *SMALL)
    assert received(site) <= used(site) <= 3 * received(site)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("killed", [False, True], ids=["to their end", "killed"])
async def test_two_clients_never_exceed_a_day_together(site: Site, killed: bool) -> None:
    """A day of 60 requests, of two loads of 43 each and more."""
    site.script(LATENCY)
    want(site)
    options = (*SMALL, "--per-day", "70", "--reserve", "10")
    clients = [site.start(*options, "--only", str(company_id)) for company_id in (1, 2)]
    if killed:
        await site.reach(clients[0], lambda: received(site) >= 20)
        clients.pop(0).kill()
    codes = [(await site.wait(client))["exit_code"] for client in clients]
    await site.calm()
    assert killed or 5 in codes
    await site.run(*options)  # takes what one of them gave back in the end
    assert used(site) == 60
    assert received(site) <= 60 if killed else received(site) == 60
    assert not [entry for entry in site.log if entry.status == 429]
