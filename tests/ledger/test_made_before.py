"""A ledger that an earlier dimsync made opens here, means the same, and goes on at the same cost.

`tests/data/ledger_before.sql` is the dump of a ledger that the engine of commit 1155fef made, in runs against a server
that does what the documents say; that commit had no agreements, and did not keep which rows a listing has shown since
they were acknowledged. `ledger_before.json` has the rows that the server held then, the sources, and what that engine's
next two runs did on a copy: one that lists nothing, and one that lists all. In both contracts (companies from 101 in
guide, from 201 in reference) there is a company

1. where all is settled and listed since,
2. of which a plan's listing showed a row that somebody changed,
3. with two rows acknowledged after the last listing,
4. whose last run died with a row in the air, which was stored,
5. with a row that was refused, and all others acknowledged after the last listing,
6. with a row that was there before, a stray, and a row that was pushed back,
7. of which a plan's listing showed a row that somebody changed, and whose source has changed another one since.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import aiohttp
import pytest

from engine import Api, Company, Dimension, Engine, Limits, RunResult, Settings, Verify, VerifyMode
from engine.ledger.sqlite.ledger import SqliteLedger, open_ledger
from engine.ledger.sqlite.lock import MemoryLocks
from engine.ledger.sqlite.migrate import APPLICATION_ID, MIGRATIONS, migrate
from engine.model.company_record import CompanyRecord
from engine.model.dimension import RemoteRow
from engine.model.settings import CompanyKey
from tests.sandbox.conftest import Rows
from tests.sandbox.fuzz import Desk, Fate
from tests.unit.test_plans_as_before import Noting, as_told
from tests.worlds.server import ACCOUNT, Call, Reply, Row, Server, Way
from tests.worlds.stage import BASE_URL, Clock, account, perform
from tests.worlds.wire import Memory, Session

DATA = Path(__file__).parent.parent / "data"
BEFORE: dict[str, Any] = json.loads((DATA / "ledger_before.json").read_text("utf-8"))
FIRST = {"guide": 100, "reference": 200}
COMPANIES = range(1, 8)
ORIGIN = "http://world.test:80/v1"

FRESH = {3: {"b", "d"}, 5: {"a", "b", "c"}}
"""Rows acknowledged after the last listing."""


def restored(path: Path | str) -> sqlite3.Connection:
    """Return the ledger as the earlier dimsync left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript((DATA / "ledger_before.sql").read_text("utf-8"))
    connection.execute(f"pragma user_version = {BEFORE['version']}")
    connection.execute(f"pragma application_id = {APPLICATION_ID}")
    return connection


class Spells(Way):
    """Lists names in capitals."""

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:  # noqa: ARG002  others look at what is stored
        for item in reply.document.get("dimensions", ()) if call.what == "list" else ():
            item["name"] = item["name"].upper()
        return reply


@dataclass
class Stage:
    """The server as it was then, and the ledger as it is now."""

    contract: str
    database: sqlite3.Connection
    clock: Clock
    server: Noting

    async def run(self, verify: str, numbers: Sequence[int] = COMPANIES) -> RunResult:
        self.clock.forward_to(self.clock() + timedelta(hours=1))
        self.server.sent = []
        settings = Settings(
            accounts=(account(Limits()),),
            api=Api(base_url=BASE_URL, contract=self.contract),
            verify=Verify(mode=VerifyMode(verify)),
        )
        ids = [FIRST[self.contract] + number for number in numbers]
        sources = BEFORE["contracts"][self.contract]["sources"]
        companies = [
            Company(id=each, name=f"Company {each}", source=Rows(Dimension(*row) for row in sources[str(each)]))
            for each in ids
        ]
        session = cast("aiohttp.ClientSession", Session(transport=Memory(server=self.server)))
        ledger = SqliteLedger(Desk(self.database, Fate()), MemoryLocks().hold)
        async with Engine(settings, session=session, ledger=ledger, now=self.clock, rng=Random(1)) as engine:
            return await engine.sync(companies).result()

    def reverts(self) -> Counter[str]:
        return Counter(key for (key,) in self.database.execute("select key from reverts"))


@pytest.fixture(params=sorted(FIRST))
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    contract, clock = request.param, Clock()
    clock._at = datetime.fromisoformat(BEFORE["at"])
    rows = BEFORE["contracts"][contract]["rows"]
    companies = {FIRST[contract] + number: "Company" for number in COMPANIES}
    server = Noting(
        contract=contract,
        companies=companies,
        most_rows=100,
        ways=[],
        now=clock,
        rows=[
            Row(id=row_id, company_id=company_id, key=key, values=Dimension(key or "", *values))
            for row_id, company_id, key, *values in rows
        ],
    )
    with closing(restored(":memory:")) as database:
        migrate(database, MIGRATIONS, BEFORE["version"])
        database.execute("pragma foreign_keys = on")
        yield Stage(contract, database, clock, server)


async def read(path: Path, contract: str) -> dict[int, CompanyRecord]:
    """Return what today's ledger says of each company, by its number."""
    async with await open_ledger(f"sqlite:///{path.name}", base=path.parent) as ledger:
        return {
            number: await ledger.read(CompanyKey(origin=ORIGIN, account=ACCOUNT, company_id=FIRST[contract] + number))
            for number in COMPANIES
        }


@pytest.mark.parametrize("contract", sorted(FIRST))
async def test_what_it_knew_means_the_same(contract: str, tmp_path: Path) -> None:
    """What was seen stays seen; what was acknowledged after the last listing is open; all else is as it was sent."""
    path = tmp_path / "ledger.db"
    columns = (
        "company_id, key, type_code, type_label, name, erp_id, code, remote_id, confirmed, settled, code_known, seen"
    )
    with closing(restored(path)) as connection:
        stored = connection.execute(f"select {columns} from rows join scopes on id = scope").fetchall()  # noqa: S608
    found = await read(path, contract)
    for number, record in found.items():
        entries = {row[1]: row[1:] for row in stored if row[0] == FIRST[contract] + number}
        assert record.rows.keys() == entries.keys()
        for key, known in record.rows.items():
            *values, remote_id, confirmed, settled, code_known, seen = entries[key]
            assert (known.row, known.remote_id) == (Dimension(*values), remote_id)
            assert (known.confirmed, known.outcome_known, known.code_known) == (confirmed, settled, code_known)
            assert known.seen == (None if seen is None else RemoteRow(**json.loads(seen)))
            assert (known.agreement, known.before) == (None, None)
            assert known.is_fresh == (key in FRESH.get(number, ()))
        assert not record.resting
        assert not record.may_be_there
    changed = {(number, key) for number, record in found.items() for key, known in record.rows.items() if known.seen}
    assert changed == {(2, "b"), (7, "a")}
    assert [number for number, record in found.items() if record.left_over] == [4]
    assert found[5].rejections.keys() == {"bad"}
    assert [key for key, _ in found[6].reverts] == ["c"]
    assert [stray.name for stray in found[6].keyless] == ["Name 90"]


def test_the_next_runs_cost_what_they_would_have_cost(stage: Stage) -> None:
    """What was settled costs nothing without a listing, and its pages with one; what was pending is pushed."""

    async def go() -> None:
        stage.clock.go()
        for verify, before in zip(("none", "full"), BEFORE["contracts"][stage.contract]["told"], strict=True):
            result = await stage.run(verify)
            parts = (replace(result, companies=(one,), exit_code=one.exit_code) for one in result.companies)
            told = {str(part.companies[0].company_id): as_told(part) for part in parts}
            assert told == before["companies"]
            assert sorted(stage.server.sent) == before["sent"]
        assert (await stage.run("none")).requests.total == 0

    perform(go())


def test_only_what_no_listing_had_shown_can_be_a_spelling(stage: Stage) -> None:
    """A server that lists names in capitals: a row that was listed as sent was changed by somebody; the others not."""
    stage.server.ways = [Spells()]

    async def go() -> None:
        stage.clock.go()
        before = stage.reverts()
        result = await stage.run("full", [3])
        assert stage.reverts() - before == Counter({"a": 1, "c": 1})
        told = {
            problem.key for one in result.companies for problem in one.problems if problem.code == "stored-otherwise"
        }
        assert told == {"b", "d"}

    perform(go())
