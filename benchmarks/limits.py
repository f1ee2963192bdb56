"""How closely the engine runs along a server's limits: `scripts/bench limits [--quick]`.

The engine's own channel and clients read one listing after the other, from one company or from 300. First against a
rate, counted by the server in three ways; then against a server that works on a limited number of requests at once, a
limit that changes twice, with the adaptive width and with fixed ones. Prints each figure as it comes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from random import Random
from statistics import median
from typing import Any

import aiohttp
import anyio

from benchmarks.limited import COMPANIES, FIRST_ID, Setup, serving
from benchmarks.machine import describe
from benchmarks.rig.record import most_in_a_second
from benchmarks.server import run_fast
from engine.errors import OutcomeUnknown
from engine.model.events import Event
from engine.model.settings import Account, Api, Limits, Secret
from engine.net.channel import Channel
from engine.net.client import CompanyClient
from engine.net.http.exchange import Answer, Request
from engine.net.http.transport import AiohttpTransport
from engine.net.key import Key
from engine.net.limits.gate import KeyLimits, Place
from engine.net.limits.places import Places
from engine.net.limits.quota import Quota
from engine.net.limits.width import Kind, Width
from engine.wire.guide import DIALECT as GUIDE

SEED = 7
RATES = (10, 50, 500, 1000)
FIXED = (4, 8, 16, 32, 48, 64)
RUN_S, ROUNDS = 6.0, 3
CAPACITIES = (32, 8, 32)
WORK_S = 0.1
SETTLED_S = 3.0
"""Seconds after each change of capacity that are not counted: the width is still adapting."""


class NoEnd:
    """A quota that never runs out."""

    async def reserve_requests(self, _origin: str, _account: str, _day: date, _usable: int, _most: int) -> int:
        """Give a block."""
        return 1_000_000

    async def charge_requests(self, _origin: str, _account: str, _day: date, _requests: int) -> None:
        """Take a block back."""


@dataclass(slots=True)
class Watch:
    """A transport that notes what happens on it."""

    inner: AiohttpTransport
    out: int = 0
    sent: int = 0
    answers: list[tuple[float, int, int]] = field(default_factory=list)  # seconds, status, requests still out

    async def send(self, request: Request) -> Answer:
        """Exchange one request."""
        self.out += 1
        self.sent += 1
        try:
            answer = await self.inner.send(request)
        finally:
            self.out -= 1
        self.answers.append((time.monotonic(), answer.status, self.out + 1))
        return answer


class FixedWidth(KeyLimits):
    """A gate with a fixed number of places, whatever the answers are."""

    def __init__(self, limits: Limits, places: int) -> None:
        super().__init__(limits)
        self._places, self._width = Places(places), Width(places=places, ceiling=places)

    def answered(self, place: Place, kind: Kind, trouble: str) -> None:
        """Learn nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What asks the server: a number of companies, for a number of seconds."""

    companies: int
    seconds: float
    rate: float = 1e6
    width: int | None = None  # None: the engine's own


def run(base_url: str, load: Load) -> tuple[float, Watch]:
    """Return when the first request was due, and what came of all."""
    found: list[tuple[float, Watch]] = []

    async def main() -> None:
        found.append(await _read(base_url, load))

    run_fast(main())
    return found[0]


async def _read(base_url: str, load: Load) -> tuple[float, Watch]:
    limits = Limits(requests_per_second=load.rate)
    demo = ("demo-key", "demo-client", "demo-secret")
    key, client, secret = (Secret(text) for text in demo)
    account = Account(
        name="main", account_id="racc_demo", api_key=key, client_id=client, client_secret=secret, limits=limits
    )
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        watch = Watch(AiohttpTransport(session, body_bytes=10**6))
        shared = Key(account, Quota(account, NoEnd(), base_url, _now))
        if load.width is not None:
            shared.gate = FixedWidth(limits, load.width)
        rng = Random(SEED)  # noqa: S311  backoff that repeats from run to run
        channel = Channel(shared, Api(base_url=base_url), watch, emit=_drop, now=_now, rng=rng)
        clients = [CompanyClient(channel, GUIDE, FIRST_ID + n) for n in range(load.companies)]
        began = time.monotonic()
        with anyio.move_on_after(load.seconds):
            async with anyio.create_task_group() as tasks:
                for reader in clients:
                    for _ in range(1 if load.companies > 1 else reader.width):
                        tasks.start_soon(_ask, reader)
        return began, watch


async def _ask(client: CompanyClient) -> None:
    while True:
        with suppress(OutcomeUnknown):  # refused so often that the engine gave it up
            await client.page(1, 20)


async def _drop(_event: Event) -> None:
    pass


def _now() -> datetime:
    return datetime.now(UTC)


def rates(seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Measure and print the table of rates: the median of what was reached, and of the rest the worst."""
    rows: list[dict[str, Any]] = []
    print(f"{'server':8} {'rate':>5} {'companies':>9} {'reached':>8} {'from - to':>15} {'429':>7} {'in 1 s':>7}")
    for model in ("bucket", "fixed", "sliding"):
        for rate in RATES:
            for companies in (1, COMPANIES):
                runs = []
                for _ in range(rounds):
                    with serving(Setup(rate=rate, rate_model=model)) as base_url:
                        runs.append(_rate_run(base_url, rate, companies, seconds))
                rows.append({"model": model, "rate": rate, "companies": companies, "runs": runs})
                reached = sorted(run["reached"] for run in runs)
                refused, peak = (max(run[column] for run in runs) for column in ("refused", "peak"))
                span = f"{reached[0]:.1%} - {reached[-1]:.1%}"
                print(
                    f"{model:8} {rate:5} {companies:9} {median(reached):8.1%} {span:>15} {refused:7.2%} {peak:7.3f}",
                    flush=True,
                )
    return rows


def _rate_run(base_url: str, rate: int, companies: int, seconds: float) -> dict[str, float]:
    began, watch = run(base_url, Load(companies=companies, seconds=seconds, rate=rate))
    times = [at - began for at, status, _ in watch.answers if status != 429 and at - began <= seconds]
    refused = sum(status == 429 for _, status, _ in watch.answers)
    return {
        "reached": len(times) / (rate * seconds),
        "refused": refused / len(watch.answers),
        "peak": most_in_a_second(times) / rate,
        "requests": len(watch.answers),
    }


def acquire_us(rate: float, requests: int) -> float:
    """Return the processor time that the gate takes for a request, in microseconds, while 64 requests want it."""

    async def main() -> None:
        gate, give_up, left = KeyLimits(Limits(requests_per_second=rate)), anyio.Event(), iter(range(requests))

        async def work() -> None:
            for _ in left:
                async with gate.place(give_up) as place:
                    await gate.set_off(place, give_up)
                    gate.answered(place, ("list", 12), "")

        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(work)

    before = time.process_time()
    run_fast(main())
    return (time.process_time() - before) / requests * 1e6


def widths(phase_s: float, fixed: Sequence[int], *, sheds: bool) -> dict[str, Any]:
    """Measure the adaptive width and fixed ones against a server whose capacity changes, and print the table."""
    setup = Setup(capacities=CAPACITIES, phase_s=phase_s, work_s=WORK_S, sheds=sheds)
    runs = {str(width or "adaptive"): _width_run(setup, width) for width in (None, *fixed)}
    ours = runs["adaptive"]
    best = [max(runs[str(width)]["settled"][phase] for width in fixed) for phase in range(len(CAPACITIES))]
    print(f"\n{'sheds' if sheds else 'queues'}: work for {', '.join(map(str, CAPACITIES))} at once, {phase_s:g} s each")
    for name, each in runs.items():
        cells = "  ".join(f"{rate:6.1f}/s" for rate in each["settled"])
        print(f"{name:>9}  {cells}  refused {each['refused']:.2%}")
    shares = [rate / top for rate, top in zip(ours["settled"], best, strict=True)]
    print("    share  " + "  ".join(f"{share:8.1%}" for share in shares), flush=True)
    return {"setup": asdict(setup), "settled_s": SETTLED_S, "runs": runs, "best": best, "share_of_best": shares}


def _width_run(setup: Setup, width: int | None) -> dict[str, Any]:
    """Return answers a second of each phase once settled, the share refused, and the course of the run."""
    seconds = setup.phase_s * len(setup.capacities)
    with serving(setup) as base_url:
        began, watch = run(base_url, Load(companies=COMPANIES, seconds=seconds, width=width))
    answers = [(at - began, status, out) for at, status, out in watch.answers]
    good = [at for at, status, _ in answers if status == 200]
    settled = min(SETTLED_S, setup.phase_s / 2)
    starts = [phase * setup.phase_s + settled for phase in range(len(setup.capacities))]
    span = setup.phase_s - settled
    return {
        "settled": [sum(start <= at < start + span for at in good) / span for start in starts],
        "refused": sum(status == 503 for _, status, _ in answers) / len(answers),
        "course": [_tick(answers, tick / 4) for tick in range(int(seconds * 4))],
    }


def _tick(answers: Sequence[tuple[float, int, int]], start: float) -> dict[str, float]:
    """Return a quarter of a second: answers a second, and the most requests out at once."""
    within = [(status, out) for at, status, out in answers if start <= at < start + 0.25]
    good = sum(status == 200 for status, _ in within)
    return {"at_s": start, "per_s": good * 4.0, "out": max((out for _, out in within), default=0)}


def along(*, quick: bool) -> dict[str, Any]:
    """Measure and print all of it: the rates, the gate's own cost, and the widths."""
    found: dict[str, Any] = {"machine": {**describe(), "seed": SEED}}
    found["rates"] = rates(1.0, 1) if quick else rates(RUN_S, ROUNDS)
    found["gate_us"] = {str(rate): acquire_us(rate, 500 if quick else 2_000) for rate in (500, 1000, 1e6)}
    print(
        "the gate's own cost, us a request: " + ", ".join(f"{us:.0f} at {at}/s" for at, us in found["gate_us"].items())
    )
    fixed = FIXED[1:4:2] if quick else FIXED
    phase_s = 2.0 if quick else 8.0
    found["widths"] = {name: widths(phase_s, fixed, sheds=name == "sheds") for name in ("queues", "sheds")}
    return found
