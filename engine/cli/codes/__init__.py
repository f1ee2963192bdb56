"""Each code of a problem, a guard or the process's end: why it comes, what it does, and what to do about it.

Plain data, so that it loads quickly. The texts of guards come from their registry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.cli.codes.code import Code
from engine.cli.codes.companies import COMPANIES
from engine.cli.codes.exits import EXITS
from engine.cli.codes.lookups import LOOKUPS
from engine.cli.codes.rows import ROWS
from engine.cli.codes.runs import RUNS
from engine.cli.codes.source_rows import SOURCE_ROWS
from engine.guards.registry import REGISTRY, Level

LISTED_AFTER = {"stored-otherwise": ("not-applied", "not-verified"), "key-mismatch": ("deadline",)}
"""Codes that are no guards and are listed among the guards, behind the guard that is most like them."""


def _guards(level: Level) -> Iterator[Code]:
    """Yield the codes of a level's guards."""
    for guard in REGISTRY:
        if guard.level is level:
            yield Code(guard.slug, guard.cause, guard.effect, guard.next)


def _in_order(codes: Iterable[Code]) -> dict[str, Code]:
    """Return codes by name, with those of `LISTED_AFTER` in their place."""
    by_name = {each.code: each for each in codes}
    moved = {code for group in LISTED_AFTER.values() for code in group}
    order = [code for name in by_name if name not in moved for code in (name, *LISTED_AFTER.get(name, ()))]
    return {code: by_name[code] for code in order}


CODES = _in_order(
    (
        *SOURCE_ROWS,
        *_guards(Level.ROW),
        *ROWS,
        *_guards(Level.COMPANY),
        *_guards(Level.RUN),
        *COMPANIES,
        *RUNS,
        *LOOKUPS,
        *EXITS,
    )
)
"""All codes by name, in the order in which `dimsync help` lists them."""
