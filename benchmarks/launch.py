"""Run the server and the programs as processes, and measure a program from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from benchmarks.data import Shape
from benchmarks.programs.job import Job

ROOT = Path(__file__).parent.parent


class ProgramFailed(Exception):
    """A program ended with an error, or left other rows behind than it should have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of one program."""

    wall_s: float  # from its start to its end
    cpu_s: float  # user and system, of all of its processes
    first_request_s: float | None  # after its start; None: it sent none
    requests: Mapping[str, int]
    rows: int  # in the server, at the end
    checksum: int
    report: Mapping[str, Any] = field(default_factory=dict)  # the program's own figures
    busiest_key: int = 0  # requests under the API key that most of them were sent under
    share: float = 1.0  # how much of the workload's rows it was run on


class Ended(NamedTuple):
    """How a program ended, and what it used."""

    code: int  # its exit code; negative: the signal that ended it
    wall_s: float
    cpu_s: float  # user and system, of all of its processes


class Launch(Protocol):
    """Runs `python -m MODULE WORDS` in the checkout to its end, its streams going to files."""

    def __call__(self, module: str, *words: str, env: Mapping[str, str], out: Path, errors: Path) -> Ended:
        """Run it."""
        ...


def launch(module: str, *words: str, env: Mapping[str, str], out: Path, errors: Path) -> Ended:
    """Run it in a process of its own, from Python's start on."""
    with out.open("wb") as stdout, errors.open("wb") as stderr:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], cwd=ROOT, env=env, stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(process.returncode, wall_s, usage.ru_utime + usage.ru_stime)


class Server:
    """The benchmark server's controls, and how programs are run against it."""

    def __init__(self, port: int, tls_port: int, certificate: Path, launch: Launch) -> None:
        self.launch = launch
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.secure_url = f"https://127.0.0.1:{tls_port}/v1"
        self.certificate = certificate  # what a program has to trust

    def trusted(self) -> dict[str, str]:
        """Return the environment in which programs trust the server: OpenSSL's variable, and that of `requests`."""
        return {"SSL_CERT_FILE": str(self.certificate), "REQUESTS_CA_BUNDLE": str(self.certificate)}

    def reset(self, shape: Shape, *, filled: bool, latency_s: float, page_size: int) -> None:
        """Set the stage for a run."""
        stage = {"shape": shape, "filled": filled, "latency_s": latency_s, "page_size": page_size}
        self._ask("POST", "/_bench/reset", json.dumps(stage))

    def state(self) -> dict[str, Any]:
        """Return which requests the server has had since the last reset, and what it stores."""
        return self._ask("GET", "/_bench/state")

    def _ask(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            connection.request(method, path, body)
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer


@contextmanager
def serving(launch: Launch = launch) -> Iterator[Server]:
    """Run a server in a process of its own; it ends with the block, or with this process."""
    with TemporaryDirectory(prefix="dimsync-bench-") as folder:
        certificate = _certificate(Path(folder))
        words = [sys.executable, "-m", "benchmarks.server", str(certificate)]
        with subprocess.Popen(
            words, cwd=ROOT, env=surroundings(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            if process.stdin is None or process.stdout is None:
                raise ProgramFailed("the server has no pipes")
            try:
                ports = json.loads(process.stdout.readline())
                yield Server(ports["port"], ports["tls_port"], certificate, launch)
            finally:
                process.stdin.close()
                process.wait(timeout=30)


def _certificate(folder: Path) -> Path:
    """Make a self-signed certificate for this machine, and its key, in one PEM file."""
    path, key = folder / "server.pem", folder / "key.pem"
    subject = ("-subj", "/CN=benchmark server", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    words = ["openssl", "req", "-x509", *made, *subject, "-keyout", str(key), "-out", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramFailed(f"openssl made no certificate: {done.stderr}")
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def surroundings() -> dict[str, str]:
    """Return the environment of all programs: this checkout's modules first, compiled ones kept as anybody's would be.

    And nothing is sent to anybody's statistics.
    """
    ours = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", "RUNTIME__DLTHUB_TELEMETRY": "false"}
    return {**os.environ, **ours}


def run_program(name: str, job: Job, server: Server) -> Run:
    """Run a program to its end. Raises `ProgramFailed`; whether the rows are right is the caller's to judge."""
    path = Path(job.scratch) / "job.json"
    job.save(path)
    errors = Path(job.scratch) / "stderr"
    environment = surroundings() | (server.trusted() if job.base_url.startswith("https") else {})
    module, began = f"benchmarks.programs.{name}", time.monotonic()
    ended = server.launch(module, str(path), env=environment, out=Path(os.devnull), errors=errors)
    if ended.code:
        raise ProgramFailed(f"{name} ended with {ended.code}: {errors.read_text(errors='replace')[-2000:]}")
    state = server.state()
    first_at = state["first_request_at"]
    report = json.loads(Path(f"{path}.report").read_text(encoding="utf-8"))
    return Run(
        wall_s=ended.wall_s,
        cpu_s=ended.cpu_s,
        first_request_s=None if first_at is None else first_at - began,
        requests=state["requests"],
        rows=state["rows"],
        checksum=state["checksum"],
        report=report,
        busiest_key=max(state["by_key"].values(), default=0),
    )
