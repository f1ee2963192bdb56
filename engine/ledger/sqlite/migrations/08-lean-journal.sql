-- lean journal

-- The sums over all companies of a run. A company that has nothing to tell leaves nothing else in the journal. A run of
-- an older dimsync has no such sums, but a line in `run_companies` for each of its companies.
create table run_totals (
    run_id text primary key not null,          -- no foreign key: an older dimsync forgets runs alone
    companies integer not null,                -- how many the run was about
    created integer not null,
    updated integer not null,
    trouble integer not null,                  -- rows rejected, held, uncertain or invalid
    requests integer not null                  -- those of its companies
) without rowid
;

-- How the company itself ended in that sync. Null where an older dimsync wrote: that stands in `run_companies`.
alter table last_states add column at text; -- when the sync ended
alter table last_states add column name text;
alter table last_states add column exit_code integer;
alter table last_states add column source_rows integer;
alter table last_states add column created integer;
alter table last_states add column updated integer;
alter table last_states add column trouble integer;
alter table last_states add column well_at text; -- when the last sync ended that found the company in order

insert or replace into last_states (origin, account, company_id, state, run_id, well_at)
select origin, account, company_id, state, run_id, last_well_at
from last_states left join (
    select origin, account, company_id, max(finished_at) as last_well_at
    from run_companies join runs on id = run_id
    where verb in ('sync', 'apply') and state in ('synced', 'unchanged')
    group by origin, account, company_id
) using (origin, account, company_id);

create table to_retry (
    origin text not null,
    account text not null,                     -- the name that the settings give it
    company_id integer not null,
    run_id text not null,                      -- the newest run that was about these rows
    keys text not null,                        -- JSON array of source keys
    primary key (origin, account, company_id)
) without rowid
;

-- Of each company the newest run that looked at its rows: SQLite takes `run_id` from the line that `max` chose.
insert into to_retry (origin, account, company_id, run_id, keys)
select newest.origin, newest.account, newest.company_id, newest.run_id,
       json_group_array(distinct json_extract(problem.value, '$.key'))
from (
    select origin, account, company_id, run_id, max(finished_at),
           coalesce(rejected, 0) + coalesce(uncertain, 0) as bad
    from run_companies join runs on id = run_id
    where origin is not null and finished_at is not null and verb in ('sync', 'apply', 'retry')
          and (state in ('synced', 'unchanged', 'partial') or rejected > 0 or uncertain > 0)
    group by origin, account, company_id
) as newest
join runs on runs.id = newest.run_id and json_valid(runs.result)
join json_each(case when json_valid(runs.result) then runs.result else '{}' end, '$.companies') as company
join json_each(company.value, '$.problems') as problem
where bad > 0
      and json_extract(company.value, '$.account') = newest.account
      and json_extract(company.value, '$.company_id') = newest.company_id
      and json_extract(problem.value, '$.code') in ('rejected', 'uncertain')
      and json_extract(problem.value, '$.key') is not null
group by newest.origin, newest.account, newest.company_id;
