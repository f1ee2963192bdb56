-- guards

alter table scopes add column passed blob; -- fingerprints of a plan that the guards let pass, until it is finished

create table sketches (
    scope integer primary key references scopes (id),
    rows integer not null,
    marks blob not null                        -- the smallest ones, 8 bytes each (model.sketch)
);

-- Updates that undid what somebody had changed in Ottimate.
create table reverts (
    scope integer not null references scopes (id),
    key text not null,
    at text not null,
    primary key (scope, key, at)
) without rowid
;

alter table runs add column allowed text; -- guards that a person let pass: "mass-create:123 look-alike:7"
