"""What all tests share."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from subprocess import SubprocessError

import pytest

from engine.ledger.sqlite import database
from engine.ledger.sqlite.migrate import MIGRATIONS, Migration, migrate
from tests.nursery import Nursery
from tests.postgres_server import PostgresServer, running_server


def pytest_configure(config: pytest.Config) -> None:
    pytest.register_assert_rewrite("dimsync.testing.fixtures", "engine.testing.fixtures")  # before a test imports them
    gc.disable()  # until all is loaded
    config.addinivalue_line("markers", "sockets: the sandbox listens, the ledger is a file, and time goes by itself")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was loaded before the first test: it stays to the end."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # runs make many objects, and few of them in circles
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def ready_made_schema() -> Iterator[None]:
    """Let new ledgers of this process begin as copies of one that the migrations made, which takes a tenth of the time.

    Programs that tests start migrate for themselves, and so do the tests of migrations.
    """
    with closing(sqlite3.connect(":memory:")) as made:
        migrate(made, MIGRATIONS, 0)
        image = made.serialize()

    def copy(connection: sqlite3.Connection, migrations: Sequence[Migration], version: int) -> None:
        if version:
            migrate(connection, migrations, version)
            return
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.deserialize(image)
            fresh.backup(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "migrate", copy)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A Postgres server, which takes two seconds to start."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running_server())
        except (ImportError, OSError, SubprocessError, AssertionError, RuntimeError) as error:
            pytest.skip(f"no Postgres server starts here: {error}")
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty ledger in Postgres."""
    with postgres.ledger() as url:
        yield url


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """One process, which starts the programs of all tests."""
    with Nursery() as nursery:
        yield nursery
