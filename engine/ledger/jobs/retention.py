"""How long the journal and the audit trail are kept, and forgetting what is older."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.ledger.connection import Connection
from engine.ledger.jobs import attempts, known_problems, plans, quotas
from engine.ledger.jobs.texts import from_text, to_text

PRUNED = "select value from ledger_notes where name = 'pruned_before'"
NOTE_PRUNED = """
    insert into ledger_notes (name, value) values ('pruned_before', ?)
    on conflict (name) do update set value = excluded.value
"""
EARLIER = "select max(started_at) from runs where started_at < ?"
BEGAN_BETWEEN = "select exists (select 1 from runs where started_at between ? and ?)"
SHORTEST_AGE, LONGEST_AGE = timedelta(days=1), timedelta(days=90)
"""Nothing is forgotten unless the journal has a run of an age between these: see `horizon`."""

SELDOM = timedelta(days=1)
"""Old entries are looked for once in this time: that reads the whole journal, too much for each run of one company."""

# A run without an end counts from its start: after this long, it has crashed.
FORGET_COMPANIES = """
    delete from run_companies where run_id in (
        select id from runs
        where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
    )
"""
FORGET_TOTALS = """
    delete from run_totals where run_id in (
        select id from runs
        where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
    )
"""
FORGET_RUNS = """
    delete from runs
    where coalesce(finished_at, started_at) < ? and id not in (select run_id from last_states)
"""


def horizon(connection: Connection, at: datetime, keep: timedelta) -> datetime | None:
    """Return the moment before which `prune` may forget, in a run that began at `at`; None: forget nothing.

    It lies `keep` before the newest run that began before `at`. A clock that was set far ahead must not empty the
    ledger, so nothing is forgotten unless some run began between 1 and 90 days before `at`. Nothing is forgotten, too,
    if an earlier run forgot all but what grew old within the day since then.
    """
    pruned = connection.execute(PRUNED).fetchone()
    if pruned is not None and timedelta(0) <= at - keep - from_text(pruned[0]) < SELDOM:
        return None
    around = (to_text(at - LONGEST_AGE), to_text(at - SHORTEST_AGE))
    if not connection.execute(BEGAN_BETWEEN, around).fetchone()[0]:
        return None
    (newest,) = connection.execute(EARLIER, (to_text(at),)).fetchone()
    return from_text(newest) - keep


def prune(connection: Connection, before: datetime) -> int:
    """Forget old attempts, quota days, finished plans, problems and runs, but no run that is a company's last sync."""
    horizon = (to_text(before),)
    connection.execute(NOTE_PRUNED, horizon)
    connection.execute(attempts.FORGET, horizon)
    connection.execute(plans.FORGET, horizon)
    connection.execute(quotas.FORGET, horizon)
    connection.execute(known_problems.FORGET_OLD, horizon)
    connection.execute(FORGET_COMPANIES, horizon)
    connection.execute(FORGET_TOTALS, horizon)
    return connection.execute(FORGET_RUNS, horizon).rowcount
