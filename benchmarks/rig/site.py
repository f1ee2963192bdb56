"""A fleet, a server with a record, a Postgres and workers: all that a run with several workers takes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from benchmarks.rig.fleet import Fleet, credentials
from benchmarks.rig.postgres import Database
from benchmarks.rig.server import Witness
from benchmarks.rig.workers import Launch, Workers, launched, until
from engine.model.settings import Account, Secret

UNDONE = """
    select count(*) from dimsync_jobs.procrastinate_jobs
    where status in ('todo', 'doing') and task_name = 'dimsync.sync_company'
"""
USED = "select account, sum(used)::bigint from dimsync.quotas group by account"
DEAD = "its worker has died"
"""What a worker says of a company that it found in the hands of a dead one."""

EMPTY = "drop schema if exists dimsync cascade; drop schema if exists dimsync_jobs cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One run of one fleet."""

    fleet: Fleet
    witness: Witness
    database: Database
    workers: Workers

    def enqueue(self) -> str:
        """Enqueue all companies; return what the program said."""
        return self.workers.run("enqueue")

    def undone(self) -> int:
        """Return how many companies wait or are worked on."""
        ((count,),) = self.database.ask(UNDONE)
        return int(count)

    def is_done(self) -> bool:
        """Return whether no company waits or is worked on; no: the database does not answer, either."""
        try:
            return not self.undone()
        except psycopg.OperationalError:
            return False

    def wait(self, patience_s: float) -> float:
        """Wait until all is done; return the seconds."""
        return until(self.is_done, "not all companies were finished", patience_s, each_s=0.1)

    def requests(self) -> int:
        """Return how many requests the server has seen."""
        return sum(map(len, self.witness.arrivals().values()))

    def counted(self) -> dict[str, int]:
        """Return how many requests the ledger has counted, by API key."""
        by_digest = {str(digest): int(used) for digest, used in self.database.ask(USED)}
        found = {}
        for number in range(1, self.fleet.keys + 1):
            login = credentials(number)
            secret = Secret(login["api_key"])
            account = Account(name="one", account_id="one", api_key=secret, client_id=secret, client_secret=secret)
            found[login["api_key"]] = by_digest.get(account.key_id, 0)
        return found

    def wrong(self) -> list[int]:
        """Return the companies whose rows at the server are not those of their sources."""
        stored, wanted = self.witness.stored(), self.fleet.wanted()
        return [company for company, rows in wanted.items() if stored.get(company) != rows]

    def look_again(self) -> tuple[int, int]:
        """Run a sync that has nothing to do, in one process; return the rows unchanged, and the requests it sent."""
        before = self.requests()
        said = self.workers.run("sync", "--output", "json", "--quiet")
        totals = json.loads(said[said.index("{") :])["totals"]
        return int(totals["unchanged"]), self.requests() - before

    def recovered(self, since: datetime) -> dict[int, float]:
        """Return the companies of workers that died, and the seconds from a moment until they were synced."""
        synced = self.workers.told("synced, ", "unchanged, ")
        return {company: (synced[company] - since).total_seconds() for company in self.workers.told(DEAD)}


@contextmanager
def site(
    fleet: Fleet, witness: Witness, database: Database, folder: Path, *, launch: Launch = launched
) -> Iterator[Site]:
    """Set the stage for a run of a fleet: an empty ledger, empty companies; workers that are left are killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(EMPTY)
    witness.stage(fleet)
    fleet.write(folder, base_url=witness.base_url, ledger_url=database.url)
    made = Site(
        fleet=fleet,
        witness=witness,
        database=database,
        workers=Workers(folder=folder, env=fleet.environment(), launch=launch),
    )
    try:
        yield made
    finally:
        made.workers.clear()


def moment() -> float:
    """Return the time by the clock that the server's record has."""
    return time.monotonic()
