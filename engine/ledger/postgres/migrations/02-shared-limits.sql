-- limits that workers share

create table key_rates (
    origin text collate "C" not null,
    key_id text collate "C" not null,
    asked_at timestamptz not null,
    ahead_s double precision not null default 0,
    paused_s double precision not null default 0,
    wanted_at timestamptz,
    primary key (origin, key_id)
);

create table key_seats (
    origin text collate "C" not null,
    key_id text collate "C" not null,
    worker text collate "C" not null,
    wants bigint not null,
    seats bigint not null,
    turn_at timestamptz not null,
    has_turn boolean not null default false,
    free_at timestamptz not null,
    primary key (origin, key_id, worker)
);

create table key_tokens (
    origin text collate "C" not null,
    key_id text collate "C" not null,
    number bigint not null,
    sealed bytea not null,
    usable_until timestamptz not null,
    primary key (origin, key_id)
);

create table turns (
    what text collate "C" primary key,
    worker text collate "C" not null,
    ends_at timestamptz not null
);

-- Take permits of an API key. They lie `interval_s` apart, whoever takes them; none is given during a pause.
-- `at`: the moment, by the database's clock as a rule. A clock that goes back makes nothing wait longer than one that
-- stands still. `lead_s`: so long from `at` on the answer is on its way, and permits could not be used.
create function permitted(
    of_origin text, of_key text, permits bigint, interval_s double precision, lead_s double precision,
    at timestamptz,
    out given bigint, out wait_s double precision, out pause_s double precision
) language plpgsql set search_path = dimsync as $$
declare
    rate key_rates;
    elapsed_s double precision;
begin
    select * into rate from key_rates where origin = of_origin and key_id = of_key for update;
    at := coalesce(at, clock_timestamp());
    elapsed_s := greatest(0, extract(epoch from at - rate.asked_at));
    wait_s := greatest(0, rate.ahead_s - elapsed_s, case when permits > 0 then lead_s end);
    pause_s := greatest(0, rate.paused_s - elapsed_s);
    given := case when pause_s > 0 then 0 else permits end;
    update key_rates set asked_at = at, ahead_s = permitted.wait_s + given * interval_s, paused_s = permitted.pause_s
    where origin = of_origin and key_id = of_key;
end
$$;

-- Tell the workers of an API key: `pause` seconds, `wanted` or `free`.
create function tell_workers(of_origin text, of_key text, kind text, seconds double precision) returns void
language sql as $$
    select pg_notify('dimsync_limits', concat_ws(' ', kind, seconds, of_key, of_origin))
$$;

-- Share an API key's seats out. Each worker gets what it wants if there is enough for all. If not, none gets more than
-- another one that wants more; of seats that are left over then, each is held for a turn of `turn_s`, by whoever had
-- its last turn the longest ago. `seats`: as many as the worker may have out from now on. Those of requests that are
-- out beyond that stay its own until it tells that they have landed, so that there are never more than `most`.
-- The caller has locked the key's row.
create function seated(
    of_origin text, of_key text, of_worker text, most bigint, wanted bigint, still_out bigint, keep_s double precision,
    turn_s double precision, at timestamptz, out seats bigint, out is_contended boolean
) language plpgsql set search_path = dimsync as $$
declare
    mine key_seats;
    each record;
    before key_seats;
    total bigint;
    others bigint;
    left_over bigint := most;
    many bigint;
    level bigint;
    target bigint := wanted;
    is_told boolean;
begin
    delete from key_seats where origin = of_origin and key_id = of_key and free_at < at;
    select * into before from key_seats where origin = of_origin and key_id = of_key and worker = of_worker;
    insert into key_seats (origin, key_id, worker, wants, seats, turn_at, free_at)
    values (of_origin, of_key, of_worker, wanted, still_out, at, at + make_interval(secs => keep_s))
    on conflict (origin, key_id, worker) do update set wants = excluded.wants, free_at = excluded.free_at
    returning * into mine;
    select sum(key_seats.wants), coalesce(sum(key_seats.seats) filter (where worker <> of_worker), 0), count(*)
    into total, others, many
    from key_seats where origin = of_origin and key_id = of_key;
    is_contended := total > most;
    if is_contended then
        for each in
            select wants from key_seats where origin = of_origin and key_id = of_key order by wants
        loop
            exit when each.wants > left_over / many;
            left_over := left_over - each.wants;
            many := many - 1;
        end loop;
        level := left_over / many;
        if mine.has_turn and at - mine.turn_at >= make_interval(secs => turn_s) then
            mine.has_turn := false;
            mine.turn_at := at;
        end if;
        select least(wanted, level + case when count(*) < left_over % many then 1 else 0 end) into target
        from key_seats as other
        where origin = of_origin and key_id = of_key and worker <> of_worker and other.wants > level
            and (
                case
                    when not other.has_turn then 1
                    when at - other.turn_at < make_interval(secs => turn_s) then 0
                    else 2
                end, other.turn_at, other.worker
            ) < (case when mine.has_turn then 0 else 1 end, mine.turn_at, mine.worker);
    end if;
    seats := greatest(0, least(target, most - others));
    if is_contended and wanted > level and seats > level then
        if not mine.has_turn then
            mine.turn_at := at;
        end if;
        mine.has_turn := true;
    elsif mine.has_turn then
        mine.turn_at := at;
        mine.has_turn := false;
    end if;
    update key_seats
    set seats = greatest(still_out, seated.seats), turn_at = mine.turn_at, has_turn = mine.has_turn
    where origin = of_origin and key_id = of_key and worker = of_worker;
    if is_contended and (seats < target or before.wants is null or wanted > before.wants) then
        update key_rates set wanted_at = at
        where origin = of_origin and key_id = of_key
            and (wanted_at is null or not wanted_at between at - interval '100 ms' and at)
        returning true into is_told;
        if is_told then
            perform tell_workers(of_origin, of_key, 'wanted', 0);
        end if;
    end if;
    if before.seats > greatest(still_out, seats) and exists (
        select 1 from key_seats as other
        where origin = of_origin and key_id = of_key and worker <> of_worker and other.wants > other.seats
    ) then
        perform tell_workers(of_origin, of_key, 'free', 0);
    end if;
end
$$;

-- Take permits and seats of an API key together.
create function leased(
    of_origin text, of_key text, of_worker text, permits bigint, interval_s double precision, most bigint,
    wanted bigint, still_out bigint, keep_s double precision, turn_s double precision, lead_s double precision,
    at timestamptz default null, out at_s double precision, out given bigint, out wait_s double precision,
    out pause_s double precision, out seats bigint, out is_contended boolean
) language plpgsql set search_path = dimsync as $$
begin
    perform 1 from key_rates where origin = of_origin and key_id = of_key for update;
    if not found then
        insert into key_rates (origin, key_id, asked_at) values (of_origin, of_key, coalesce(at, clock_timestamp()))
        on conflict do nothing;
        perform 1 from key_rates where origin = of_origin and key_id = of_key for update;
    end if;
    at := coalesce(at, clock_timestamp());
    at_s := extract(epoch from at);
    select * into given, wait_s, pause_s from permitted(of_origin, of_key, permits, interval_s, lead_s, at);
    select * into seats, is_contended
    from seated(of_origin, of_key, of_worker, most, wanted, still_out, keep_s, turn_s, at);
end
$$;

-- Let nobody take permits of an API key for some seconds. A pause that ends later stays.
create function paused(of_origin text, of_key text, seconds double precision, at timestamptz default null)
returns void language plpgsql set search_path = dimsync as $$
begin
    insert into key_rates (origin, key_id, asked_at) values (of_origin, of_key, coalesce(at, clock_timestamp()))
    on conflict do nothing;
    perform permitted(of_origin, of_key, 0, 0, 0, at);
    update key_rates set paused_s = greatest(paused_s, seconds) where origin = of_origin and key_id = of_key;
    perform tell_workers(of_origin, of_key, 'pause', seconds);
end
$$;

-- Give a worker's seats back.
create function left_key(of_origin text, of_key text, of_worker text) returns void
language plpgsql set search_path = dimsync as $$
begin
    perform 1 from key_rates where origin = of_origin and key_id = of_key for update;
    delete from key_seats where origin = of_origin and key_id = of_key and worker = of_worker and seats > 0;
    if found then
        perform tell_workers(of_origin, of_key, 'free', 0);
    end if;
    delete from key_seats where origin = of_origin and key_id = of_key and worker = of_worker;
end
$$;
