-- rows that rest

alter table rows add column acked_generation integer; -- `scopes.generation` when the row was last acknowledged
alter table scopes add column listed_generation integer; -- `generation` when the company was last listed whole

-- Rows that are not sent for now (RestingRow).
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
;
