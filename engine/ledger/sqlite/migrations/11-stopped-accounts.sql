-- stopped accounts rest, fruitless tries of a used-up key

alter table rests add column code text not null default '';
alter table quotas add column tries integer not null default 0;
