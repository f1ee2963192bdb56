-- REKEY
insert into wire_keys (scope, source_key, wire_key, at) values (?, ?, ?, ?)
on conflict (scope, source_key) do update set wire_key = excluded.wire_key, at = excluded.at;

-- FORGET_ADOPTED
delete from {rows} where scope = ? and key = ? and confirmed = 0 and settled = 1;
