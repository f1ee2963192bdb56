"""Notes that no later run may miss, written before the request that showed their reason is settled (`SafetyNotes`)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.compare.backoff import keys_lead_nowhere
from engine.ledger.store import Rows
from engine.model.company_record import KEY_MISMATCH, OVERWRITTEN, CompanyState
from engine.model.settings import CompanyKey
from engine.model.wording import counted


@dataclass(slots=True, kw_only=True)
class CompanyNotes:
    """One company's notes in one run, with their counts."""

    company_key: CompanyKey
    ledger: Rows
    before: CompanyState
    unexpected_creates: int = 0  # rows that the server created beyond the plan
    updated: int = 0  # creates that changed rows which were there, and were not looked at since

    async def keys_led_nowhere(self, rows: int) -> None:
        """Note that keys led nowhere: no later run may go on. 0: nobody could see whether one did."""
        self.unexpected_creates += rows
        note = keys_lead_nowhere(self.before, mismatch(self.unexpected_creates if rows else 0))
        await self.ledger.note(self.company_key, note)

    async def updated_others(self, rows: int) -> None:
        """Note that creates changed rows that were there, until a listing has shown which."""
        self.updated += rows
        await self.note_overwritten(self.updated)

    def take_updated(self) -> int:
        """Return how many such creates there were, and begin to count anew."""
        updated, self.updated = self.updated, 0
        return updated

    async def note_overwritten(self, rows: int) -> None:
        """Note how many such rows there are, unless the company's keys led nowhere, which is graver."""
        if self.before.failure != KEY_MISMATCH:
            note = CompanyState(
                failure=OVERWRITTEN, failure_message=overwritten(rows), last_good_rows=self.before.last_good_rows
            )
            await self.ledger.note(self.company_key, note)


def overwritten(rows: int) -> str:
    """Return what is said of creates that changed rows which were there."""
    return f"{counted(rows, 'row')} to be created had keys that lead to rows that are there, and changed those"


def mismatch(unexpected_creates: int) -> str:
    """Return what is said of keys that led nowhere; 0: nobody could see whether one did."""
    if not unexpected_creates:
        return (
            "a row was sent under a key that nothing had confirmed, and it did not lead, or cannot be seen to have led,"
            " to the row that it was matched with; nothing more was sent for this company: look at its rows in Ottimate"
            " before you try again"
        )
    return (
        f"the server created {counted(unexpected_creates, 'row')} more than planned: a key did not lead to the row that"
        " it was matched with, and that row may be there twice now; nothing more was sent for this company: look at its"
        " rows in Ottimate before you try again"
    )
