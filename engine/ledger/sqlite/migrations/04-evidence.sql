-- evidence

alter table scopes add column generation integer not null default 0; -- counts changes of what is known of its rows
alter table scopes add column changed_by text; -- the run that made the last change; null: a command did

-- For searches by origin, which would read each run's long result otherwise.
create index runs_by_start on runs (origin, started_at);
create index runs_by_end on runs (origin, finished_at);

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
);

create index attempts_of_company on attempts (scope, at);

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
join json_each(attempts.rows) as line;

create table wire_keys (
    scope integer not null references scopes (id),
    source_key text not null,                  -- as the source calls the row now
    wire_key text not null,                    -- as it was created; all other tables know it by this one
    at text not null,
    primary key (scope, source_key)
) without rowid
;

create table applied_plans (
    scope integer not null references scopes (id),
    plan_id text not null,                     -- the run that made it
    at text not null,                          -- when it was last begun
    run_ids text not null,                     -- JSON array: the runs that began it, the first first
    finished integer not null default 0 check (finished in (0, 1)),
    primary key (scope, plan_id)
) without rowid
;
