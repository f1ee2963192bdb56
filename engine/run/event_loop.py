"""Which event loop runs here: the engine runs on asyncio's, and on no other."""

from __future__ import annotations

import asyncio
import sys

from engine.errors import EngineError

IN_A_THREAD = "`await trio.to_thread.run_sync(dimsync.run_sync, settings, companies)` gives it a thread of its own"


def require_asyncio() -> None:
    """Raise `EngineError` unless an asyncio event loop runs here; under trio, say what to do there."""
    if _trio_runs():
        raise EngineError(f"dimsync runs on asyncio alone, and this is trio's event loop: {IN_A_THREAD}")
    if not _asyncio_runs():
        text = "dimsync runs on asyncio alone, and no asyncio event loop runs here: start it by"
        raise EngineError(f"{text} `asyncio.run(main())`, or call `dimsync.run_sync(settings, companies)`")


def require_none() -> None:
    """Raise `EngineError` if an event loop runs here, which a call that blocks would hold up."""
    if _trio_runs():
        raise EngineError(f"run_sync would hold up trio's event loop, which runs here: {IN_A_THREAD}")
    if _asyncio_runs():
        text = "run_sync would hold up the event loop that runs here, as in async functions and notebooks: await the"
        raise EngineError(f"{text} run instead, `async with Engine(settings) as engine: await engine.sync(companies)`")


def _asyncio_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _trio_runs() -> bool:
    """Return whether a task of trio calls. Trio is not imported for that: who runs it has done so."""
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except RuntimeError:  # what it raises outside of its tasks
        return False
    return True
