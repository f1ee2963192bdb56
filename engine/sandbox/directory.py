"""The directory that an API user sees: its account, its companies, and made-up locations of these.

Its envelope is not that of the dimension calls: it has `results` and no version. It is the same in both contracts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson

from engine.sandbox.exchange import Answer, Call
from engine.sandbox.tenant import Company

SINCE = "2025-11-24"  # the date of the API's first release, by the vendor's changelog; no account is older
GROUPS = ("East", "West", "Airport")
NEWEST = "1.1.0"  # the version of the API in which a location's `group` became `location_group`


def look(call: Call, account_id: str, companies: Iterable[Company], *, base: int, most: int) -> Answer:
    """Return one page of accounts, companies or locations. `base`: number of the first page; `most`: rows of a page."""
    theirs = [company for company in companies if company.account_id == account_id]
    found = [entry for entry in _entries(call, account_id, theirs) if call.search.lower() in entry["name"].lower()]
    limit = min(call.limit, most)
    start = (call.page - base) * limit
    body = {"count": len(found), "page": call.page, "limit": limit, "results": found[start : start + limit]}
    return Answer(status=200, body=orjson.dumps(body))


def _entries(call: Call, account_id: str, companies: list[Company]) -> Iterable[dict[str, Any]]:
    if call.operation == "accounts":
        return [_account(account_id, companies)]
    if call.operation == "companies":
        return (_company(company) for company in companies)
    group = "location_group" if call.version == NEWEST else "group"
    return (location for company in companies for location in _locations(company, group))


def _account(account_id: str, companies: list[Company]) -> dict[str, Any]:
    return {
        "id": account_id,
        "name": account_id,
        "created_date": SINCE,
        "created_date_utc": f"{SINCE}T00:00:00Z",
        "company_count": len(companies),
        "location_count": sum(_location_count(company) for company in companies),
    }


def _company(company: Company) -> dict[str, Any]:
    return {
        "id": company.id,
        "name": _name(company),
        "location_count": _location_count(company),
        "plan": "standard",
    }


def _locations(company: Company, group: str) -> Iterator[dict[str, Any]]:
    """Yield a company's made-up locations; their ids are computed from its id."""
    for number, place in enumerate(islice(GROUPS, _location_count(company)), 1):
        name = _name(company)
        yield {"id": company.id * 10 + number, "name": f"{name} {place}", "company": name, group: place}


def _location_count(company: Company) -> int:
    return 1 + company.id % len(GROUPS)


def _name(company: Company) -> str:
    return company.name or str(company.id)
