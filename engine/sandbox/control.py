"""The control API, `/_sandbox/...`: read what is stored, and change what the API's clients cannot.

Its requests need no credentials and are not counted.

Rows have the column names of the guide contract's requests, whatever contract the API speaks. A row without
`unique_key` is one that another program has created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson

from engine.sandbox.exchange import Answer
from engine.sandbox.faults.rules import parse_rules
from engine.sandbox.record import shown_entry, shown_row, summary
from engine.sandbox.service import Service
from engine.sandbox.tenant import FIELDS, Company, Row, Values
from engine.sandbox.ways import Ways, parse_ways


class BadRequestError(Exception):
    """A control request is faulty; the message says why."""


def control(service: Service, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
    """Answer one control request: 404 for an unknown path or method, 400 with the reason for a faulty request."""
    look = LOOKS.get(path) if method == "GET" else None
    change = CHANGES.get(path) if method == "POST" else None
    try:
        if look is not None:
            return _json(200, look(service, query))
        if change is not None:
            return _json(200, change(service, orjson.loads(body or b"{}")))
    except (BadRequestError, ValueError) as error:
        return _json(400, {"error": str(error)})
    return _json(404, {"error": f"no {method} {path} here"})


def _health(service: Service, _query: Mapping[str, str]) -> object:
    return {"ready": True, "time": service.now().isoformat()}


def _rows(service: Service, query: Mapping[str, str]) -> object:
    company = _company(service, {"company": int(query.get("company", "0"))})
    return {"company": company.id, "count": len(company.rows), "rows": [shown_row(row) for row in company.rows]}


def _log(service: Service, _query: Mapping[str, str]) -> object:
    return {"requests": [shown_entry(entry) for entry in service.log]}


def _summary(service: Service, _query: Mapping[str, str]) -> object:
    return summary(service.tenant.companies.values(), service.log, service.access.meters)


def _companies(service: Service, body: Any) -> object:
    for raw in _list(body, "companies"):
        rows = [_values(row) for row in _list(raw, "rows", default=[])]
        service.place(_get(raw, "id", int), rows, name=raw.get("name", ""), account=raw.get("account_id", ""))
    return {"companies": len(service.tenant.companies)}


def _edit(service: Service, body: Any) -> object:
    company, tenant = _company(service, body), service.tenant
    for raw in _list(body, "change", default=[]):
        row = _row(company, raw)
        tenant.change(company, row, row.values._replace(**_fields(raw)))
    for word, hidden in (("hide", True), ("show", False)):
        for raw in _list(body, word, default=[]):
            tenant.hide(company, _row(company, raw), hidden)
    for raw in _list(body, "delete", default=[]):
        tenant.remove(company, _row(company, raw))
    for raw in _list(body, "insert", default=[]):
        tenant.insert(company, _values(raw), by=0, at=service.now(), front=bool(body.get("front")))
    return {"rows": len(company.rows)}


def _faults(service: Service, body: Any) -> object:
    rules = parse_rules(_list(body, "faults"))
    service.script.replace(rules)
    return {"faults": len(rules)}


def _ways(service: Service, body: Any) -> object:
    ways = parse_ways(_list(body, "ways"))
    service.ways = Ways(ways)
    return {"ways": len(ways)}


def _clock(service: Service, body: Any) -> object:
    service.shift += timedelta(seconds=_get(body, "shift_s", int, float))
    return {"time": service.now().isoformat()}


def _reset_log(service: Service, _body: Any) -> object:
    service.log.clear()
    return {"requests": 0}


LOOKS: Mapping[str, Callable[[Service, Mapping[str, str]], object]] = {
    "/_sandbox/health": _health,
    "/_sandbox/rows": _rows,
    "/_sandbox/log": _log,
    "/_sandbox/summary": _summary,
}
CHANGES: Mapping[str, Callable[[Service, Any], object]] = {
    "/_sandbox/companies": _companies,
    "/_sandbox/edit": _edit,
    "/_sandbox/faults": _faults,
    "/_sandbox/ways": _ways,
    "/_sandbox/clock": _clock,
    "/_sandbox/reset-log": _reset_log,
}


def _json(status: int, body: object) -> Answer:
    return Answer(status=status, body=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS))


def _get(raw: Any, key: str, *kinds: type) -> Any:
    if not isinstance(raw, dict) or type(raw.get(key)) not in kinds:
        raise BadRequestError(f"{key}: must be there and be {' or '.join(kind.__name__ for kind in kinds)}")
    return raw[key]


def _list(raw: Any, key: str, default: list[Any] | None = None) -> list[Any]:
    if default is not None and isinstance(raw, dict) and key not in raw:
        return default
    found: list[Any] = _get(raw, key, list)
    return found


def _company(service: Service, raw: Any) -> Company:
    company = service.tenant.company(_get(raw, "company", int))
    if company is None:
        raise BadRequestError(f"company: there is no {raw['company']}")
    return company


def _fields(raw: Any) -> dict[str, str]:
    """Return the values that a row gives, by the names of `Values`."""
    if not isinstance(raw, dict):
        raise BadRequestError("a row must be an object")
    return {field.name: raw[field.guide] for field in FIELDS if field.guide in raw}


def _values(raw: Any) -> Values:
    columns = {field.name: field.guide for field in FIELDS}
    may_lack = {"key", *(field.name for field in FIELDS if field.is_optional)}
    needed = {name: _get(raw, columns[name], str) for name in Values._fields if name not in may_lack}
    return Values(**{name: raw.get(columns[name]) for name in may_lack} | needed)


def _row(company: Company, raw: Any) -> Row:
    """Return the row with the given `id` or, without one, the given `unique_key`."""
    if isinstance(raw, dict):
        row_id, key = raw.get("id"), raw.get("unique_key")
        for row in company.rows:
            if row.id == row_id if row_id is not None else key is not None and row.values.key == key:
                return row
    raise BadRequestError(f"there is no row {raw!r} in company {company.id}")
