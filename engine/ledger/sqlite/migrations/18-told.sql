-- what was told

create table told (
    origin text not null,
    what text not null,                        -- `broken`, `silence:SECONDS` or `unreached:TARGET`
    told_at text not null,                     -- when the targets of [[notify]] were told of it; no line: it is over
    words text not null,
    primary key (origin, what)
) without rowid
;
