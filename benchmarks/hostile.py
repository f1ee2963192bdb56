"""Files of hostile size: one huge line, 10,000 columns, cells beyond the limit, a million reasons, 300 companies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

COLUMNS = ("unique_key", "type", "dimension_type_code", "name", "erp_dimension_id", "code")
MORE = {f"column {number}": "cell" for number in range(10_000 - len(COLUMNS))}


class Case(NamedTuple):
    """A file, what is hostile about it, and how it is written at a share of its size: 1, or less in a rehearsal."""

    file: str
    title: str
    write: Callable[[Path, float], None]


def row(number: int) -> dict[str, str]:
    """Return a row that is in order."""
    cells = (f"k{number}", "GL Account", "account", f"Account {number}", str(number), f"{number % 1000:03d}")
    return dict(zip(COLUMNS, cells, strict=True))


def rows(count: int, share: float, more: Callable[[int], dict[str, str]]) -> Iterator[dict[str, str]]:
    """Yield rows with other or further cells."""
    return (row(number) | more(number) for number in range(max(2, int(count * share))))


def write_rows(path: Path, made: Iterator[dict[str, str]]) -> None:
    """Write rows in the format of the path's ending."""
    first = next(made)
    made = chain([first], made)
    if path.suffix == ".parquet":
        import pyarrow as pa  # noqa: PLC0415  only this format needs it
        from pyarrow import parquet  # noqa: PLC0415

        parquet.write_table(pa.Table.from_pylist(list(made)), path)
    elif path.suffix == ".xlsx":
        from openpyxl import Workbook  # noqa: PLC0415  only this format needs it

        workbook = Workbook(write_only=True)
        sheet = workbook.create_sheet("Lists")
        for cells in chain([list(first)], (list(one.values()) for one in made)):
            sheet.append(cells)
        workbook.save(path)
    else:
        with path.open("w", encoding="utf-8") as file:
            if path.suffix == ".csv":
                file.writelines(f"{','.join(cells)}\n" for cells in chain([first], (one.values() for one in made)))
            elif path.suffix == ".json":
                file.writelines(f"{'[' if not at else ','}{json.dumps(one)}" for at, one in enumerate(made))
                file.write("]")
            else:
                file.writelines(f"{json.dumps(one)}\n" for one in made)


def _of(count: int, more: Callable[[int], dict[str, str]]) -> Callable[[Path, float], None]:
    return lambda path, share: write_rows(path, rows(count, share, more))


def _text(begin: str, repeated: str, end: str) -> Callable[[Path, float], None]:
    """Return the function that writes a text of 50 MB."""

    def write(path: Path, share: float) -> None:
        with path.open("w", encoding="utf-8") as file:
            file.write(begin)
            for _ in range(int(50 * share) + 1):
                file.write(repeated * (1_000_000 // len(repeated)))
            file.write(end)

    return write


_HEADER = ",".join(COLUMNS) + "\n"
_OPEN, _CLOSE = '{"dimensions":[{"unique_key":"', '","type":"A","dimension_type_code":"account","name":"A"}]}'


def wide(_number: int) -> dict[str, str]:
    """Return a row's further columns."""
    return MORE


def long(_number: int) -> dict[str, str]:
    """Return a cell that is one byte too long."""
    return {"name": "x" * 65_537}


CASES = (
    Case("line.csv", "one line of 50 MB, CSV", _text(_HEADER, "x", "")),
    Case("line.ndjson", "one line of 50 MB, NDJSON", _text('{"name": "', "x", '"}')),
    Case("line.json", "one cell of 50 MB, a JSON document", _text(_OPEN, "x", _CLOSE)),
    Case("cells.csv", "one row of 50 MB over many lines, CSV", _text(_HEADER, '"a\n",', "b\n")),
    Case("wide.csv", "2,000 rows of 10,000 columns, CSV", _of(2_000, wide)),
    Case("wide.ndjson", "2,000 rows of 10,000 columns, NDJSON", _of(2_000, wide)),
    Case("wide.json", "2,000 rows of 10,000 columns, a JSON document", _of(2_000, wide)),
    Case("wide.parquet", "500 rows of 10,000 columns, Parquet", _of(500, wide)),
    Case("long.csv", "3,000 cells of 64 KiB + 1, CSV", _of(3_000, long)),
    Case("long.ndjson", "3,000 cells of 64 KiB + 1, NDJSON", _of(3_000, long)),
    Case("long.json", "3,000 cells of 64 KiB + 1, a JSON document", _of(3_000, long)),
    Case("long.parquet", "3,000 cells of 64 KiB + 1, Parquet", _of(3_000, long)),
    Case(
        "left-out.csv",
        "1,000,000 rows left out, each with a reason of its own",
        _of(1_000_000, lambda number: {"status": f"closed for reason {number}"}),
    ),
    Case(
        "shared.csv",
        "300 companies of 2,000 rows in one file, dealt out by a column",
        _of(600_000, lambda number: {"company": str(1 + number % 300)}),
    ),
    Case("sheet.xlsx", "200,000 rows of a workbook, by python-calamine", _of(200_000, lambda _: {})),
    Case(
        "sheet-formats.xlsx", "200,000 rows of a workbook, by openpyxl (`numbers_as_ids`)", _of(200_000, lambda _: {})
    ),
)
