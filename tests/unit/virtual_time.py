"""An event loop whose clock jumps to the next timer: minutes of waiting take no time, and each run is the same."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

TICK_S = 1e-6
"""Each turn of the loop takes this long: a timer that is due within a rounding error must not be due for ever."""


class _Jump(selectors.SelectSelector):
    """Waits for nobody: what the loop would sleep is added to its clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and for nothing that would ever happen")
        self.now_s += timeout + TICK_S
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for timers alone, in virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
