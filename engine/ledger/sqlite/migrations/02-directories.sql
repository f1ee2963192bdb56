-- directories, pauses, last states

-- What an account's API user may see (Directory), and when each part was listed.
create table directories (
    id integer primary key,
    origin text not null,
    account text not null,
    at text not null,                          -- its companies
    locations_at text,                         -- null: never
    accounts_at text,                          -- null: never
    unique (origin, account)
);

create table directory_companies (
    directory integer not null references directories (id),
    position integer not null,
    id integer not null,                       -- ottimate_company_id
    name text not null,
    locations integer,                         -- how many; null: not said
    plan text,
    primary key (directory, position)
) without rowid
;

create table directory_locations (
    directory integer not null references directories (id),
    position integer not null,
    id integer not null,
    name text not null,
    company text not null,                     -- its name: the API gives no id
    location_group text,
    primary key (directory, position)
) without rowid
;

create table directory_accounts (
    directory integer not null references directories (id),
    position integer not null,
    id text not null,                          -- racc_...
    name text not null,
    companies integer,                         -- how many; null: not said
    locations integer,
    primary key (directory, position)
) without rowid
;

-- A wait that the API asked of a whole key, too long for the run that met it (Pause).
create table pauses (
    origin text not null,
    account text not null,
    at text not null,
    until text not null,
    reason text not null,
    primary key (origin, account)
) without rowid
;

alter table runs add column origin text; -- null: the run is older than this column

-- The state of each company in the sync that finished last. Kept apart: the journal of a year is long.
create table last_states (
    origin text not null,
    account text not null,                     -- the name that the settings give it
    company_id integer not null,
    state text not null,
    run_id text not null references runs (id),
    primary key (origin, account, company_id)
) without rowid
;
