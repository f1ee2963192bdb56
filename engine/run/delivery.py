"""Send chunks, count and announce the outcomes of their rows, and read rows back whose answer was lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from engine.compare.recent_refusals import uncertain_again
from engine.model.company_record import CompanyRecord
from engine.model.events import ChunkSettled
from engine.model.outcome import Chunk, Column, ItemResult, columns_of
from engine.run.collisions import Collisions
from engine.run.company_context import CompanyContext
from engine.run.safety_notes import CompanyNotes
from engine.run.thinking import think
from engine.run.wanted_keys import WantedKeys
from engine.send.known_rows import KnownRows
from engine.send.lost_answers import ReadBack
from engine.send.remote_owners import RemoteOwners, confirmed_keys
from engine.send.requests import BulkRequests
from engine.send.sender import Sender
from engine.send.settled import SettledChunk
from engine.send.shared_results import ENDED


@dataclass(slots=True, kw_only=True)
class Delivery:
    """Everything that a run sends for one company."""

    company: CompanyContext
    record: CompanyRecord  # before anything was sent
    notes: CompanyNotes
    sender: Sender
    collisions: Collisions
    lost: list[ItemResult] = field(default_factory=list)  # rows whose outcome nobody knows, not read back yet

    async def send(self, chunks: Iterable[Chunk]) -> None:
        """Send chunks, and count what became of their rows, whatever ends the sending. Raises that."""
        await self._send(chunks, is_trial=False)

    async def try_out(self, chunk: Chunk) -> list[SettledChunk]:
        """Send rows of unconfirmed key as one chunk. Return what became of it, in the order of its parts."""
        return await self._send((chunk,), is_trial=True)

    async def _send(self, chunks: Iterable[Chunk], *, is_trial: bool) -> list[SettledChunk]:
        heard = []
        try:
            async with self.sender.open(chunks, is_trial=is_trial) as outcomes:
                async for settled in outcomes:
                    self._count(settled)
                    if is_trial:
                        heard.append(settled)
                    await self._announce(settled)
        finally:  # what was in flight when the sending ended
            untaken = list(self.sender.untaken())
            for settled in untaken:
                self._count(settled)
            for settled in untaken:
                await self._announce(settled)
        return heard

    def _count(self, settled: SettledChunk) -> None:
        counts = self.company.counts
        if settled.doubt:
            counts.problem("miscounted", settled.doubt)
        counts.record(settled.results)
        for collision in settled.collisions:
            self.collisions.add(*collision)
        counts.otherwise(settled.respelled)
        self.lost += settled.to_read_back

    async def _announce(self, settled: SettledChunk) -> None:
        if not settled.results or settled.is_unsent:
            return
        columns = columns_of(settled.results)
        await self.company.run.emit(
            ChunkSettled(
                company_id=self.company.id,
                chunk=settled.intent_id,
                created=columns[Column.CREATED],
                updated=columns[Column.UPDATED],
                rejected=columns[Column.REJECTED],
                uncertain=columns[Column.UNCERTAIN],
            )
        )

    async def read_back(self) -> int:
        """Find out what became of rows whose answer was lost, and correct their counts; rows that stay unknown rest.

        Returns how many creates changed rows that were there, as far as that shows.
        """
        reading, lost = self._reading(), self._take_lost()
        told = await reading.settle(lost)
        self.company.counts.amend(told)
        await self._rest_uncertain(told)
        return max(len(self.sender.requests.owners.collisions(told)), self._missing(reading.listed))

    async def judge(self) -> bool:
        """Read back rows that were tried out under unconfirmed keys; return whether what became of them is harmless."""
        told, is_harmless = await self._reading().judge(self._take_lost())
        self.company.counts.amend(told)
        await self._rest_uncertain(told)
        return is_harmless

    def _take_lost(self) -> list[ItemResult]:
        lost, self.lost = self.lost, []
        return lost

    def _reading(self) -> ReadBack:
        company = self.company
        return ReadBack(
            run_id=company.run.run_id,
            company_key=company.company_key,
            client=company.client,
            ledger=company.run.ledger,
            known=self.record.rows,
            before=company.comparison.remotes.keys(),
            now=company.run.now,
        )

    def _missing(self, listed: int | None) -> int:
        """Return how many rows a listing lacks, of those that were there or created: others overwrote them."""
        created = sum(self.company.counts.done.values())
        return 0 if listed is None else max(0, self.company.comparison.there + created - listed)

    async def _rest_uncertain(self, told: Sequence[ItemResult]) -> None:
        """Remember rows whose outcome is not known, so that the same bytes are not sent again and again."""
        now, resting = self.company.run.now(), self.record.resting
        rests = {
            result.change.row.key: uncertain_again(
                resting.get(result.change.row.key), result.change, result.message, now
            )
            for result in told
            if result.column is Column.UNCERTAIN and ENDED not in result.message
        }
        if rests:
            with anyio.CancelScope(shield=True):
                await self.company.run.ledger.rest(self.company.company_key, rests)

    async def note_collisions(self) -> None:
        """Remember which rows overwrite each other, until one of them changes in the source."""
        company = self.company
        if self.collisions.groups and company.source is not None:
            notes = self.collisions.notes(company.source, company.run.now())
            with anyio.CancelScope(shield=True):
                await company.run.ledger.rest(company.company_key, notes)


async def open_delivery(company: CompanyContext, record: CompanyRecord, known: KnownRows) -> Delivery:
    """Return the delivery of a company's rows."""
    confirmed = await think(len(record.rows), partial(confirmed_keys, record.rows))
    notes = CompanyNotes(company_key=company.company_key, ledger=company.run.ledger, before=record.state)
    requests = BulkRequests(
        run_id=company.run.run_id,
        company_key=company.company_key,
        ledger=company.run.ledger,
        client=company.client,
        cut=company.cut,
        known=known,
        owners=RemoteOwners(known=known, wanted_keys=WantedKeys(company), confirmed=confirmed),
        notes=notes,
        now=company.run.now,
    )
    collisions = Collisions(counts=company.counts)
    return Delivery(company=company, record=record, notes=notes, sender=Sender(requests), collisions=collisions)
