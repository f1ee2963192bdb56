"""The companies file: a CSV with a line for each company. An empty cell means "not given"."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

from engine.config import schedules
from engine.config.entries import Entry
from engine.config.faults import ConfigFaults, Fault, unknown
from engine.config.sources import source_text
from engine.config.values import company_id


def read_companies(path: Path) -> tuple[list[Entry], list[Fault]]:
    """Return the file's companies, and every fault in it. A cell with a fault stays text in its entry."""
    try:
        lines = _lines(path, _text(path))
    except ConfigFaults as error:
        return [], list(error.faults)
    line, columns = next(iter(lines), (1, []))
    faults = list(_header_faults(path, line, columns))
    if faults:
        return [], faults
    entries = []
    for line, cells in lines[1:]:
        if len(cells) != len(columns):
            faults.append(Fault(path, f"line {line}", f"has {len(cells)} cells, the header {len(columns)}"))
            continue
        entry, wrong = _entry(path, line, dict(zip(columns, cells, strict=True)))
        entries.append(entry)
        faults += wrong
    if not entries and not faults:
        faults.append(Fault(path, "", "names no company: there is no line below the header"))
    return entries, faults


def _text(path: Path) -> str:
    """Return the file's text. Raises `ConfigFaults`."""
    try:
        content = path.read_bytes().removeprefix(BOM_UTF8)
        return content.decode()
    except OSError as error:
        raise ConfigFaults([Fault(path, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        advice = 'save the file as UTF-8 (in Excel: "CSV UTF-8")'
        message = f"0x{error.object[error.start]:02X} is not UTF-8: {advice}"
        raise ConfigFaults([Fault(path, f"line {line}", message)]) from None
    except ValueError as error:
        raise ConfigFaults([Fault(path, "", f"cannot be read: its path holds an {error}")]) from None


def _lines(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Return each row's trimmed cells and first line number, without blank lines. Raises `ConfigFaults`."""
    header = text.lstrip().partition("\n")[0]
    reader = csv.reader(
        StringIO(text, newline=""), delimiter=max(",;\t", key=header.count), skipinitialspace=True, strict=True
    )
    lines = []
    start = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        message = f"cannot be read ({error}): close quotes, and double those inside quoted cells"
        raise ConfigFaults([Fault(path, f"line {start}", message)]) from None
    return lines


def _header_faults(path: Path, line: int, columns: Sequence[str]) -> Iterator[Fault]:
    for column in dict.fromkeys(columns):
        if column not in READERS:
            yield Fault(path, f"line {line}", f"unknown column {column!r}; {unknown(column, READERS)}")
        elif columns.count(column) > 1:
            yield Fault(path, f"line {line}", f"there are {columns.count(column)} columns {column!r}")
    if "id" not in columns:
        yield Fault(path, f"line {line}", f"there is no column 'id'; known: {', '.join(READERS)}")


def _entry(path: Path, line: int, cells: Mapping[str, str]) -> tuple[Entry, list[Fault]]:
    values: dict[str, object] = {}
    entry = Entry(path, f"line {line}", values, ", column ")
    faults = [] if cells["id"] else [entry.fault("id", "is required")]
    for column, cell in cells.items():
        if not cell:
            continue
        try:
            values[column] = READERS[column](cell)
        except ValueError as error:
            values[column] = cell
            faults.append(entry.fault(column, str(error)))
    return entry, faults


def _id(cell: str) -> int:
    if (number := company_id(cell)) is None:
        raise ValueError(f"{cell!r} is no company id: digits alone, without leading zeros")
    return number


def _truth(cell: str) -> bool:
    """Return a truth value in any case: spreadsheets write TRUE and FALSE."""
    if cell.lower() not in {"true", "false"}:
        raise ValueError(f"{cell!r} is neither true nor false")
    return cell.lower() == "true"


def _names(cell: str) -> list[str]:
    return [name for name in re.split(r"[;\s]+", cell) if name]


READERS: Mapping[str, Callable[[str], object]] = {
    "id": _id,
    "name": str,
    "account": str,
    "source": source_text,
    "mapping": str,
    "groups": _names,
    "write": _truth,
    "relabel": _truth,
    "shares_source": _truth,
    "every": schedules.every,
    "cron": schedules.cron,
    "timezone": schedules.zone_name,
}
"""Each column that the file may have, and the function that reads its cells; it raises `ValueError` for a bad cell."""
