-- ADD
insert into told (origin, what, told_at, words) values (?, ?, ?, ?) on conflict (origin, what) do nothing;
