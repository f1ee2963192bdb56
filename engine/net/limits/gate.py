"""The gate of one API key: requests a second, requests at once, and pauses of all of them that the API asks for."""

from __future__ import annotations

from asyncio import get_running_loop
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from engine.model.settings import Limits
from engine.net.limits.places import Places
from engine.net.limits.rate import Rate, Unit
from engine.net.limits.width import Flight, Kind, Width, after, at_first, next_flight

NEWS = 0.25
"""The width is reported again when it differs by this share from the last report."""


@dataclass(slots=True, kw_only=True)
class Place:
    """The place of one request at the gate, held during its `async with` block, and what is known of the request."""

    gate: KeyLimits
    give_up: anyio.Event
    unit: Unit | None = None  # of the rate; None: the request has not left
    sent_at_s: float = 0.0  # on the event loop's clock
    out: int = 0  # requests that were out when it left, itself included

    async def __aenter__(self) -> Self:
        await self.gate.enter(self.give_up)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.leave(self)


class KeyLimits:
    """The gate of one API key. First come, first served: fairness between companies is the caller's business."""

    def __init__(self, limits: Limits) -> None:
        self._rate = Rate(limits.requests_per_second)
        self._turn = anyio.Lock(fast_acquire=True)  # one task waits for the rate, the others wait in order for this
        self._width = at_first(limits.max_concurrency)
        self._told = self._width.places
        self._places = Places(self._width.places)
        self._flight = Flight(since_s=0.0)
        self._out = 0
        self._landed = anyio.Event()  # set when a request that was out has ended
        self._resume_at_s = 0.0  # on the event loop's clock
        self.others_pause_s = 0.0  # a pause that came from another worker and was not reported yet; 0: none

    def place(self, give_up: anyio.Event) -> Place:
        """Return a place to hold; entering it waits for a free place and for the end of a pause.

        If `give_up` is set, waiting for a pause ends early; the body must check itself whether to go on.
        """
        return Place(gate=self, give_up=give_up)

    async def enter(self, give_up: anyio.Event) -> None:
        """Wait for a place, and for the end of a pause."""
        await self._places.enter()
        try:
            await self._wait_out_pause(give_up)
        except BaseException:
            self._places.leave()
            raise

    def leave(self, place: Place) -> None:
        """Give a place back; if its request was sent, it is no longer counted as out."""
        self._out -= place.unit is not None
        self._landed.set()
        self._places.leave()

    async def set_off(self, place: Place, give_up: anyio.Event) -> None:
        """Wait for a unit of the rate, the last step before the socket. If `give_up` is set, return without a unit.

        If the request need not wait, this takes no turn of the event loop; a cancelled caller still stops here.
        """
        await checkpoint_if_cancelled()
        if not self._turn.locked() and not give_up.is_set() and self._is_free():
            self._leave(place, await self._rate.take_free())
            return
        async with self._turn:
            while not give_up.is_set():
                await self._wait_for_landing()
                await self._wait_out_pause(give_up)
                unit = await self._unit(give_up)
                if unit is not None and get_running_loop().time() >= self._resume_at_s:
                    self._leave(place, unit)
                    return

    def _is_free(self) -> bool:
        """Return whether a request may leave now: the width, pauses and the rate all allow it."""
        is_held = self._out >= self._width.places or get_running_loop().time() < self._resume_at_s
        return not is_held and self._rate.is_free()

    async def _unit(self, _give_up: anyio.Event) -> Unit | None:
        """Wait for a unit of the rate; None: ask for one again."""
        return await self._rate.take()

    def _leave(self, place: Place, unit: Unit) -> None:
        self._out += 1
        self._flight.most = max(self._flight.most, self._out)
        place.unit, place.out, place.sent_at_s = unit, self._out, unit.left_s

    def answered(self, place: Place, kind: Kind, trouble: str) -> None:
        """Learn from the end of a request. `trouble`: as `trouble_of` returns it; empty: there was none."""
        now_s = get_running_loop().time()
        if place.unit is not None:
            self._rate.answered(place.unit)
        if trouble == "HTTP 429":
            self._rate.refused()
        self._flight.add(kind, place.sent_at_s, now_s - place.sent_at_s, place.out, trouble)
        if self._flight.is_over:
            before = self._width.places
            self._width = after(self._width, self._flight)
            self._flight = next_flight(self._flight, now_s, before=before, places=self._width.places)
            self._places.resize(self._width.places)

    def news(self) -> Width | None:
        """Return the width if it has changed by `NEWS` since the last report; None: it has not."""
        places = self._width.places
        if abs(places - self._told) < max(1.0, NEWS * self._told):
            return None
        self._told = places
        return self._width

    def pause(self, seconds: float) -> float:
        """Hold the whole key back for some seconds; a pause that ends later stays. Return the seconds added."""
        now_s = get_running_loop().time()
        left_s = max(0.0, self._resume_at_s - now_s)
        self._resume_at_s = max(self._resume_at_s, now_s + seconds)
        return max(0.0, seconds - left_s)

    async def _wait_for_landing(self) -> None:
        """Wait while the width does not allow another request. A lowered width may be less than what is out."""
        while self._out >= self._width.places:
            self._landed = anyio.Event()
            await self._landed.wait()

    async def _wait_out_pause(self, give_up: anyio.Event) -> None:
        while get_running_loop().time() < self._resume_at_s and not give_up.is_set():
            with anyio.move_on_at(self._resume_at_s):
                await give_up.wait()
