-- BEGINS_ALIKE
select id from runs
where origin = :origin and (
    starts_with(id, :text)
    or (strpos(id, '-') > 0 and starts_with(substr(id, strpos(id, '-') + 1), :text))
)
order by (id = :text) desc, started_at desc, id desc limit :most;
