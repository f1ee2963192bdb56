"""The engine as a library: guards, balance, progress and a ledger in a file, as a service would run it."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import orjson
from anyio.lowlevel import checkpoint

from benchmarks.data import credentials
from benchmarks.programs.job import Job, Meter
from benchmarks.programs.ours_command import prepare
from benchmarks.programs.watch import watched
from benchmarks.server import run_fast
from engine import Account, Api, Company, Engine, FileSource, Limits, RunResult, Secret, Settings, Verify, VerifyMode
from engine.cli.progress.progress import Progress
from engine.ledger.sqlite.database import open_file
from engine.ledger.sqlite.ledger import SqliteLedger
from engine.ledger.sqlite.lock import FileLocks
from engine.ledger.thread import DatabaseThread

P = ParamSpec("P")
T = TypeVar("T")


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
    """Return the defaults; unless the vendor's limits hold, with a rate and a quota that are out of the way."""
    limits = Limits(max_concurrency=job.concurrency, page_size=job.page_size, chunk_rows=job.chunk_rows)
    if not job.vendor_limits:
        limits = replace(limits, requests_per_second=1_000_000.0, requests_per_day=1_000_000_000, reserve_per_day=0)
    return Settings(
        accounts=tuple(_account(account, limits) for account in job.by_account),
        api=Api(base_url=job.base_url),
        verify=Verify(mode=VerifyMode(job.verify)),
    )


def _account(account_id: str, limits: Limits) -> Account:
    secrets = credentials(account_id)
    key, client, secret = (Secret(secrets[name]) for name in ("api_key", "client_id", "client_secret"))
    return Account(
        name=account_id, account_id=account_id, limits=limits, api_key=key, client_id=client, client_secret=secret
    )


class SingleRows:
    """A program's own source, which reads and gives one row at a time, so that it holds up no event loop itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of a file."""
        with self._path.open("rb") as lines:
            for line in lines:
                yield orjson.loads(line)


def _companies(job: Job) -> list[Company]:
    source = SingleRows if job.single_rows else FileSource
    return [
        Company(id=company, source=source(path), account=account)
        for account, sources in job.by_account.items()
        for company, path in sources.items()
    ]


def _as_command(job: Job) -> Sequence[Company]:
    """Return the companies as the command has them: what a run remembers of one rests on its settings, too."""
    from engine.config.load import load  # noqa: PLC0415  a library is measured without it

    return load(prepare(job), os.environ).companies


async def sync(job: Job, thread: MeteredThread, locks: FileLocks) -> RunResult:
    """Sync the fleet, its events shown as plain lines on standard error."""
    companies = _as_command(job) if job.as_command else _companies(job)
    ago = timedelta(hours=job.hours_ago)
    async with (
        SqliteLedger(thread, locks.hold) as ledger,
        Engine(settings(job), ledger=ledger, now=lambda: datetime.now(UTC) - ago) as engine,
    ):
        with Progress("bench", sys.stderr) as progress:
            async with engine.sync(companies) as run:
                async for event in run:
                    progress.take(event)
    return run.result


async def main() -> None:
    """Run the job once. A result that is not clean is no result."""
    await checkpoint()  # imports the last modules that are needed
    meter = Meter()
    if meter.job.command:
        from engine.cli.main import COLLECT  # noqa: PLC0415  a library is measured without the command line

        gc.set_threshold(*COLLECT)
    path = Path(meter.job.ledger)
    locks = FileLocks(path.with_name(f"{path.name}.locks"))
    thread = await MeteredThread.start(str(path), lambda: open_file(path, locks))
    if not isinstance(thread, MeteredThread):
        raise TypeError("`start` makes what it is called on")
    async with watched(wanted=meter.job.watch_stalls) as watch:
        result = await sync(meter.job, thread, locks)
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
