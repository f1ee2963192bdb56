"""Files that commands leave for people, and take back: saved plans, and rows that were refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from click import UsageError

from engine.model.planfile import read_plan
from engine.model.result import RunResult
from engine.model.saved import SavedPlan
from engine.model.settings import RawRow

COLUMNS = {
    "key": "unique_key",
    "type_label": "type",
    "type_code": "dimension_type_code",
    "name": "name",
    "code": "code",
    "erp_id": "erp_dimension_id",
}
"""Our names of a row's fields -> those of the creation fields, as sources have them."""


def may_write(*files: Path | None) -> None:
    """Open each file for writing, so that it does not turn out after the run that it cannot be; raises `OSError`."""
    for file in files:
        if file is not None:
            file.open("a", encoding="utf-8").close()


def read_saved(file: Path) -> SavedPlan:
    """Return the plan that a file holds. Raises `ConfigError`, `OSError`."""
    try:
        return read_plan(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no saved plan: it is not UTF-8") from error


def keep_rejects(file: Path, result: RunResult) -> None:
    """Write the rows that a run's server refused, one JSON object a line; none: an empty file."""
    file.write_text("".join(f"{line}\n" for line in _lines(result)), encoding="utf-8")


def _lines(result: RunResult) -> Iterator[str]:
    for company in result.companies:
        for reject in company.rejects:
            row = {COLUMNS[name]: value for name, value in reject.row._asdict().items() if value is not None}
            place = {"message": reject.message, "file": reject.file, "line": reject.line}
            line = {"company_id": company.company_id, "account": company.account, **row, **place}
            yield json.dumps(line, ensure_ascii=False)


def read_corrected(file: Path, company_ids: Collection[int]) -> dict[int, list[RawRow]]:
    """Return a rejects file's rows by company. Raises `UsageError` naming each line that is at fault."""
    found: dict[int, list[RawRow]] = {}
    faults = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            row = _row(line)
            company_id = row.pop("company_id", None) if row is not None else None
            if row is None:
                faults.append(f"{file}:{number}: not a JSON object")
            elif not isinstance(company_id, int) or company_id not in company_ids:
                faults.append(f"{file}:{number}: company_id {company_id!r} is not one that the settings name")
            elif not row.get("unique_key"):
                faults.append(f"{file}:{number}: unique_key is missing")
            else:
                found.setdefault(company_id, []).append(row)
    if faults:
        raise UsageError("\n".join(faults))
    return found


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else None
