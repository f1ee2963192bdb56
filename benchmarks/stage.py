"""Prepare a workload and run programs on it: the same sources, server and start for each run, and the end checked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.data import Shape
from benchmarks.launch import ProgramFailed, Run, Server, run_program, surroundings
from benchmarks.programs.job import Job
from benchmarks.workloads import Workload

OURS, COMMAND = "ours", "ours_command"


class Stage:
    """One workload, ready to be run again and again."""

    def __init__(self, workload: Workload, server: Server, folder: Path) -> None:
        self.workload = workload
        self._server = server
        self._folder = folder
        self._expected = _write(workload.shape, folder / "sources", server)
        self._turn = 0
        self._ledger: Path | None = None
        if workload.filled and any(program.startswith(OURS) for program in workload.programs):
            self._ledger = self._known_fleet()

    def _known_fleet(self) -> Path:
        """Load the fleet as it is at the start, once, with our engine: its ledger is what a warm run goes on from.

        The command has a ledger of its own where the fleet has been listed: there, companies are as its settings say.
        """
        work = self.workload
        shape = work.shape._replace(changed=0, added=0)
        _write(shape, self._folder / "before", self._server)
        self._server.reset(shape, filled=False, latency_s=0.0, page_size=work.page_size)
        job = replace(self._job(), folder=str(self._folder / "before"), verify="full", vendor_limits=False)
        job = replace(job, hours_ago=work.hours_ago)
        run_program(OURS, replace(job, page_size=100, chunk_rows=1_000), self._server)
        for _ in range(work.listed_before):
            run_program(OURS, job, self._server)
        if work.rested:
            run_program(COMMAND, replace(self._job(), ledger=job.ledger), self._server)
        ledger = Path(job.ledger)
        shutil.copyfile(ledger, _kept(ledger, OURS))
        if work.listed_before and COMMAND in work.programs:
            run_program(OURS, replace(job, scratch=str(self._scratch()), as_command=True), self._server)
        shutil.copyfile(ledger, _kept(ledger, COMMAND))
        return ledger

    def run(self, program: str, **options: Any) -> Run:
        """Run a program from the start. Raises `ProgramFailed` when it does not leave the rows that it should.

        `options`: fields of its job that are not as usual.
        """
        work = self.workload
        self._server.reset(work.shape, filled=work.filled, latency_s=work.latency_s, page_size=work.page_size)
        run = run_program(program, replace(self._job(program), **options), self._server)
        must_have_left(self._expected, run, f"{program} on {work.name}")
        return run

    def follow(self, calendar: str) -> Run:
        """Run the engine through a calendar, from the start."""
        work = self.workload
        self._server.reset(work.shape, filled=True, latency_s=0.0, page_size=work.page_size)
        job = self._job()
        (Path(job.scratch) / "calendar.json").write_text(calendar, encoding="utf-8")
        return run_program("month", job, self._server)

    def _scratch(self) -> Path:
        """Return an empty folder."""
        scratch = self._folder / f"run{self._turn}"
        self._turn += 1
        scratch.mkdir()
        return scratch

    def _job(self, program: str = OURS) -> Job:
        """Return a job in an empty folder; a prepared ledger is as it was, in its place beside its lock files."""
        scratch = self._scratch()
        ledger = self._ledger or scratch / "ledger.db"
        if self._ledger is not None:
            for left in (ledger, ledger.with_name(f"{ledger.name}-wal"), ledger.with_name(f"{ledger.name}-shm")):
                left.unlink(missing_ok=True)
            shutil.copyfile(_kept(ledger, COMMAND if program == COMMAND else OURS), ledger)
        work = self.workload
        return Job(
            base_url=self._server.secure_url if work.tls else self._server.base_url,
            folder=str(self._folder / "sources"),
            scratch=str(scratch),
            page_size=work.page_size,
            chunk_rows=work.chunk_rows,
            concurrency=work.concurrency,
            ledger=str(ledger),
            verify=work.verify,
            accounts=work.shape.accounts if work.shape.shared_out else {},
            vendor_limits=work.vendor_limits,
        )


def _kept(ledger: Path, program: str) -> Path:
    return ledger.with_name(f"{ledger.name}.{program}")


def must_have_left(expected: tuple[int, int], run: Run, what: str) -> None:
    """Refuse a run after which the server holds other rows, as many or not: it does not count, however fast it was."""
    if (run.rows, run.checksum) != expected:
        raise ProgramFailed(f"{what} left other rows than wanted: {run.rows:,} where {expected[0]:,} should be")


@contextmanager
def staged(workload: Workload, server: Server) -> Iterator[Stage]:
    """Prepare a workload in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="dimsync-bench-") as folder:
        yield Stage(workload, server, Path(folder))


def _write(shape: Shape, folder: Path, server: Server) -> tuple[int, int]:
    """Write the sources; return how many rows there must be at the end, and their checksum.

    It is done by a process of its own: what measures has to stay small.
    """
    told, errors = folder.with_suffix(".told"), folder.with_suffix(".stderr")
    words = (json.dumps(shape), str(folder))
    ended = server.launch("benchmarks.sources", *words, env=surroundings(), out=told, errors=errors)
    if ended.code:
        raise ProgramFailed(f"no sources were written: {errors.read_text(errors='replace')[-2000:]}")
    rows, checksum = json.loads(told.read_text(encoding="utf-8"))
    return rows, checksum
