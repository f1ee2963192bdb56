-- vendors

create table vendor_rows (
    scope integer not null,
    key text not null,
    name text not null,
    tax_id text not null,
    terms text,
    code_known integer not null,
    remote_id text,
    confirmed integer not null,
    settled integer not null,
    seen text,
    acked_at text,
    acked_generation integer,
    agreement text,
    before text,
    primary key (scope, key)
) without rowid;

create table vendor_strays (
    scope integer not null references scopes (id),
    position integer not null,
    id text not null,
    name text not null,
    tax_id text not null,
    terms text,
    key text,
    primary key (scope, position)
) without rowid;

create table vendor_may_be_there (
    scope integer not null,
    key text not null,
    tax_id text not null,
    primary key (scope, key)
) without rowid;
