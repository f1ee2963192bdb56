-- agreements

-- `agreement` stays null for rows with `seen`: what a listing showed of them is a change, no spelling of the server's.
alter table rows add column agreement text; -- JSON: how the server spells the row; null: as it was sent
alter table rows add column before text; -- JSON: what was shown before the last push
