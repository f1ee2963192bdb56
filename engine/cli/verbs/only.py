"""`check --only`: the differences of one kind, and how many others are not shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from engine.model.difference import Difference, Whose
from engine.model.result import RunResult

KINDS: Mapping[str, Callable[[Difference], bool]] = {
    "ottimate": lambda one: one.whose is Whose.OTTIMATE,
    "erp": lambda one: one.whose is Whose.ERP,
    "both": lambda one: one.whose is Whose.BOTH,
    "orphans": lambda one: one.kind == "orphan",
}
"""What `--only` understands: rows that were changed in Ottimate, in the ERP, in both, or that no source row means."""


def only(result: RunResult, kind: str) -> tuple[RunResult, int]:
    """Return the result with the differences of one kind alone, and how many rows of other kinds were left out.

    Counts, states and problems stay as they are: they are of all rows. Spellings, which are no change, are left out
    and not counted.
    """
    is_wanted = KINDS[kind]
    companies = tuple(
        replace(one, differences=tuple(filter(is_wanted, one.differences)), spellings=()) for one in result.companies
    )
    return replace(result, companies=companies), rows_of(result) - rows_of(replace(result, companies=companies))


def rows_of(result: RunResult) -> int:
    """Return how many rows differ, over all companies."""
    return sum(len(one.differences) for one in result.companies)
