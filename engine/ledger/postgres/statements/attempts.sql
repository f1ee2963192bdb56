-- OF_ROW
select at, run_id, id, sends, status, request_id, rows from attempts
where scope = ? and strpos(rows, ?) > 0 order by at desc, number desc;
