"""How many requests a run may still send over all of its accounts, and how many pages of listings an account may."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.errors import BudgetSpent

APART = "token"
"""The kind of request that a budget does not count: without a token nothing else can be sent."""


@dataclass(slots=True, kw_only=True)
class Budget:
    """Requests that a run may still send; tokens are not counted."""

    left: int | None = None  # None: no budget

    def take(self, kind: str) -> None:
        """Count one request that is about to be sent. Raises `BudgetSpent` when none is left."""
        if self.left is None or kind == APART:
            return
        if self.left <= 0:
            raise BudgetSpent("the run's budget is spent, and nothing more was sent; the next run goes on from there")
        self.left -= 1

    def give_back(self, kind: str) -> None:
        """Take back one counted request that was never sent."""
        if self.left is not None and kind != APART:
            self.left += 1


@dataclass(slots=True, kw_only=True)
class ListingBudget:
    """How many pages of listings one account may read in one run: half of the day's requests left when the run began.

    The first listing may take more than that half, up to all that was left.
    """

    left: int  # requests of the day
    budget: Budget = field(default_factory=Budget)
    taken: int = 0  # pages

    def take(self, pages: int, *, after: int = 0) -> bool:
        """Return whether `pages` more pages may be read; if so, count them.

        `after`: requests that are sent before these pages; the run's budget must have room for them, too.
        """
        most = self.left // 2 if self.taken else self.left
        if self.taken + pages > most or (self.budget.left is not None and after + pages > self.budget.left):
            return False
        self.taken += pages
        return True
