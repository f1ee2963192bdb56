"""Programs that read one export to the six fields, each in a process of its own: ours, pandas, polars, dlt."""
