"""The sandbox with limits that bite: a rate, counted in one of three ways, or a number of requests worked on at once.

`python -m benchmarks.limited SETUP` (a `Setup` as JSON) serves until its standard input ends, and prints its address as
one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from subprocess import PIPE, Popen

from aiohttp import web

from benchmarks.launch import ROOT, ProgramFailed, surroundings
from benchmarks.server import run_fast
from engine.sandbox.access import Allowance
from engine.sandbox.rates import RateModel
from engine.sandbox.server import Options, Sandbox

COMPANIES = 300
FIRST_ID = 1001


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the server bears."""

    rate: float = 1e6  # requests a second
    rate_model: RateModel = "bucket"
    capacities: tuple[int, ...] = ()  # listings that are worked on at once, phase by phase; none: no such bound
    phase_s: float = 0.0
    work_s: float = 0.0  # of one listing
    sheds: bool = False  # a request above the limit is answered 503; else it queues


class Bounded(Sandbox):
    """A sandbox that works on a limited number of listings at once, a limit that changes with time."""

    def __init__(self, setup: Setup) -> None:
        # A tenth of a second in a burst, where the vendor's bucket holds two: a full bucket must not hide an overrun.
        burst = max(2, round(setup.rate / 10))
        super().__init__(
            Options(allowance=Allowance(rate=setup.rate, burst=burst, rate_model=setup.rate_model, per_day=10**9))
        )
        self._setup = setup
        self._began_at: float | None = None
        self._working = 0
        self._queue: deque[asyncio.Event] = deque()
        for n in range(COMPANIES):
            self.service.place(FIRST_ID + n)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._setup.capacities or request.rel_url.path != "/v1/dimensions":
            return await super()._serve(request)
        if self._working >= self._capacity():
            if self._setup.sheds:
                return web.Response(status=503)
            turn = asyncio.Event()
            self._queue.append(turn)
            await turn.wait()  # whoever calls it in counts it, too
        else:
            self._working += 1
        try:
            await asyncio.sleep(self._setup.work_s)
            return await super()._serve(request)
        finally:
            self._working -= 1
            while self._queue and self._working < self._capacity():
                self._working += 1
                self._queue.popleft().set()

    def _capacity(self) -> int:
        now = asyncio.get_running_loop().time()
        if self._began_at is None:
            self._began_at = now
        phase = int((now - self._began_at) / self._setup.phase_s)
        return self._setup.capacities[min(phase, len(self._setup.capacities) - 1)]


@contextmanager
def serving(setup: Setup) -> Iterator[str]:
    """Run a server in a process of its own and give its base URL; it ends with the block, or with this process."""
    words = [sys.executable, "-m", "benchmarks.limited", json.dumps(asdict(setup))]
    with Popen(words, cwd=ROOT, env=surroundings(), stdin=PIPE, stdout=PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise ProgramFailed("the server has no pipes")
        try:
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.stdin.close()
            process.wait(timeout=30)


async def _serve(setup: Setup) -> None:
    async with Bounded(setup) as sandbox:
        sys.stdout.write(json.dumps({"base_url": sandbox.base_url}) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    run_fast(_serve(Setup(**json.loads(sys.argv[1]))))
