"""A plan for some rows alone: what `dimsync retry` does and counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from engine.model.change import Plan, where
from engine.model.dimension import Dimension
from engine.model.outcome import Problem
from engine.model.wanted import Wanted


def subset(
    plan: Plan,
    wanted: Wanted,
    keys: Collection[str],
    file: str | None = None,
    resting: AbstractSet[str] = frozenset(),
) -> tuple[Plan, Wanted]:
    """Return the part of a plan, and of the source's rows, that is about these wire keys.

    All rows were compared, so that each is joined with the same remote row as in a sync. Nothing is said of orphans.
    `file`: where corrected rows came from; invalid rows there count, whatever their keys. `resting`: keys of rows that
    differ and are not in the plan.
    """
    rows = [row for row in wanted.rows if row.key in keys]
    bad = [each for each in wanted.problems if each.key in keys or (file is not None and each.file == file)]
    creates, updates, canaries = (
        where(part, keys.__contains__) for part in (plan.creates, plan.updates, plan.canaries)
    )
    holds = tuple(hold for hold in plan.holds if hold.key in keys)
    picked = replace(
        plan,
        creates=creates,
        updates=updates,
        canaries=canaries,
        holds=holds,
        reverts=tuple(key for key in plan.reverts if key in keys),
        unchanged=len(rows) - len(creates) - len(updates) - len(canaries) - len(holds) - len(resting & set(keys)),
        adopted=0,
        code_unseen=0,
    )
    few = replace(
        wanted,
        rows=rows,
        source_rows=len(rows) + len(bad),
        invalid=len(bad),
        problems=tuple(bad),
        left_out_by=(),
        sources=(),
    )
    return picked, few


def corrected(wanted: Wanted, own: Wanted) -> Wanted:
    """Return the source's rows with those of `own`, a corrected file, in the place of theirs, good or bad.

    A row of the file whose key the source does not have is invalid: nothing else would keep it wanted.
    """
    known = {row.key for row in wanted.rows} | wanted.invalid_keys
    replaced = {row.key for row in own.rows} | own.invalid_keys
    better = {row.key: row for row in own.rows if row.key in known}
    was_bad = [row for key, row in better.items() if key in wanted.invalid_keys]
    strange = tuple(_strange(row, own) for row in own.rows if row.key not in known)
    rows = [better.get(row.key, row) for row in wanted.rows if row.key in better or row.key not in replaced] + was_bad
    problems = (
        *(problem for problem in wanted.problems if problem.key not in replaced),
        *own.problems,
        *strange,
    )
    return replace(
        wanted,
        rows=rows,
        lines={key: line for key, line in wanted.lines.items() if key not in replaced},
        files={key: file for key, file in wanted.files.items() if key not in replaced},
        source_rows=len(rows) + len(problems),
        invalid=len(problems),
        problems=problems,
        sources=(),  # they do not count the corrected rows
        invalid_keys=(wanted.invalid_keys - better.keys()) | own.invalid_keys,
    )


def _strange(row: Dimension, own: Wanted) -> Problem:
    text = "its key is not in the company's source: correct it there"
    file, line = own.place(row.key)
    return Problem(code="not-in-source", message=text, key=row.key, file=file, line=line)


def gone(keys: Collection[str], wanted: Wanted) -> Sequence[str]:
    """Return those of these keys that the source no longer has, in a valid row or an invalid one."""
    there = {wanted.source_keys.get(row.key, row.key) for row in wanted.rows}
    return sorted(set(keys) - there - wanted.invalid_keys - {problem.key for problem in wanted.problems})
