"""Made-up exports of an ERP, the same rows in each format, and what must be read of them."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from zlib import crc32

import orjson

from benchmarks.data import NAMES, TYPES

COMPANY = 1001
COLUMNS = ("Internal ID", "Number", "Name", "Type", "Inactive", "Description")
TYPE_CODES = {label: code for code, label in TYPES}
KINDS = ("csv", "ndjson", "json", "parquet", "sqlite", "xlsx", "files")
"""One file of that format; `json` is a document whose rows are at `data.items`; `files`: many CSV files."""

ENDINGS = {"sqlite": "db", "files": "d"}
FILE_ROWS = 2_000  # of each of the many files


def export_rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield rows of the export, as texts. One of ten is inactive."""
    for number in range(count):
        label = TYPES[number % len(TYPES)][1]
        name = f"{NAMES[number % len(NAMES)]} {number // len(NAMES) + 1}"
        inactive = "T" if number % 10 == 3 else "F"
        yield f"{number:07d}", f"{number % 10_000:04d}-{number % 97}", name, label, inactive, "as of the last closing"


def wanted(count: int) -> Iterator[tuple[str, ...]]:
    """Yield what must be read: key, label, type code, name, ERP id and code of each row that is not inactive."""
    for id_, code, name, label, inactive, _ in export_rows(count):
        if inactive == "F":
            type_code = TYPE_CODES[label]
            yield f"{COMPANY}:{type_code}:{id_}", label, type_code, name, id_, code


def checksum(rows: Iterable[Iterable[str]]) -> int:
    """Return a sum over rows that is the same in any order."""
    return sum(crc32("\0".join(row).encode()) for row in rows)


def place(folder: Path, kind: str) -> Path:
    """Return where the export of a kind is."""
    return folder / f"export.{ENDINGS.get(kind, kind)}"


def write(folder: Path, kind: str, count: int) -> Path:
    """Write the export of a kind."""
    path = place(folder, kind)
    rows = export_rows(count)
    if kind == "files":
        path.mkdir()
        for number in range(count // FILE_ROWS):
            _csv(path / f"{number:03d}.csv", islice(rows, FILE_ROWS))
    else:
        {"csv": _csv, "ndjson": _ndjson, "json": _json, "parquet": _parquet, "sqlite": _sqlite, "xlsx": _xlsx}[kind](
            path, rows
        )
    return path


def _objects(rows: Iterable[tuple[str, ...]]) -> Iterator[Mapping[str, str]]:
    return (dict(zip(COLUMNS, row, strict=True)) for row in rows)


def _csv(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS])
        csv.writer(file).writerows(rows)


def _ndjson(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("wb") as file:
        file.writelines(orjson.dumps(one) + b"\n" for one in _objects(rows))


def _json(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with path.open("wb") as file:
        file.write(b'{"data": {"items": [')
        file.writelines((b", " if number else b"") + orjson.dumps(one) for number, one in enumerate(_objects(rows)))
        file.write(b"]}}")


def _parquet(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    import pyarrow as pa  # noqa: PLC0415  only this format needs it
    from pyarrow import parquet  # noqa: PLC0415

    columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pa.table(columns), path, row_group_size=100_000)


def _sqlite(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    with sqlite3.connect(path) as connection:
        named = ", ".join(f'"{name}" TEXT' for name in COLUMNS)
        connection.execute(f"CREATE TABLE lists ({named})")
        connection.executemany("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.close()


def _xlsx(path: Path, rows: Iterable[tuple[str, ...]]) -> None:
    from openpyxl import Workbook  # noqa: PLC0415  only this format needs it

    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Lists")
    for row in (COLUMNS, *rows):
        sheet.append(row)
    workbook.save(path)
