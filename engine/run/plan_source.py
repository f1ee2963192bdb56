"""Where a company's plan comes from: a comparison of its source with Ottimate, or a plan that was saved before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, KeysView
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from engine.errors import ApiError
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord
from engine.model.outcome import Withheld
from engine.model.table import distinct


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be sent for a company."""

    plan: Plan
    to_do: Collection[str]  # keys of all rows that differ or are held, in the plan or not
    is_begun: bool = True  # False: a saved plan has nothing to send, and was not begun


class PlanSource(Protocol):
    """One company's plan. The steps are taken in this order, the last three under the company's lock."""

    def count_known(self) -> None:
        """Count the rows that are known before anything is asked, so that whatever stops the company finds them."""
        ...

    async def read(self, record: CompanyRecord | None = None) -> bool:
        """Read the wanted rows, and count them. False: the company ends here, and its ending says why.

        `record`: what the ledger knows of the company, where that was read before.
        """
        ...

    async def check_begun(self) -> None:
        """Raise `AppliedBefore` where the plan was carried out in this company before."""
        ...

    async def decide(self, record: CompanyRecord) -> Decision | None:
        """Return what is to be sent. None: nothing, as the company rests or is held; its ending says why.

        Raises `ApiError`, `UnsafePlan`, `StalePlan` and `LedgerError`.
        """
        ...

    async def note_refusal(self, error: ApiError, record: CompanyRecord) -> None:
        """Note the rest of a company whose bulk requests as such are refused."""
        ...

    async def finish(self, record: CompanyRecord) -> None:
        """Note the end of a company whose steps were all taken."""
        ...


def to_do_of(plan: Plan, resting: Iterable[Withheld] = ()) -> KeysView[str]:
    """Return the keys of all rows that a comparison found different or held. `resting`: those that are not sent."""
    holds, others = (hold.key for hold in plan.holds), (row.change.row.key for row in resting)
    return distinct(chain(plan.keys, holds, others))
