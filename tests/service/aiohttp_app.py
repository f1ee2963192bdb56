"""dimsync in an aiohttp service: one engine for the app's life, and a request that syncs one company.

    web.run_app(create_app(settings), handler_cancellation=True)

Unless `handler_cancellation` is asked for, aiohttp lets a handler go on when its client has left. Both are safe here:
without it the sync goes on to its end; with it what is in flight is answered and written down, and the rest is left.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import web

from engine import Company, Engine, Run, Settings, State, run_json

ENGINE = web.AppKey("engine", Engine)
RUNS: web.AppKey[set[Run]] = web.AppKey("runs")  # what is under way
BODY_BYTES = 64_000_000  # aiohttp takes 1 MiB unless told otherwise: some 6,000 rows
STATUSES = {State.LOCKED: 409, State.FAILED: 502, State.DEFERRED: 503}
"""All others are 200: rows that are refused, held or invalid are values of the result."""


def create_app(settings: Settings) -> web.Application:
    """Return the service: POST rows as a JSON array to `/companies/{id}/sync`; the answer is `dimsync.result/1`."""

    async def open_engine(app: web.Application) -> AsyncIterator[None]:
        async with Engine(settings) as engine:
            app[ENGINE], app[RUNS] = engine, set()
            yield

    app = web.Application(client_max_size=BODY_BYTES)
    app.cleanup_ctx.append(open_engine)
    app.on_shutdown.append(stop_runs)
    app.router.add_post(r"/companies/{id:\d+}/sync", sync)
    return app


async def stop_runs(app: web.Application) -> None:
    """Let what is under way end early: what is in flight is answered and written down, and its handler answers."""
    for run in app[RUNS]:
        run.stop()


async def sync(request: web.Request) -> web.Response:
    """Sync one company to the rows in the body."""
    company = Company(id=int(request.match_info["id"]), source=once(await read_rows(request)))
    async with request.app[ENGINE].sync([company]) as run:
        request.app[RUNS].add(run)
        try:
            async for _ in run:  # typed events, for those who show progress
                pass
        finally:
            request.app[RUNS].discard(run)
    return web.json_response(run_json(run.result), status=STATUSES.get(run.result.companies[0].state, 200))


async def read_rows(request: web.Request) -> list[Mapping[str, object]]:
    """Return the body's rows, unchecked: a bad one is the result's business."""
    try:
        rows = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"the body is not JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise web.HTTPBadRequest(text="the body is not an array of objects")
    return rows


async def once(rows: Sequence[Mapping[str, object]]) -> AsyncIterator[Sequence[Mapping[str, object]]]:
    """Yield the rows as one batch: a source is any async iterable."""
    yield rows
