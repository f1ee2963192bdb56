"""Write one company: send its plan, and find out the outcome of each row, as far as that is possible.

Rows of unconfirmed key go first, then all others. Rows whose answer was lost are read back; if creates have changed
existing rows, the company is listed again, and so it is after a second push.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import anyio

from engine.model.change import Change, Plan, together
from engine.model.company_record import KEY_MISMATCH, CompanyRecord
from engine.model.dimension import kind_words
from engine.model.resting import KEY_COLLISION
from engine.run.canary import rounds, try_out
from engine.run.company_context import CompanyContext
from engine.run.delivery import Delivery, open_delivery
from engine.run.endings import HELD, NO_ROOM, STALLED, stop
from engine.run.safety_notes import mismatch
from engine.run.second_look import look_again, verify
from engine.run.wanted_keys import WantedKeys
from engine.send.chunks import cut
from engine.send.known_rows import KnownRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Sends one plan. Outcomes go to the company's counts, and what stops it to the company's ending."""

    company: CompanyContext
    record: CompanyRecord  # before anything was sent
    to_do: Collection[str]  # keys of all rows that the comparison found different or held, in the plan or not
    delivery: Delivery

    async def write(self, plan: Plan) -> None:
        """Send the plan. A create beyond it stops the company: some key does not lead where it should."""
        if plan.reverts:
            with anyio.CancelScope(shield=True):
                await self.company.run.ledger.reverted(self.company.company_key, plan.reverts, self.company.run.now())
        first = together(plan.creates, plan.first_updates)
        if await self._send(first, plan.canaries) and plan.again:
            await self._push_again(plan.updates_again)

    async def _send(self, changes: Sequence[Change], canaries: Sequence[Change] = ()) -> bool:
        """Send changes, and find out what became of them; return whether more may be sent."""
        company, delivery, notes = self.company, self.delivery, self.delivery.notes
        try:
            if (missed := await try_out(delivery, canaries)) is not None:
                company.ending.take(missed)
                return False
            await delivery.send(cut(changes, company.cut))
        finally:  # whatever else ended it
            if notes.unexpected_creates:
                company.ending.take(stop(KEY_MISMATCH, mismatch(notes.unexpected_creates), HELD))
            await delivery.note_collisions()
        if delivery.lost and not notes.unexpected_creates:
            notes.updated += await delivery.read_back()
        stalled = delivery.sender.stalled
        if stalled and company.counts.balance().deferred:
            text = f"{stalled}; nothing more was sent: another one would wait as long"
            company.ending.take(stop(STALLED.code, text, STALLED))
        updated = notes.take_updated() + self._updated_before()
        if updated and not notes.unexpected_creates:
            counted = {*self.to_do, *delivery.collisions.keys}
            if (moved := await look_again(company, notes, updated, counted)) is not None:
                company.ending.take(moved)
        return not notes.unexpected_creates and not stalled

    async def _push_again(self, rows: Sequence[Change]) -> None:
        """Push rows once more that a listing shows otherwise than they were pushed, and list them at once.

        A spelling of the server's stays as it is; a change that somebody made in Ottimate is undone. Above the limits
        of `mass-update` one chunk goes first: if it undoes any change, the other rows are held.
        """
        company = self.company
        for batch in _rounds_again(company, rows):
            if not company.comparison.takes_another(after=_chunks(company, batch)):
                text = "no room for the listing that shows what becomes of rows that are pushed once more"
                company.ending.take(stop(NO_ROOM.code, f"{text}; the next run goes on from there", NO_ROOM))
                break
            if not await self._send(batch):
                break
            undone = await verify(company, batch)
            if undone and len(batch) < len(rows):
                text = f"{undone} of {len(batch)} rows that were pushed once more had been changed in Ottimate"
                left = f"{len(rows) - len(batch):,} more differ; --allow mass-update:{company.id}"
                company.ending.take(stop("mass-update", f"{text}, and {left}", HELD))
                break

    def _updated_before(self) -> int:
        """Return how many stored rows are known to have overwritten another wanted row."""
        stored, wanted = self.company.counts.done.keys(), WantedKeys(self.company)
        notes = self.record.resting.items()
        groups = [rest.others for key, rest in notes if rest.code == KEY_COLLISION and key in stored]
        return sum(any(key in wanted for key in others) for others in groups)


async def write(company: CompanyContext, plan: Plan, record: CompanyRecord, to_do: Collection[str]) -> None:
    """Send a plan, if it has anything to send.

    `to_do`: keys of all rows that the comparison found different or held, in this plan or not. Raises `ApiError`,
    `AccountParked` and `LedgerError`.
    """
    if not plan.size:
        return
    remotes = company.comparison.remotes
    known = KnownRows(
        run_id=company.run.run_id, records=record.rows, listed_ids=remotes.keys(), remotes=remotes, again=plan.again
    )
    delivery = await open_delivery(company, record, known)
    await Writing(company=company, record=record, to_do=to_do, delivery=delivery).write(plan)


def _rounds_again(company: CompanyContext, rows: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Yield the rows of a second push in the parts in which they are sent; a listing follows each."""
    most = company.chunk_rows if _is_massive(company, len(rows)) else len(rows)
    yield from filter(None, (rows[:most], rows[most:]))


def _is_massive(company: CompanyContext, rows: int) -> bool:
    guards, there = company.comparison.guards, company.comparison.there
    if "mass-update" in company.comparison.allowed or there < guards.min_rows:
        return False
    return rows > guards.mass_update_rows and rows > guards.mass_update_share * there


def _chunks(company: CompanyContext, rows: Sequence[Change]) -> int:
    """Return how many chunks rows are cut into."""
    return sum(1 for _ in cut(rows, company.cut))


def bulk_requests(company: CompanyContext, plan: Plan) -> int:
    """Return how many bulk requests it takes to send a plan when nothing goes wrong."""
    types = Counter(kind_words(change.row) for change in plan.canaries)
    tried = sum(len(tuple(rounds(count, company.chunk_rows))) for count in types.values())
    parts = (together(plan.creates, plan.first_updates), *_rounds_again(company, plan.updates_again))
    return tried + sum(_chunks(company, part) for part in parts)


def list_requests(company: CompanyContext, plan: Plan) -> int:
    """Return how many list requests it takes to see what becomes of rows that are pushed once more."""
    return company.comparison.pages * len(tuple(_rounds_again(company, plan.updates_again)))
