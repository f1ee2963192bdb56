"""What the sandbox itself recorded during a demo; the engine is not asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from engine.model.dimension import DIMENSIONS, Dimension, canonical_type, clean
from engine.sandbox.access import Credentials
from engine.sandbox.fleet import MadeCompany


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the sandbox has stored, and the requests that it has answered."""

    rows_wanted: int
    rows_stored: int
    rows_equal: int  # stored rows that equal a wanted row in every field
    keys_twice: int
    requests: int  # answered by the server, those for tokens included
    quota_used: int
    throttled: int


async def ask(base_url: str, fleet: Sequence[MadeCompany]) -> Truth:
    """Ask the sandbox for every row and request, and compare the rows with the wanted ones."""
    door = f"{base_url.removesuffix('/v1')}/_sandbox"
    async with aiohttp.ClientSession() as session:
        summary = await _get(session, f"{door}/summary")
        equal = 0
        for company in fleet:
            answer = await _get(session, f"{door}/rows?company={company.id}")
            equal += _equal(company.rows, answer["rows"])
    meter = summary["api_keys"][Credentials().api_key]
    stored = summary["companies"].values()
    by_operation = [*summary["other_requests"].values()]
    by_operation += [statuses for company in stored for statuses in company["requests"].values()]
    return Truth(
        rows_wanted=sum(len(company.rows) for company in fleet),
        rows_stored=sum(company["rows"] for company in stored),
        rows_equal=equal,
        keys_twice=sum(len(company["keys_twice"]) + len(company["natural_keys_twice"]) for company in stored),
        requests=sum(sum(statuses.values()) for statuses in by_operation),
        quota_used=meter["used_today"],
        throttled=meter["throttled"],
    )


async def _get(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        response.raise_for_status()
        return orjson.loads(await response.read())


def _equal(wanted: Iterable[Dimension], stored: Iterable[dict[str, str | None]]) -> int:
    """Return how many rows are in both, equal in every field, each counted once."""
    left = Counter(_wanted(row) for row in wanted)
    return (left & Counter(_stored(row) for row in stored)).total()


def _wanted(row: Dimension) -> tuple[str | None, ...]:
    return tuple(clean(value) if value else None for value in row)


def _stored(row: dict[str, str | None]) -> tuple[str | None, ...]:
    values = {name: row[column] for name, column in DIMENSIONS.columns.items()}
    return tuple({**values, "type_code": canonical_type(values["type_code"] or "")}.values())
