"""The program as a subprocess, and a sandbox process to run it against."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from engine.ledger.jobs.texts import to_text
from tests.nursery import PATIENCE_S, ROOT, Forked, Nursery, environment

PROGRAM = (sys.executable, "-m", "engine")

SETTINGS = """\
[api]
base_url = "{base_url}"
[accounts.main]
account_id = "racc_demo"
api_key = "env:API_KEY"
client_id = "env:CLIENT_ID"
client_secret = "env:CLIENT_SECRET"
[limits]
chunk_rows = 10
max_concurrency = {max_concurrency}
server_timeout = "200ms"
"""


def dimsync(*words: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, from Python's own start on."""
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd,
        env=env or environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


def start(*words: str, cwd: Path, stdin: int | None = None) -> subprocess.Popen[str]:
    """Start the program with all its streams on pipes."""
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=cwd,
        env=environment(),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def undated(text: str) -> str:
    """Return lines of standard error without the time that stands before each where it is no terminal."""
    return re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", "", text, flags=re.MULTILINE)


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, which is looked at often."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The sandbox's other door."""

    base_url: str

    def ask(self, path: str, body: object = None) -> Any:
        """GET, or POST a body."""
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.base_url.removesuffix('/v1')}/_sandbox/{path}", data)) as response:  # noqa: S310
            return json.load(response)

    def place(self, *company_ids: int) -> None:
        """Make companies, empty."""
        self.ask("companies", {"companies": [{"id": company_id} for company_id in company_ids]})

    def faults(self, *rules: Mapping[str, object]) -> None:
        """Replace the faults."""
        self.ask("faults", {"faults": list(rules)})

    def ways(self, *ways: Mapping[str, object]) -> None:
        """Replace the ways in which the server differs from its documents."""
        self.ask("ways", {"ways": list(ways)})

    def rename(self, company_id: int, key: str, name: str) -> None:
        """Let somebody give a row another name in Ottimate."""
        self.ask("edit", {"company": company_id, "change": [{"unique_key": key, "name": name}]})

    def rows(self, company_id: int) -> list[dict[str, str]]:
        """Return what is stored of a company."""
        rows: list[dict[str, str]] = self.ask(f"rows?company={company_id}")["rows"]
        return rows

    def requests(self, company_id: int) -> list[dict[str, Any]]:
        """Return a company's requests."""
        return [one for one in self.ask("log")["requests"] if one["company"] == company_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A program that runs, and what it has written so far."""

    process: Forked
    out: Path
    errors: Path

    def send(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, number)

    def wait(self) -> int:
        """Return the exit code, as soon as there is one."""
        return self.process.wait()

    @property
    def stdout(self) -> str:
        """What standard output has."""
        return self.out.read_text("utf-8")

    @property
    def stderr(self) -> str:
        """What standard error has."""
        return self.errors.read_text("utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A folder with settings and sources, and what the program makes of it."""

    folder: Path
    door: Door
    nursery: Nursery

    def configure(self, *company_ids: int, max_concurrency: int = 8, names: Mapping[int, str] | None = None) -> None:
        """Write the settings file."""
        text = SETTINGS.format(base_url=self.door.base_url, max_concurrency=max_concurrency)
        for one in company_ids:
            name = json.dumps((names or {}).get(one, f"Company {one}"))
            text += f'[[companies]]\nid = {one}\nname = {name}\nsource = "{one}.csv"\n'
        (self.folder / "dimsync.toml").write_text(text, encoding="utf-8")

    def source(self, company_id: int, names: Iterable[str]) -> None:
        """Write a company's source: one account for each name, keys and ids by position."""
        rows = [f"k{n},Account,account,{name},c{n},{1000 + n}\n" for n, name in enumerate(names)]
        header = "unique_key,type,dimension_type_code,name,code,erp_dimension_id\n"
        (self.folder / f"{company_id}.csv").write_text(header + "".join(rows), encoding="utf-8")

    def kill_a_sync(self, *, allowed: str = "") -> datetime:
        """Let the journal know of a sync, "killed", that began after all others and died; return when."""
        began = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        (path,) = self.folder.glob("*.db")
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "insert into runs (id, verb, started_at, origin, allowed)"
                " select 'killed', 'sync', ?, origin, nullif(?, '') from runs limit 1",
                (to_text(began), allowed),
            )
        return began

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the program in the folder; `env` changes its environment."""
        done = self.nursery.run("engine", *words, cwd=self.folder, env=environment(**env))
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    @contextmanager
    def start(self, *words: str) -> Iterator[Running]:
        """Start the program in the folder; it is killed where it outlives the block."""
        out, errors = self.folder / "standard-output", self.folder / "standard-error"
        with out.open("wb") as stdout, errors.open("wb") as stderr:
            process = self.nursery.start(
                "engine", *words, cwd=self.folder, stdout=stdout, stderr=stderr, env=environment()
            )
        try:
            yield Running(process=process, out=out, errors=errors)
        finally:
            process.kill()

    def result(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run the program and return its exit code and JSON, which agree on it."""
        done = self.run(*words, "--output", "json")
        document: dict[str, Any] = json.loads(done.stdout)
        assert document["exit_code"] == done.returncode
        return done.returncode, document
