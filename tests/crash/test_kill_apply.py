"""`kill -9` on the way through a saved plan: --resume finishes it, exact, and nothing is there twice."""

from __future__ import annotations

from typing import Any

import pytest

from engine import Dimension
from tests.cli.program import SETTINGS
from tests.crash.conftest import LATENCY, LOST_ANSWERS, Client, Site, dims

COMPANIES = (1, 2, 3)
ROWS = dims(60)
WANTED = [row._replace(name=f"New {row.name}") if n % 3 else row for n, row in enumerate(ROWS)] + dims(40, first=900)
HANG = {"effect": "hang", "commit": True, "match": {"operation": "bulk"}, "after": 3}


def start(site: Site, *words: str) -> Client:
    """Start the program in the site's folder."""
    return site.begin("engine", *words, "--output", "json", "-q")


async def run(site: Site, *words: str) -> dict[str, Any]:
    return await site.wait(start(site, *words))


async def kill_at(site: Site, requests: int, *words: str) -> None:
    """Start the program, and `kill -9` it when so many requests of its own have arrived."""
    goal = len(site.log) + requests
    client = start(site, *words)
    await site.reach(client, lambda: len(site.log) >= goal)
    client.kill()
    await site.calm()


def configure(site: Site) -> None:
    text = SETTINGS.format(base_url=site.sandbox.base_url, max_concurrency=6)
    text += f'[ledger]\nurl = "sqlite:///{site.ledger}"\n[guard]\nmass_create_rows = 1000\nmass_update_rows = 1000\n'
    for company in COMPANIES:
        text += f'[[companies]]\nid = {company}\nsource = "sources/{company}.ndjson"\n'
    (site.folder / "dimsync.toml").write_text(text, encoding="utf-8")


def of(company_id: int, rows: list[Dimension]) -> list[Dimension]:
    """Return the rows as one company has them: clients that look alike would be a case of its own."""
    return [row._replace(name=f"{row.name} of {company_id}") for row in rows]


def want(site: Site, rows: list[Dimension]) -> None:
    for company in COMPANIES:
        site.want(company, of(company, rows))


def applied(company: dict[str, Any]) -> bool:
    """Whether a company's result says that the plan was finished there before."""
    return [problem["code"] for problem in company["problems"]] == ["applied"]


@pytest.mark.timeout(60)
async def test_a_plan_whose_apply_is_killed_again_and_again_is_finished_by_resumes(site: Site) -> None:
    """Killed at its probes, between chunks, with answers held back, and in the resumes, too."""
    configure(site)
    want(site, ROWS)
    assert (await run(site, "sync"))["exit_code"] == 0
    want(site, WANTED)
    plan = await run(site, "plan", "-o", "plan.json")
    assert plan["exit_code"] == 0
    for company in COMPANIES:
        (site.folder / "sources" / f"{company}.ndjson").unlink()

    site.script(LATENCY, LOST_ANSWERS)
    since = len(site.log)
    await kill_at(site, 6, "apply", "plan.json")
    site.script(HANG)
    await kill_at(site, 8, "apply", "plan.json", "--resume")
    site.script(LATENCY)
    for requests in (2, 9):
        await kill_at(site, requests, "apply", "plan.json", "--resume")
    result = await run(site, "apply", "plan.json", "--resume")
    assert {one["state"] for one in result["companies"] if not applied(one)} <= {"synced", "unchanged"}
    for company in COMPANIES:
        assert site.stored(company) == {row.key: row for row in of(company, WANTED)}
        creates = sum(entry.created for entry in site.log[since:] if entry.company == company)
        assert creates == len(WANTED) - len(ROWS)
    requests = len(site.log)
    again = await run(site, "apply", "plan.json")
    assert (again["exit_code"], len(site.log)) == (7, requests)
    assert all(map(applied, again["companies"]))
    want(site, WANTED)
    last = await run(site, "sync")
    assert (last["exit_code"], last["totals"]["source_rows"]) == (0, 300)
    assert site.open_intents() == 0
