"""Writing one company: the plan's rows go out, and what became of each is found out, or said not to be known.

Canaries first, then all others; what was lost is read back, and what a create met is looked at again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio

from engine.compare.backoff import keys_lead_nowhere
from engine.compare.recent_refusals import uncertain_again
from engine.errors import ApiError, UnsafePlan
from engine.model.balance import ExitCode
from engine.model.change import Change, Plan
from engine.model.company_record import (
    KEY_COLLISION,
    KEY_MISMATCH,
    NOT_APPLIED,
    NOT_LISTED,
    OVERWRITTEN,
    CompanyRecord,
    CompanyState,
)
from engine.model.events import ChunkSettled
from engine.model.outcome import Column, ItemResult, columns_of
from engine.model.settings import Scope
from engine.net.client import CompanyClient
from engine.run.collisions import Collisions
from engine.run.compare import Comparison
from engine.run.context import RunContext
from engine.run.endings import CHANGED, HELD, NO_ROOM, STALLED, UNSEEN, Ending
from engine.run.row_counts import RowCounts
from engine.send.chunks import Cut, cut
from engine.send.lost_answers import ReadBack
from engine.send.sender import ENDED, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """What sends a plan's rows, and what was known before."""

    writer: Writer
    collisions: Collisions
    record: CompanyRecord
    to_do: Collection[str]  # keys of all rows that the comparison found different or held


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes a plan. What stops it is told through `stop_short`; what it does is in the books."""

    scope: Scope
    parts: RunContext
    client: CompanyClient
    books: RowCounts
    comparison: Comparison
    stop_short: Callable[[str, str, Ending], None]

    async def write(self, plan: Plan, record: CompanyRecord, *, to_do: Collection[str]) -> None:
        """Send the plan. A create beyond the plan stops it: some key does not lead where it should.

        `to_do`: keys of all rows that the comparison found different or held, in this plan or not.
        """
        if not plan.changes:
            return
        if plan.reverts:
            with anyio.CancelScope(shield=True):
                await self.parts.ledger.reverted(self.scope, plan.reverts, self.parts.now())
        limits, how = self.client.channel.account.limits, self._how
        collisions = Collisions(books=self.books)
        writer = Writer(
            run_id=self.parts.run_id,
            scope=self.scope,
            ledger=self.parts.ledger,
            client=self.client,
            cut=how,
            known=record.rows,
            max_attempts=limits.max_attempts,
            now=self.parts.now,
            record=self.books.record,
            settled=self._tell_settled,
            remark=partial(self.books.problem, "miscounted"),
            note_mismatch=partial(self._beware, record.state),
            overwritten=partial(self._note_overwritten, record.state),
            before=self.comparison.ids,
            is_wanted=self._is_wanted,
            collided=collisions.add,
            remotes=self.comparison.remotes,
            again=plan.again,
            respelled=self.books.otherwise,
        )
        sending = _Sending(writer=writer, collisions=collisions, record=record, to_do=to_do)
        first = plan.creates + plan.first_updates
        if await self._send(sending, first, plan.canaries) and plan.again:
            await self._push_again(sending, plan.updates_again)

    async def _send(self, sending: _Sending, changes: Sequence[Change], canaries: Sequence[Change] = ()) -> bool:
        """Send changes, and find out what became of them; return whether more may be sent."""
        writer, collisions, record = sending.writer, sending.collisions, sending.record
        try:
            if not await self._try_out(writer, canaries, record):
                return False
            await writer.drain(cut(changes, self._how))
        finally:  # whatever else ended it
            if writer.unexpected_creates:
                self.stop_short(KEY_MISMATCH, mismatch(writer.unexpected_creates), HELD)
            await self._note_collisions(collisions)
        if writer.uncertain and not writer.unexpected_creates:
            lost, writer.uncertain = writer.uncertain, []
            told, listed = await self._read_back(lost, record)
            writer.creates_that_updated += max(len(writer.collisions(told)), self._missing(listed))
        if writer.stalled and self.books.balance().deferred:
            self.stop_short(
                STALLED.code, f"{writer.stalled}; nothing more was sent: another one would wait as long", STALLED
            )
        met = writer.creates_that_updated + self._met_before(record)
        writer.creates_that_updated = 0
        if met and not writer.unexpected_creates:
            await self._look_again(met, {*sending.to_do, *collisions.keys}, record.state)
        return not writer.unexpected_creates and not writer.stalled

    async def _push_again(self, sending: _Sending, rows: Sequence[Change]) -> None:
        """Push rows once more that a listing shows otherwise than they were pushed, and list them at once.

        So the server's spelling is told from somebody's change: that is undone by it. Above the limits of `mass-update`
        one chunk goes first; if it shows changes, the others are such, and held.
        """
        for batch in self._rounds_again(rows):
            if not self.comparison.takes_another(after=sum(1 for _ in cut(batch, self._how))):
                text = "no room for the listing that shows what becomes of rows that are pushed once more"
                self.stop_short(NO_ROOM.code, f"{text}; the next run goes on from there", NO_ROOM)
                break
            if not await self._send(sending, batch):
                break
            undone = await self._verify(batch)
            if undone and len(batch) < len(rows):
                text = f"{undone} of {len(batch)} rows that were pushed once more had been changed in Ottimate"
                left = f"{len(rows) - len(batch):,} more differ"
                self.stop_short("mass-update", f"{text}, and {left}; --allow mass-update:{self.scope.company_id}", HELD)
                break

    async def let_spellings(self, keys: Collection[str]) -> None:
        """Remember that a person lets the server's spellings be, until a side moves."""
        record = await self.parts.ledger.read(self.scope)
        known = {key: record.rows[key].agreement for key in keys if key in record.rows}
        allowed = {key: old._replace(is_allowed=True) for key, old in known.items() if old is not None}
        with anyio.CancelScope(shield=True):
            await self.parts.ledger.agree(self.scope, allowed)

    def _rounds_again(self, rows: Sequence[Change]) -> Iterator[Sequence[Change]]:
        """Yield rows that are pushed once more as they are sent, with a listing after each part."""
        most = self.chunk_rows if self._is_massive(len(rows)) else len(rows)
        yield from filter(None, (rows[:most], rows[most:]))

    def _is_massive(self, rows: int) -> bool:
        guards, there = self.comparison.guards, self.comparison.there
        if "mass-update" in self.comparison.allowed or there < guards.min_rows:
            return False
        return rows > guards.mass_update_rows and rows > guards.mass_update_share * there

    async def _verify(self, rows: Sequence[Change]) -> int:
        """List the company after a second push, and tell what it shows; return how many rows are as they were sent."""
        wanted = self.books.source or self.books.wanted
        if wanted is None:
            return 0
        record = await self.parts.ledger.read(self.scope)
        try:
            after = await self.comparison.compare_listed(wanted, record, is_after=True)
        except (ApiError, UnsafePlan) as error:
            text = f"rows were pushed once more, and what became of them could not be looked at: {error}"
            self.stop_short("not-verified", f"{text}; the next listing shows it", UNSEEN)
            return 0
        told, stuck = after.plan.otherwise, after.plan.not_applied
        self.books.recount(stuck, Column.REJECTED, NOT_APPLIED)
        self.books.otherwise(told)
        if told and self.books.lets_spellings:
            await self.let_spellings(told)
        left = to_do_of(after.plan) | told.keys() | stuck.keys()
        stored = [change.row.key for change in rows if change.row.key in self.books.done]
        if still := to_do_of(after.plan) & self.books.done.keys():  # no success, whatever the answers said
            self.books.reopen(still)
            text = f"{len(still)} rows that were pushed are shown otherwise by the listing after it"
            self.stop_short("not-verified", f"{text}; the next run sees to them", UNSEEN)
        undone = [key for key in stored if key not in left]
        if moved := [key for key in stored if key not in told]:  # it is neither as it was nor as it is spelled
            with anyio.CancelScope(shield=True):
                await self.parts.ledger.reverted(self.scope, tuple(moved), self.parts.now())
        return len(undone)

    def _met_before(self, record: CompanyRecord) -> int:
        """Return how many rows were stored of which it is known that they overwrite another wanted one."""
        stored, notes = self.books.done.keys(), record.resting.items()
        groups = [rest.others for key, rest in notes if rest.code == KEY_COLLISION and key in stored]
        return sum(any(map(self._is_wanted, others)) for others in groups)

    def requests(self, plan: Plan) -> int:
        """Return how many bulk requests it takes to send a plan when nothing goes wrong."""
        tried = sum(
            len(tuple(rounds(count, self.chunk_rows)))
            for count in Counter(change.row.type_code for change in plan.canaries).values()
        )
        parts = (plan.creates + plan.first_updates, *self._rounds_again(plan.updates_again))
        return tried + sum(1 for part in parts for _ in cut(part, self._how))

    def listings(self, plan: Plan) -> int:
        """Return how many list requests it takes to see what becomes of rows that are pushed once more."""
        return self.comparison.pages * len(tuple(self._rounds_again(plan.updates_again)))

    @property
    def _how(self) -> Cut:
        dialect = self.parts.dialect
        return Cut(
            max_rows=self.chunk_rows,
            max_bytes=self.client.channel.account.limits.chunk_bytes,
            encode=dialect.row,
            body=partial(dialect.bulk_body, self.scope.company_id),
        )

    async def _try_out(self, writer: Writer, canaries: Sequence[Change], record: CompanyRecord) -> bool:
        """Send rows of unconfirmed key type by type: one alone, then 10, then 100s; what fails holds all after it.

        Returns False when nobody can tell what became of one: then nothing more is sent.
        """
        by_type: dict[str, list[Change]] = {}
        for change in canaries:
            by_type.setdefault(change.row.type_code, []).append(change)
        for rows in by_type.values():
            left = list(rows)
            for size in rounds(len(rows), self.chunk_rows):
                tried, left = left[:size], left[size:]
                if not await writer.try_out(tried):
                    break
            text = "the rows of its type that were tried first did not show that their keys lead where they should"
            self.books.record([ItemResult(change, Column.HELD, None, text) for change in left])
            if writer.wrong_target or writer.unexpected_creates:
                break
        is_harmless = not writer.wrong_target
        if writer.uncertain and not writer.unexpected_creates:
            lost, writer.uncertain = writer.uncertain, []
            told, is_seen = await self._reading(record).judge(lost)
            self.books.amend(told)
            await self._rest_uncertain(told, record)
            is_harmless = is_harmless and is_seen
        if not is_harmless:
            await self._beware(record.state, 0)
            self.stop_short(KEY_MISMATCH, mismatch(0), HELD)
        return is_harmless

    async def _look_again(self, met: int, counted: Collection[str], before: CompanyState) -> None:
        """List anew where creates met rows that were there: those may be rows that another key was matched with."""
        text = overwritten(met)
        wanted = self.books.source or self.books.wanted
        if wanted is None:
            return
        try:
            after = await self.comparison.compare_listed(
                wanted, await self.parts.ledger.read(self.scope), is_after=True
            )
        except (ApiError, UnsafePlan) as error:
            await self._note_overwritten(before, met)
            doubt = replace(CHANGED, exit_code=ExitCode.UNCERTAIN)
            self.stop_short(OVERWRITTEN, f"{text}; what became of those could not be looked at: {error}", doubt)
            return
        absent = {row.change.row.key: row.message for row in after.resting if row.code == NOT_LISTED}
        self.books.recount(absent, Column.UNCERTAIN, NOT_LISTED)
        sharing = {key: rest.message for key, rest in after.collisions.items()}
        self.books.recount(sharing, Column.HELD, KEY_COLLISION)
        for hold in after.plan.holds:
            if hold.key in self.books.done:
                self.books.recount({hold.key: hold.message}, Column.HELD, hold.slug)
        counted_now = {row.change.row.key for row in after.resting} | sharing.keys()
        differ = {change.row.key for change in after.plan.changes}  # stored, whatever the answers said
        moved = (to_do_of(after.plan) - set(counted) - counted_now) | (differ & self.books.done.keys())
        if moved:
            self.books.reopen(moved)
            some = ", ".join(sorted(moved)[:3]) + (" ..." if len(moved) > 3 else "")
            told = f"{len(moved)} rows that were unchanged or stored differ now ({some})"
            words = f"{text}, so that {told}: the next run sees to them"
            self.stop_short(OVERWRITTEN, words, CHANGED)

    async def _read_back(
        self, lost: Sequence[ItemResult], record: CompanyRecord
    ) -> tuple[list[ItemResult], int | None]:
        """Find out what became of rows whose answer was lost; their books are amended, and what is still open rests.

        Returns what was told, and how many rows were listed for it; None: none were.
        """
        reading = self._reading(record)
        told = await reading.settle(lost)
        self.books.amend(told)
        await self._rest_uncertain(told, record)
        return told, reading.listed

    def _missing(self, listed: int | None) -> int:
        """Return how many rows fewer were listed than there were and were created: some overwrote others."""
        created = sum(column is Column.CREATED for column in self.books.done.values())
        return 0 if listed is None else max(0, self.comparison.there + created - listed)

    async def _rest_uncertain(self, told: Sequence[ItemResult], record: CompanyRecord) -> None:
        """Remember rows whose outcome is not known, so that the same bytes are not sent again and again."""
        now = self.parts.now()
        rests = {
            result.change.row.key: uncertain_again(
                record.resting.get(result.change.row.key), result.change, result.message, now
            )
            for result in told
            if result.column is Column.UNCERTAIN and ENDED not in result.message
        }
        if rests:
            with anyio.CancelScope(shield=True):
                await self.parts.ledger.rest(self.scope, rests)

    def _is_wanted(self, key: str) -> bool:
        """Return whether the source has a key. One that is not read is taken to have all that the ledger knows."""
        if self.parts.verb == "put":
            return True
        source = self.books.source or self.books.wanted
        return source is not None and any(row.key == key for row in source.rows)

    async def _note_collisions(self, collisions: Collisions) -> None:
        """Remember which rows overwrite each other, until one of them changes in the source."""
        source = self.books.source or self.books.wanted
        if not collisions.groups or source is None:
            return
        notes = collisions.notes(source, self.parts.now())
        with anyio.CancelScope(shield=True):
            await self.parts.ledger.rest(self.scope, notes)

    def _reading(self, record: CompanyRecord) -> ReadBack:
        return ReadBack(
            run_id=self.parts.run_id,
            scope=self.scope,
            client=self.client,
            ledger=self.parts.ledger,
            known=record.rows,
            before=self.comparison.ids,
            now=self.parts.now,
        )

    @property
    def chunk_rows(self) -> int:
        """Most rows of one of its chunks."""
        return min(self.client.channel.account.limits.chunk_rows, self.parts.dialect.most_rows)

    async def _beware(self, state: CompanyState, surplus: int) -> None:
        """Remember that keys led nowhere, before the chunk that showed it is settled: no later run may go on."""
        await self.parts.ledger.note(self.scope, keys_lead_nowhere(state, mismatch(surplus)))

    async def _note_overwritten(self, state: CompanyState, met: int) -> None:
        """Remember that creates changed rows that were there, until a listing has shown which."""
        if state.failure != KEY_MISMATCH:
            note = CompanyState(
                failure=OVERWRITTEN, failure_message=overwritten(met), last_good_rows=state.last_good_rows
            )
            await self.parts.ledger.note(self.scope, note)

    async def _tell_settled(self, results: Sequence[ItemResult]) -> None:
        counts = columns_of(results)
        await self.parts.emit(
            ChunkSettled(
                company_id=self.scope.company_id,
                created=counts[Column.CREATED],
                updated=counts[Column.UPDATED],
                rejected=counts[Column.REJECTED],
                uncertain=counts[Column.UNCERTAIN],
            )
        )


def to_do_of(plan: Plan) -> set[str]:
    """Return the keys of all rows that a comparison found different or held."""
    return {change.row.key for change in plan.changes} | {hold.key for hold in plan.holds}


def rounds(rows: int, most: int) -> Iterator[int]:
    """Yield how many rows of unconfirmed key are tried out at a time: 1, then 10, then 100s."""
    size = 1
    while rows > 0:
        yield min(size, rows)
        rows, size = rows - size, min(size * 10, most)


def overwritten(met: int) -> str:
    """Return what is said of creates that met rows."""
    return f"{met} rows that were to be created had keys that lead to rows that are there, and changed those"


def mismatch(surplus: int) -> str:
    """Return what is said of keys that led nowhere; 0: nobody could see whether one did."""
    if not surplus:
        return (
            "a row was sent under a key that nothing had confirmed, and it did not lead, or cannot be seen to have led,"
            " to the row that it was matched with; nothing more was sent for this company: look at its rows in Ottimate"
            " before you try again"
        )
    return (
        f"the server created {surplus} rows more than planned: a key did not lead to the row that it was matched with,"
        " and that row may be there twice now; nothing more was sent for this company: look at its rows in Ottimate"
        " before you try again"
    )
