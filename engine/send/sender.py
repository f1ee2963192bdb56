"""Chunks -> outcomes, a few at a time: intent, send, reconcile, write down (DESIGN sections 6 and 8).

Whatever ends the work (a refusal, a lost answer, a parked account, a cancelled run): each row handed to `Writer` is
either recorded with its outcome or was never exposed to the server.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import chain, count, islice

import anyio
from anyio.lowlevel import checkpoint

from engine.compare.equality import differing_fields, pushed
from engine.compare.plan import MOVING
from engine.compare.readback import is_known
from engine.errors import AnswerLost, BatchLost, InFlight, OutcomeUnknown, Rejected, plain
from engine.ledger.journal import Intents
from engine.model.change import Change
from engine.model.company_record import Intent, Rejection, RowRecord, Settlement
from engine.model.dimension import NaturalKey, RemoteRow, fingerprint, natural_key
from engine.model.outcome import STORED, BulkAnswer, Chunk, ChunkOutcome, Column, ItemResult, columns_of, trail
from engine.model.settings import Scope
from engine.net.client import BulkCall, CompanyClient
from engine.net.retry import Policy
from engine.send.chunks import Cut
from engine.send.reconcile import reconcile

WORKERS = 4
"""Chunks of one company in flight at a time."""

HOPELESS = 8
"""So many rows refused alone with the same words, and none stored: the rest of their chunk is refused with them."""

TIMEOUTS_BEFORE_HALVING = 2

ALIKE_BEFORE_HALVING = 2
"""When a chunk meets the same server error twice in a row, while other requests are answered well, a row of it causes
the error. The chunk is halved, and each half is sent twice at most, until that row is alone."""

REPEATED = "sent again after a lost answer, under a key that nothing had confirmed: the answer proves nothing"

ENDED = "the run ended before its answer came"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A chunk, or what is left of one, on its way."""

    chunk: Chunk
    attempts: int  # sends of unknown outcome that its rows may still have
    exposed: bool = False  # an earlier send of its rows may have landed
    is_lost: bool = False  # of that no answer came: a refusal of the next one does not say that it has not landed
    landed: bool = False  # it did: the server said so, and nothing of its rows


@dataclass(slots=True)
class Bisection:
    """What the rows of one refused chunk have met when sent alone."""

    refusals: dict[str, int] = field(default_factory=dict)
    stored: bool = False

    @property
    def verdict(self) -> str | None:
        """The words with which all other rows are refused, too; None: go on asking."""
        if not self.stored and len(self.refusals) == 1:
            words, count = next(iter(self.refusals.items()))
            return words if count >= HOPELESS else None
        return None


@dataclass(slots=True, kw_only=True)
class Writer:
    """Writes one company's chunks. `record` takes outcomes into the books; `settled` tells of them afterwards."""

    run_id: str
    scope: Scope
    ledger: Intents
    client: CompanyClient
    cut: Cut
    known: Mapping[str, RowRecord]  # by key, as the ledger had them before this run
    max_attempts: int
    now: Callable[[], datetime]
    record: Callable[[Sequence[ItemResult]], None]
    settled: Callable[[Sequence[ItemResult]], Awaitable[None]]
    remark: Callable[[str], None]  # an answer contradicts itself, and yet says of each row what became of it
    note_mismatch: Callable[[int], Awaitable[None]]  # writes down at once how many rows were created beyond the plan
    overwritten: Callable[[int], Awaitable[None]]  # writes down at once how many creates changed rows that were there
    before: Collection[str]  # ids of the remote rows that were compared with
    remotes: Mapping[str, RemoteRow] = field(default_factory=dict)  # those rows, by id
    again: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by key: rows that are pushed once more
    is_wanted: Callable[[str], bool]  # whether the source has a key
    respelled: Callable[[Mapping[str, str]], None]  # takes words on rows whose names were answered otherwise, by key
    collided: Callable[[str, str, str], None]  # takes two keys that lead to one remote row, and that row's id
    unexpected_creates: int = 0  # such rows: above 0, nothing more is sent
    uncertain: list[ItemResult] = field(default_factory=list)  # rows whose outcome nobody knows
    creates_that_updated: int = (
        0  # creates whose keys led to rows that were there: what was compared with is not what is there
    )
    wrong_target: bool = False  # a key that was tried out led to another row than the one that it was matched with
    _heard: list[ItemResult] | None = None  # outcomes of rows that are being tried out
    _repeated: bool = False  # one of their requests was sent more than once
    stalled: str = ""  # why a batch was given up: another one would take as long
    _all_have_ids: bool | None = None  # whether the remote id of each acknowledged row is known; None: not looked at
    _loose_ids: set[str] = field(default_factory=set)  # answered in this run, and nobody knows for which key
    _collided: set[str] = field(default_factory=set)  # keys that lead to one remote row with another one
    _bearers: dict[str, str] = field(default_factory=dict)  # key behind each remote id that was answered in this run
    _owners: dict[str, list[str]] | None = None  # keys behind each remote id, by the ledger; made when asked for
    _hopeless: set[str] = field(default_factory=set)  # words that refused whole chunks, nothing being stored
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def drain(self, chunks: Iterable[Chunk]) -> None:
        """Send all chunks, a few at a time; they are made as they are taken. Raises what ends the company's writing."""
        left = iter(chunks)
        first = list(islice(left, 2))
        if len(first) < 2:  # most companies' changes: they need no tasks
            await self._work(iter(first))
            return
        turns = chain(first, left)
        with plain():
            async with anyio.create_task_group() as workers:
                for _ in range(min(WORKERS, self.client.width)):
                    workers.start_soon(self._work, turns)

    async def try_out(self, changes: Sequence[Change]) -> bool:
        """Send rows of unconfirmed key by themselves. Return whether the answer confirms all of their keys.

        It does when each was updated, at the first send, and under the id that it was matched with. Of several rows the
        answer may not tell the id, where a name is doubled; of one it must. What a repeat answers proves nothing.
        """
        self._heard, self._repeated = [], False
        await self._deliver(self.cut.chunk(changes, [self.cut.encode(change.sent) for change in changes]))
        heard, self._heard = self._heard, None
        self.wrong_target = any(
            result.column is Column.UPDATED and result.remote_id not in {None, result.change.remote_id}
            for result in heard
        )
        own = all(
            result.column is Column.UPDATED
            and (result.remote_id == result.change.remote_id or (result.remote_id is None and len(changes) > 1))
            for result in heard
        )
        return own and len(heard) == len(changes) and not self._repeated and not self.unexpected_creates

    async def _work(self, turns: Iterator[Chunk]) -> None:
        """Send one chunk after the other; all workers take theirs from the same iterator."""
        for chunk in turns:
            if self.unexpected_creates or self.stalled:
                return
            await checkpoint()  # a run that is stopped begins no other chunk
            left = self._without_collided(chunk)
            if left.changes:
                await self._deliver(left)

    async def _deliver(self, chunk: Chunk) -> None:
        """Send a chunk and, where it is refused as a whole or too slow, its halves, down to single rows."""
        bisection = Bisection()
        parts = deque([Part(chunk=chunk, attempts=self.max_attempts)])
        from_left = True  # the ends in turn: one bad end must not speak for the other
        try:
            while parts and not self.unexpected_creates and not self.stalled:
                part = parts.popleft() if from_left else parts.pop()
                words = bisection.verdict
                if words is None:
                    halves = await self._send(part, bisection)
                    (parts.extendleft if from_left else parts.extend)(reversed(halves) if from_left else halves)
                    from_left = from_left if halves else not from_left
                else:
                    self._hopeless.add(words)
                    await self._refuse_unsent(part, _unsent(words))
        finally:  # the ledger has them as unknown already
            for part in parts:
                if part.exposed:
                    self.record(_all(part.chunk, Column.UNCERTAIN, ENDED))

    async def _send(self, part: Part, bisection: Bisection) -> list[Part]:
        """Send one part under its own intent; return the parts that take its place, none when its rows are settled."""
        intent = await self._begin(part)
        chunk, alone = part.chunk, len(part.chunk.changes) <= 1
        policy = Policy(
            max_attempts=part.attempts,
            max_timeouts=None if alone else TIMEOUTS_BEFORE_HALVING,
            max_alike=None if alone else ALIKE_BEFORE_HALVING,
        )
        call = self.client.bulk_call(chunk.body, intent.id, policy, partial(self._again, intent))
        try:
            answer = await self.client.bulk(call)
        except Rejected as error:
            exposed = part.exposed or call.exposed
            if alone:
                bisection.refusals[str(error)] = bisection.refusals.get(str(error), 0) + 1
                results = _refused(chunk, str(error), is_lost=part.is_lost or call.is_lost)
                await self._settle(intent, results, exposed=exposed, call=call)
                return []
            if str(error) in self._hopeless:
                results = _refused(chunk, _unsent(str(error)), is_lost=part.is_lost or call.is_lost)
                await self._settle(intent, results, exposed=exposed, call=call)
                return []
            parked = await self.client.channel.chunk_refused(self.scope.company_id, error)
            results = _all(chunk, Column.UNCERTAIN, ENDED) if parked and exposed else ()
            await self._settle(intent, results, exposed=exposed, call=call)
            if parked:
                raise parked from error
            return self._halves(part, part.attempts, exposed=exposed, is_lost=call.is_lost)
        except (OutcomeUnknown, InFlight) as error:
            return await self._lost(part, intent, call, error)
        except BaseException:  # parked, forbidden, cancelled or a bug: note what is in doubt, then let it pass
            doubt = part.exposed or call.exposed
            results = _all(chunk, Column.UNCERTAIN, ENDED) if doubt else ()
            await self._settle(intent, results, exposed=doubt, call=call)
            raise
        return await self._answered(part, intent, call, answer, bisection)

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
            again = self._halves(part, ALIKE_BEFORE_HALVING, exposed=True, is_lost=True)
        elif not alone and left > 0:
            again = self._halves(part, left, exposed=True, is_lost=call.is_lost)
        results = () if again else _all(part.chunk, Column.UNCERTAIN, str(error))
        await self._settle(intent, results, exposed=True, call=call)
        return again

    async def _answered(
        self, part: Part, intent: Intent, call: BulkCall, answer: BulkAnswer, bisection: Bisection
    ) -> list[Part]:
        """Settle a part by its answer; return the parts in which rows are sent again that no error was joined to."""
        chunk, lost = part.chunk, call.attempts > 0
        outcome = reconcile(chunk, answer, exposed=part.exposed or lost, landed=part.landed)
        collisions = self.collisions(outcome.results) if self._heard is None else []
        told = {remote_id for _, _, remote_id in collisions}
        met = max(0, outcome.met - len(collisions), self._met(chunk, answer, told))
        if lost or part.exposed:
            met = max(met, self._perhaps_met(chunk, answer) - len(collisions))
        await self._take_note(replace(outcome, met=met), bisection)
        results = tuple(map(self._not_made, outcome.results)) if met > 0 else outcome.results
        if self._heard is not None and (lost or part.exposed):
            results = tuple(
                result._replace(column=Column.UNCERTAIN, remote_id=None, message=REPEATED)
                if result.column is Column.UPDATED
                else result
                for result in results
            )
        again: list[Part] = []
        shared = self._sharing(chunk, results, answer)
        if shared and len(chunk.changes) > 1:
            again = self._regrouped(part, shared)
            results = tuple(result for result in results if result.change not in shared)
        if outcome.unjoined and len(chunk.changes) > 1:
            again += self._regrouped(part, [result.change for result in results if result.column is Column.UNCERTAIN])
            results = tuple(result for result in results if result.column is not Column.UNCERTAIN)
        exposed = not outcome.explained or bool(shared) or Column.UNCERTAIN in columns_of(results)
        await self._settle(
            intent, results, exposed=exposed, call=call, outcome=outcome, lost=lost, collisions=collisions
        )
        return again

    async def _take_note(self, outcome: ChunkOutcome, bisection: Bisection) -> None:
        self.unexpected_creates += outcome.surplus
        self.creates_that_updated += outcome.met
        with anyio.CancelScope(shield=True):
            if outcome.surplus:
                await self.note_mismatch(self.unexpected_creates)
            elif outcome.met:
                await self.overwritten(self.creates_that_updated)
        counts = columns_of(outcome.results)
        if outcome.doubt and Column.UNCERTAIN not in counts:
            self.remark(outcome.doubt)
        if not STORED.isdisjoint(counts):
            bisection.stored = True
            self._hopeless.clear()
            self.client.channel.chunk_accepted()

    def collisions(self, results: Sequence[ItemResult]) -> list[tuple[str, str, str]]:
        """Return keys that were answered with a remote id that another key holds: (key, the other key, id).

        The ledger may know whose a row is that was there.
        """
        found = []
        for (row, *_), column, remote_id, _ in results:
            if remote_id is None or column not in STORED:
                continue
            owner = self._bearers.setdefault(remote_id, row.key)
            if owner == row.key:
                owner = self._owner(remote_id, row.key) or owner
            if owner != row.key:
                found.append((row.key, owner, remote_id))
        return found

    def _sharing(self, chunk: Chunk, results: Sequence[ItemResult], answer: BulkAnswer) -> list[Change]:
        """Return rows that may share a remote row with another key, where their names do not tell which of them does.

        An id stands twice, or it is that of a row which is there and which the chunk was not to change. Sent again
        apart from each other, their ids are told.
        """
        named = (*answer.created, *answer.updated)
        borne = Counter(remote_id for remote_id, _ in named)
        told = {change.remote_id for change in chunk.changes} | {result.remote_id for result in results}
        names = {
            name
            for remote_id, name in named
            if (remote_id and borne[remote_id] > 1)
            or (remote_id not in told and (remote_id in self.before or self._owner(remote_id, "") is not None))
        }
        return [
            result.change
            for result in results
            if result.remote_id is None and result.column in STORED and result.change.row.name in names
        ]

    def _without_collided(self, chunk: Chunk) -> Chunk:
        """Return a chunk without the rows that are known by now to overwrite another key's."""
        if self._collided.isdisjoint(change.row.key for change in chunk.changes):
            return chunk
        pairs = zip(chunk.changes, chunk.rows, strict=True)
        left = [(change, row) for change, row in pairs if change.row.key not in self._collided]
        return self.cut.chunk([change for change, _ in left], [row for _, row in left])

    def _owner(self, remote_id: str, but: str) -> str | None:
        """Return another key of the source that an answer has shown to lead to a remote row.

        One that was merely matched with it does not hold it: the row may be the other key's.
        """
        if self._owners is None:
            self._owners = {}
            for key, known in self.known.items():
                if known.remote_id and known.confirmed:
                    self._owners.setdefault(known.remote_id, []).append(key)
        return next((key for key in self._owners.get(remote_id, ()) if key != but and self.is_wanted(key)), None)

    def _met(self, chunk: Chunk, answer: BulkAnswer, told: Collection[str]) -> int:
        """Return how many rows that were there an answer names although the chunk was to change none of them.

        `told`: ids of those that are told otherwise. An id that was answered before in this run is of such a row, too.
        """
        meant = {change.remote_id for change in chunk.changes}
        entries = (*answer.created, *answer.updated)
        named = {remote_id for remote_id, _ in entries} - meant - set(told)
        keys = {change.row.key for change in chunk.changes}
        others = {remote_id for remote_id in named if self._bearers.get(remote_id, min(keys)) not in keys}
        met = sum(
            remote_id in self.before or remote_id in self._loose_ids or remote_id in others for remote_id in named
        )
        nameless = {remote_id for remote_id, name in entries if remote_id and not name}
        self._loose_ids |= {remote_id for remote_id in nameless & named if remote_id not in self._bearers}
        return met

    def _perhaps_met(self, chunk: Chunk, answer: BulkAnswer) -> int:
        """Return how many creates that were sent twice and answered as updates may have changed another key's row.

        An earlier send may have made theirs. Whether one did is told by ids, where all that may be met have one, and
        where answers spell them as listings do (numbers are no `dim_9e37`).
        """
        if self._all_have_ids is None:
            self._all_have_ids = all(known.remote_id or not known.outcome_known for known in self.known.values())
        shown, told = next(iter(self.before), ""), {row_id for row_id, _ in answer.updated}
        are_alike = "" not in told and all(shown.isdigit() == row_id.isdigit() for row_id in told if shown)
        if self._all_have_ids and are_alike:
            return 0
        return max(0, answer.updated_count - len(chunk.changes) + chunk.creates)

    def _not_made(self, result: ItemResult) -> ItemResult:
        """Return a row's outcome, "updated" where it is told as created and what was compared with had its id."""
        was_there = result.column is Column.CREATED and result.remote_id in self.before
        return result._replace(column=Column.UPDATED) if was_there else result

    def _halves(self, part: Part, attempts: int, *, exposed: bool, is_lost: bool = False) -> list[Part]:
        """Return the part in two, each row's bytes as they were."""
        changes, rows = part.chunk.changes, part.chunk.rows
        middle = (len(changes) + 1) // 2
        return [
            Part(
                chunk=self.cut.chunk(changes[piece], rows[piece]),
                attempts=attempts,
                exposed=exposed,
                is_lost=part.is_lost or is_lost,
                landed=part.landed,
            )
            for piece in (slice(middle), slice(middle, None))
        ]

    def _regrouped(self, part: Part, doubtful: Sequence[Change]) -> list[Part]:
        """Return rows that an error was not joined to, in chunks where it can be: no name twice, or half as many."""
        rows = dict(zip((change.row.key for change in part.chunk.changes), part.chunk.rows, strict=True))
        uses: Counter[str] = Counter()
        groups: dict[int, list[Change]] = {}
        for change in doubtful:
            groups.setdefault(uses[change.row.name], []).append(change)
            uses[change.row.name] += 1
        if len(groups) == 1 and len(doubtful) == len(part.chunk.changes):
            return self._halves(part, part.attempts, exposed=True)
        return [
            replace(part, chunk=self.cut.chunk(group, [rows[change.row.key] for change in group]), exposed=True)
            for group in groups.values()
        ]

    async def _refuse_unsent(self, part: Part, words: str) -> None:
        intent = await self._begin(part)
        results = _refused(part.chunk, words, is_lost=part.is_lost)
        await self._settle(intent, results, exposed=part.exposed)

    async def _begin(self, part: Part) -> Intent:
        """Commit the intent; the id is the idempotency key, unique per part and run."""
        intent = Intent(
            id=f"{self.run_id}.{self.scope.company_id}.{next(self._numbers)}",
            run_id=self.run_id,
            keys=tuple(change.row.key for change in part.chunk.changes),
            at=self.now(),
        )
        with anyio.CancelScope(shield=True):
            await self.ledger.begin(self.scope, intent)
        return intent

    async def _again(self, intent: Intent) -> None:
        with anyio.CancelScope(shield=True):
            await self.ledger.sent_again(self.scope, intent.id, self.now())

    async def _settle(
        self,
        intent: Intent,
        results: Sequence[ItemResult],
        *,
        exposed: bool,
        call: BulkCall | None = None,
        lost: bool = False,
        outcome: ChunkOutcome | None = None,
        collisions: Sequence[tuple[str, str, str]] = (),
    ) -> None:
        """Book and commit outcomes with the end of their intent; a cancelled run waits for that, and then stops.

        `exposed`: keys without a stored outcome lose their acknowledged state: something of theirs may have landed.
        `call`: how they were sent; None: they were not.
        `lost`: a send of these rows was not answered, so that the server may still be at it; `exposed` implies it.
        `collisions`: of keys that lead to one remote row nobody knows what that row holds; neither counts as stored.
        """
        counts = columns_of(results)
        both = {key for collision in collisions for key in collision[:2]}
        self._collided |= both
        may_be_there = _may_be_there(results, both) if both or Column.UNCERTAIN in counts else {}
        if self._collided:  # some of which may have been under way
            both |= self._collided.intersection(result.change.row.key for result in results)
            results = [result for result in results if result.change.row.key not in both]
        self.record(results)
        for collision in collisions:
            self.collided(*collision)
        if self._heard is not None:
            self._heard += results
            self._repeated = self._repeated or lost or (exposed and outcome is None)
        if Column.UNCERTAIN in counts:
            self.uncertain += [result for result in results if result.column is Column.UNCERTAIN]
        at = self.now()
        explained = outcome is not None and outcome.explained
        answered = outcome.answered if outcome is not None else {}
        stored = {
            result.change.row.key: self._acknowledged(result, explained=explained, answered=answered)
            for result in results
            if result.column in STORED
        }
        settlement = Settlement(
            intent_id=intent.id,
            at=at,
            rows=stored,
            rejected={
                result.change.row.key: Rejection(fingerprint(result.change.sent), at, result.message)
                for result in (results if Column.REJECTED in counts else ())
                if result.column is Column.REJECTED
            },
            unknown=(*(key for key in intent.keys if exposed and key not in stored and key not in both), *sorted(both)),
            may_be_there=may_be_there,
            created=counts[Column.CREATED],
            lost_at=at if exposed or lost else None,
            outcomes=trail(results),
            sends=call.sends if call else 0,
            status=call.status if call else None,
            request_id=call.request_id if call else None,
        )
        with anyio.CancelScope(shield=True):
            await self.ledger.settle(self.scope, settlement)
        if answered:
            self.respelled(
                {
                    key: f"its name {stored[key].row.name!r} was acknowledged as {name!r}"
                    for key, name in answered.items()
                    if key in stored
                }
            )
        if any(result.remote_id is None for result in results if result.column in STORED):
            self._all_have_ids = False
        if results:
            await self.settled(results)

    def _acknowledged(self, result: ItemResult, *, explained: bool, answered: Mapping[str, str]) -> RowRecord:
        """Return the ledger's record of a stored row.

        Its key is confirmed when it was so before, when we created the row, when the answer bears the matched id (or
        any id, where none was matched), or when the key was ours already (sent once, outcome lost) and this answer
        leaves nothing open.
        """
        (row, remote_id, fields, _), column, answered_id, _ = result
        before = self.known.get(row.key)
        matched_id = remote_id if is_known(remote_id) else None
        confirmed = (before is not None and before.confirmed) or (
            explained
            and (
                column is Column.CREATED
                or (answered_id is not None and answered_id == (matched_id or answered_id))
                or (before is not None and not before.outcome_known)
            )
        )
        # An update's id that no listing has shown is another spelling of the matched one.
        is_respelled = column is Column.UPDATED and matched_id is not None and answered_id not in self.before
        new_id = matched_id if is_respelled else answered_id or matched_id
        met_id = answered_id if remote_id is None and column is Column.UPDATED else None
        there = self.remotes.get(remote_id or met_id or "")
        if met_id is not None and there is not None:  # a create that changed a row which was there: in these fields
            fields = differing_fields(row, there)
        known = before if before is not None and before.remote_id in {None, new_id} else None
        agreement, shown_before = pushed(
            row,
            known,
            fields,
            there,
            answered=answered.get(row.key),
            again=self.again.get(row.key),
        )
        return RowRecord(
            row,
            new_id,
            confirmed=confirmed,
            outcome_known=True,
            code_known=True,
            agreement=agreement,
            before=shown_before,
        )


def _may_be_there(results: Iterable[ItemResult], both: Container[str]) -> dict[str, NaturalKey]:
    """Return what rows may have become of which nobody knows, by key: creates, and those that move.

    `both`: keys of rows that were stored, one over the other.
    """
    return {
        change.row.key: natural_key(change.row)
        for change, column, _, _ in results
        if (column is Column.UNCERTAIN or (column in STORED and change.row.key in both))
        and (change.remote_id is None or not change.fields or not MOVING.isdisjoint(change.fields))
    }


def _unsent(words: str) -> str:
    return f"not sent alone: {HOPELESS} rows of this company were, and each was refused so: {words}"


def _refused(chunk: Chunk, words: str, *, is_lost: bool) -> tuple[ItemResult, ...]:
    """Return rows that were refused; of unknown outcome where an earlier send, without an answer, may have landed."""
    if is_lost:
        return _all(chunk, Column.UNCERTAIN, f"sent before without an answer, then refused: {words}")
    return _all(chunk, Column.REJECTED, words)


def _all(chunk: Chunk, column: Column, message: str) -> tuple[ItemResult, ...]:
    return tuple(ItemResult(change, column, None, message) for change in chunk.changes)
