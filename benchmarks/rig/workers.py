"""Worker processes: the program itself, started, frozen, killed, and asked to end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import psutil

from benchmarks.launch import ROOT, ProgramFailed

PATIENCE_S = 60.0
LINE = re.compile(r"^(\S+Z) company (\d+)(?: .*?)?: (.*)$", re.MULTILINE)


class Process(Protocol):
    """A process that was started."""

    pid: int
    returncode: int | None

    def poll(self) -> int | None:
        """Return the exit code; None: it runs."""
        ...

    def wait(self, timeout: float = ...) -> int:
        """Return the exit code as soon as there is one."""
        ...


class Launch(Protocol):
    """Starts `dimsync WORDS` in a folder, with both streams written to a file."""

    def __call__(self, *words: str, cwd: Path, env: Mapping[str, str], log: Path) -> Process:
        """Start it."""
        ...


def launched(*words: str, cwd: Path, env: Mapping[str, str], log: Path) -> Process:
    """Start the program as a person would."""
    ours = {"PYTHONPATH": str(ROOT), "SSL_CERT_FILE": os.devnull}
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "engine", *words],
            cwd=cwd,
            env={**os.environ, **ours, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )


@dataclass(slots=True, kw_only=True)
class Worker:
    """One worker process."""

    process: Process
    log: Path
    _used_s: float = 0.0  # processor time when it was last looked at

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is frozen."""
        return self.process.poll() is None

    def cpu_s(self) -> float:
        """Return its processor time so far; once it has ended, the last figure that was asked for before."""
        if self.is_alive:
            with suppress(psutil.NoSuchProcess):
                times = psutil.Process(self.pid).cpu_times()
                self._used_s = times.user + times.system
        return self._used_s

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; if it has ended, nothing happens."""
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9` it, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_S)

    def ask_to_end(self) -> None:
        """Let it finish what it is at, and take nothing more."""
        self.signal(signal.SIGTERM)

    def must_end_well(self) -> None:
        """Wait for its end. Raises `ProgramFailed` when it did not end with 0."""
        code = self.process.wait(timeout=PATIENCE_S)
        if code:
            raise ProgramFailed(f"a worker ended with {code}: {self.log.read_text(errors='replace')[-3000:]}")


@dataclass(slots=True, kw_only=True)
class Workers:
    """The workers of one fleet, all in its folder: none of them is told of the others."""

    folder: Path
    env: Mapping[str, str]
    launch: Launch = launched
    all: list[Worker] = field(default_factory=list)

    def run(self, *words: str) -> str:
        """Run the program to its end, and return what it said. Raises `ProgramFailed` when it did not end with 0."""
        log = self.folder / f"{words[0]}-{len(list(self.folder.glob('*.log')))}.log"
        code = self.launch(*words, cwd=self.folder, env=self.env, log=log).wait(timeout=PATIENCE_S)
        said = log.read_text(encoding="utf-8", errors="replace")
        if code:
            raise ProgramFailed(f"dimsync {' '.join(words)} ended with {code}: {said[-3000:]}")
        return said

    def start(self, jobs: int, *words: str) -> Worker:
        """Start one more worker, for `jobs` companies at a time."""
        log = self.folder / f"worker-{len(self.all)}.log"
        command = ("worker", "--jobs", str(jobs), *words)
        worker = Worker(process=self.launch(*command, cwd=self.folder, env=self.env, log=log), log=log)
        self.all.append(worker)
        return worker

    def end(self) -> None:
        """Ask all that are left to end, and see that they end well."""
        for worker in self.all:
            worker.cpu_s()
            worker.ask_to_end()
        for worker in self.all:
            if worker.process.returncode != -signal.SIGKILL:
                worker.must_end_well()

    def told(self, *words: str) -> dict[int, datetime]:
        """Return the companies of which a worker has told in lines that begin so or so, and when it last did."""
        found: dict[int, datetime] = {}
        for worker in self.all:
            for at, company, line in LINE.findall(worker.log.read_text("utf-8", "replace")):
                if line.startswith(words):
                    moment = datetime.fromisoformat(at)
                    found[int(company)] = max(moment, found.get(int(company), moment))
        return found

    def clear(self) -> None:
        """Kill all that are left, frozen or not."""
        for worker in self.all:
            if worker.is_alive:
                worker.kill()


def until(condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S, *, each_s: float = 0.02) -> float:
    """Wait for a condition, and return the seconds. Raises `ProgramFailed` if it takes longer."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience_s:
            raise ProgramFailed(f"{what}: not within {patience_s:g} s")
        time.sleep(each_s)
    return time.monotonic() - began
