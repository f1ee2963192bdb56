-- memo

-- What Ottimate showed when there was nothing to do. Empty: nothing was listed then; null: that finding depends on more.
alter table scopes add column clean_listing blob;

-- A digest like `clean`, of the rows that the source gave in place of its bytes; null: not known.
alter table scopes add column clean_source blob;

-- A company's entries of `rows` together, which takes a fifth of the time to read.
create table entry_memos (
    scope integer primary key not null,
    entries integer not null,
    parts integer not null,
    changes integer not null                   -- lines of `changed_entries`; with others, the memo is not read
);

create table entry_parts (
    scope integer not null,
    part integer not null,
    entries blob not null,                     -- JSON: a list for each column, in the order of keys
    primary key (scope, part)
);

create table changed_entries (
    scope integer not null,
    key text not null,
    primary key (scope, key)
) without rowid
;

-- No `or ignore` in these: a conflict clause of the statement that fires a trigger would take its place.
create trigger entry_inserted after insert on rows
when exists (select 1 from entry_memos where scope = new.scope)
begin
    update entry_memos set changes = changes + 1
    where scope = new.scope and not exists (select 1 from changed_entries where scope = new.scope and key = new.key);
    insert into changed_entries select new.scope, new.key
    where not exists (select 1 from changed_entries where scope = new.scope and key = new.key);
end;

create trigger entry_updated after update on rows
when exists (select 1 from entry_memos where scope = old.scope)
begin
    update entry_memos set changes = changes + 1
    where scope = old.scope and not exists (select 1 from changed_entries where scope = old.scope and key = old.key);
    insert into changed_entries select old.scope, old.key
    where not exists (select 1 from changed_entries where scope = old.scope and key = old.key);
end;

create trigger entry_moved after update of scope, key on rows when old.scope <> new.scope or old.key <> new.key
begin
    delete from entry_memos where scope = new.scope;
end;

create trigger entry_memo_spent after update of changes on entry_memos when new.changes > new.entries / 4 + 50
begin
    delete from entry_memos where scope = new.scope;
end;

create trigger entry_deleted after delete on rows
when exists (select 1 from entry_memos where scope = old.scope)
begin
    update entry_memos set changes = changes + 1
    where scope = old.scope and not exists (select 1 from changed_entries where scope = old.scope and key = old.key);
    insert into changed_entries select old.scope, old.key
    where not exists (select 1 from changed_entries where scope = old.scope and key = old.key);
end;
