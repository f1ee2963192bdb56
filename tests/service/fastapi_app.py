"""dimsync in a FastAPI service: one engine for the app's life, and a request that syncs one company.

    uvicorn.run(create_app(settings), timeout_graceful_shutdown=5)

Neither FastAPI nor uvicorn cancels a handler whose client has left: `stop_when_gone` does. A server that is asked to
stop tells the app only when all answers are out; so uvicorn is given seconds after which it cancels what is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

from engine import Company, Engine, Run, Settings, State, run_json

STATUSES = {State.LOCKED: 409, State.FAILED: 502, State.DEFERRED: 503}
"""All others are 200: rows that are refused, held or invalid are values of the result."""

router = APIRouter()


def create_app(settings: Settings) -> FastAPI:
    """Return the service: POST rows as a JSON array to `/companies/{id}/sync`; the answer is `dimsync.result/1`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with Engine(settings) as engine:
            app.state.engine = engine
            yield  # afterwards the engine ends what is still under way, and writes down what became of it

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app


@router.post("/companies/{company_id}/sync")
async def sync(company_id: int, rows: list[dict[str, object]], request: Request) -> JSONResponse:
    """Sync one company to the rows in the body."""
    engine: Engine = request.app.state.engine
    async with engine.sync([Company(id=company_id, source=once(rows))]) as run, asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(stop_when_gone(request, run))
        async for _ in run:  # typed events, for those who show progress
            pass
        watch.cancel()
    return JSONResponse(run_json(run.result), status_code=STATUSES.get(run.result.companies[0].state, 200))


async def stop_when_gone(request: Request, run: Run) -> None:
    """Stop the run when the client leaves: what is in flight is answered and written down, the rest is left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    run.stop()


async def once(rows: Sequence[Mapping[str, object]]) -> AsyncIterator[Sequence[Mapping[str, object]]]:
    """Yield the rows as one batch: a source is any async iterable."""
    yield rows
