"""One company from source to result. The page to read first.

Source -> what the ledger knows -> as much reading as is needed -> plan -> chunks -> outcomes, under the company's lock.
Whatever stops it, `result()` accounts for every source row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import ceil

import anyio

from engine.apply.recover import ReadBack
from engine.apply.workers import Writer
from engine.errors import (
    AccountParked,
    ApiError,
    EngineError,
    LedgerError,
    Locked,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    SourceError,
    Throttled,
    Unauthorized,
    UnsafePlan,
    WrongContract,
)
from engine.ledger.base import Ledger
from engine.model.balance import Balance, ExitCode, State, row_exit_codes, worst
from engine.model.change import Change, Plan
from engine.model.events import ChunkSettled, CompanyStarted, Planned, SourceRead, Waiting
from engine.model.known import KEY_MISMATCH, OVERWRITTEN, Acknowledged, CompanyState
from engine.model.outcome import Column, ItemResult, Problem
from engine.model.result import CompanyResult
from engine.model.settings import Allow, Company, Guards, Scope, Verify
from engine.model.wanted import Wanted
from engine.net.channel import Channel, Emit
from engine.net.client import CompanyClient
from engine.planning.chunks import Cut, cut
from engine.planning.evidence import Evidence
from engine.planning.guard import GUARDS, Figures, Trip, marks, not_passed, trips
from engine.planning.rest import failed_again, is_resting, keys_lead_nowhere
from engine.planning.sketch import OTHER_SHARE, OWN_SHARE, Sketch, likest, own_share, sketch
from engine.run.books import Books
from engine.run.compare import Comparison
from engine.run.scope import Visible
from engine.sources.base import read
from engine.wire.dialect import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every company of a run shares."""

    run_id: str
    origin: str
    dialect: Dialect
    ledger: Ledger
    verify: Verify
    guards: Guards
    allowed: frozenset[Allow]
    writes: bool  # False: `plan`
    fresh: bool  # a company that rests after a failed reading is read all the same
    now: Callable[[], datetime]
    emit: Emit


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What stopping short means for a company's result."""

    code: str  # of the problem
    state: State
    exit_code: ExitCode


STOPPED = Ending(code="stopped", state=State.DEFERRED, exit_code=ExitCode.STOPPED)
FAILED = Ending(code="failed", state=State.FAILED, exit_code=ExitCode.FAILED)
HELD = Ending(code="held", state=State.HELD, exit_code=ExitCode.HELD)

STALLED = Ending(code="batch-unfinished", state=State.DEFERRED, exit_code=ExitCode.STOPPED)
CHANGED = Ending(code=OVERWRITTEN, state=State.PARTIAL, exit_code=ExitCode.STOPPED)

ENDINGS: tuple[tuple[type[EngineError], Ending], ...] = (
    (Locked, Ending(code="locked", state=State.LOCKED, exit_code=ExitCode.LOCKED)),
    (SourceError, Ending(code="source", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (UnsafePlan, HELD),
    (Unauthorized, Ending(code="authentication", state=State.DEFERRED, exit_code=ExitCode.AUTHENTICATION)),
    (QuotaExhausted, Ending(code="quota", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (Throttled, Ending(code="throttled", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (WrongContract, Ending(code="wrong-contract", state=State.FAILED, exit_code=ExitCode.USAGE)),
    (OutOfScope, Ending(code="out-of-scope", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (Rejected, Ending(code="refused", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (OutcomeUnknown, Ending(code="unavailable", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (LedgerError, Ending(code="ledger", state=State.FAILED, exit_code=ExitCode.FAILED)),
)
"""What each error does to its company; the first that fits."""

UNSAFE = frozenset(kind.slug for kind in UnsafePlan.__subclasses__()) | GUARDS | {KEY_MISMATCH}
"""Problem codes under which a company is held rather than failed."""


class CompanyRun:
    """One company's part of a run. `run` raises no `EngineError`; `result` may be asked whenever, however it ends."""

    def __init__(self, company: Company, channel: Channel, visible: Visible, parts: Parts) -> None:
        self.company = company
        self._name = company.name
        self._channel = channel
        self._visible = visible
        self._parts = parts
        self._allowed = frozenset(slug for slug, company_id in parts.allowed if company_id == company.id)
        self._scope = Scope(origin=parts.origin, account=channel.account.account_id, company_id=company.id)
        self._client = CompanyClient(channel, parts.dialect, company.id)
        self._books = Books()
        self._comparison = Comparison(
            company=company,
            scope=self._scope,
            client=self._client,
            ledger=parts.ledger,
            verify=parts.verify,
            guards=company.guards or parts.guards,
            allowed=self._allowed,
            now=parts.now,
            emit=parts.emit,
        )
        self._ending: Ending | None = STOPPED  # until it has run to its end

    async def run(self) -> None:
        """Do all of it. What goes wrong for this company ends here, as a problem of its result."""
        await self._parts.emit(CompanyStarted(company_id=self.company.id, name=self.company.name))
        try:
            await self._run()
        except EngineError as error:
            reason = error.reason if isinstance(error, AccountParked) else error
            place = (reason.file, reason.line) if isinstance(reason, SourceError) else (None, None)
            self._stop_short(_code(reason), str(reason), _ending(reason), *place)

    def _stop_short(
        self, code: str, message: str, ending: Ending, file: str | None = None, line: int | None = None
    ) -> None:
        """Note why the company ends here. Rows that have no outcome yet are deferred, or held with the company."""
        self._books.fault(Problem(code=code, message=message, file=file, line=line))
        if self._ending is None or self._ending is STOPPED:
            self._ending = ending
        else:  # two things at once: the first says what became of the company, the graver what the run ends with
            self._ending = replace(self._ending, exit_code=worst((self._ending.exit_code, ending.exit_code)))
        if self._ending.state is State.HELD:
            self._books.rest = Column.HELD

    async def _run(self) -> None:
        parked = await self._look_for_it()
        wanted = self._books.wanted = await read(
            self.company.source, company_id=self.company.id, type_codes=self._parts.dialect.type_codes
        )
        await self._parts.emit(SourceRead(company_id=self.company.id, rows=wanted.source_rows, invalid=wanted.invalid))
        if parked is not None:
            raise parked
        async with self._parts.ledger.lock(self._scope):
            acked = await self._parts.ledger.read(self._scope)
            if acked.left_over is not None or acked.lost_at is not None:
                await self._wait_for_late_landings(acked)
            if acked.left_over is not None:
                with anyio.CancelScope(shield=True):
                    await self._parts.ledger.recover(self._scope)
                acked = await self._parts.ledger.read(self._scope)
            if not (self._parts.fresh or self._allowed) and is_resting(acked.state, wanted, self._parts.now()):
                self._rest(acked.state)
                return
            plan = await self._compare(wanted, acked)
            if not await self._passes(plan, acked, wanted):
                return
            if self._parts.writes:
                await self._write(plan, acked)
            if self._ending is STOPPED:
                self._ending = None
                await self._note_good_end(acked)

    async def _look_for_it(self) -> AccountParked | None:
        """Make sure that the company may be seen, or raise `OutOfScope`.

        An account that is stopped is returned rather than raised: its companies' rows are counted all the same.
        """
        try:
            seen = await self._visible.company(self.company.id)
        except AccountParked as parked:
            return parked
        self._name = self.company.name or (seen.name if seen else "")
        return None

    async def _wait_for_late_landings(self, acked: Acknowledged) -> None:
        """Wait until the server cannot be working any more on what was sent and never answered.

        Looked at or sent again at once, a row could be overtaken by that request, and the ledger would not know.
        """
        longest_s = self._channel.account.limits.server_timeout_s
        last = max(moment for moment in (acked.left_over, acked.lost_at) if moment is not None)
        age_s = (self._parts.now() - last).total_seconds()
        wait_s = longest_s - age_s if age_s >= 0 else longest_s  # a clock that went back tells nothing
        if wait_s > 0:
            reason = "rows were sent and never answered, and the server may still be at them"
            account, company_id = self._channel.account.name, self.company.id
            await self._parts.emit(Waiting(account=account, company_id=company_id, seconds=wait_s, reason=reason))
            await anyio.sleep(wait_s)

    def _rest(self, state: CompanyState) -> None:
        """Keep a company's trouble as it was, without a request, while its rest lasts."""
        code = state.failure or FAILED.code
        self._stop_short(code, state.failure_message or "", HELD if code in UNSAFE else FAILED)
        until = f"before {state.retry_at:%Y-%m-%d %H:%M} UTC" if state.retry_at else "by itself"
        text = f"not tried in this run, and not tried again {until} unless its source changes; --fresh tries it now"
        self._books.fault(Problem(code="resting", message=text))

    async def _compare(self, wanted: Wanted, acked: Acknowledged) -> Plan:
        try:
            compared = await self._comparison.compare(wanted, acked)
        except (ApiError, UnsafePlan) as error:
            await self._note_failure(error, wanted, acked.state)
            raise
        writes = self._parts.writes
        self._books.take_plan(
            compared.plan,
            compared.resting,
            listed_rows=compared.listed_rows,
            dry=not writes,
            advice={
                "look-alike": f"; if it is another one, --allow look-alike:{self.company.id} creates it",
                "key-unconfirmed": f"; --allow canary:{self.company.id} tries one row of each type first",
            },
        )
        plan = compared.plan
        await self._parts.emit(
            Planned(
                company_id=self.company.id,
                evidence=str(self._comparison.evidence),
                unchanged=plan.unchanged,
                creates=len(plan.creates),
                updates=len(plan.updates) + len(plan.canaries),
                held=len(plan.holds),
                chunks=ceil(len(plan.changes) / self._chunk_rows) if writes else 0,
            )
        )
        return plan

    async def _passes(self, plan: Plan, acked: Acknowledged, wanted: Wanted) -> bool:
        """Return whether the guards let the plan pass, or a person does; else the company is held, and rests.

        A plan that passed is remembered until it is finished: what is left of it passes, too.
        """
        guards, state = self._comparison.guards, acked.state
        figures = Figures(
            source_rows=wanted.source_rows,
            last_good_rows=state.last_good_rows,
            there=self._comparison.there,
            creates=not_passed(plan.creates, state.passed),
            updates=not_passed(plan.updates, state.passed),
        )
        tripped = [*trips(figures, guards), *await self._another_clients(plan, wanted, acked)]
        held = [trip for trip in tripped if trip.slug not in self._allowed]
        for slug, message in held:
            allow = f"look with `dimsync plan`, and to let it pass once: --allow {slug}:{self.company.id}"
            self._stop_short(slug, f"{message}; {allow}", HELD)
        if held:
            self._books.dry = False  # what was planned is held, in a plan, too
            note = failed_again(
                state, wanted, held[0].slug, held[0].message, self._parts.now(), asked_for=self._parts.fresh
            )
        elif self._parts.writes and max(len(plan.creates), len(plan.updates)) > min(
            guards.mass_create_rows, guards.mass_update_rows
        ):
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.passed(self._scope, marks(plan.changes))
        if held and state.failure != KEY_MISMATCH:
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.note(self._scope, note)
        return not held

    async def _another_clients(self, plan: Plan, wanted: Wanted, acked: Acknowledged) -> list[Trip]:
        """Return a trip where the source is another client's: little is this company's, nearly all is another's."""
        if not acked.rows or not plan.changes or plan.unchanged * 2 >= len(wanted.rows):
            return []
        if own_share(wanted.rows, acked) >= OWN_SHARE:
            return []
        mine = (self._scope.account, self.company.id)
        others = [
            (company_id, Sketch(rows, marks))
            for account, company_id, rows, marks in await self._parts.ledger.sketches(self._scope.origin)
            if (account, company_id) != mine
        ]
        likeness = likest(wanted.rows, others)
        if likeness is None or likeness.share <= OTHER_SHARE:
            return []
        whose = f"company {likeness.company_id}'s, and few are this one's"
        text = f"some {likeness.share:.0%} of the source's rows are {whose}"
        return [Trip("wrong-client", f"{text}: has its file been swapped?")]

    async def _note_failure(self, error: ApiError | UnsafePlan, wanted: Wanted, before: CompanyState) -> None:
        """Let the company rest; one whose keys led nowhere stays as it is, which is graver."""
        if before.failure != KEY_MISMATCH:
            now, asked_for = self._parts.now(), self._parts.fresh
            state = failed_again(before, wanted, _code(error), str(error), now, asked_for=asked_for)
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.note(self._scope, state)

    async def _write(self, plan: Plan, acked: Acknowledged) -> None:
        """Send the plan. A create beyond the plan stops it: some key does not lead where it should."""
        if not plan.changes:
            return
        limits, dialect = self._channel.account.limits, self._parts.dialect
        how = Cut(
            max_rows=self._chunk_rows,
            max_bytes=limits.chunk_bytes,
            encode=dialect.row,
            body=partial(dialect.bulk_body, self.company.id),
        )
        writer = Writer(
            run_id=self._parts.run_id,
            scope=self._scope,
            ledger=self._parts.ledger,
            client=self._client,
            cut=how,
            known=acked.rows,
            max_attempts=limits.max_attempts,
            now=self._parts.now,
            record=self._books.record,
            settled=self._tell_settled,
            remark=partial(self._books.problem, "miscounted"),
            beware=partial(self._beware, acked.state),
        )
        try:
            if not await self._try_out(writer, plan.canaries, acked):
                return
            await writer.drain(cut(plan.creates + plan.updates, how))
        finally:  # whatever else ended it
            if writer.surplus:
                self._stop_short(KEY_MISMATCH, _mismatch(writer.surplus), HELD)
        if writer.uncertain and not writer.surplus:
            await self._read_back(writer.uncertain, acked)
        if writer.stalled and self._books.balance().deferred:
            self._stop_short(
                STALLED.code, f"{writer.stalled}; nothing more was sent: another one would wait as long", STALLED
            )
        if writer.met and not writer.surplus:
            await self._look_again(writer.met, plan, acked.state)

    async def _try_out(self, writer: Writer, canaries: Sequence[Change], acked: Acknowledged) -> bool:
        """Send rows of unconfirmed key type by type: one alone, then 10, then 100s; what fails holds all after it.

        Returns False when nobody can tell what became of one: then nothing more is sent.
        """
        by_type: dict[str, list[Change]] = {}
        for change in canaries:
            by_type.setdefault(change.row.type_code, []).append(change)
        for rows in by_type.values():
            sent, size = 0, 1
            while sent < len(rows) and await writer.try_out(rows[sent : sent + size]):
                sent, size = sent + size, min(size * 10, self._chunk_rows)
            left = rows[sent + size :]
            text = "the rows of its type that were tried first did not show that their keys lead where they should"
            self._books.record([ItemResult(change, Column.HELD, None, text) for change in left])
        if writer.uncertain and not writer.surplus:
            lost, writer.uncertain = writer.uncertain, []
            told, is_harmless = await self._reading(acked).judge(lost)
            self._books.amend(told)
            if not is_harmless:
                await self._beware(acked.state, 0)
                self._stop_short(KEY_MISMATCH, _mismatch(0), HELD)
            return is_harmless
        return True

    async def _look_again(self, met: int, plan: Plan, before: CompanyState) -> None:
        """List anew where creates met rows that were there: those may be rows that another key was matched with."""
        text = f"{met} rows that were to be created had keys that lead to rows that are there, and changed those"
        wanted = self._books.wanted
        if wanted is None:
            return
        try:
            after = await self._comparison.compare_listed(wanted, await self._parts.ledger.read(self._scope))
        except (ApiError, UnsafePlan) as error:
            note = CompanyState(failure=OVERWRITTEN, failure_message=text, last_good_rows=before.last_good_rows)
            await self._parts.ledger.note(self._scope, note)
            doubt = replace(CHANGED, exit_code=ExitCode.UNCERTAIN)
            self._stop_short(OVERWRITTEN, f"{text}; what became of those could not be looked at: {error}", doubt)
            return
        counted = {change.row.key for change in plan.changes} | {hold.key for hold in plan.holds}
        to_do = {change.row.key for change in after.plan.changes} | {hold.key for hold in after.plan.holds}
        if moved := to_do - counted - {change.row.key for change, _ in after.resting}:
            self._books.reopen(len(moved))
            some = ", ".join(sorted(moved)[:3]) + (" ..." if len(moved) > 3 else "")
            told = (
                f"{text}, so that {len(moved)} rows that were unchanged differ now ({some}): the next run sees to them"
            )
            self._stop_short(OVERWRITTEN, told, CHANGED)

    async def _read_back(self, lost: Sequence[ItemResult], acked: Acknowledged) -> None:
        """Find out what became of rows whose answer was lost; their books are amended."""
        self._books.amend(await self._reading(acked).settle(lost))

    def _reading(self, acked: Acknowledged) -> ReadBack:
        return ReadBack(
            run_id=self._parts.run_id,
            scope=self._scope,
            client=self._client,
            ledger=self._parts.ledger,
            known=acked.rows,
            before=self._comparison.ids,
            now=self._parts.now,
        )

    @property
    def _chunk_rows(self) -> int:
        return min(self._channel.account.limits.chunk_rows, self._parts.dialect.most_rows)

    async def _beware(self, state: CompanyState, surplus: int) -> None:
        """Remember that keys led nowhere, before the chunk that showed it is settled: no later run may go on."""
        await self._parts.ledger.note(self._scope, keys_lead_nowhere(state, _mismatch(surplus)))

    async def _tell_settled(self, results: Sequence[ItemResult]) -> None:
        counts = Counter(result.column for result in results)
        await self._parts.emit(
            ChunkSettled(
                company_id=self.company.id,
                created=counts[Column.CREATED],
                updated=counts[Column.UPDATED],
                rejected=counts[Column.REJECTED],
                uncertain=counts[Column.UNCERTAIN],
            )
        )

    async def _note_good_end(self, acked: Acknowledged) -> None:
        """Remember how many rows a source had when all went well, where that is news, and forget old trouble."""
        result, before = self.result(), acked.state
        rows = result.balance.source_rows
        good = self._parts.writes and result.state in {State.SYNCED, State.UNCHANGED}
        if good and self._books.wanted and (result.state is State.SYNCED or result.evidence == Evidence.LISTING):
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.sketch(self._scope, *sketch(self._books.wanted.rows))
        if self._parts.writes and not result.balance.deferred and not result.balance.uncertain:
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.passed(self._scope, None)
        if good and (rows != before.last_good_rows or before.failure is not None):
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.note(self._scope, CompanyState(last_good_rows=rows))

    def result(self) -> CompanyResult:
        """Return the company's part of the run's result, as it stands."""
        balance = self._books.balance()
        ending = self._ending
        codes = row_exit_codes(balance)
        if ending is not None:
            codes.append(ending.exit_code)
        problems = self._books.problems
        if not balance.adds_up:
            text = "the books of this company do not add up: its figures cannot be trusted; please report this"
            problems = (Problem(code="unbalanced", message=text), *problems)
        return CompanyResult(
            company_id=self.company.id,
            name=self._name,
            account=self._channel.account.name,
            state=self._state(balance, ending),
            exit_code=worst(codes),
            evidence=str(self._comparison.evidence) if self._comparison.evidence else None,
            verified_at=self._comparison.verified_at,
            balance=balance,
            requests=self._client.spent.requests(),
            certificate=self._comparison.certificate,
            problems=problems,
            digest=plan.digest if (plan := self._books.plan) and not self._parts.writes else None,
        )

    def _state(self, balance: Balance, ending: Ending | None) -> State:
        if not balance.adds_up:
            return State.FAILED
        if ending is not None:
            return ending.state
        if balance.held or balance.rejected or balance.uncertain or balance.invalid:
            return State.PARTIAL
        return State.SYNCED if balance.created or balance.updated else State.UNCHANGED


def _mismatch(surplus: int) -> str:
    if not surplus:
        return (
            "a row was sent under a key that nothing had confirmed, its answer was lost, and what became of it could"
            " not be seen; nothing more was sent for this company: look at its rows in Ottimate before you try again"
        )
    return (
        f"the server created {surplus} rows more than planned: a key did not lead to the row that it was matched with,"
        " and that row may be there twice now; nothing more was sent for this company: look at its rows in Ottimate"
        " before you try again"
    )


def _ending(reason: EngineError) -> Ending:
    return next((ending for kind, ending in ENDINGS if isinstance(reason, kind)), FAILED)


def _code(reason: EngineError) -> str:
    """Return the problem code of an error: a guard's own slug, else that of its ending."""
    return reason.slug if isinstance(reason, UnsafePlan) else _ending(reason).code
