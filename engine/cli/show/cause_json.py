"""One cause of trouble as JSON: in `dimsync.status/1` and `dimsync.history/1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.cli.desk.grouping import CauseGroup
from engine.cli.desk.remedy import remedy


def cause_json(cause: CauseGroup, groups: Mapping[int, Sequence[str]], config: str) -> dict[str, object]:
    """Return one entry of `causes`; `groups`: of the settings, by company id."""
    return {
        "code": cause.code,
        "cause": cause.cause.words,
        "exit_code": int(cause.gravity),
        "needs_person": cause.needs_person,
        "companies": [one.company_id for one in cause.companies],
        "problems": len(cause.told),
        "rows": cause.rows,
        "new": cause.is_new,
        "since": cause.since.isoformat() if cause.since else None,
        "example": {"company_id": cause.example.company.company_id, "message": cause.example.problem.message},
        "remedy": remedy(cause, groups, config=config) if cause.needs_person else None,
    }
