"""polars: a lazy frame where the format has one, so that it reads only what is wanted. No field is checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.exports import COLUMNS, COMPANY, TYPE_CODES
from benchmarks.readers.job import main


def frame(kind: str, path: Path) -> Any:
    """Return an export as it is, not yet read where that is possible."""
    if kind == "ndjson":
        return pl.scan_ndjson(path, schema=dict.fromkeys(COLUMNS, pl.String))
    if kind == "json":
        items = pl.read_json(path)["data"].struct.field("items").explode()
        return items.struct.unnest().lazy()
    if kind == "parquet":
        return pl.scan_parquet(path)
    if kind == "sqlite":
        with sqlite3.connect(path) as connection:
            return pl.read_database("SELECT * FROM lists", connection).lazy()
    if kind == "xlsx":
        return pl.read_excel(path, engine="calamine", infer_schema_length=0).lazy()
    return pl.scan_csv(path, infer_schema=False)


def six(given: Any) -> Any:
    """Return the six fields of the rows that are not inactive."""
    codes = pl.col("Type").replace_strict(TYPE_CODES)
    return (
        given.filter(pl.col("Inactive") == "F")
        .select(
            pl.concat_str([pl.lit(f"{COMPANY}"), codes, pl.col("Internal ID")], separator=":").alias("unique_key"),
            pl.col("Type").alias("type"),
            codes.alias("dimension_type_code"),
            pl.col("Name").alias("name"),
            pl.col("Internal ID").alias("erp_dimension_id"),
            pl.col("Number").alias("code"),
        )
        .collect()
    )


def rows(kind: str, path: Path, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    """Read an export; of many files, each as a frame that is given up before the next one is read."""
    count = 0
    kept: list[tuple[str, ...]] = []
    for one in sorted(path.iterdir()) if kind == "files" else [path]:
        found = six(frame(kind, one))
        count += len(found)
        if is_rehearsal:
            kept += found.iter_rows()
    return count, kept


if __name__ == "__main__":
    main(rows, {"xlsx": "fastexcel"})
