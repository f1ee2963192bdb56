-- ROWS
update {rows}
set code_known = 0, seen = null, before = null, acked_generation = null,
    agreement = case when confirmed = 1 and settled = 1 then ? end
where scope = ?;
