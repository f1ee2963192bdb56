-- UNSETTLE
insert into {rows} (scope, key, {required}, confirmed, settled, code_known)
select ?, value, {blanks}, 0, 0, 0 from json_array_elements_text(?::json) as value
on conflict (scope, key) do update set settled = 0;

-- UNSETTLE_LEFT_OVER
insert into {rows} (scope, key, {required}, confirmed, settled, code_known)
select distinct scope, value, {blanks}, 0, 0, 0
from intents cross join json_array_elements_text(keys::json) as value where scope = ?
on conflict (scope, key) do update set settled = 0;

-- ACCEPT_LEFT_OVER
delete from rejections
where scope = ?1 and key in (
    select value from intents cross join json_array_elements_text(keys::json) as value where scope = ?1
);
