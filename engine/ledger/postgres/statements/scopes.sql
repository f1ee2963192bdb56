-- ADD
insert into scopes (origin, account, company_id) values (?, ?, ?)
on conflict (origin, account, company_id) do nothing;

-- CLEAN
update scopes
set clean_listing = case
        when ?5 = ''::bytea and clean is not distinct from ?1 and clean_listing is not null then clean_listing else ?5
    end,
    clean = ?1, clean_rows = ?2, clean_adopted = ?3, clean_left_out = ?4, clean_source = ?6, lost_at = null
where id = ?7 and not exists (select 1 from intents where scope = scopes.id);

-- LISTED
update scopes
set listed_before = case
        when listed_at is null or listed_by is not distinct from ?6 then listed_before
        else json_build_array(listed_at, listed_before::json ->> 0)::text
    end,
    listed_by = ?6,
    listed_at = ?1, checked_at = ?1, certificate = ?2, remote_count = ?3, listed_generation = generation,
    failures = 0, retry_at = null, failed_source = null,
    failure_message = case when failure = ?5 then failure_message end,
    failure = case when failure = ?5 then failure end
where id = ?4;

-- SKETCH
insert into sketches (scope, rows, marks) values (?, ?, ?)
on conflict (scope) do update set rows = excluded.rows, marks = excluded.marks;

-- READ_STATES_OF
select account, company_id,
       listed_at, checked_at, remote_count, failures, retry_at, failed_source, failure, failure_message, last_good_rows,
       passed, clean, clean_rows, clean_adopted, clean_left_out, clean_source, clean_listing, listed_before
from json_array_elements(?2::json) as asked
cross join lateral (
    select * from scopes where origin = ?1 and account = asked ->> 0 and company_id = (asked ->> 1)::bigint offset 0
) as found;
