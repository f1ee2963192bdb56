"""Guards that hold a whole company by the figures of its plan, before anything is written. Pure.

Each states what it saw. Whether a person has allowed it for this run is for the caller to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.model.settings import Guards


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
    creates: int  # planned, less those of a plan that passed earlier and is not finished
    updates: int  # planned, in the same way


def violations(figures: Figures, guards: Guards) -> tuple[Violation, ...]:
    """Return the guards that stop this plan, in a fixed order; none: it passes.

    An empty company, and one with fewer than `min_rows` rows, may be given any number of rows.
    """
    found = []
    if figures.last_good_rows and figures.source_rows < guards.shrink_share * figures.last_good_rows:
        found.append(
            Violation(
                "shrunken-source",
                f"the source shrank from {figures.last_good_rows:,} rows to {figures.source_rows:,} since the last good"
                f" run: under {guards.shrink_share:.0%} are left, so it may have been cut short",
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
    message = f"would {verb} {planned:,} rows where {there:,} are: over {share:.0%} of them, and over {rows:,} rows"
    return [Violation(slug, message)]
