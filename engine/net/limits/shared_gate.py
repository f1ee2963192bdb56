"""The gate of an API key that several workers use: it also keeps within the share that this worker has leased."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from engine.model.settings import Limits
from engine.model.shared_limits import KeyName
from engine.net.limits.gate import KeyLimits, Place
from engine.net.limits.rate import Unit
from engine.net.limits.share import Share

if TYPE_CHECKING:
    from engine.net.limits.shared import SharedLimits


NEWS_S = 0.1
"""A pause is news if it is this much longer than the known one: each answer repeats a pause until it ends."""


class SharedKeyLimits(KeyLimits):
    """As for one process, with its rate, width and pauses, but only within what was leased."""

    def __init__(self, limits: Limits, shared: SharedLimits, key: KeyName) -> None:
        super().__init__(limits)
        self.share = Share(shared, key, limits, wants=self._wants, hold=self._hold)

    def leave(self, place: Place) -> None:
        """Give a place back, and a seat if its request set off."""
        super().leave(place)
        if place.unit is not None:
            self.share.landed()

    def pause(self, seconds: float) -> float:
        """Hold the whole key back, in all workers."""
        self.share.pause(seconds)
        return super().pause(seconds)

    def _is_free(self) -> bool:
        return super()._is_free() and self.share.is_free()

    def _leave(self, place: Place, unit: Unit) -> None:
        super()._leave(place, unit)
        self.share.take()

    async def _unit(self, give_up: anyio.Event) -> Unit | None:
        """Wait until the rate has a unit, then for a permit; None: the permit was not used in time.

        The unit is taken last: a unit that is taken and not used would still count in the window.
        """
        while not self._rate.is_free():
            await self._rate.wait()
        await self.share.ready(give_up)
        return await self._rate.take_free() if self.share.is_free() else None

    def _hold(self, seconds: float) -> None:
        """Hold the key back for a pause that came from another worker."""
        added_s = super().pause(seconds)
        if added_s >= NEWS_S:
            self.others_pause_s = added_s

    def _wants(self) -> int:
        return self._places.held
