-- known problems

create table known_problems (
    origin text not null,
    account text not null,                     -- the name that the settings give it; empty: of the run as a whole
    company_id integer not null,
    code text not null,
    since text not null,                       -- the end of the first run that showed them
    shown_at text not null,                    -- the end of the last one
    marks blob not null,                       -- 8 bytes for each problem: a digest of its row's key, or of its words
    primary key (origin, account, company_id, code, since, shown_at)
) without rowid
;
