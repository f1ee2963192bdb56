-- rows, intents, runs

create table migrations (
    number integer primary key,
    name text not null,
    applied_at text not null
);

-- One company behind one API and account, and the notes on it (CompanyState).
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
);

-- What is known of the remote row behind each key (RowRecord).
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
;

-- Remote rows of the last whole listing that no key leads to (RemoteRow).
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
;

create table rejections (
    scope integer not null references scopes (id),
    key text not null,
    fingerprint blob not null,
    at text not null,
    message text not null,
    primary key (scope, key)
) without rowid
;

-- Requests that may be out: written before they are sent, deleted with their outcome.
create table intents (
    scope integer not null references scopes (id),
    id text not null,                          -- also the request's Idempotency-Key
    run_id text not null,
    at text not null,
    keys text not null,                        -- JSON array
    primary key (scope, id)
) without rowid
;

-- The same keys once more: the primary key keeps one key out of two requests at a time.
create table intent_keys (
    scope integer not null references scopes (id),
    key text not null,
    intent text not null,
    primary key (scope, key)
) without rowid
;

create table runs (
    id text primary key,
    verb text not null,
    started_at text not null,
    finished_at text,                          -- null: still running, or crashed
    exit_code integer,
    result text                                -- JSON, dimsync.result/1
) without rowid
;

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
;

create table page_sizes (
    origin text not null,
    account text not null,
    rows integer not null,
    primary key (origin, account)
) without rowid
;
