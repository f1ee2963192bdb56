"""What lets people see a worker: its notes for `dimsync workers`, and its page for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import NamedTuple

from engine.distributed.metrics import metrics_server
from engine.distributed.overview import read_queue
from engine.distributed.watching import Watcher
from engine.distributed.work_notes import WorkNotes, kept
from engine.model.events import Event
from engine.model.origin import origin_of
from engine.model.settings import Settings
from engine.observe.telemetry import Telemetry


class Seen(NamedTuple):
    """What a worker is to tell what it does."""

    watchers: Sequence[Watcher]
    telemetry: Telemetry  # for its engine
    address: str | None = None  # where metrics are served


@asynccontextmanager
async def seen(settings: Settings, metrics: str | None, stopping: asyncio.Event) -> AsyncIterator[Seen]:
    """Let a worker be seen until the block is left. `metrics`: HOST:PORT; None: nobody asked for a page.

    `stopping`: set when the worker takes no more jobs. Raises `ConfigError` for an address that cannot be had.
    """
    async with AsyncExitStack() as stack:
        notes = WorkNotes()
        await stack.enter_async_context(kept(notes, settings.ledger_url))
        if metrics is None:
            yield Seen([notes], notes.telemetry)
            return
        look = partial(read_queue, settings.ledger_url, origin_of(settings.api.base_url))
        page = stack.enter_context(metrics_server(metrics, look))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        heeding = tasks.create_task(_heed(stopping, page.drains))
        stack.callback(heeding.cancel)
        yield Seen([notes, page], _Both(notes.telemetry, page.telemetry), page.address)


async def _heed(stopping: asyncio.Event, drains: Callable[[], None]) -> None:
    await stopping.wait()
    drains()


class _Both:
    """Tells two what an engine does."""

    def __init__(self, *each: Telemetry) -> None:
        self._each = each

    def take(self, event: Event, run_id: str | None) -> None:
        """Hand an event on."""
        for one in self._each:
            one.take(event, run_id)

    def ended(self, run_id: str, error: BaseException | None) -> None:
        """Hand the end of a run on."""
        for one in self._each:
            one.ended(run_id, error)

    def lagged(self, seconds: float) -> None:
        """Hand a measure on."""
        for one in self._each:
            one.lagged(seconds)
