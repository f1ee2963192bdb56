"""The schema of a SQLite ledger, as numbered steps; those that a file lacks commit together, with their records.

A step that has shipped is never edited: what comes later is a new step. Texts are plain columns, so that people can
ask the file with any SQLite client. Booleans are 0 or 1, instants ISO 8601 texts in UTC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from engine.errors import LedgerError
from engine.ledger.sqlite.texts import to_text

APPLICATION_ID = 0x44494D53
"""Marks a database file as ours in its header ("DIMS"), where `PRAGMA application_id` and file(1) see it."""


class Migration(NamedTuple):
    """One step of the schema; its number is its place in `MIGRATIONS`, from 1."""

    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        "rows, intents, runs",
        (
            """
            create table migrations (
                number integer primary key,
                name text not null,
                applied_at text not null
            )
            """,
            # One company behind one API and account, and the notes on it (CompanyState).
            """
            create table scopes (
                id integer primary key,
                origin text not null,
                account text not null,
                company_id integer not null,
                listed_at text,
                checked_at text,
                certificate text,                          -- JSON, of the listing at listed_at
                remote_count integer,
                failures integer not null default 0,
                retry_at text,
                failed_source blob,
                failure text,
                failure_message text,
                last_good_rows integer,
                lost_at text,                              -- the last send whose answer never came
                unique (origin, account, company_id)
            )
            """,
            # What is known of the remote row behind each key (RowRecord).
            """
            create table rows (
                scope integer not null references scopes (id),
                key text not null,
                type_code text not null,
                type_label text not null,
                name text not null,
                erp_id text not null,
                code text,
                code_known integer not null check (code_known in (0, 1)),
                remote_id text,
                confirmed integer not null check (confirmed in (0, 1)),
                settled integer not null check (settled in (0, 1)),
                seen text,                                 -- JSON (RemoteRow), where a listing showed other values
                acked_at text,                             -- when an answer last acknowledged it; null: never
                run_id text,                               -- the run that was answered so
                primary key (scope, key)
            ) without rowid
            """,
            # Remote rows of the last whole listing that no key leads to (RemoteRow).
            """
            create table strays (
                scope integer not null references scopes (id),
                position integer not null,
                id text not null,
                type_code text not null,
                type_label text not null,
                name text not null,
                erp_id text not null,
                code text,
                key text,
                primary key (scope, position)
            ) without rowid
            """,
            """
            create table rejections (
                scope integer not null references scopes (id),
                key text not null,
                fingerprint blob not null,
                at text not null,
                message text not null,
                primary key (scope, key)
            ) without rowid
            """,
            # Requests that may be out: written before they are sent, deleted with their outcome.
            """
            create table intents (
                scope integer not null references scopes (id),
                id text not null,                          -- also the request's Idempotency-Key
                run_id text not null,
                at text not null,
                keys text not null,                        -- JSON array
                primary key (scope, id)
            ) without rowid
            """,
            # The same keys once more: the primary key keeps one key out of two requests at a time.
            """
            create table intent_keys (
                scope integer not null references scopes (id),
                key text not null,
                intent text not null,
                primary key (scope, key)
            ) without rowid
            """,
            """
            create table runs (
                id text primary key,
                verb text not null,
                started_at text not null,
                finished_at text,                          -- null: still running, or crashed
                exit_code integer,
                result text                                -- JSON, dimsync.result/1
            ) without rowid
            """,
            """
            create table run_companies (
                run_id text not null references runs (id),
                account text not null,                     -- the name that the settings give it
                company_id integer not null,
                name text not null,
                state text not null,
                exit_code integer not null,
                evidence text,
                verified_at text,
                source_rows integer,
                unchanged integer,
                created integer,
                updated integer,
                rejected integer,
                held integer,
                deferred integer,
                uncertain integer,
                invalid integer,
                adopted integer,
                remote_rows integer,
                matched integer,
                contested integer,
                orphans integer,
                requests integer not null,
                primary key (run_id, account, company_id)
            ) without rowid
            """,
            """
            create table page_sizes (
                origin text not null,
                account text not null,
                rows integer not null,
                primary key (origin, account)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "directories, pauses, last states",
        (
            # What an account's API user may see (Directory), and when each part was listed.
            """
            create table directories (
                id integer primary key,
                origin text not null,
                account text not null,
                at text not null,                          -- its companies
                locations_at text,                         -- null: never
                accounts_at text,                          -- null: never
                unique (origin, account)
            )
            """,
            """
            create table directory_companies (
                directory integer not null references directories (id),
                position integer not null,
                id integer not null,                       -- ottimate_company_id
                name text not null,
                locations integer,                         -- how many; null: not said
                plan text,
                primary key (directory, position)
            ) without rowid
            """,
            """
            create table directory_locations (
                directory integer not null references directories (id),
                position integer not null,
                id integer not null,
                name text not null,
                company text not null,                     -- its name: the API gives no id
                location_group text,
                primary key (directory, position)
            ) without rowid
            """,
            """
            create table directory_accounts (
                directory integer not null references directories (id),
                position integer not null,
                id text not null,                          -- racc_...
                name text not null,
                companies integer,                         -- how many; null: not said
                locations integer,
                primary key (directory, position)
            ) without rowid
            """,
            # A wait that the API asked of a whole key, too long for the run that met it (Pause).
            """
            create table pauses (
                origin text not null,
                account text not null,
                at text not null,
                until text not null,
                reason text not null,
                primary key (origin, account)
            ) without rowid
            """,
            "alter table runs add column origin text",  # null: of a run before this step
            # The state of each company in the sync that finished last. Kept apart: the journal of a year is long.
            """
            create table last_states (
                origin text not null,
                account text not null,                     -- the name that the settings give it
                company_id integer not null,
                state text not null,
                run_id text not null references runs (id),
                primary key (origin, account, company_id)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "guards",
        (
            "alter table scopes add column passed blob",  # marks of a plan that passed them (CompanyState)
            """
            create table sketches (
                scope integer primary key references scopes (id),
                rows integer not null,
                marks blob not null                        -- the smallest ones, 8 bytes each (model.sketch)
            )
            """,
            # Updates that undid what somebody had changed in Ottimate.
            """
            create table reverts (
                scope integer not null references scopes (id),
                key text not null,
                at text not null,
                primary key (scope, key, at)
            ) without rowid
            """,
            "alter table runs add column allowed text",  # those that a person let pass: "mass-create:123 look-alike:7"
        ),
    ),
    Migration(
        "evidence",
        (
            "alter table scopes add column generation integer not null default 0",  # changes of what is known (Rows)
            "alter table scopes add column changed_by text",  # the run that made the last one; null: a command
            # For `HISTORY` and `LAST_WRITTEN`: a look at a run's origin reads past its result, which may be long.
            "create index runs_by_start on runs (origin, started_at)",
            "create index runs_by_end on runs (origin, finished_at)",
            """
            create table attempts (
                number integer primary key,                -- in the order in which they were written
                scope integer not null references scopes (id),
                id text not null,                          -- also the request's Idempotency-Key
                run_id text not null,
                at text not null,                          -- of its outcome; if none was written: of the last send
                sends integer not null,                    -- 0: read back, or refused without being sent
                status integer,                            -- HTTP, of the last answer; null: none came
                request_id text,                           -- the server's, of the last answer that bore one
                rows text not null                         -- JSON array of [key, outcome, remote_id, message]
            )
            """,
            "create index attempts_of_company on attempts (scope, at)",
            """
            create view outcomes as                        -- the JSON of `attempts` taken apart
            select scopes.origin, scopes.account, scopes.company_id,
                   attempts.run_id, attempts.at,
                   attempts.id as attempt, attempts.sends, attempts.status, attempts.request_id,
                   json_extract(line.value, '$[0]') as key,
                   json_extract(line.value, '$[1]') as outcome,
                   json_extract(line.value, '$[2]') as remote_id,
                   coalesce(json_extract(line.value, '$[3]'), '') as message
            from attempts
            join scopes on scopes.id = attempts.scope
            join json_each(attempts.rows) as line
            """,
            """
            create table wire_keys (
                scope integer not null references scopes (id),
                source_key text not null,                  -- as the source calls the row now
                wire_key text not null,                    -- as it was created; all other tables know it by this one
                at text not null,
                primary key (scope, source_key)
            ) without rowid
            """,
            """
            create table applied_plans (
                scope integer not null references scopes (id),
                plan_id text not null,                     -- the run that made it
                at text not null,                          -- when it was last begun
                run_ids text not null,                     -- JSON array: the runs that began it, the first first
                finished integer not null default 0 check (finished in (0, 1)),
                primary key (scope, plan_id)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "quotas",
        (
            # Requests of an API key on one day (DayUse), and the API's word that there are no more (UsedUp).
            """
            create table quotas (
                origin text not null,
                account text not null,
                day text not null,                         -- UTC: 2026-11-21
                used integer not null,                     -- counted in blocks, before they are sent
                used_up_at text,                           -- when the API last said that there are no more; null: never
                per_day integer,                           -- requests_per_day as set then
                reserve integer,                           -- reserve_per_day, likewise
                reason text,                               -- the API's words
                primary key (origin, account, day)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "lean rows, nothing to do",
        (
            "drop table intent_keys",  # `begin` looks into `intents.keys`: a row per key was a quarter of a push
            # Without the run's id (`attempts` has it) and checks of what is never otherwise: a tenth of a push.
            """
            create table rows_before as
            select scope, key, type_code, type_label, name, erp_id, code, code_known, remote_id, confirmed, settled,
                   seen, acked_at
            from rows
            """,
            "drop table rows",  # to rename another one instead fails where people have views on this one
            """
            create table rows (
                scope integer not null,
                key text not null,
                type_code text not null,
                type_label text not null,
                name text not null,
                erp_id text not null,
                code text,
                code_known integer not null,
                remote_id text,
                confirmed integer not null,
                settled integer not null,
                seen text,                                 -- JSON (RemoteRow), where a listing showed other values
                acked_at text,                             -- when an answer last acknowledged it; null: never
                primary key (scope, key)
            ) without rowid
            """,
            "insert into rows select * from rows_before",
            "drop table rows_before",
            # With a rowid: without, to find any run is to read the whole results of those that the search passes by,
            # for each foreign key, too. A run over thousands of companies took minutes to end.
            "pragma defer_foreign_keys = on",  # until the end of this step: runs are referred to
            "create table runs_before as select * from runs",
            "drop table runs",
            """
            create table runs (
                id text primary key not null,
                verb text not null,
                origin text,                               -- null: of a run before this column
                started_at text not null,
                finished_at text,                          -- null: still running, or crashed
                exit_code integer,
                allowed text,                              -- guards that a person let pass: "mass-create:123"
                result text                                -- JSON, dimsync.result/1; last, for it is long
            )
            """,
            """
            insert into runs (id, verb, origin, started_at, finished_at, exit_code, allowed, result)
            select id, verb, origin, started_at, finished_at, exit_code, allowed, result from runs_before
            """,
            "drop table runs_before",
            "create index runs_by_start on runs (origin, started_at, id)",
            "create index runs_by_end on runs (origin, finished_at, id)",
            "alter table scopes add column clean blob",  # digest of what a run rested on that found nothing to do
            "alter table scopes add column clean_rows integer",  # its source rows
            "alter table scopes add column clean_adopted integer",  # and those adopted
        ),
    ),
    Migration(
        "rows that rest",
        (
            "alter table rows add column acked_generation integer",  # of the company, when it was last acknowledged
            "alter table scopes add column listed_generation integer",  # when it was last listed whole
            # Rows that are not sent for now (RestingRow).
            """
            create table resting (
                scope integer not null references scopes (id),
                key text not null,
                code text not null,                        -- uncertain, not-listed, made-anew, key-collision
                fingerprint blob not null,                 -- of what was sent, or of all rows of a collision
                message text not null,
                since text not null,
                tries integer not null,                    -- look-ups, or further sends, that came to the same
                next_at text,                              -- when it is looked up or sent again
                others text not null,                      -- JSON array: the other keys of a collision
                primary key (scope, key)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "lean journal",
        (
            # All of a run's companies together: those that have nothing to tell leave nothing else in its journal. A
            # run that an older dimsync ended has none of it, and a line in `run_companies` for each of its companies.
            """
            create table run_totals (
                run_id text primary key not null,          -- no foreign key: an older dimsync forgets runs alone
                companies integer not null,                -- how many the run was about
                created integer not null,
                updated integer not null,
                trouble integer not null,                  -- rows rejected, held, uncertain or invalid
                requests integer not null                  -- those of its companies
            ) without rowid
            """,
            # The company's own part of that sync; null where an older dimsync wrote: it stands in `run_companies`.
            "alter table last_states add column at text",  # when that sync ended
            "alter table last_states add column name text",
            "alter table last_states add column exit_code integer",
            "alter table last_states add column source_rows integer",
            "alter table last_states add column created integer",
            "alter table last_states add column updated integer",
            "alter table last_states add column trouble integer",
            "alter table last_states add column well_at text",  # when the last sync ended that found it in order
            """
            insert or replace into last_states (origin, account, company_id, state, run_id, well_at)
            select origin, account, company_id, state, run_id, last_well_at
            from last_states left join (
                select origin, account, company_id, max(finished_at) as last_well_at
                from run_companies join runs on id = run_id
                where verb in ('sync', 'apply') and state in ('synced', 'unchanged')
                group by origin, account, company_id
            ) using (origin, account, company_id)
            """,
            """
            create table to_retry (
                origin text not null,
                account text not null,                     -- the name that the settings give it
                company_id integer not null,
                run_id text not null,                      -- the newest run that was about these rows
                keys text not null,                        -- JSON array of source keys
                primary key (origin, account, company_id)
            ) without rowid
            """,
            # `max` takes the run's id along: of each company the newest run that looked at its rows.
            """
            insert into to_retry (origin, account, company_id, run_id, keys)
            select newest.origin, newest.account, newest.company_id, newest.run_id,
                   json_group_array(distinct json_extract(problem.value, '$.key'))
            from (
                select origin, account, company_id, run_id, max(finished_at),
                       coalesce(rejected, 0) + coalesce(uncertain, 0) as bad
                from run_companies join runs on id = run_id
                where origin is not null and finished_at is not null and verb in ('sync', 'apply', 'retry')
                      and (state in ('synced', 'unchanged', 'partial') or rejected > 0 or uncertain > 0)
                group by origin, account, company_id
            ) as newest
            join runs on runs.id = newest.run_id and json_valid(runs.result)
            join json_each(case when json_valid(runs.result) then runs.result else '{}' end, '$.companies') as company
            join json_each(company.value, '$.problems') as problem
            where bad > 0
                  and json_extract(company.value, '$.account') = newest.account
                  and json_extract(company.value, '$.company_id') = newest.company_id
                  and json_extract(problem.value, '$.code') in ('rejected', 'uncertain')
                  and json_extract(problem.value, '$.key') is not null
            group by newest.origin, newest.account, newest.company_id
            """,
        ),
    ),
    Migration(
        "sources",
        (
            """
            create table sources (
                scope integer primary key references scopes (id),
                fleet text,                                -- the template of file names; null: it is not of a fleet
                bytes integer,                             -- of the last good file of lines; null: none was read
                last_line integer,                         -- its number
                ended integer                              -- whether that line ended in a line end
            )
            """,
        ),
    ),
    Migration(
        "notes on keys, rests of accounts",
        (
            """
            create table key_notes (
                origin text not null,
                account text not null,
                name text not null,
                value text not null,
                primary key (origin, account, name)
            ) without rowid
            """,
            """
            create table rests (
                origin text not null,
                account text not null,
                what text not null,
                failures integer not null,
                retry_at text not null,
                message text not null,
                settings text not null,                    -- digest of the settings that it failed under
                primary key (origin, account, what)
            ) without rowid
            """,
        ),
    ),
    Migration(
        "stopped accounts rest, fruitless tries of a used-up key",
        (
            "alter table rests add column code text not null default ''",
            "alter table quotas add column tries integer not null default 0",
        ),
    ),
    Migration(
        "what may be there although no listing shows it",
        (
            """
            create table may_be_there (
                scope integer not null references scopes (id),
                key text not null,
                type_code text not null,
                erp_id text not null,
                primary key (scope, key)
            ) without rowid
            """,
            """
            insert into may_be_there (scope, key, type_code, erp_id)
            select scope, key, type_code, erp_id from rows join resting using (scope, key)
            where resting.code = 'not-listed' and settled
            """,
        ),
    ),
    Migration(
        "agreements",
        (
            # An entry with `seen` was acknowledged so, and showed otherwise since: what it showed is no spelling of it.
            "alter table rows add column agreement text",  # JSON: how the server spells it; null: as it was sent
            "alter table rows add column before text",  # JSON: what was shown before the last push
        ),
    ),
    Migration(
        "earlier listings",
        (
            "alter table scopes add column listed_by text",  # the run that listed it last
            "alter table scopes add column listed_before text",  # JSON array: whole listings of the two runs before
            # Whether a listing has shown a row since it was acknowledged was not kept at first; the times tell.
            """
            update rows set acked_generation = (select generation from scopes where id = scope)
            where acked_generation is null and acked_at > (select listed_at from scopes where id = scope)
            """,
        ),
    ),
)

APPLIED = "insert into migrations (number, name, applied_at) values (?, ?, ?)"
IS_EMPTY = "select not exists (select 1 from sqlite_master)"


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration], version: int) -> None:
    """Bring the schema from `version` to the newest step, in one transaction: a file is never left between two steps.

    The caller keeps other openers out meanwhile.
    """
    if version == len(migrations):
        return
    with connection:
        connection.execute("begin immediate")
        for number, migration in enumerate(migrations[version:], start=version + 1):
            _apply(connection, number, migration)
        connection.execute(f"pragma application_id = {APPLICATION_ID}")
        connection.execute(f"pragma user_version = {len(migrations)}")


def schema_version(connection: sqlite3.Connection, newest: int, name: str) -> int:
    """Return the number of the last applied step, 0 for an empty database.

    Raises LedgerError for a database of another program, or of a newer dimsync. Changes nothing.
    """
    (application_id,) = connection.execute("pragma application_id").fetchone()
    (version,) = connection.execute("pragma user_version").fetchone()
    if application_id != APPLICATION_ID:
        (empty,) = connection.execute(IS_EMPTY).fetchone()
        if application_id or version or not empty:
            raise LedgerError(
                f"{name} is a database of another program. Name another file in `[ledger] url`, or move this one away."
            )
    if version > newest:
        raise LedgerError(
            f"The ledger {name} has schema version {version}, and this dimsync knows versions up to {newest}. "
            "Use the newer dimsync that wrote it."
        )
    return int(version)


def _apply(connection: sqlite3.Connection, number: int, migration: Migration) -> None:
    """Take one step and record it."""
    for statement in migration.statements:
        connection.execute(statement)
    connection.execute(APPLIED, (number, migration.name, to_text(datetime.now(UTC))))
