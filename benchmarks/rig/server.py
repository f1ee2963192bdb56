"""The sandbox in a process of its own, with a record of what arrived when, for several workers at once.

`python -m benchmarks.rig.server LATENCY_S` serves until its standard input ends, and prints its address as one JSON
line. `/_record/...` sets the stage and tells what it saw.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from subprocess import PIPE, Popen
from typing import Any
from urllib.request import Request, urlopen

from aiohttp import web

from benchmarks.data import Row, checksum
from benchmarks.launch import ROOT, ProgramFailed, surroundings
from benchmarks.rig.fleet import Fleet, credentials
from benchmarks.rig.record import KeyUse, Record, interleaved, used
from benchmarks.server import run_fast
from engine.sandbox.access import Allowance, Credentials
from engine.sandbox.server import Options, Sandbox, utc_now
from engine.sandbox.service import Service
from engine.sandbox.tenant import Tenant, Values

NO_BOUND = Allowance(rate=1e9, burst=10**9, per_day=10**9)
"""The server refuses nothing: what came too early shows in its record."""


class Recorded(Sandbox):
    """A sandbox with a record, and a delay before it does the work of a request."""

    def __init__(self, latency_s: float) -> None:
        super().__init__()
        self.record = Record()
        self._latency_s = latency_s
        self._looks: dict[str, Callable[[], object]] = {
            "/_record/record": self._told,
            "/_record/rows": self._rows,
            "/_record/stored": self._stored,
        }

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        arrived_at = time.monotonic()
        path, headers = request.rel_url.path, request.headers
        if path == "/_record/stage":
            return self._stage(Fleet(**json.loads(await request.content.read())))
        if path in self._looks:
            return web.json_response(self._looks[path]())
        if path.startswith("/_sandbox/"):
            return await super()._serve(request)
        with self.record.request(headers.get("X-Api-Key", ""), headers.get("Idempotency-Key"), arrived_at):
            await asyncio.sleep(self._latency_s)
            return await super()._serve(request)

    def _stage(self, fleet: Fleet) -> web.StreamResponse:
        """Begin anew, with a fleet as it is at first."""
        accounts = tuple(
            Credentials(account_id=f"racc_{number}", **credentials(number)) for number in range(1, fleet.keys + 1)
        )
        self.tenant, self.record = Tenant(), Record()
        self.options = Options(accounts=accounts, allowance=NO_BOUND)
        self.service = Service(self.options, tenant=self.tenant, clock=utc_now, second=time.monotonic)
        for company in fleet.ids:
            rows = [
                Values(row.unique_key, row.dimension_type_code, row.type, row.name, row.erp_dimension_id, row.code)
                for row in fleet.known_rows(company)
            ]
            self.service.place(company, rows, account=f"racc_{fleet.number_of(company)}")
        gc.collect()
        gc.freeze()
        return web.json_response({"companies": fleet.companies})

    def _told(self) -> dict[str, Any]:
        return self.record.told()

    def _rows(self) -> int:
        return sum(len(company.rows) for company in self.tenant.companies.values())

    def _stored(self) -> dict[int, tuple[int, int]]:
        return {
            company.id: (len(company.rows), checksum(_row(row.values) for row in company.rows))
            for company in self.tenant.companies.values()
        }


def _row(values: Values) -> Row:
    return Row(values.key or "", values.label, values.type_code, values.name, values.erp_id, values.code or "")


class Witness:
    """What the server's process tells, and the rows that it holds."""

    def __init__(self, base_url: str, pid: int) -> None:
        self.base_url = base_url
        self.pid = pid

    def stage(self, fleet: Fleet) -> None:
        """Empty the server and its record, and make a fleet's companies."""
        self._ask("stage", asdict(fleet))

    def arrivals(self) -> dict[str, list[float]]:
        """Return when requests arrived, by API key."""
        return dict(self._ask("record")["arrivals"])

    def writes(self) -> dict[int, dict[str, list[float]]]:
        """Return when writes arrived, by company and run."""
        return {int(company): runs for company, runs in self._ask("record")["writes"].items()}

    def overlaps(self) -> list[tuple[Any, ...]]:
        """Return the companies that two runs wrote at once, or by turns."""
        record = self._ask("record")
        at_once = [(company, one, other) for company, one, other, _ in record["overlaps"]]
        by_company = {int(company): runs for company, runs in record["writes"].items()}
        return [*at_once, *interleaved(by_company)]

    def keys(self, fleet: Fleet) -> dict[str, KeyUse]:
        """Return how each API key was used."""
        arrivals = self.arrivals()
        names = [credentials(number)["api_key"] for number in range(1, fleet.keys + 1)]
        return {name: used(arrivals.get(name, []), rate) for name, rate in zip(names, fleet.rates, strict=True)}

    def rows(self) -> int:
        """Return how many rows all companies have."""
        return int(self._ask("rows"))

    def stored(self) -> dict[int, tuple[int, int]]:
        """Return how many rows each company has, and their checksum."""
        return {int(company): (count, total) for company, (count, total) in self._ask("stored").items()}

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.base_url.removesuffix('/v1')}/_record/{path}"
        with urlopen(Request(url, data), timeout=60) as response:  # noqa: S310  on loopback
            return json.load(response)


@contextmanager
def witness(latency_s: float) -> Iterator[Witness]:
    """Run a server in a process of its own; it ends with the block, or with this process."""
    words = [sys.executable, "-m", "benchmarks.rig.server", str(latency_s)]
    with Popen(words, cwd=ROOT, env=surroundings(), stdin=PIPE, stdout=PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise ProgramFailed("the server has no pipes")
        try:
            yield Witness(json.loads(process.stdout.readline())["base_url"], process.pid)
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def _hurry() -> None:
    """Come before other processes, where that is allowed: the record is of when a request came, not of its turn."""
    with suppress(PermissionError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)


async def _serve(latency_s: float) -> None:
    _hurry()
    async with Recorded(latency_s) as sandbox:
        sys.stdout.write(json.dumps({"base_url": sandbox.base_url}) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    run_fast(_serve(float(sys.argv[1])))
