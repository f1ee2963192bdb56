"""A sync for programs without an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from engine.ledger.protocols import Ledger
from engine.model.result import RunResult
from engine.model.settings import Allow, Company, Settings
from engine.observe.telemetry import Telemetry
from engine.run.engine import Engine
from engine.run.event_loop import require_none


def run_sync(
    settings: Settings,
    companies: Iterable[Company] | None = None,
    *,
    fresh: bool = False,
    allow: Iterable[Allow] = (),
    budget: int | None = None,
    deadline_s: float | None = None,
    ledger: Ledger | None = None,
    telemetry: Telemetry | None = None,
) -> RunResult:
    """Sync companies and return the result, in a program without an event loop: a script, or a task of Celery.

    `companies`: None: those of the settings. All else is as `Engine` and `Engine.sync` take it; `telemetry` is told of
    each event. An event loop is made for the call, in the thread that calls. Ctrl-C stops the run as a cancellation
    does (`Pending`): what is in flight is answered and written down, then `KeyboardInterrupt` is raised. Raises what
    `Engine.sync` raises, and `EngineError` where an event loop runs already: there, await `Engine.sync`.
    """
    require_none()
    chosen = settings.companies if companies is None else companies

    async def synced() -> RunResult:
        async with Engine(settings, ledger=ledger, telemetry=telemetry) as engine:
            return await engine.sync(chosen, fresh=fresh, allow=allow, budget=budget, deadline_s=deadline_s).result()

    return asyncio.run(synced())
