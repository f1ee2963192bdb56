"""Files that commands write for people and read again: saved plans, and rows that were refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from click import ClickException, UsageError

from engine.model.result import RunResult
from engine.model.settings import RawRow
from engine.observe.terminal import safe


def may_write(*files: Path | None) -> None:
    """Check before the run that each file can be written. Raises `OSError`."""
    for file in files:
        if file is not None:
            file.open("a", encoding="utf-8").close()


def keep(file: Path, text: str) -> None:
    """Write a file after the run. Raises `ClickException`: the run itself is done and stays so."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ClickException(f"{safe(str(file))} could not be written: {error.strerror}") from error


def rejects_text(result: RunResult) -> str:
    """Return the rows that the server refused, as NDJSON; an empty text if there are none."""
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: RunResult) -> Iterator[str]:
    for company in result.companies:
        for reject in company.rejects:
            columns = reject.row.resource.columns
            row = {columns[name]: value for name, value in reject.row._asdict().items() if value is not None}
            place = {"message": reject.message, "file": reject.file, "line": reject.line}
            line = {"company_id": company.company_id, "account": company.account, **row, **place}
            yield json.dumps(line, ensure_ascii=False)


def read_corrected(file: Path, writable: Collection[int], known: Collection[int]) -> dict[int, list[RawRow]]:
    """Return the rows of a corrected rejects file by company id. Raises `UsageError`, which names each faulty line.

    `writable`: ids of the selected companies that may be written. `known`: ids of all configured companies.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{safe(str(file))}: byte {error.start + 1} is not UTF-8") from error
    found: dict[int, list[RawRow]] = {}
    faults = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            row = _row(line)
            fault = _fault(row, writable, known)
            if fault is None and row is not None:
                found.setdefault(row.pop("company_id"), []).append(row)
            else:
                faults.append(f"{safe(str(file))}:{number}: {fault}")
    if faults:
        raise UsageError("\n".join(faults))
    return found


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else None


def _fault(row: dict[str, Any] | None, writable: Collection[int], known: Collection[int]) -> str | None:
    """Return what is wrong with a line's company and key; None: nothing. Other fields are checked with the source."""
    if row is None:
        return "not a JSON object"
    company_id = row.get("company_id")
    if type(company_id) is not int or company_id not in known:
        return f"company_id {company_id!r} is not one that the settings name"
    if company_id not in writable:
        return f"company {company_id} is not among those that are selected, or it is read-only (write = false)"
    return None if row.get("unique_key") else "unique_key is missing"
