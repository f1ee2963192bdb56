"""Real workers on one real Postgres, against a server that keeps its own record: what holds whatever happens to them.

In the suite each proof is run on a small fleet. `DIMSYNC_PROOFS=all scripts/test tests/distributed -n0 -s` runs them at
full size, and prints what was found; `DIMSYNC_SEEDS=3` does so with several seeds. The proof of limits wants a machine
that does nothing else: a request that waits for a processor is late.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from benchmarks.distributed import measured
from benchmarks.rig.fleet import Fleet
from benchmarks.rig.postgres import Database, postgres
from benchmarks.rig.server import Witness, witness
from benchmarks.rig.site import Site, moment, site
from benchmarks.rig.workers import Worker, until
from tests.distributed.rig import SEEDS, WHOLE, Forks, must_be_right, must_rest, tell
from tests.nursery import Nursery
from tests.postgres_server import MEMORY

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_200 if WHOLE else 60)]

WORKERS = 4 if WHOLE else 2
JOBS = 8 if WHOLE else 2
LATE_S = 0.0 if WHOLE else 0.25
"""How late a request may reach the server's record: beside other tests, processes wait for their turn."""

HEARTBEAT = () if WHOLE else ("--heartbeat", "0.15")
PATIENCE_S = 600.0 if WHOLE else 40.0
SLOW = (
    Fleet(companies=500, keys=20, rows_by_rate=30, new_rows=20)
    if WHOLE
    else Fleet(companies=6, keys=2, rows_by_rate=6, new_rows=20)
)
"""Keys that are the narrowest part: of 10 to 20 requests a second, fewer than 200 in all."""

FAST = (
    Fleet(companies=200, keys=6, slowest=50, fastest=50, rows_by_rate=4)
    if WHOLE
    else Fleet(companies=12, keys=2, slowest=60, fastest=60, rows_by_rate=1, server_timeout_s=0.25)
)
"""Keys that let a company be done in a second."""

KNOWN = "select count(*) from dimsync_jobs.procrastinate_workers"
"""Workers that are not taken for dead."""

Stage = Callable[[Fleet], AbstractContextManager[Site]]


@pytest.fixture(scope="module")
def server() -> Iterator[Witness]:
    with witness(0.03 if WHOLE else 0.01) as started:
        yield started


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A server of its own, which may be stopped."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(postgres(MEMORY if MEMORY.is_dir() and not WHOLE else None))
        except (ImportError, OSError, AssertionError, RuntimeError) as error:
            pytest.skip(f"no Postgres server starts here: {error}")
        yield started


@pytest.fixture
def stage(server: Witness, database: Database, nursery: Nursery, tmp_path: Path) -> Stage:
    return lambda fleet: site(fleet, server, database, tmp_path, launch=Forks(nursery))


def start(made: Site, workers: int = WORKERS) -> list[Worker]:
    """Enqueue all companies, and start workers."""
    made.enqueue()
    return [join(made) for _ in range(workers)]


def join(made: Site) -> Worker:
    """Start one more worker, with nothing that tells it of the others."""
    return made.workers.start(JOBS, *HEARTBEAT)


def under_way(made: Site, share: float) -> None:
    """Wait until the server holds a share of the fleet's rows."""
    rows = sum(count for count, _ in made.fleet.wanted().values())
    until(lambda: made.witness.rows() >= share * rows, "nothing is done")


def test_workers_keep_to_the_limits_of_each_key_together(stage: Stage) -> None:
    """As the benchmark has it, which looks at rows, at two runs on one company, and at the count of requests, too."""
    with stage(SLOW) as made:
        keys = measured(made, WORKERS, JOBS)["keys"]
        tell(f"requests, share of the rate, worst second: { {key: _told(use) for key, use in keys.items()} }")
        late = {key: LATE_S * use["rate"] for key, use in keys.items()}
        assert {key: use["worst"] for key, use in keys.items() if use["worst"] > use["most"] + late[key]} == {}
        if WHOLE:
            assert {key: use["share"] for key, use in keys.items() if use["share"] < 0.9} == {}
            must_rest(made)


def _told(use: Mapping[str, float]) -> tuple[float, str, str]:
    return use["requests"], f"{use['share']:.1%}", f"{use['worst']} of {use['most']:g}"


@pytest.mark.parametrize("seed", SEEDS)
def test_companies_of_killed_workers_are_finished_by_the_others(stage: Stage, seed: int) -> None:
    rng = Random(seed)
    with stage(FAST) as made:
        workers = start(made)
        under_way(made, rng.uniform(0.1, 0.4))
        first, second = rng.sample(workers, 2)
        first.kill()
        if not WHOLE:
            join(made)  # or nobody would be left
        under_way(made, rng.uniform(0.4, 0.5))
        second.kill()
        killed_at = datetime.now(UTC)
        made.wait(PATIENCE_S)
        made.workers.end()
        after_s = made.recovered(killed_at)
        tell(f"seconds from the second kill until companies of dead workers were synced: {after_s}")
        assert after_s or not WHOLE
        must_be_right(made, died=2 * JOBS)
        must_rest(made)


@pytest.mark.skipif(not WHOLE, reason="in the suite, test_workers freezes one")
@pytest.mark.parametrize("is_cut_off", [True, False])
def test_a_worker_that_was_frozen_past_its_heartbeat_does_no_harm_when_it_wakes(
    stage: Stage, database: Database, is_cut_off: bool
) -> None:
    """Cut off, it has lost its companies, and others have taken them over by then; else it has kept them."""
    with stage(FAST) as made:
        frozen, *_ = start(made)
        under_way(made, 0.2)
        frozen.signal(signal.SIGSTOP)
        if is_cut_off:
            assert database.cut(f"application_name like 'dimsync%' and application_name like '% {frozen.pid}'")
        until(lambda: made.database.ask(KNOWN) == [(WORKERS - 1,)], "it is not taken for dead")
        if is_cut_off:
            made.wait(PATIENCE_S)
        else:
            until(lambda: bool(made.workers.told("locked, ")), "nobody has found its companies locked")
        frozen.signal(signal.SIGCONT)
        made.wait(PATIENCE_S)
        made.workers.end()
        must_be_right(made, died=JOBS)
        must_rest(made)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("cuts", "stops"), [(5, 0), (0, 2)] if WHOLE else [(0, 1)])
def test_connections_that_are_cut_and_a_database_that_stops_lose_nothing(
    stage: Stage, database: Database, seed: int, cuts: int, stops: int
) -> None:
    """All sessions that are in a transaction are ended; the server is stopped as by a crash, and started again."""
    rng = Random(seed)
    troubles = rng.sample([True] * cuts + [False] * stops, cuts + stops)
    with stage(FAST) as made:
        start(made)
        told = []
        for share, is_cut in zip(sorted(rng.uniform(0.05, 0.8) for _ in troubles), troubles, strict=True):
            under_way(made, share)
            told.append(_cut(database) if is_cut else _restarted(database))
        tell(", ".join(told))
        made.wait(PATIENCE_S)
        made.workers.end()
        must_be_right(made, died=None)
        must_rest(made)


def _cut(database: Database) -> str:
    ended = database.cut("xact_start is not null and starts_with(application_name, 'dimsync')")
    return f"{ended} sessions were ended in a transaction"


def _restarted(database: Database) -> str:
    since = moment()
    database.stop("immediate")
    database.start()
    return f"the database was away for {moment() - since:.1f} s"


@pytest.mark.skipif(not WHOLE, reason="in the suite, a worker joins where two are killed")
def test_a_worker_that_joins_needs_no_settings_and_shares_the_work(stage: Stage) -> None:
    with stage(FAST) as made:
        start(made, 2)
        under_way(made, 0.2)
        join(made)
        made.wait(PATIENCE_S)
        made.workers.end()
        shares = [worker.log.read_text("utf-8").count(": synced, ") for worker in made.workers.all]
        tell(f"companies that each worker has synced, the last one having joined: {shares}")
        assert sum(shares) == made.fleet.companies
        assert shares[-1] > made.fleet.companies // 5
        must_be_right(made)
