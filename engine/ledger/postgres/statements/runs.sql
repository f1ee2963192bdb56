-- HISTORY
select id, verb, started_at, finished_at, runs.exit_code,
       coalesce(totals.companies, lines.companies), coalesce(totals.created, lines.created),
       coalesce(totals.updated, lines.updated), coalesce(totals.trouble, lines.trouble),
       coalesce(totals.requests, lines.requests), coalesce(allowed, '')
from runs
left join run_totals as totals on totals.run_id = id
left join lateral (
    select count(*) as companies, coalesce(sum(created), 0) as created, coalesce(sum(updated), 0) as updated,
           coalesce(sum(rejected), 0) + coalesce(sum(held), 0) + coalesce(sum(uncertain), 0)
               + coalesce(sum(invalid), 0) as trouble,
           coalesce(sum(requests), 0) as requests
    from run_companies where run_id = runs.id
) as lines on true
where id in (select json_array_elements_text(?::json))
order by started_at desc, id desc;
