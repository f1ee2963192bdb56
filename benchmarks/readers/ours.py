"""dimsync, as a run reads: every row checked, counted, unique by its key, and kept with its line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from benchmarks.exports import COMPANY, TYPE_CODES
from benchmarks.readers.job import main
from engine.model.settings import SourceRows
from engine.sources.base import read
from engine.sources.files import FileSource
from engine.sources.filters import row_test
from engine.sources.mapping import ColumnMap
from engine.sources.sql import SqlSource

CODES = frozenset(TYPE_CODES.values())

LOADS = {"json": "ijson", "parquet": "pyarrow.parquet", "sqlite": "sqlalchemy", "xlsx": "python_calamine"}

MAPPING = ColumnMap(
    columns={
        "type": "Type",
        "dimension_type_code": "Type",
        "name": "Name",
        "erp_dimension_id": "Internal ID",
        "code": "Number",
    },
    type_codes=TYPE_CODES,
    where={"Inactive": row_test("F")},
    key="{company_id}:{type_code}:{erp_dimension_id}",
    rows="data.items",
)


def sources(kind: str, path: Path) -> list[SourceRows]:
    """Return the sources of an export."""
    if kind == "sqlite":
        return [SqlSource(f"sqlite:///{path}", "SELECT * FROM lists", MAPPING)]
    return [FileSource(one, MAPPING) for one in (sorted(path.iterdir()) if kind == "files" else [path])]


def rows(kind: str, path: Path, is_rehearsal: bool) -> tuple[int, Iterable[Iterable[str]]]:
    """Read an export; of many files, each as a company of its own, which is given up before the next one is read."""
    count = 0
    kept: list[tuple[str, ...]] = []
    for source in sources(kind, path):
        wanted = asyncio.run(read(source, company_id=COMPANY, type_codes=CODES))
        count += len(wanted.rows)
        if is_rehearsal:
            kept += (
                (row.key, row.type_label, row.type_code, row.name, row.erp_id, str(row.code)) for row in wanted.rows
            )
    return count, kept


if __name__ == "__main__":
    main(rows, LOADS)
