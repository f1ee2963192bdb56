"""What is Postgres' own: several workers on one ledger, lost connections, versions that overlap."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from threading import Event

import anyio
import psycopg
import pytest

from engine.errors import ConfigError, LedgerError, Locked
from engine.ledger.jobs.statements import sql
from engine.ledger.opening import open_ledger
from engine.ledger.postgres.ledger import PostgresLedger, open_postgres
from engine.ledger.postgres.migrate import MIGRATIONS, parse
from engine.ledger.postgres.session import Session
from engine.ledger.postgres.spelling import own_texts, read_texts, spelled
from engine.model.dimension import DIMENSIONS
from engine.model.ledger_writes import Settlement
from engine.model.settings import CompanyKey
from tests.ledger.values import ANCHOR, HARBOR, LATER, NOON, ORIGIN, a_result, intent, known_rows, settlement
from tests.postgres_server import PostgresServer

KEY = "key_1"
CHARGE = "update quotas set used = used + 1 where account = ?"


@pytest.fixture
async def workers(postgres_url: str) -> AsyncIterator[tuple[PostgresLedger, PostgresLedger]]:
    """Two workers' ledgers in one database."""
    async with await open_postgres(postgres_url) as one, await open_postgres(postgres_url) as other:
        yield one, other


async def end_session(postgres: PostgresServer, ledger: PostgresLedger) -> None:
    """Let the server end a ledger's session, as its restart or a cut line does."""
    (pid,) = await ledger._thread.read(lambda session: session.execute("select pg_backend_pid()").fetchone())
    postgres.end_session(pid)


async def test_a_company_is_held_by_one_worker(workers: tuple[PostgresLedger, PostgresLedger]) -> None:
    one, other = workers
    async with one.lock(HARBOR):
        with pytest.raises(Locked, match=r"another run holds the company \(dimsync \S+ \d+\)"):
            async with other.lock(HARBOR):
                pass
        async with other.lock(ANCHOR):
            pass
    async with other.lock(HARBOR):
        pass


async def test_a_waiter_that_is_cancelled_holds_nothing(workers: tuple[PostgresLedger, PostgresLedger]) -> None:
    one, other = workers

    async def hold() -> None:
        async with one.lock(HARBOR):
            await asyncio.Event().wait()

    for turns in range(4):
        holding = asyncio.create_task(hold())
        for _ in range(turns):
            await asyncio.sleep(0)
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        async with other.lock(HARBOR):
            pass


async def test_a_scope_that_is_cancelled_frees_its_company(workers: tuple[PostgresLedger, PostgresLedger]) -> None:
    one, other = workers
    with anyio.CancelScope() as scope:
        async with one.lock(HARBOR):
            scope.cancel()
            await anyio.sleep_forever()
    async with other.lock(HARBOR):
        pass


async def test_a_commit_survives_a_power_cut_whatever_the_server_is_set_to(
    workers: tuple[PostgresLedger, PostgresLedger],
) -> None:
    shown = await workers[0]._thread.write(lambda session: session.execute("show synchronous_commit").fetchall())
    assert shown == [("on",)]


async def test_whoever_lost_its_session_writes_nothing_more_of_its_companies(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    """Its locks are free, so that another worker may be at its companies."""
    one, other = workers
    async with one.lock(HARBOR):
        await one.begin(HARBOR, intent("first", "a"))
        await end_session(postgres, one)
        async with other.lock(HARBOR):
            assert await other.recover(HARBOR) == 1
            with pytest.raises(LedgerError, match=r"connection to the ledger .* was lost"):
                await one.begin(HARBOR, intent("second", "b"))
            with pytest.raises(LedgerError, match="was lost"):
                await one.settle(HARBOR, settlement("first", "a"))
            with pytest.raises(LedgerError, match="was lost"):
                await one.read(ANCHOR)  # it is not connected anew while it believes that it holds a company
    assert (await one.life(HARBOR, "a")).attempts  # it has let go, and goes on
    async with one.lock(HARBOR):
        await one.begin(HARBOR, intent("third", "c"))


async def test_a_ledger_that_holds_nothing_is_connected_anew(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    one, other = workers
    await end_session(postgres, one)
    await one.start_run("run-1", "sync", NOON, origin=ORIGIN)
    await end_session(postgres, one)
    async with one.lock(HARBOR):
        assert await other.is_under_way("run-1")  # as before
        assert [run.run_id for run in await one.history(ORIGIN, 9)] == ["run-1"]


async def test_while_the_server_is_away_all_that_waits_is_told_so_at_once(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    one, other = workers
    await other.aclose()
    with postgres.unreachable(one.name):
        for _ in range(2):
            asked = [one.checked(HARBOR, NOON), one.checked(ANCHOR, NOON), one.read(HARBOR)]
            for outcome in await asyncio.gather(*asked, return_exceptions=True):
                assert "cannot be reached" in str(outcome)
    await one.checked(HARBOR, NOON)
    assert (await one.read(HARBOR)).state.checked_at == NOON


async def test_a_connection_that_is_cut_in_a_transaction_has_changed_nothing(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    one, other = workers

    def cut(session: Session, _: CompanyKey) -> None:
        session.execute("insert into key_notes values ('o', 'a', 'n', 'v')")
        ((pid,),) = session.execute("select pg_backend_pid()").fetchall()
        postgres.end_session(pid)
        session.execute("select 1")

    with pytest.raises(LedgerError, match="was lost"):
        await one._thread.write(cut, HARBOR)
    assert await other.key_notes("o", "a") == {}
    assert await one.key_notes("o", "a") == {}


async def test_what_may_have_been_committed_when_the_connection_was_lost_is_not_done_again(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    one, _ = workers
    opened, done = Event(), []

    def cut(session: Session, company_key: CompanyKey) -> None:
        done.append(company_key)
        ((pid,),) = session.execute("select pg_backend_pid()").fetchall()
        postgres.end_session(pid)  # so that the commit is not answered

    busy = asyncio.create_task(one._thread.alone(lambda _: opened.wait(20)))
    together = [asyncio.create_task(one._thread.write(cut, HARBOR)), asyncio.create_task(one.checked(ANCHOR, NOON))]
    await asyncio.sleep(0)
    opened.set()
    await busy
    for outcome in await asyncio.gather(*together, return_exceptions=True):
        assert "was lost" in str(outcome)
    assert done == [HARBOR]


async def test_two_workers_never_get_the_same_request(workers: tuple[PostgresLedger, PostgresLedger]) -> None:
    usable, day = 1_000, NOON.date()

    async def use_up(ledger: PostgresLedger) -> int:
        taken = 0
        while got := await ledger.reserve_requests(ORIGIN, KEY, day, usable, 7):
            taken += got
        return taken

    one, other = workers
    first = [await ledger.reserve_requests(ORIGIN, KEY, day, usable, 7) for ledger in workers]
    taken = await asyncio.gather(*(use_up(ledger) for ledger in (one, other, one, other)))
    assert min(first) > 0  # how the rest is shared depends on which of them the machine lets run first
    assert sum(first) + sum(taken) == usable
    assert (await one.quota(ORIGIN, KEY, day)).used == usable


async def test_who_carries_out_a_run_is_seen_by_others(
    workers: tuple[PostgresLedger, PostgresLedger], postgres: PostgresServer
) -> None:
    one, other = workers
    await one.start_run("run-1", "sync", NOON, origin=ORIGIN)
    assert await other.is_under_way("run-1")
    assert [run.run_id for run in (await other.standing(ORIGIN)).running] == ["run-1"]
    await one.finish_run(a_result())
    assert not await other.is_under_way("run-1")
    await one.start_run("run-2", "sync", LATER + timedelta(hours=1), origin=ORIGIN)
    await end_session(postgres, one)
    assert not await other.is_under_way("run-2")
    assert [run.run_id for run in (await other.standing(ORIGIN)).died] == ["run-2"]


async def test_writes_that_stand_in_each_others_way_are_both_done(
    workers: tuple[PostgresLedger, PostgresLedger],
) -> None:
    """Each waits for a row of the other's: the server undoes one, which is begun again."""
    for key_id in ("a", "b"):
        await workers[0].charge_requests(ORIGIN, key_id, NOON.date(), 1)
    have_first = (Event(), Event())

    def crossing(session: Session, _: CompanyKey, number: int) -> None:
        session.execute("set local deadlock_timeout to '20ms'")
        first, second = ("a", "b") if number else ("b", "a")
        session.execute(CHARGE, (first,))
        have_first[number].set()
        have_first[1 - number].wait(20)
        session.execute(CHARGE, (second,))

    await asyncio.gather(*(each._thread.write(crossing, HARBOR, number) for number, each in enumerate(workers)))
    assert [(await workers[0].quota(ORIGIN, key_id, NOON.date())).used for key_id in ("a", "b")] == [3, 3]


STEP = """-- a mood, and its history

alter table rows add column mood text;
alter table scopes add column moods bigint not null default 0;
create table moods (scope bigint primary key, mood text not null);
create index rows_by_mood on rows (mood);
"""
NEXT = (*MIGRATIONS, parse(STEP))


async def work(ledger: PostgresLedger, company_key: CompanyKey, run_id: str) -> None:
    """Do what a worker does in a run."""
    await ledger.start_run(run_id, "sync", NOON, origin=ORIGIN)
    async with ledger.lock(company_key):
        await ledger.begin(company_key, intent(run_id, "a", "b"))
        settled = Settlement(intent_id=run_id, at=LATER, rows=known_rows("a", "b"), created=2, sends=1)
        await ledger.settle(company_key, settled)
        assert set((await ledger.read(company_key)).rows) == {"a", "b"}
        await ledger.keep_good_source(company_key, 2, None)
        await ledger.note_clean(company_key, b"digest", 2, 0)
        assert (await ledger.brief(company_key)) is not None
    await ledger.reserve_requests(ORIGIN, KEY, NOON.date(), 1_000)
    await ledger.finish_run(a_result(run_id))


async def test_a_worker_of_the_version_before_works_on_beside_a_new_one(postgres: PostgresServer) -> None:
    with postgres.empty_database() as url:
        async with AsyncExitStack() as stack:
            before = await stack.enter_async_context(await open_postgres(url))
            await work(before, HARBOR, "run-1")  # which prepares its statements
            async with before.lock(HARBOR):
                await before.begin(HARBOR, intent("in-flight", "a"))
                new = await stack.enter_async_context(await open_postgres(url, migrations=NEXT))
                await before.settle(HARBOR, settlement("in-flight", "a"))
            for turn in range(3):
                await asyncio.gather(work(before, HARBOR, f"run-{turn}-before"), work(new, ANCHOR, f"run-{turn}-after"))
            another = await stack.enter_async_context(await open_postgres(url))  # one more of the version before
            await work(another, HARBOR, "run-9")
            assert len(await new.history(ORIGIN, 99)) == 8


LAST = len(MIGRATIONS)
DROP = parse(f"-- no more names\n-- needs {LAST + 1}\nalter table strays drop column name;\n")


async def test_a_step_that_older_workers_cannot_live_with_waits_until_they_are_gone(postgres: PostgresServer) -> None:
    with postgres.empty_database() as url:
        async with await open_postgres(url) as before:
            with pytest.raises(LedgerError, match="1 of its connections are open"):
                await open_postgres(url, migrations=(*MIGRATIONS, DROP))
            await work(before, HARBOR, "run-1")  # nothing was changed
        while postgres.sessions(url):  # noqa: ASYNC110  the server announces nothing
            await asyncio.sleep(0.002)
        async with await open_postgres(url, migrations=(*MIGRATIONS, DROP)):
            pass
        with pytest.raises(
            LedgerError, match=f"has schema version {LAST + 1}, and this dimsync knows versions up to {LAST}"
        ):
            await open_postgres(url)


SHIPPED = [
    "00e8d478504a9dbee307c85d50393dd748432650ac61dd2940273c9d0523fe19",
    "297167fbf4f1df9cebf9c72417f8cbdc1a430ec84e569aff75875a4b52ab11cf",
]
"""SHA-256 of each step."""


def test_a_step_that_has_shipped_is_never_edited() -> None:
    assert [sha256(step.script.encode()).hexdigest() for step in MIGRATIONS] == SHIPPED


def test_steps_that_take_something_away_say_who_cannot_live_with_them() -> None:
    takes = re.compile(r"\b(drop|rename|set not null|set data type|type \w+ using)\b", re.IGNORECASE)
    lacking = re.compile(r"add column \w+ \w+ not null(?! default)", re.IGNORECASE)
    for number, step in enumerate(MIGRATIONS, start=1):
        if takes.search(step.script) or lacking.search(step.script):
            assert step.needs > 1, f"step {number} ({step.name})"
    assert parse(DROP.script) == DROP


async def test_many_that_open_a_new_database_at_once_make_one_ledger(postgres: PostgresServer) -> None:
    with postgres.empty_database() as url:
        opened = await asyncio.gather(*(open_postgres(url) for _ in range(5)))
        for ledger in opened:
            await ledger.start_run(f"run-{id(ledger)}", "sync", NOON, origin=ORIGIN)
        assert len(await opened[0].history(ORIGIN, 9)) == 5
        for ledger in opened:
            await ledger.aclose()


async def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    for url in ("postgresql://me:hush@db/ledger", "postgresql://me@db/ledger?password=hush"):
        with pytest.raises(ConfigError, match="holds a password") as refused:
            await open_ledger(url)
        assert "hush" not in str(refused.value)
    with pytest.raises(ConfigError, match="names no database"):
        await open_ledger("postgresql://me@db")


async def test_a_server_that_is_not_there_is_named(postgres: PostgresServer) -> None:
    with pytest.raises(LedgerError, match=r"ledger postgresql:.* cannot be reached: .* See to the server"):
        await open_ledger(postgres.url("nothing_of_this_name"))


async def test_a_database_that_is_not_in_utf8_is_refused(postgres: PostgresServer) -> None:
    with (
        postgres.empty_database("encoding 'SQL_ASCII' locale 'C' template template0") as url,
        pytest.raises(LedgerError, match="is in SQL_ASCII"),
    ):
        await open_ledger(url)


async def test_the_schema_is_told_whole_and_can_be_carried_out(postgres: PostgresServer, postgres_url: str) -> None:
    async with await open_ledger(postgres_url) as ledger:
        told = await ledger.schema()
    assert "marks of a plan that the guards let pass" in told
    assert all(len(line) <= 120 for line in told.splitlines())
    with postgres.empty_database() as url, psycopg.connect(url) as connection:
        connection.execute(f"create schema dimsync; {told}")
        assert connection.execute("select count(*) from dimsync.outcomes").fetchone() == (0,)


async def test_people_can_ask_what_became_of_each_row(postgres_url: str) -> None:
    async with await open_postgres(postgres_url) as ledger:
        await ledger.start_run("run-1", "sync", NOON, origin=ORIGIN)
        await ledger.begin(HARBOR, intent("cut", "e"))
        await ledger.recover(HARBOR)
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("select company_id, key, outcome, message from dimsync.outcomes").fetchall()
    assert found == [(101, "e", "uncertain", "the run ended before its answer was written down")]


def test_each_own_text_is_of_a_statement_of_sqlite_that_is_no_other_ones() -> None:
    assert len(own_texts()) == len(list(read_texts())) > 25


MARK = re.compile(r"%\((\w+)\)s")
SQL = re.compile(r"\s*(select|insert|update|delete|with)\s", re.IGNORECASE)


def statements() -> Iterator[tuple[str, str]]:
    """Yield each statement of the jobs, by module and name. Of those on entries, that on three."""
    for file in files("engine.ledger.jobs").iterdir():
        module = file.name.removesuffix(".py")
        if not file.name.endswith(".py") or module == "__init__":
            continue
        for name, value in vars(import_module(f"engine.ledger.jobs.{module}")).items():
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str) and SQL.match(text):
                    yield f"{module}.{name}", text


def numbered(statement: str) -> str:
    """Return a statement with `$1` in the place of the first of psycopg's marks, and so on."""
    order = list(dict.fromkeys(MARK.findall(statement)))
    return MARK.sub(lambda found: f"${order.index(found.group(1)) + 1}", statement)


async def test_postgres_understands_each_statement_of_the_jobs(postgres_url: str) -> None:
    async with await open_postgres(postgres_url):
        pass
    refused, tried = {}, 0
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("set search_path to dimsync")
        for name, text in statements():
            marked = spelled(sql(DIMENSIONS, text, 3 if "{entries}" in text else 0))
            tried += 1
            try:
                connection.execute(f"prepare tried as {numbered(marked)}")
                connection.execute("deallocate tried")
            except psycopg.Error as error:
                refused[name] = str(error)
    assert refused == {}
    assert tried > 100
