"""The schema of a Postgres ledger, as numbered steps, each of which workers of the version before can live with.

A step is a file in `migrations/`: a comment with its name, then statements. One that has shipped is never edited.

Workers of the version before are at work while a step is taken, and after it. So a step adds: tables, and columns that
may be null or have a default. What it made needless is dropped by a later step, which older workers cannot live with,
and which says so: after a step with `-- needs 3`, only a dimsync that knows step 3 can use the ledger. Such a step is
refused while an older dimsync is connected.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import NamedTuple

from engine.errors import LedgerError
from engine.ledger.jobs.texts import to_text
from engine.ledger.postgres.session import SCHEMA, Session

NEEDS = re.compile(r"^-- needs (\d+)$", re.MULTILINE)


class Migration(NamedTuple):
    """One step of the schema; its number is its place in `MIGRATIONS`, from 1."""

    name: str
    needs: int  # the last step that a dimsync must know to use the ledger after this one
    script: str


def read_migrations() -> tuple[Migration, ...]:
    """Return the steps that this package ships, in the order of their file names."""
    folder = files("engine.ledger.postgres") / "migrations"
    scripts = sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir())
    return tuple(parse(script) for name, script in scripts if name.endswith(".sql"))


def parse(script: str) -> Migration:
    """Return the step that a file spells."""
    title, _, _ = script.partition("\n")
    needs = NEEDS.search(script)
    return Migration(title.removeprefix("-- "), int(needs.group(1)) if needs else 1, script)


MIGRATIONS = read_migrations()

MIGRATING = 0x44494D53_0001
"""Key of the advisory lock under which steps are taken ("DIMS")."""

WAIT = "set local lock_timeout to '10s'"  # for the transactions of others, which take milliseconds
MAKE_SCHEMA = f"""
    create schema if not exists {SCHEMA};
    create table if not exists migrations (
        number bigint primary key,
        name text not null,
        needs bigint not null,
        applied_at text not null
    )
"""
IS_THERE = "select to_regclass('migrations') is not null"
USES = 0x44494D53
"""First half of the key of an advisory lock that each connection shares; the second is the last step that it knows."""

USE = "select pg_advisory_lock_shared(?, ?)"
OLDER = """
    select count(*) from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and datname = current_database() and objsubid = 2 and classid = ? and objid < ?
"""
VERSION = "select coalesce(max(number), 0), coalesce(max(needs), 0) from migrations"
APPLIED = "insert into migrations (number, name, needs, applied_at) values (?, ?, ?, ?)"


def migrate(session: Session, migrations: Sequence[Migration], name: str) -> None:
    """Take the steps that the ledger lacks, all in one transaction. Several that open it do so one after the other.

    From then on, other programs see the session as one of a dimsync that knows these steps.
    """
    if _version(session, len(migrations), name) < len(migrations):
        _take_steps(session, migrations, name)
    session.execute(USE, (USES, len(migrations)))


def _take_steps(session: Session, migrations: Sequence[Migration], name: str) -> None:
    session.execute(f"begin; {WAIT}; select pg_advisory_xact_lock({MIGRATING})")
    try:
        session.execute(MAKE_SCHEMA)
        version = _version(session, len(migrations), name)
        _ensure_no_older(session, migrations[version:], name)
        for number, step in enumerate(migrations[version:], start=version + 1):
            session.execute(step.script)
            session.execute(APPLIED, (number, step.name, step.needs, to_text(datetime.now(UTC))))
        session.execute("commit")
    except BaseException:
        if session.in_transaction:
            session.execute("rollback")
        raise


def _version(session: Session, known: int, name: str) -> int:
    """Return the number of the last step that was taken, 0 for none.

    It may be of a newer dimsync. Raises `LedgerError` if the newer one says that this one cannot live with it.
    """
    ((is_there,),) = session.execute(IS_THERE).fetchall()
    if not is_there:
        return 0
    ((version, needs),) = session.execute(VERSION).fetchall()
    if needs > known:
        raise LedgerError(
            f"The ledger {name} has schema version {version}, and this dimsync knows versions up to {known}. "
            "Use the newer dimsync that changed it."
        )
    return int(version)


def _ensure_no_older(session: Session, steps: Sequence[Migration], name: str) -> None:
    """Raise `LedgerError` while a dimsync is connected that could not go on after these steps."""
    needs = max((step.needs for step in steps), default=0)
    ((older,),) = session.execute(OLDER, (USES, needs)).fetchall()
    if older:
        raise LedgerError(
            f"The ledger {name} is to be changed in a way that the dimsync before cannot live with, and {older} of its "
            "connections are open. Stop its workers, then run again."
        )
