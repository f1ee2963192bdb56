"""Two companies that each have the other's file, told as a pair: what guards say of each shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from engine.cli.desk.gravity import gravity
from engine.guards.registry import FIGURE_GUARDS
from engine.guards.swapped_source import WRONG_CLIENT, owner_named
from engine.model.balance import worst
from engine.model.result import CompanyResult


class Swapped(NamedTuple):
    """A company, and another one whose file it has and that has its own."""

    one: CompanyResult
    other: CompanyResult
    since: datetime | None  # when the second of the two was first shown, which made it plain; None: it is not known

    @property
    def company_ids(self) -> tuple[int, int]:
        """Both ids."""
        return self.one.company_id, self.other.company_id


def swapped_pairs(companies: Iterable[CompanyResult]) -> list[Swapped]:
    """Return the pairs, each once, in the order of the companies."""
    told = {
        one.company_id: (one, problem) for one in companies for problem in one.problems if problem.code == WRONG_CLIENT
    }
    owners = {number: owner_named(problem.message) for number, (_, problem) in told.items()}
    pairs = []
    for number, owner in owners.items():
        if owner is not None and number < owner and owners.get(owner) == number:
            (one, first), (other, second) = told[number], told[owner]
            times = [each.since for each in (first, second) if each.since is not None]
            pairs.append(Swapped(one, other, max(times, default=None)))
    return pairs


def without_swapped(companies: Iterable[CompanyResult], pairs: Sequence[Swapped]) -> list[CompanyResult]:
    """Return the companies; those of pairs without what their guards say of the figures, which follow from the swap."""
    swapped = {number for pair in pairs for number in pair.company_ids}
    return [_explained(one) if one.company_id in swapped else one for one in companies]


def _explained(company: CompanyResult) -> CompanyResult:
    left = tuple(each for each in company.problems if each.code not in FIGURE_GUARDS)
    return replace(company, problems=left, exit_code=worst(gravity(each.code) for each in left))
