"""pandas: one frame of texts, filtered, its columns made and renamed. No field is checked, no row is counted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.exports import COLUMNS, COMPANY, TYPE_CODES
from benchmarks.readers.job import main

READ = list(COLUMNS[:5])


def frame(kind: str, path: Path) -> Any:
    """Return an export as it is."""
    if kind == "ndjson":
        return pd.read_json(path, lines=True, dtype=False)
    if kind == "json":
        with path.open(encoding="utf-8") as file:
            return pd.DataFrame(json.load(file)["data"]["items"], columns=READ)
    if kind == "parquet":
        return pd.read_parquet(path, columns=READ)
    if kind == "sqlite":
        with sqlite3.connect(path) as connection:
            return pd.read_sql_query("SELECT * FROM lists", connection)
    if kind == "xlsx":
        return pd.read_excel(path, engine="calamine", dtype=str, keep_default_na=False, usecols=READ)
    return pd.read_csv(path, dtype=str, keep_default_na=False, usecols=READ)


def six(given: Any) -> Any:
    """Return the six fields of the rows that are not inactive."""
    kept = given[given["Inactive"] == "F"]
    codes = kept["Type"].map(TYPE_CODES)
    return pd.DataFrame(
        {
            "unique_key": f"{COMPANY}:" + codes + ":" + kept["Internal ID"],
            "type": kept["Type"],
            "dimension_type_code": codes,
            "name": kept["Name"],
            "erp_dimension_id": kept["Internal ID"],
            "code": kept["Number"],
        }
    )


def rows(kind: str, path: Path, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    """Read an export; of many files, each as a frame that is given up before the next one is read."""
    count = 0
    kept: list[tuple[str, ...]] = []
    for one in sorted(path.iterdir()) if kind == "files" else [path]:
        found = six(frame(kind, one))
        count += len(found)
        if is_rehearsal:
            kept += found.itertuples(index=False, name=None)
    return count, kept


if __name__ == "__main__":
    main(rows, {"xlsx": "python_calamine"})
