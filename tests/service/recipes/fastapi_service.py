"""FastAPI: one engine for the app's life, a run as server-sent events."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from dimsync import (
    Company,
    Engine,
    Event,
    RunFinished,
    Settings,
    from_iterable,
    run_json,
)
from fastapi import APIRouter, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse

router = APIRouter()


def create_app(settings: Settings) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with Engine(settings) as engine:
            app.state.engine = engine
            yield  # then runs end, and what became of them is written down

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app


@router.post("/companies/{company_id}/sync")
async def sync(
    company_id: int, rows: list[dict[str, object]], request: Request
) -> StreamingResponse:
    company = Company(id=company_id, source=from_iterable(rows))
    told = events(request.app.state.engine, company)
    return StreamingResponse(told, media_type="text/event-stream")


async def events(engine: Engine, company: Company) -> AsyncIterator[str]:
    """Yield a run's events. A client that leaves stops the run."""
    async with engine.sync([company]) as run:
        async for event in run:
            name, data = type(event).__name__, json.dumps(shown(event))
            yield f"event: {name}\ndata: {data}\n\n"


def shown(event: Event) -> object:
    if isinstance(event, RunFinished):
        return run_json(event.result)  # `dimsync.result/1`
    return jsonable_encoder(event)
