"""What tests ask of a result, and of what the sandbox holds after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from engine import (
    Company,
    CompanyResult,
    Dimension,
    Engine,
    Requests,
    RunResult,
)
from engine.model.events import Event
from engine.model.outcome import Column
from tests.sandbox.world import World


async def watch(engine: Engine, *companies: Company) -> tuple[list[Event], RunResult]:
    """Run and keep the events."""
    async with engine.sync(companies) as run:
        events = [event async for event in run]
    return events, run.result


def assert_exact(world: World, company_id: int, rows: Iterable[Dimension]) -> None:
    """Check that the sandbox holds exactly these rows, and no key or natural key twice."""
    stored = world.stored(company_id)
    assert stored == sorted(rows)
    for seen in ([row.key for row in stored], [(row.type_code, row.erp_id) for row in stored]):
        assert len(seen) == len(set(seen)), "something is there twice"


async def heal(world: World, company_id: int, rows: Sequence[Dimension], **options: Any) -> CompanyResult:
    """Run once more, the trouble over: the company must end exact and green, and a run after that cost nothing."""
    world.script()
    result = await world.sync_one(company_id, rows, **options)
    assert_exact(world, company_id, rows)
    assert (result.exit_code, result.balance.uncertain, result.balance.rejected) == (0, 0, 0), result.problems
    again = await world.sync_one(company_id, rows)
    assert (again.state, world.sent()) == ("unchanged", 0)
    return result


def kinds(requests: Requests) -> dict[str, int]:
    """Return the requests by kind: without those that are reported apart, and without kinds that did not occur."""
    counts = ((column.name, getattr(requests, column.name)) for column in fields(requests))
    return {kind: count for kind, count in counts if count and kind not in {"token", "directory"}}


def columns(result: CompanyResult | RunResult) -> dict[str, int]:
    """Return the columns of the source rows that are not zero."""
    balance = result.balance if isinstance(result, CompanyResult) else result.totals
    return {column.value: count for column in Column if (count := getattr(balance, column.value))}


def slugs(result: CompanyResult) -> list[str]:
    """Return the codes of a company's problems; what merely cannot be seen is none, nor what was found out."""
    return [problem.code for problem in result.problems if problem.code not in {"not-observable", "landed"}]


def verdict(result: CompanyResult) -> tuple[str, int, list[str]]:
    """Return what a scheduler sees of a company: state, exit code, and the different codes of its problems."""
    return str(result.state), int(result.exit_code), sorted(set(slugs(result)))
