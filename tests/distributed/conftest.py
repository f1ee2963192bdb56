"""A queue in a Postgres database, and programs that work on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from engine.distributed.queue import JobQueue, open_queue
from tests.cli.conftest import door, fleet, here, sandbox
from tests.postgres_server import PostgresServer

__all__ = ["door", "fleet", "here", "sandbox"]

ORIGIN = "https://api.example.com/v1"

EMPTY = """
do $$ begin
    if to_regclass('dimsync_jobs.procrastinate_jobs') is not null then
        perform set_config('search_path', 'dimsync_jobs', false);
        delete from procrastinate_periodic_defers;
        delete from procrastinate_jobs;
        delete from procrastinate_workers;
    end if;
end $$
"""


@pytest.fixture
def queue_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty ledger with an empty queue."""
    with postgres.ledger() as url:
        yield url
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(EMPTY)


@pytest.fixture
async def queue(queue_url: str) -> AsyncIterator[JobQueue]:
    async with open_queue(queue_url, ORIGIN) as opened:
        yield opened
