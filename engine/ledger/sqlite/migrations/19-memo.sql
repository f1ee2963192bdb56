-- memo

-- What Ottimate showed when there was nothing to do. Empty: nothing was listed then; null: that finding depends on more.
alter table scopes add column clean_listing blob;
