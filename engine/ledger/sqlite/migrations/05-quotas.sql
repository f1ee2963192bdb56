-- quotas

-- Requests of an API key on one day (DayUse), and the API's word that there are no more (UsedUp).
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
;
