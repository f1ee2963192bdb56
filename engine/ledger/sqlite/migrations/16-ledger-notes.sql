-- notes on the ledger itself

create table ledger_notes (
    name text primary key,
    value text not null
) without rowid
;
