-- IN_FLIGHT
select at from intents
where scope = ? and exists (select 1 from json_array_elements_text(keys::json) as value where value = ?);
