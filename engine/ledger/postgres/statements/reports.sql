-- ATTEMPTS
select run_id, at, rows from attempts
where scope = ? and run_id in (select json_array_elements_text(?::json)) order by number;
