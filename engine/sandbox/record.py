"""What truly happened: every request that was answered or cut, and the rows that are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from engine.model.dimension import canonical_type
from engine.sandbox.access import Meter
from engine.sandbox.tenant import FIELDS, Company, Row


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request to the API: recorded when it arrives, completed when it is answered or cut."""

    number: int
    time: str
    operation: str
    account: str | None = None
    company: int | None = None
    status: int | str | None = (
        None  # "reset", "hang", "truncated" or "left" (by the client) when cut; None: not finished
    )
    rows: int = 0  # rows in the request, or on the page that was answered
    created: int = 0
    updated: int = 0
    rejected: int = 0
    idempotency_key: str | None = None
    replayed: bool = False
    committed: bool = False  # whether the work was done, whatever the answer said


def shown_entry(entry: Entry) -> dict[str, object]:
    """Return an entry as a JSON object."""
    return {column.name: getattr(entry, column.name) for column in fields(entry)}


def shown_row(row: Row) -> dict[str, object]:
    """Return a stored row as a JSON object, with the fields that no contract shows."""
    return {
        "id": row.id,
        **{field.guide: getattr(row.values, field.name) for field in FIELDS},
        "revision": row.revision,
        "created_by": row.created_by,
        **({"hidden": True} if row.hidden else {}),
    }


def summary(companies: Iterable[Company], log: Iterable[Entry], meters: Mapping[str, Meter]) -> dict[str, object]:
    """Return counts of stored rows, of requests by operation and status, and of each API key's use."""
    requests: dict[int | None, dict[str, Counter[str]]] = {}
    for entry in log:
        statuses = requests.setdefault(entry.company, {}).setdefault(entry.operation, Counter())
        statuses[str(entry.status)] += 1
    stored = {str(company.id): _stored(company) | {"requests": requests.pop(company.id, {})} for company in companies}
    keys = {key: {"used_today": meter.used, "throttled": meter.throttled} for key, meter in meters.items()}
    others: dict[str, Counter[str]] = {}
    for operations in requests.values():
        for operation, statuses in operations.items():
            others.setdefault(operation, Counter()).update(statuses)
    return {"companies": stored, "other_requests": others, "api_keys": keys}


def _stored(company: Company) -> dict[str, object]:
    """Return a company's counts, and the keys and natural keys that several of its rows have."""
    return {
        "rows": len(company.rows),
        "keys_twice": _twice(row.values.key for row in company.rows if row.values.key is not None),
        "natural_keys_twice": _twice((canonical_type(row.values.type_code), row.values.erp_id) for row in company.rows),
    }


def _twice(keys: Iterable[object]) -> list[object]:
    return [key for key, times in Counter(keys).items() if times > 1]
