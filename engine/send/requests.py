"""One bulk request of a company: intent, request, answer reconciled, ledger; and the parts to send in its place.

Whatever ends it (a refusal, a lost answer, a stopped account, a cancelled run): what may have landed is in the ledger
as of unknown outcome, and in the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count

import anyio

from engine.errors import AnswerLost, BatchLost, InFlight, OutcomeUnknown, Rejected
from engine.ledger.journal import Intents
from engine.model.change import Change, keys_of
from engine.model.ledger_writes import Intent
from engine.model.outcome import (
    STORED,
    BulkAnswer,
    Chunk,
    ChunkOutcome,
    Column,
    ItemResult,
    columns_of,
    result_table,
)
from engine.model.settings import CompanyKey
from engine.net.client import BulkCall, CompanyClient
from engine.net.retry import Policy
from engine.send.chunks import Cut
from engine.send.known_rows import KnownRows
from engine.send.reconcile import reconcile
from engine.send.remote_owners import Collision, RemoteOwners
from engine.send.settled import Outbox, SafetyNotes, SettledChunk
from engine.send.settlement import Sent, records_of, respelled, settlement
from engine.send.shared_results import ENDED, all_rows, refused, unproven, unsent
from engine.send.split import Part, Split, halves, regrouped

TIMEOUTS_BEFORE_HALVING = 2
"""A chunk that timed out this often is halved: smaller ones may be answered in time."""

ALIKE_BEFORE_HALVING = 2
"""When a chunk meets the same server error twice in a row, while other requests are answered well, a row of it causes
the error. The chunk is halved, and each half is sent twice at most, until that row is alone."""


@dataclass(slots=True, kw_only=True)
class BulkRequests:
    """Sends one company's parts of chunks. Each outcome is in the outbox when `send` returns or raises."""

    run_id: str
    company_key: CompanyKey
    ledger: Intents
    client: CompanyClient
    cut: Cut
    known: KnownRows
    owners: RemoteOwners
    notes: SafetyNotes
    now: Callable[[], datetime]
    outbox: Outbox = field(default_factory=Outbox)
    led_nowhere: bool = False  # a create beyond the plan showed that a key did not lead where it should
    stalled: str = ""  # why a batch was given up: another one would take as long
    _repeated_refusals: set[str] = field(default_factory=set)  # words that refused whole chunks, nothing being stored
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def send(self, part: Part, split: Split) -> list[Part]:
        """Send one part under its own intent; return the parts that take its place, none when its rows are settled.

        If single rows of its chunk were refused with the same words again and again, it is refused with these words and
        not sent. Raises what ends the company's sending: `AccountParked`, `CompanyRefused`, `OutOfScope` or
        `LedgerError`.
        """
        words = split.verdict
        if words is None:
            return await self._send(part, split)
        self._repeated_refusals.add(words)
        intent = await self._begin(part)
        results = refused(part.chunk, unsent(words), is_lost=part.is_lost)
        await self._settle(Sent(intent=intent, results=results, exposed=part.exposed))
        return []

    async def _send(self, part: Part, split: Split) -> list[Part]:
        """Send one part under its own intent; return the parts that take its place, none when its rows are settled."""
        intent = await self._begin(part)
        alone = len(part.chunk.changes) <= 1
        policy = Policy(
            max_attempts=part.attempts,
            max_timeouts=None if alone else TIMEOUTS_BEFORE_HALVING,
            max_alike=None if alone else ALIKE_BEFORE_HALVING,
        )
        call = self.client.bulk_call(part.chunk.body, intent.id, policy, partial(self._note_repeat, intent))
        try:
            answer = await self.client.bulk(call)
        except Rejected as error:
            return await self._rejected(part, intent, call, error, split)
        except (OutcomeUnknown, InFlight) as error:
            return await self._lost(part, intent, call, error)
        except BaseException:  # parked, forbidden, cancelled or a bug: note what is in doubt, then let it pass
            exposed = part.exposed or call.exposed
            results = all_rows(part.chunk, Column.UNCERTAIN, ENDED) if exposed else ()
            await self._settle(Sent(intent=intent, results=results, exposed=exposed, call=call))
            raise
        return await self._answered(part, intent, call, answer, split)

    async def _rejected(self, part: Part, intent: Intent, call: BulkCall, error: Rejected, split: Split) -> list[Part]:
        """Settle a part that was refused as a whole; return its halves, unless all its rows are known to be bad."""
        exposed, is_lost = part.exposed or call.exposed, part.is_lost or call.is_lost
        words, alone = str(error), len(part.chunk.changes) <= 1
        if alone:
            split.refusals[words] += 1
        if alone or words in self._repeated_refusals:
            results = refused(part.chunk, words if alone else unsent(words), is_lost=is_lost)
            await self._settle(Sent(intent=intent, results=results, exposed=exposed, call=call))
            return []
        parked = await self.client.channel.chunk_refused(self.company_key.company_id, error)
        results = all_rows(part.chunk, Column.UNCERTAIN, ENDED) if parked and exposed else ()
        await self._settle(Sent(intent=intent, results=results, exposed=exposed, call=call))
        if parked:
            raise parked from error
        return halves(part, self.cut, part.attempts, exposed=exposed, is_lost=call.is_lost)

    async def _lost(self, part: Part, intent: Intent, call: BulkCall, error: OutcomeUnknown | InFlight) -> list[Part]:
        """Settle a part that was sent and not answered; return the parts to send in its place."""
        left, alone = part.attempts - call.attempts, len(part.chunk.changes) <= 1
        again: list[Part] = []
        if isinstance(error, AnswerLost):
            if left > 1 and not part.landed:
                again = [Part(chunk=part.chunk, attempts=left - 1, exposed=True, landed=True)]
        elif isinstance(error, BatchLost):
            self.stalled = str(error)
        elif not alone and isinstance(error, OutcomeUnknown) and error.alike:
            again = halves(part, self.cut, ALIKE_BEFORE_HALVING, exposed=True, is_lost=True)
        elif not alone and left > 0:
            again = halves(part, self.cut, left, exposed=True, is_lost=call.is_lost)
        results = () if again else all_rows(part.chunk, Column.UNCERTAIN, str(error))
        await self._settle(Sent(intent=intent, results=results, exposed=True, call=call))
        return again

    async def _answered(
        self, part: Part, intent: Intent, call: BulkCall, answer: BulkAnswer, split: Split
    ) -> list[Part]:
        """Settle a part by its answer; return parts with the rows that the answer leaves in doubt, to send again."""
        chunk, is_repeated = part.chunk, part.exposed or call.attempts > 0
        outcome = reconcile(chunk, answer, exposed=is_repeated, landed=part.landed)
        collisions = [] if split.is_trial else self.owners.collisions(outcome.results)
        updated_others = self._updated_others(
            chunk, answer, outcome.creates_that_updated, collisions, is_repeated=is_repeated
        )
        await self._take_note(outcome.unexpected_creates, updated_others)
        self._take_stored(outcome, split)
        results = outcome.results
        if updated_others > 0:
            results = tuple(map(self.owners.as_there, results))
        if split.is_trial and is_repeated:
            results = tuple(map(unproven, results))
        shared = self.owners.sharing(chunk, results, answer)
        again, results = self._again(part, outcome, shared, results)
        is_open = not outcome.explained or bool(shared) or columns_of(results)[Column.UNCERTAIN] > 0
        await self._settle(
            Sent(
                intent=intent,
                results=results,
                exposed=is_open,
                is_lost=call.attempts > 0,
                call=call,
                answer=outcome,
                collisions=collisions,
            )
        )
        return again

    def _updated_others(
        self,
        chunk: Chunk,
        answer: BulkAnswer,
        that_updated: int,
        collisions: Sequence[Collision],
        *,
        is_repeated: bool,
    ) -> int:
        """Return how many existing rows the creates of a chunk have changed, not counting collisions.

        `that_updated`: how many creates the answer itself calls updates.
        """
        told = {collision.remote_id for collision in collisions}
        found = max(0, that_updated - len(collisions), self.owners.hit(chunk, answer, told))
        if is_repeated:
            found = max(found, self.owners.perhaps_hit(chunk, answer) - len(collisions))
        return found

    async def _take_note(self, unexpected: int, updated_others: int) -> None:
        """Write down what no later run may miss, before the request that showed it is settled."""
        self.led_nowhere = self.led_nowhere or unexpected > 0
        if not unexpected and not updated_others:
            return
        with anyio.CancelScope(shield=True):
            if unexpected:
                await self.notes.keys_led_nowhere(unexpected)
            else:
                await self.notes.updated_others(updated_others)

    def _take_stored(self, outcome: ChunkOutcome, split: Split) -> None:
        """Note that rows are stored, if any are: then a refusal of other rows is not about the whole chunk."""
        if not STORED.isdisjoint(columns_of(outcome.results)):
            split.stored = True
            self._repeated_refusals.clear()
            self.client.channel.chunk_accepted()

    def _again(
        self, part: Part, outcome: ChunkOutcome, shared: Sequence[Change], results: Sequence[ItemResult]
    ) -> tuple[list[Part], Sequence[ItemResult]]:
        """Return parts with the rows that the answer does not tell apart, to send again, and the other rows' results.

        `shared`: rows that may share a remote row with another key.
        """
        again: list[Part] = []
        if len(part.chunk.changes) <= 1:
            return again, results
        if shared:
            again = regrouped(part, self.cut, shared)
            results = tuple(result for result in results if result.change not in shared)
        if outcome.unjoined:
            doubtful = [result.change for result in results if result.column is Column.UNCERTAIN]
            again += regrouped(part, self.cut, doubtful)
            results = tuple(result for result in results if result.column is not Column.UNCERTAIN)
        return again, results

    async def _begin(self, part: Part) -> Intent:
        """Commit the intent; the id is the idempotency key, unique per part and run."""
        intent = Intent(
            id=f"{self.run_id}.{self.company_key.company_id}.{next(self._numbers)}",
            run_id=self.run_id,
            keys=tuple(keys_of(part.chunk.changes)),
            at=self.now(),
        )
        with anyio.CancelScope(shield=True):
            await self.ledger.begin(self.company_key, intent)
        return intent

    async def _note_repeat(self, intent: Intent) -> None:
        with anyio.CancelScope(shield=True):
            await self.ledger.sent_again(self.company_key, intent.id, self.now())

    async def _settle(self, sent: Sent) -> None:
        """Commit what became of rows with the end of their intent, and hand it on, even when the ledger fails.

        A cancelled run waits for that, and then stops.
        """
        owners, counted, left_out = self.owners, result_table(sent.results), sent.colliding
        owners.collided |= left_out
        if owners.collided:  # some of which may have been under way
            left_out |= owners.collided.intersection(counted.keys)
            counted = result_table([result for result in counted if result.change.row.key not in left_out])
        records = records_of(sent, counted, self.known)
        settled = SettledChunk(
            results=counted,
            collisions=tuple(sent.collisions),
            doubt=sent.doubt,
            is_repeated=sent.is_repeated,
            respelled=respelled(records, sent.answered),
            intent_id=sent.intent.id,
        )
        try:
            with anyio.CancelScope(shield=True):
                await self.ledger.settle(self.company_key, settlement(sent, counted, records, left_out, self.now()))
        finally:
            self.outbox.put(settled)
        if not all(counted.column("remote_id")) and _lacks_an_id(counted):
            owners.stored_without_id()


def _lacks_an_id(results: Iterable[ItemResult]) -> bool:
    """Return whether a row was stored whose remote id nobody knows."""
    return any(result.remote_id is None and result.column in STORED for result in results)
