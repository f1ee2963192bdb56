"""Whole chunks refused in the same words for several companies: the contract is wrong, not the rows."""

from __future__ import annotations

from engine.errors import AccountParked, Rejected, WrongContract
from engine.net.trouble.parking import Parking

SAME_REFUSALS = 3
"""Companies that must meet one refusal, none having been accepted, before the account is stopped for it."""


class ChunkRefusals:
    """The refusals of whole chunks that one account has met in this run."""

    def __init__(self, parking: Parking) -> None:
        self.has_accepted = False  # a bulk request was understood: refusals are about rows from then on
        self._parking = parking
        self._companies: dict[str, set[int]] = {}  # by the words of the refusal

    async def refused(self, company_id: int, error: Rejected) -> AccountParked | None:
        """Note a refusal; return what to raise once the chunk is settled, None: go on."""
        companies = self._companies.setdefault(str(error), set())
        companies.add(company_id)
        if self.has_accepted or len(companies) < SAME_REFUSALS:
            return None
        may_be_rights = error.status in {401, 403}
        check = "may the API user write, and is api.contract right?" if may_be_rights else "check api.contract"
        text = f"{error}: said to whole chunks of {len(companies)} companies and nothing accepted; {check}"
        return await self._parking.park(WrongContract(text, status=error.status))
