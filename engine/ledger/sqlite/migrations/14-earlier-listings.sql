-- earlier listings

alter table scopes add column listed_by text; -- the run that listed the company last
alter table scopes add column listed_before text; -- JSON array: whole listings of the two runs before

-- Whether a listing has shown a row since it was acknowledged was not kept at first; the times tell.
update rows set acked_generation = (select generation from scopes where id = scope)
where acked_generation is null and acked_at > (select listed_at from scopes where id = scope);
