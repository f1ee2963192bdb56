-- READ_OF
select account, company_id, code, since, shown_at, marks from json_array_elements(?2::json) as asked
cross join lateral (
    select * from known_problems
    where origin = ?1 and account = asked ->> 0 and company_id = (asked ->> 1)::bigint offset 0
) as found;
