-- sources

create table sources (
    scope integer primary key references scopes (id),
    fleet text,                                -- the template of file names; null: it is not of a fleet
    bytes integer,                             -- of the last good file of lines; null: none was read
    last_line integer,                         -- its number
    ended integer                              -- whether that line ended in a line end
);
