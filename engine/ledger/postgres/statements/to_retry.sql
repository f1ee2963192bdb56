-- REMEMBER_TO_RETRY
insert into to_retry (origin, account, company_id, run_id, keys) values (?, ?, ?, ?, ?)
on conflict (origin, account, company_id) do update set run_id = excluded.run_id, keys = excluded.keys;
