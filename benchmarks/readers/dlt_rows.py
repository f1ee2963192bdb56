"""dlt: its own readers of files and databases, a filter and a map for each row, which is handed on and not kept.

As https://dlthub.com/docs/dlt-ecosystem/verified-sources/filesystem/basic and
https://dlthub.com/docs/dlt-ecosystem/verified-sources/sql_database say. It has no reader of JSON documents: three lines
stand in for it here. Workbooks, for which it has none, are left out. No field is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.filesystem import filesystem, read_csv, read_jsonl, read_parquet
from dlt.sources.sql_database import sql_table

from benchmarks.exports import COMPANY, TYPE_CODES
from benchmarks.readers.job import main


@dlt.resource
def document(path: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of a JSON document."""
    with Path(path).open(encoding="utf-8") as file:
        yield json.load(file)["data"]["items"]


def resource(kind: str, path: Path) -> Any:
    """Return the resource that reads an export."""
    if kind == "json":
        return document(str(path))
    if kind == "sqlite":
        return sql_table(credentials=f"sqlite:///{path}", table="lists", chunk_size=10_000)
    folder, pattern = (path, "*.csv") if kind == "files" else (path.parent, path.name)
    files = filesystem(bucket_url=folder.as_uri(), file_glob=pattern)
    if kind == "parquet":
        return files | read_parquet()
    if kind == "ndjson":
        return files | read_jsonl()
    return files | read_csv(dtype=str, keep_default_na=False)


def is_active(row: dict[str, Any]) -> bool:
    """Return whether a row is wanted. Of databases, dlt gives columns in names of its own."""
    return bool(row["Inactive"] == "F")


def six(row: dict[str, Any]) -> dict[str, str]:
    """Return the six fields of a row."""
    code = TYPE_CODES[row["Type"]]
    return {
        "unique_key": f"{COMPANY}:{code}:{row['Internal ID']}",
        "type": row["Type"],
        "dimension_type_code": code,
        "name": row["Name"],
        "erp_dimension_id": row["Internal ID"],
        "code": row["Number"],
    }


def rows(kind: str, path: Path, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    """Read an export."""
    count = 0
    kept: list[Iterable[str]] = []
    for row in resource(kind, path).add_filter(is_active).add_map(six):
        count += 1
        if is_rehearsal:
            kept.append(row.values())
    return count, kept


if __name__ == "__main__":
    main(rows)
