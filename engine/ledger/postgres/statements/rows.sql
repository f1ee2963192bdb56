-- READ_TRIED
select key from {rows}
where scope = ? and confirmed = 0 and settled = 0 and remote_id is not null and acked_at is null
  and {told} <> '';

-- UNFINISHED
select id from runs where finished_at is null and id in (select json_array_elements_text(?::json));

-- ACKNOWLEDGE
insert into {rows} (scope, acked_at, acked_generation, {fields},
                    remote_id, confirmed, settled, code_known, seen, agreement, before)
select ?1, ?2, (select generation + 1 from scopes where id = ?1),
       {values}, {flags} & 1, {flags} >> 1 & 1, {flags} >> 2 & 1, {notes}
from {entries}
on conflict (scope, key) do update set
    acked_at = excluded.acked_at, acked_generation = excluded.acked_generation,
    {updates}, remote_id = excluded.remote_id,
    confirmed = excluded.confirmed, settled = excluded.settled, code_known = excluded.code_known,
    seen = excluded.seen, agreement = excluded.agreement, before = excluded.before;

-- ADOPT
insert into {rows} (scope, acked_at, {fields}, remote_id, confirmed, settled, code_known, seen, agreement, before)
select ?1, ?2, {values}, {flags} & 1, {flags} >> 1 & 1, {flags} >> 2 & 1, {notes}
from {entries}
on conflict (scope, key) do update set
    {updates}, remote_id = excluded.remote_id,
    confirmed = excluded.confirmed, settled = excluded.settled, code_known = excluded.code_known,
    seen = excluded.seen, agreement = excluded.agreement, before = excluded.before;

-- UNLISTED
select key from {rows} join scopes on id = scope
where scope = ? and acked_generation > coalesce(listed_generation, 0)
      and key in (select json_array_elements_text(?::json));

-- BEARING
with others as (select id, company_id from scopes where origin = ?1 and account = ?2 and company_id <> ?3),
      wanted as (select json_array_elements_text(?4::json) as value)
select company_id, type_code, type_label, erp_id from {rows} join others on others.id = {rows}.scope
where erp_id in (select value from wanted) and settled = 1
union
select company_id, type_code, type_label, erp_id from {strays} join others on others.id = {strays}.scope
where erp_id in (select value from wanted)
order by company_id, type_code, erp_id;

-- FORGET_REVERTS
delete from reverts where scope = ?1 and at < least(?2, (
    select coalesce(listed_before::json ->> 1, listed_before::json ->> 0, listed_at, ?2)
    from scopes where id = ?1
));

-- ADD_REVERT
insert into reverts (scope, key, at) values (?, ?, ?) on conflict (scope, key, at) do nothing;
