-- PUT
insert into resting (scope, key, code, fingerprint, message, since, tries, next_at, others)
values (?, ?, ?, ?, ?, ?, ?, ?, ?)
on conflict (scope, key) do update set
    code = excluded.code, fingerprint = excluded.fingerprint, message = excluded.message, since = excluded.since,
    tries = excluded.tries, next_at = excluded.next_at, others = excluded.others;
