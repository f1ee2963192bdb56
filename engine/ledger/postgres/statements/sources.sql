-- FLEET
insert into sources (scope, fleet) select id, ? from scopes where origin = ? and account = ? and company_id = ?
on conflict (scope) do update set fleet = excluded.fleet where sources.fleet is distinct from excluded.fleet;
