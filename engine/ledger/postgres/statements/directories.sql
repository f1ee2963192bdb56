-- READ_SHOWN
select id, name, locations, plan from directory_companies
where directory = ? and id in (select json_array_elements_text(?::json)::bigint) order by position;
