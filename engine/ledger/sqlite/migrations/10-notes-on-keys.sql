-- notes on keys, rests of accounts

create table key_notes (
    origin text not null,
    account text not null,
    name text not null,
    value text not null,
    primary key (origin, account, name)
) without rowid
;

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
;
