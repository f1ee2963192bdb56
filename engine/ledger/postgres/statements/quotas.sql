-- CHARGE
insert into quotas (origin, account, day, used) values (?1, ?2, ?3, greatest(0, ?4))
on conflict (origin, account, day) do update set used = greatest(0, quotas.used + ?4);
