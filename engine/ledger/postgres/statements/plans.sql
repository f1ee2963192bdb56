-- FORGET
delete from applied_plans where finished = 1 and at < ?;
