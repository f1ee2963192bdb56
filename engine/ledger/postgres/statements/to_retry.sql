-- REMEMBER_TO_RETRY
insert into to_retry (origin, account, company_id, run_id, keys) values (?, ?, ?, ?, ?)
on conflict (origin, account, company_id) do update set run_id = excluded.run_id, keys = excluded.keys;

-- TO_RETRY
select account, company_id, run_id, keys from json_array_elements(?2::json) as asked
cross join lateral (
    select * from to_retry where origin = ?1 and account = asked ->> 0 and company_id = (asked ->> 1)::bigint offset 0
) as found;
