-- lean rows, nothing to do

-- A line per key took a quarter of the time of a push; `intents.keys` is searched instead.
drop table intent_keys;

-- Without the run's id, which `attempts` has, and without checks: both took a tenth of the time of a push.
create table rows_before as
select scope, key, type_code, type_label, name, erp_id, code, code_known, remote_id, confirmed, settled,
       seen, acked_at
from rows;

-- Renaming `rows_before` to `rows` later would fail where people have made views of their own on `rows`.
drop table rows;

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
;

insert into rows select * from rows_before;
drop table rows_before;

-- `runs` gets a rowid. Without one, each search for a run, that of a foreign key included, read the long results of
-- the runs that it passed, and a run over thousands of companies took minutes to end.
pragma defer_foreign_keys = on; -- until the migration commits: other tables refer to runs
create table runs_before as select * from runs;
drop table runs;

create table runs (
    id text primary key not null,
    verb text not null,
    origin text,                               -- null: of a run before this column
    started_at text not null,
    finished_at text,                          -- null: still running, or crashed
    exit_code integer,
    allowed text,                              -- guards that a person let pass: "mass-create:123"
    result text                                -- JSON, dimsync.result/1; last, for it is long
);

insert into runs (id, verb, origin, started_at, finished_at, exit_code, allowed, result)
select id, verb, origin, started_at, finished_at, exit_code, allowed, result from runs_before;

drop table runs_before;
create index runs_by_start on runs (origin, started_at, id);
create index runs_by_end on runs (origin, finished_at, id);
alter table scopes add column clean blob; -- digest of all that a comparison depends on, of a run with nothing to do
alter table scopes add column clean_rows integer; -- source rows of that run
alter table scopes add column clean_adopted integer; -- rows that it adopted
