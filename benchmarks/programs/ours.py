"""The engine as a library: guards, balance, progress and a ledger in a file, as a service would run it."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from anyio.lowlevel import checkpoint

from benchmarks.data import ACCOUNT, CREDENTIALS
from benchmarks.programs.job import Job, Meter
from benchmarks.server import run_fast
from engine import Account, Api, Company, Engine, FileSource, Limits, RunResult, Secret, Settings, Verify, VerifyMode
from engine.cli.main import COLLECT
from engine.cli.progress.progress import Progress
from engine.ledger.sqlite.database import open_file
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import FileLocks
from engine.ledger.sqlite.thread import DatabaseThread

P = ParamSpec("P")
T = TypeVar("T")

TICK_S = 0.001
"""Between two looks at the clock when stalls are watched."""


class MeteredThread(DatabaseThread):
    """The ledger's thread, which notes the processor time that it has used, reading apart."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.read_s = 0.0
        self.total_s = 0.0

    async def read(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that reads."""
        return await super().read(self._metered(work, reads=True), *args, **kwargs)

    async def write(self, work: Callable[Concatenate[Any, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a job that writes; what its commit costs shows in the clock of the next job."""
        return await super().write(self._metered(work, reads=False), *args, **kwargs)

    def _metered(self, work: Callable[P, T], *, reads: bool) -> Callable[P, T]:
        def metered(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                self.total_s = time.thread_time()
                self.read_s += self.total_s - began if reads else 0.0

        return metered


def settings(job: Job) -> Settings:
    """Return the defaults, but for a rate and a quota that are out of the way."""
    limits = Limits(
        requests_per_second=1_000_000.0,
        requests_per_day=1_000_000_000,
        reserve_per_day=0,
        max_concurrency=job.concurrency,
        page_size=job.page_size,
        chunk_rows=job.chunk_rows,
    )
    key, client, secret = (Secret(CREDENTIALS[name]) for name in ("api_key", "client_id", "client_secret"))
    return Settings(
        accounts=(
            Account(
                name="main", account_id=ACCOUNT, limits=limits, api_key=key, client_id=client, client_secret=secret
            ),
        ),
        api=Api(base_url=job.base_url),
        verify=Verify(mode=VerifyMode(job.verify)),
    )


class SingleRows:
    """A program's own source, which gives one row at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of a file."""
        for line in self._path.read_bytes().splitlines():
            yield orjson.loads(line)


async def sync(job: Job, thread: MeteredThread, locks: FileLocks) -> RunResult:
    """Sync the fleet, its events shown as plain lines on standard error."""
    source = SingleRows if job.single_rows else FileSource
    companies = [Company(id=company, source=source(path)) for company, path in job.sources.items()]
    async with SqliteLedger(thread, locks.hold) as ledger, Engine(settings(job), ledger=ledger) as engine:
        with Progress("bench", sys.stderr) as progress:
            async with engine.sync(companies) as run:
                async for event in run:
                    progress.take(event)
    return run.result


class Watch:
    """Notes by how much the event loop was late for each tick, and for how much of that this process was at work."""

    def __init__(self) -> None:
        self._late_s = [TICK_S]
        self._busy_s = [0.0]

    async def tick(self) -> None:
        """Tick until cancelled."""
        while True:
            due, began = time.monotonic() + TICK_S, time.process_time()
            await asyncio.sleep(TICK_S)
            self._late_s.append(time.monotonic() - due)
            self._busy_s.append(min(self._late_s[-1], time.process_time() - began))

    def report(self) -> dict[str, float]:
        """Return the longest of both, and below what all but a thousandth of the ticks are."""
        found = {}
        for name, each in (("stall", self._late_s), ("work", self._busy_s)):
            each.sort()
            found[f"longest_{name}_s"], found[f"p999_{name}_s"] = each[-1], each[len(each) * 999 // 1_000]
        return found


async def main() -> None:
    """Run the job once. A result that is not clean is no result."""
    await checkpoint()  # brings the last of what has to be imported
    meter = Meter()
    if meter.job.command:
        gc.set_threshold(*COLLECT)
    path, watch = Path(meter.job.ledger), Watch()
    locks = FileLocks(path.with_name(f"{path.name}.locks"))
    thread = await MeteredThread.start(str(path), lambda: open_file(path, locks))
    if not isinstance(thread, MeteredThread):
        raise TypeError("`start` makes what it is called on")
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(watch.tick()) if meter.job.watch_stalls else None
        result = await sync(meter.job, thread, locks)
        if ticking is not None:
            ticking.cancel()
    totals = result.totals
    meter.report(
        ledger_read_s=thread.read_s,
        ledger_write_s=thread.total_s - thread.read_s,
        **watch.report(),
        pushed=(totals.created or 0) + (totals.updated or 0),
    )
    if result.exit_code or not totals.adds_up:
        told = [problem.message for company in result.companies for problem in company.problems][:3]
        raise SystemExit(f"exit code {result.exit_code}: {told}")


if __name__ == "__main__":
    if Job.told().uvloop:
        run_fast(main())
    else:
        asyncio.run(main())
