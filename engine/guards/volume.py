"""Guards that hold a whole company by its figures, before anything is written (DESIGN section 5). Pure.

Each says what it saw; whether it is allowed for this run is the caller's to know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from engine.model.change import Change
from engine.model.dimension import Dimension
from engine.model.settings import Guards

MARK_BYTES = 8
"""Size of a row's mark in a plan that passed. The chance that two of a million rows share one is 1 in 37 million."""


class Violation(NamedTuple):
    """A guard that does not let a plan pass, with its figures."""

    slug: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the guards look at."""

    source_rows: int  # good and invalid ones
    last_good_rows: int | None  # source rows of the last good run; None: there was none
    there: int  # rows that the company has in Ottimate
    creates: int  # planned, without those of a plan that passed before and is not finished
    updates: int  # planned, in the same way


def trips(figures: Figures, guards: Guards) -> tuple[Violation, ...]:
    """Return the guards that stop this plan, in a fixed order; none: it passes. An empty company is loaded freely."""
    found = []
    if figures.last_good_rows and figures.source_rows < guards.shrink_share * figures.last_good_rows:
        found.append(
            Violation(
                "shrunken-source",
                f"the source has {figures.source_rows:,} rows and had {figures.last_good_rows:,} at the last good run"
                f" (held under {guards.shrink_share:.0%})",
            )
        )
    if figures.there >= guards.min_rows:
        found += _outsized(
            "mass-create", "create", figures.creates, figures.there, guards.mass_create_share, guards.mass_create_rows
        )
        found += _outsized(
            "mass-update", "change", figures.updates, figures.there, guards.mass_update_share, guards.mass_update_rows
        )
    return tuple(found)


def _outsized(slug: str, verb: str, planned: int, there: int, share: float, rows: int) -> list[Violation]:
    if planned <= rows or planned <= share * there:
        return []
    message = f"would {verb} {planned:,} rows where {there:,} are (held above {share:.0%} and {rows:,} rows)"
    return [Violation(slug, message)]


def marks(rows: Iterable[Dimension]) -> bytes:
    """Return what is remembered of rows of a plan that passed, a mark for each: what is left of them passes, too.

    A mark stands for the key and for all that the source says of the row: its name, ERP id, type and code. Type labels
    are left out, as a listing between two runs may change them. Marks that an older dimsync made stand for keys alone
    and equal none of these: what was left of its plan is counted once more.
    """
    return b"".join(sorted(map(_mark, rows)))


def joined(passed: bytes | None, more: bytes) -> bytes:
    """Return the marks of both plans."""
    return b"".join(sorted(_taken_apart(passed) | _taken_apart(more)))


def without(passed: bytes | None, done: Iterable[Dimension]) -> bytes | None:
    """Return the marks of what is left when these rows are done; None: nothing is."""
    return b"".join(sorted(_taken_apart(passed) - set(map(_mark, done)))) or None


def within(passed: bytes | None, left: Iterable[Dimension]) -> bytes | None:
    """Return the marks of those of these rows that are in the plan; None: none is."""
    return b"".join(sorted(_taken_apart(passed) & set(map(_mark, left)))) or None


def has_passed(passed: bytes | None) -> Callable[[Dimension], bool]:
    """Return what tells whether a row, as it is now, was part of a plan that passed."""
    known = _taken_apart(passed)
    return lambda row: bool(known) and _mark(row) in known


def not_passed(changes: Collection[Change], passed: bytes | None) -> int:
    """Return how many changes were not part of the plan that passed before."""
    if not passed:
        return len(changes)
    is_known = has_passed(passed)
    return sum(not is_known(change.row) for change in changes)


def _taken_apart(passed: bytes | None) -> set[bytes]:
    return {passed[at : at + MARK_BYTES] for at in range(0, len(passed), MARK_BYTES)} if passed else set()


def _mark(row: Dimension) -> bytes:
    text = "\0".join((row.key, row.type_code, row.name, row.erp_id, row.code or ""))  # no field holds a NUL
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=MARK_BYTES).digest()
