"""A run whose Postgres goes away at one of its steps: what it tells is so, and the next run ends exact.

The steps are those of `tests.crash.every_step`. The process lives on, and does whatever it does without its ledger.
`DIMSYNC_KILL=all` cuts the connection at all steps that leave something new; otherwise it is cut at some of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from engine import Dimension, RunResult
from engine.errors import LedgerError
from engine.ledger.postgres.session import LostConnection
from tests.crash.every_step import REFUSED, STATEMENT, WANTED, Stage, Steps, chosen, copied, go_on, prepared
from tests.crash.postgres_shelf import PostgresShelf, new_shelf
from tests.postgres_server import PostgresServer, own_server

ALL = os.environ.get("DIMSYNC_KILL") == "all"
COMMIT = "commit"
ALL_DONE = {"synced", "unchanged", "partial"}


class Cut(Steps):
    """Counts the steps of a run, and lets something happen to its ledger at one of them.

    `is_after`: when the statement of that step was carried out, whose answer is lost then.
    """

    def __init__(self, at: int, strike: Callable[[], None], *, is_after: bool = False) -> None:
        super().__init__()
        self._step = at
        self._strike = strike
        self._is_after = is_after

    def step(self, kind: str) -> None:
        self.kinds.append(kind)
        if len(self.kinds) == self._step and not self._is_after:
            self._strike()

    def carried_out(self, sql: str) -> None:
        if len(self.kinds) == self._step and self._is_after and self.kinds[-1] == STATEMENT and sql == COMMIT:
            self._strike()
            raise LostConnection("The connection was cut.")


class CutAtIntent(Steps):
    """Lets something happen to the ledger of a run when its n-th intent is written: it holds a company then."""

    def __init__(self, number: int, strike: Callable[[], None]) -> None:
        super().__init__()
        self._left = number
        self._strike = strike

    def statement(self, sql: str) -> None:
        if "into intents" in sql:
            self._left -= 1
            if self._left == 0:
                self._strike()


def end_session(shelf: PostgresShelf) -> None:
    """Let the server end the session of the ledger, as a cut line does, and wait until it is gone."""
    if shelf.session is None:
        return  # the run has not come so far
    with psycopg.connect(shelf.server.format("postgres"), autocommit=True) as admin:
        ending = admin.execute("select pg_terminate_backend(%s, 10000)", (shelf.session.connection.info.backend_pid,))
        assert ending.fetchall() == [(True,)]


def lived(stage: Stage, steps: Steps) -> RunResult | None:
    """Run with a ledger that goes away, and see to it that what is told is so; None: it did not begin."""
    stage.service.steps = steps
    try:
        result = stage.sync(WANTED, seed=1, steps=steps)
    except LedgerError:
        assert stage.service.log == [], "something was sent by a run that is in no journal"
        return None
    finally:
        stage.service.steps = Steps()
    assert result.totals.adds_up
    for company in result.companies:
        assert company.balance.source_rows in (None, len(WANTED[company.company_id]))  # None: it was not read
        rows = stage.service.tenant.companies[company.company_id].rows
        stored = sorted(Dimension(row.values.key or "", *row.values[1:]) for row in rows)
        made = sum(entry.created for entry in stage.service.log if entry.company == company.company_id)
        assert (company.balance.created or 0) <= made, "rows are told of that were not created"
        if company.state in ALL_DONE and not (company.balance.uncertain or company.balance.deferred):
            assert stored == sorted(row for row in WANTED[company.company_id] if row != REFUSED), "green but wrong"
    return result


@pytest.fixture(scope="module")
def rehearsed(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, list[str]]]:
    """A stage whose ledger is in Postgres, and the steps that a run takes there."""
    with staged(postgres.url("{}")) as stage:
        own = copied(stage, tmp_path_factory.mktemp("rehearsal"))
        steps = Steps()
        own.service.steps = steps
        own.sync(WANTED, seed=1, steps=steps)
        discard(own)
        yield stage, list(steps.kinds)


@contextmanager
def staged(server: str) -> Iterator[Stage]:
    stage = prepared(new_shelf(server), lambda ledger: ledger)
    yield stage
    discard(stage)


def discard(stage: Stage) -> None:
    stage.shelf.discard()


def shelf_of(stage: Stage) -> PostgresShelf:
    assert isinstance(stage.shelf, PostgresShelf)
    return stage.shelf


@pytest.mark.timeout(0 if ALL else 60)
@pytest.mark.parametrize("is_after", [False, True], ids=["before it", "after its commit"])
def test_a_connection_that_is_cut_at_any_step_loses_nothing(
    rehearsed: tuple[Stage, list[str]], tmp_path: Path, is_after: bool
) -> None:
    stage, kinds = rehearsed
    wrong, told = {}, set()
    at = chosen(kinds, "every") if ALL else chosen(kinds, "few")[1::3]
    if is_after:
        at = [step for step in at if kinds[step - 1] == STATEMENT]
    for step in at:
        own = copied(stage, tmp_path)
        shelf = shelf_of(own)
        try:
            result = lived(own, Cut(step, partial(end_session, shelf), is_after=is_after))
            told.add(result and result.exit_code)
            go_on(own, seed=step + 2)
        except AssertionError as error:
            wrong[f"{kinds[step - 1]}, {step}"] = str(error)
        finally:
            discard(own)
    sys.stdout.write(f"cut at {len(at)} of {len(kinds)} steps; exit codes {sorted(map(str, told))}\n")
    assert wrong == {}


@pytest.mark.timeout(60)
def test_a_postgres_that_is_restarted_in_mid_run_loses_nothing(tmp_path: Path) -> None:
    with own_server() as server:

        def restart() -> None:
            server.stop()
            server.ensure_postgres_running()

        with staged(server.get_uri("{}")) as stage:
            for number, strike, is_back in ((1, restart, True), (3, server.stop, False)):
                own = copied(stage, tmp_path)
                result = lived(own, CutAtIntent(number, strike))
                if not is_back:
                    server.ensure_postgres_running()
                assert result is not None
                assert result.exit_code == 1
                go_on(own, seed=number + 2)
                discard(own)
