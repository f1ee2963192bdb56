"""What a worker is doing, written to the database for `dimsync workers`: its machine, its process, each job's run.

Nothing depends on these notes. They are written at most once a second; a note that cannot be written is dropped.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from threading import Lock

import orjson

from engine.distributed.company_job import CompanyJob
from engine.distributed.schema import SCHEMA
from engine.distributed.watching import Watcher
from engine.errors import LedgerError
from engine.ledger.postgres.address import checked
from engine.ledger.postgres.session import Session
from engine.model.events import Event, RunStarted
from engine.model.result import RunResult

APART_S = 1.0
"""The time between two notes, at least."""

NOTE = f"""
    insert into {SCHEMA}.worker_notes (worker_id, host, pid, runs) values (?, ?, ?, ?::jsonb)
    on conflict (worker_id) do update set runs = excluded.runs
"""  # noqa: S608  our own schema

_JOB: ContextVar[str | None] = ContextVar("_JOB", default=None)
"""The name of the job that a task is doing: a run that begins in the task belongs to this job."""


class WorkNotes(Watcher):
    """The notes of one worker. `telemetry`: for the worker's engine; it notes the runs that begin."""

    def __init__(self) -> None:
        self.telemetry = _Runs(self)
        self.worker_id: int | None = None
        self.runs: dict[str, str] = {}  # run id by name of the job
        self.changed = asyncio.Event()

    def registered(self, worker_id: int) -> None:
        """Take the number of the worker."""
        self.worker_id = worker_id
        self.changed.set()

    def began(self, job: CompanyJob) -> None:
        """Take the beginning of a job, in the task that does it."""
        _JOB.set(job.lock)

    def ended(self, job: CompanyJob, result: RunResult | None) -> None:  # noqa: ARG002  the watchers' signature
        """Take the end of a job."""
        if self.runs.pop(job.lock, None) is not None:
            self.changed.set()

    def run_began(self, run_id: str) -> None:
        """Take the beginning of a run, in the task that does its job."""
        if (lock := _JOB.get()) is not None:
            self.runs[lock] = run_id
            self.changed.set()


class _Runs:
    """Tells the notes of runs that begin."""

    def __init__(self, notes: WorkNotes) -> None:
        self._notes = notes

    def take(self, event: Event, run_id: str | None) -> None:
        """Take an event."""
        if isinstance(event, RunStarted) and run_id is not None:
            self._notes.run_began(run_id)

    def ended(self, run_id: str, error: BaseException | None) -> None:
        """Do nothing: the job's end is enough."""

    def lagged(self, seconds: float) -> None:
        """Do nothing."""


async def keep_notes(notes: WorkNotes, writer: NoteWriter, apart_s: float = APART_S) -> None:
    """Write the notes down whenever they change, until cancelled."""
    while True:
        await notes.changed.wait()
        notes.changed.clear()
        if notes.worker_id is not None:
            await asyncio.to_thread(writer.write, notes.worker_id, dict(notes.runs))
        await asyncio.sleep(apart_s)


class NoteWriter:
    """Writes notes on its own connection, opened again after a loss. Its methods may be called in any thread."""

    def __init__(self, url: str) -> None:
        """Take the URL of the ledger. Raises `ConfigError` for one that no ledger in Postgres has."""
        self._address = checked(url)
        self._session: Session | None = None
        self._turn = Lock()

    def write(self, worker_id: int, runs: Mapping[str, str]) -> None:
        """Replace a worker's note; do nothing if the database cannot be reached."""
        with self._turn:
            try:
                if self._session is None:
                    self._session = Session(self._address, self._address, lambda _: None)
                values = (worker_id, socket.gethostname(), os.getpid(), orjson.dumps(runs).decode())
                self._session.execute(NOTE, values)
            except LedgerError:
                self._leave()

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._leave()

    def _leave(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
