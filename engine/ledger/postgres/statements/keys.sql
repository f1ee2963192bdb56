-- NOTE
insert into key_notes (origin, account, name, value) values (?, ?, ?, ?)
on conflict (origin, account, name) do update set value = excluded.value;

-- REST
insert into rests (origin, account, what, failures, retry_at, message, settings, code)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (origin, account, what) do update set
    failures = excluded.failures, retry_at = excluded.retry_at, message = excluded.message,
    settings = excluded.settings, code = excluded.code;

-- REMEMBER_PAUSE
insert into pauses (origin, account, at, until, reason) values (?, ?, ?, ?, ?)
on conflict (origin, account) do update set
    at = excluded.at, until = excluded.until, reason = excluded.reason;
