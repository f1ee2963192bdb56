-- PUT
insert into {may_be_there} (scope, key, {natural}) values (?, ?, {natural_marks})
on conflict (scope, key) do update set ({natural}) = row({natural_excluded});

-- DOUBT
insert into {may_be_there} (scope, key, {natural})
select scope, key, {natural} from {rows} join scopes on id = scope
where scope = ? and settled = 1 and acked_generation > coalesce(listed_generation, 0)
      and key in (select json_array_elements_text(?::json))
on conflict (scope, key) do nothing;

-- DOUBT_LEFT_OVER
insert into {may_be_there} (scope, key, {natural})
select {rows}.scope, key, {natural} from {rows} join scopes on id = {rows}.scope
where {rows}.scope = ?1 and settled = 1 and acked_generation > coalesce(listed_generation, 0)
      and key in (
          select value from intents cross join json_array_elements_text(keys::json) as value
          where intents.scope = ?1
      )
on conflict (scope, key) do nothing;
