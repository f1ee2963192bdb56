-- what may be there although no listing shows it

create table may_be_there (
    scope integer not null references scopes (id),
    key text not null,
    type_code text not null,
    erp_id text not null,
    primary key (scope, key)
) without rowid
;

insert into may_be_there (scope, key, type_code, erp_id)
select scope, key, type_code, erp_id from rows join resting using (scope, key)
where resting.code = 'not-listed' and settled;
