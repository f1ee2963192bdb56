"""Clients in processes of their own, which share a ledger file and can be killed; the sandbox here keeps the truth."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from engine import Dimension
from engine.sandbox.faults.rules import Script, parse_rules
from engine.sandbox.record import Entry
from engine.sandbox.server import Sandbox
from engine.sandbox.tenant import Company
from tests.nursery import Forked, Nursery, environment

PATIENCE_S = 15.0  # for one process to get where it should; a hundred times what it takes
POLL_S = 0.002  # less than the shortest latency of a test: a request that is waited for is seen before it is worked on

NEW = "is new: no run was written down in it"
"""In what the first run says of the ledger."""

LATENCY = {"effect": "latency", "seconds": 0.005, "jitter": 0.015}
LOST_ANSWERS = {"effect": "reset", "commit": True, "match": {"operation": "bulk"}, "share": 0.03}


@dataclass(slots=True, kw_only=True)
class Client:
    """One client process, and what it said."""

    process: Forked
    out: Path

    def kill(self) -> None:
        """`kill -9` a process that is still at work."""
        self.process.kill()
        assert self.process.wait(PATIENCE_S) == -signal.SIGKILL, "it had ended by itself"

    @property
    def stderr(self) -> str:
        return self.out.with_suffix(".err").read_text()


@dataclass(slots=True, kw_only=True)
class Site:
    """A sandbox, a ledger file and a folder of sources."""

    sandbox: Sandbox
    folder: Path
    ledger: Path
    nursery: Nursery
    clients: list[Client] = field(default_factory=list)

    @property
    def log(self) -> list[Entry]:
        return self.sandbox.service.log

    def script(self, *rules: Mapping[str, Any], seed: int = 7) -> None:
        """Set the sandbox's trouble from now on."""
        self.sandbox.service.script = Script(parse_rules(list(rules)), seed=seed)

    def want(self, company_id: int, rows: Iterable[Dimension]) -> None:
        """Write a company's source; the company is made where there is none."""
        if self.sandbox.tenant.company(company_id) is None:
            self.sandbox.service.place(company_id)
        lines = [
            orjson.dumps(
                {
                    "unique_key": row.key,
                    "dimension_type_code": row.type_code,
                    "type": row.type_label,
                    "name": row.name,
                    "erp_dimension_id": row.erp_id,
                    "code": row.code,
                }
            )
            for row in rows
        ]
        (self.folder / "sources" / f"{company_id}.ndjson").write_bytes(b"\n".join(lines))

    def start(self, *options: str) -> Client:
        """Start a client on all companies."""
        sources = str(self.folder / "sources")
        return self.begin("tests.crash.client", self.sandbox.base_url, f"sqlite:///{self.ledger}", sources, *options)

    def begin(self, module: str, *words: str) -> Client:
        """Start `python -m MODULE WORDS` in the folder: a client, which is ended with the test."""
        out = self.folder / f"client-{len(self.clients)}.json"
        with out.open("wb") as stdout, out.with_suffix(".err").open("wb") as stderr:
            process = self.nursery.start(
                module, *words, cwd=self.folder, env=environment(), stdout=stdout, stderr=stderr
            )
        client = Client(process=process, out=out)
        self.clients.append(client)
        return client

    async def wait(self, client: Client) -> dict[str, Any]:
        """Return the result of a client that runs to its end."""
        with anyio.fail_after(PATIENCE_S):
            while client.process.poll() is None:  # noqa: ASYNC110  a process has no event to wait for
                await anyio.sleep(POLL_S)
        assert [line for line in client.stderr.splitlines() if NEW not in line] == []
        result: dict[str, Any] = orjson.loads(client.out.read_bytes())
        assert client.process.returncode == result["exit_code"]
        return result

    async def run(self, *options: str) -> dict[str, Any]:
        """Start a client and return its result."""
        return await self.wait(self.start(*options))

    async def reach(self, client: Client, moment: Callable[[], bool]) -> None:
        """Wait for a moment in the life of a client, which has to live to see it."""
        with anyio.fail_after(PATIENCE_S):
            while not moment():
                assert client.process.poll() is None, f"it ended too early: {client.stderr}"
                await anyio.sleep(POLL_S)

    async def kill_when(self, moment: Callable[[], bool], *options: str) -> None:
        """Start a client, and `kill -9` it when the moment comes; then let the sandbox finish what it had begun."""
        client = self.start(*options)
        await self.reach(client, moment)
        client.kill()
        await self.calm()

    async def kill_at(self, requests: int, *options: str) -> None:
        """Start a client, and `kill -9` it when so many requests of its own have arrived."""
        goal = len(self.log) + requests
        await self.kill_when(lambda: len(self.log) >= goal, *options)

    async def calm(self) -> None:
        """Wait until nothing of a dead client is left: requests in its sockets arrive and may be carried out."""
        with anyio.fail_after(PATIENCE_S):
            while self._is_busy():  # noqa: ASYNC110  the sandbox has no event for it
                await anyio.sleep(POLL_S)

    def _is_busy(self) -> bool:
        runner = self.sandbox._runner
        connected = runner is not None and runner.server is not None and bool(runner.server.connections)
        return connected or bool(self.sandbox._late) or any(entry.status is None for entry in self.log)

    def stored(self, company_id: int) -> dict[str, Dimension]:
        """Return what the sandbox holds by key, after seeing to it that nothing is there twice."""
        rows = self._company(company_id).rows
        keys = Counter(row.values.key for row in rows)
        natural = Counter((row.values.type_code, row.values.erp_id) for row in rows)
        assert [key for key, times in keys.items() if times > 1] == []
        assert [key for key, times in natural.items() if times > 1] == []
        return {row.values.key or "": Dimension(row.values.key or "", *row.values[1:]) for row in rows}

    def bulks(self) -> list[Entry]:
        """Return the bulk requests so far."""
        return [entry for entry in self.log if entry.operation == "bulk"]

    def hanging(self, since: int) -> list[Entry]:
        """Return the requests whose work is done and whose answer is held back, from a place in the log on."""
        return [entry for entry in self.log[since:] if entry.committed and entry.status == "hang"]

    def in_flight(self) -> dict[int, int]:
        """Return how many keys stand in intents, by company."""
        return {int(company): int(keys) for company, keys in self._ask(IN_FLIGHT)}

    def open_intents(self) -> int:
        """Return how many intents the ledger holds."""
        return sum(int(count) for (count,) in self._ask(OPEN))

    def _company(self, company_id: int) -> Company:
        return self.sandbox.tenant.companies[company_id]

    def _ask(self, query: str) -> Iterator[Any]:
        """Look into the ledger without touching it: what a killed client left has to be mended by the next one."""
        with closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True)) as connection:
            yield from connection.execute(query)


IN_FLIGHT = """
    select company_id, count(*) from intents join json_each(keys) join scopes on scopes.id = scope group by company_id
"""
OPEN = "select count(*) from intents"


def dims(count: int, *, first: int = 0, name: str = "Name") -> list[Dimension]:
    """Return rows of three types, each tenth with the name of the one before it: answers cannot tell those apart."""
    types = (("account", "Account"), ("department", "Department"), ("project", "Job"))
    return [
        Dimension(f"K{n:05}", *types[n % 3], f"{name} {n - (n % 10 == 9):05}", f"{n:05}", f"C{n}")
        for n in range(first, first + count)
    ]


@pytest.fixture
async def site(tmp_path: Path, nursery: Nursery) -> AsyncIterator[Site]:
    (tmp_path / "sources").mkdir()
    async with Sandbox() as sandbox:
        site = Site(sandbox=sandbox, folder=tmp_path, ledger=tmp_path / "ledger.db", nursery=nursery)
        try:
            yield site
        finally:
            for client in site.clients:
                client.process.kill()
                client.process.wait()
