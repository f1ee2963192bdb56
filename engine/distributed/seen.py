"""What makes a worker visible to people: its notes for `dimsync workers`, and its page for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, NamedTuple

from engine.distributed.metrics import metrics_server
from engine.distributed.overview import read_queue
from engine.distributed.watching import Watcher
from engine.distributed.work_notes import NoteWriter, WorkNotes, keep_notes
from engine.model.events import Event
from engine.model.origin import origin_of
from engine.model.settings import Settings
from engine.observe.telemetry import Telemetry


class Seen(NamedTuple):
    """What a worker needs in order to be seen."""

    watchers: Sequence[Watcher]
    telemetry: Telemetry  # for its engine
    keep: Callable[[], Coroutine[Any, Any, None]]  # writes the notes to the database, until cancelled
    address: str | None = None  # where the page for Prometheus is served


@contextmanager
def seen(settings: Settings, metrics: str | None, takes_jobs: Callable[[], bool]) -> Iterator[Seen]:
    """Let a worker be seen until the block is left. `metrics`: HOST:PORT of the page for Prometheus; None: no page.

    `takes_jobs`: False once the worker is about to end. Raises `ConfigError` for an address that cannot be used.
    """
    url, notes = settings.ledger_url, WorkNotes()
    with closing(NoteWriter(url)) as writer:
        keep = partial(keep_notes, notes, writer)
        if metrics is None:
            yield Seen([notes], notes.telemetry, keep)
            return
        look = partial(read_queue, url, origin_of(settings.api.base_url))
        with metrics_server(metrics, look, takes_jobs) as page:
            yield Seen([notes, page], _Both(notes.telemetry, page.telemetry), keep, page.address)


class _Both:
    """Hands what an engine tells on to several receivers."""

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
        """Hand on by how much the event loop lagged."""
        for one in self._each:
            one.lagged(seconds)
