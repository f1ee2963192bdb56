"""Check a run's totals against the results that were announced as each company ended."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.balance import Balance
from engine.model.result import CompanyResult


def agrees(
    company_ids: Sequence[int], told: Sequence[CompanyResult], totals: Balance, finished: Sequence[CompanyResult]
) -> bool:
    """Return whether each company has one result, as it was announced, and these add up to the totals.

    `company_ids`: of the run, in its order. `told`: the results that it returns. `finished`: those that were announced
    when each company ended; one whose turn never came is not among them.
    """
    tally = {column: sum(getattr(result.balance, column) or 0 for result in finished) for column in Balance.__slots__}
    as_finished = {result.company_id: result for result in finished}
    return (
        [each.company_id for each in told] == list(company_ids)
        and len(as_finished) == len(finished)
        and all(as_finished.get(each.company_id, each).balance == each.balance for each in told)
        and all((getattr(totals, column) or 0) == tally[column] for column in Balance.__slots__)
        and totals.adds_up
    )
