-- rows that mappings leave out

alter table sources add column counts text; -- JSON: rows of each source, and rows kept by type, at the last good run
alter table scopes add column clean_left_out text; -- JSON: why rows were left out when nothing was to be done
