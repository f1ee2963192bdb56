"""One company from source to result. The page to read first.

Source -> what the ledger knows -> as much reading as is needed -> plan -> chunks -> outcomes, under the company's lock.
Whatever stops it, `result()` accounts for every source row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import ceil

import anyio

from engine.compare.backoff import failed_again, is_resting
from engine.compare.freshness import Evidence
from engine.compare.rekey import rekeyed
from engine.compare.subset import corrected, gone, only
from engine.errors import (
    AccountParked,
    ApiError,
    CompanyRefused,
    EngineError,
    LedgerError,
    OutOfScope,
    SourceError,
    UnsafePlan,
)
from engine.guards.registry import FIGURE_GUARDS
from engine.model.balance import Balance, ExitCode, State, row_exit_codes, worst
from engine.model.change import Plan
from engine.model.company_record import (
    KEY_MISMATCH,
    NOT_APPLIED,
    NOT_LISTED,
    STORED_OTHERWISE,
    UNCERTAIN,
    CompanyRecord,
    CompanyState,
)
from engine.model.difference import Difference
from engine.model.events import CompanyStarted, Planned, SourceRead, Waiting
from engine.model.outcome import Column, Problem
from engine.model.result import CompanyResult
from engine.model.row_history import Generation
from engine.model.saved_plan import CompanyPlan
from engine.model.settings import RawRow, Scope
from engine.model.wanted import Wanted
from engine.net.channel import Channel
from engine.net.client import CompanyClient
from engine.run.compare import Compared, Comparison
from engine.run.context import Job, RunContext
from engine.run.endings import FAILED, HELD, REFUSED, STOPPED, UNSAFE, Ending, code_of, ending_of
from engine.run.guarding import GuardCheck
from engine.run.plan_part import settings_digest, to_save
from engine.run.row_counts import RowCounts
from engine.run.skip_unchanged import Note, SkipUnchanged
from engine.run.visibility import Visible
from engine.run.write import Writing, to_do_of
from engine.sources.base import read


class CompanyRun:
    """One company's part of a run. `run` raises no `EngineError`; `result` may be asked whenever, however it ends."""

    def __init__(self, job: Job, channel: Channel, visible: Visible, parts: RunContext) -> None:
        self.job = job
        self.company = company = job.company
        self._name = company.name
        self._channel = channel
        self._visible = visible
        self._parts = parts
        self._allowed = frozenset(slug for slug, company_id in parts.allowed if company_id == company.id)
        self._scope = Scope(origin=parts.origin, account=channel.account.account_id, company_id=company.id)
        self._client = CompanyClient(channel, parts.dialect, company.id)
        self._books = RowCounts()
        guards = company.guards or parts.guards
        self._comparison = Comparison(
            company=company,
            scope=self._scope,
            client=self._client,
            ledger=parts.ledger,
            verify=parts.verify,
            guards=guards,
            allowed=self._allowed,
            run_id=parts.run_id,
            asks_again=job.only is not None,
            room=parts.rooms.get(channel.account.name),
            is_check=parts.verb == "check",
            explains=not parts.writes,
            now=parts.now,
            emit=parts.emit,
        )
        self._brakes = GuardCheck(
            scope=self._scope, parts=parts, guards=guards, allowed=self._allowed, comparison=self._comparison
        )
        self._writing = Writing(
            scope=self._scope,
            parts=parts,
            client=self._client,
            books=self._books,
            comparison=self._comparison,
            stop_short=self._stop_short,
        )
        applies = parts.verb == "sync" and not parts.fresh and not self._allowed and job.only is None
        self._standstill = SkipUnchanged(company=company, scope=self._scope, parts=parts, applies=applies)
        self._ending: Ending | None = STOPPED  # until it has run to its end
        self._compared: Compared | None = None
        self._lacks_rows = False  # a retry asked for rows that are not in the source any more
        self._generation = Generation()  # of what the ledger knew when it was compared

    async def run(self) -> None:
        """Do all of it. What goes wrong for this company ends here, as a problem of its result."""
        await self._parts.emit(CompanyStarted(company_id=self.company.id, name=self.company.name))
        try:
            if (refused := self._parts.refused.get(self.company.id)) is not None:
                raise refused
            self._parts.seen.begin(self.company.id)
            await self._run()
        except EngineError as error:
            reason = error.reason if isinstance(error, AccountParked) else error
            place = (reason.file, reason.line) if isinstance(reason, SourceError) else (None, None)
            self._stop_short(code_of(reason), str(reason), ending_of(reason), *place)
        finally:
            self._parts.seen.end(self.company.id)

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
        if parked is None and await self._stands_still():
            return
        wanted = self._wants(await self._read_source())
        await self._parts.emit(SourceRead(company_id=self.company.id, rows=wanted.source_rows, invalid=wanted.invalid))
        if parked is not None:
            raise parked
        async with self._parts.ledger.lock(self._scope):
            record = await self._settled()
            wanted = self._wants(rekeyed(wanted, record.wire_keys), record.wire_keys)
            if not self._wakes(record.state) and is_resting(record.state, wanted, self._parts.now()):
                self._rest(record.state)
                return
            if record.state.failure == REFUSED.code:
                self._channel.earlier.refused.add(self.company.id)
            await self._parts.seen.take_source(self._scope, wanted.rows, record)
            plan = await self._compare(wanted, record)
            is_guarded = self._parts.verb not in {
                "check",
                "put",
            }  # of one row there is no share that could be too large
            if is_guarded and await self._is_held(plan, wanted, record):
                return
            if self._parts.writes and self._compared is not None:
                resting = {row.change.row.key for row in self._compared.resting}
                try:
                    await self._write(plan, record, to_do_of(self._compared.plan) | resting)
                except (CompanyRefused, OutOfScope) as error:  # its bulk requests alone are refused: it rests
                    if (await self._parts.ledger.read(self._scope)).state.failure != KEY_MISMATCH:  # which is graver
                        await self._note_failure(error, wanted, record.state)
                    raise
            if self._ending is STOPPED:
                self._ending = None
                if self.job.only is None:
                    await self._note_good_end(record)

    async def _stands_still(self) -> bool:
        """Return whether nothing is new since a run that found nothing to do; then this one is at its end, too."""
        async with self._standstill.held() as state:
            if state is None or not self._comparison.rests_on(state):
                return False
            rows = state.clean_rows or 0
            self._books.take_standstill(rows, state.clean_adopted or 0)
            self._ending = None
        await self._parts.emit(SourceRead(company_id=self.company.id, rows=rows, invalid=0))
        await self._tell_planned(Plan(unchanged=rows))
        return True

    def _wants(self, wanted: Wanted, wire_keys: Mapping[str, str] | None = None) -> Wanted:
        """Take the source's rows; of a retry, those that are asked for are counted, and no other."""
        self._books.source = self._books.wanted = wanted
        if self.job.only is not None:
            _, self._books.wanted = only(Plan(), wanted, self._asked(wire_keys or {}), self.job.corrected_in)
        return wanted

    def _asked(self, wire_keys: Mapping[str, str]) -> frozenset[str]:
        """Return the keys that are asked for, as the source has them and as they go on the wire."""
        asked = self.job.only or frozenset()
        return asked | {wire_keys[key] for key in asked if key in wire_keys}

    def _wakes(self, state: CompanyState) -> bool:
        """Return whether the company is compared although it rests. `--allow` does not do it for `key-mismatch`."""
        if self._parts.fresh or self._parts.verb == "check":
            return True
        return state.failure != KEY_MISMATCH and bool(self._allowed or self._parts.verb == "retry")

    async def _write(self, plan: Plan, record: CompanyRecord, to_do: Collection[str]) -> None:
        """Send a plan, and remember of what passed the guards what is not done."""
        is_written_down = True
        try:
            await self._writing.write(plan, record, to_do=to_do)
        except LedgerError:
            is_written_down = False
            raise
        finally:
            if is_written_down:
                with anyio.CancelScope(shield=True):
                    rows = self._books.source.rows if self._books.source else ()
                    await self._brakes.finish(record.state.passed, rows, self._books.done, to_do)

    async def _read_source(self) -> Wanted:
        """Return the source's rows, corrected ones in their place."""
        company_id, type_codes = self.company.id, self._parts.dialect.type_codes
        wanted = await read(self.company.source, company_id=company_id, type_codes=type_codes)
        await self._refuse_torn(wanted)
        if not self.job.corrected:
            return wanted
        better = await read(
            _given(self.job.corrected), company_id=company_id, type_codes=type_codes, file=self.job.corrected_in
        )
        return corrected(wanted, better)

    async def _refuse_torn(self, wanted: Wanted) -> None:
        """Raise `SourceError` when the file's last line may be cut off: it has no line end, and the file has shrunk.

        The file of the last good run is the measure, if its last line had a line end.
        """
        end = wanted.end
        if end is None or end.is_ended:
            return
        before = await self._parts.ledger.good_end(self._scope)
        if before is not None and before.is_ended and end.size_bytes < before.size_bytes:
            sizes = f"the file has {end.size_bytes:,} bytes and had {before.size_bytes:,} at the last good run"
            raise SourceError(
                f"{wanted.file}, line {end.last_line}: this last line has no line end, and {sizes}: it may be torn "
                "off; have the file exported again or, if it is whole, end its last line",
                file=wanted.file,
                line=end.last_line,
            )

    async def _settled(self) -> CompanyRecord:
        """Return what the ledger knows, once nothing of a run that died can land any more."""
        ledger, scope = self._parts.ledger, self._scope
        record = await ledger.read(scope)
        if record.left_over is not None or record.lost_at is not None:
            await self._wait_for_late_landings(record)
        if record.left_over is not None:
            with anyio.CancelScope(shield=True):
                await ledger.recover(scope)
            record = await ledger.read(scope)
        return record

    async def _is_held(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> bool:
        """Return whether guards hold the company, and tell why."""
        held = await self._brakes.holding(plan, wanted, record)
        for slug, message in held:
            self._stop_short(slug, f"{message}; {self._way_out(slug)}", HELD)
        if held:
            self._books.dry = False  # what was planned is held, in a plan, too
        return bool(held)

    def _way_out(self, slug: str) -> str:
        """Return what to type where a guard holds the company: it rests then, so that to look takes `--fresh`."""
        return (
            f"look with `dimsync plan --select company:{self.company.id} --details --fresh`, and to let it pass once:"
            f" --allow {slug}:{self.company.id}"
        )

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

    async def _wait_for_late_landings(self, record: CompanyRecord) -> None:
        """Wait until the server cannot be working any more on what was sent and never answered.

        Looked at or sent again at once, a row could be overtaken by that request, and the ledger would not know.
        """
        longest_s = self._channel.account.limits.server_timeout_s
        last = max(moment for moment in (record.left_over, record.lost_at) if moment is not None)
        age_s = (self._parts.now() - last).total_seconds()
        wait_s = longest_s - age_s if age_s >= 0 else longest_s  # a clock that went back tells nothing
        if wait_s > 0:
            reason = "what became of rows that were sent is not known, and the server may still be at work on them"
            account, company_id = self._channel.account.name, self.company.id
            await self._parts.emit(Waiting(account=account, company_id=company_id, seconds=wait_s, reason=reason))
            await anyio.sleep(wait_s)

    def _rest(self, state: CompanyState) -> None:
        """Keep a company's trouble as it was, without a request, while its rest lasts."""
        code = state.failure or FAILED.code
        message = state.failure_message or ""
        if code in FIGURE_GUARDS:
            message = f"{message}; {self._way_out(code)}"
        self._stop_short(code, message, HELD if code in UNSAFE else FAILED)
        until = f"before {state.retry_at:%Y-%m-%d %H:%M} UTC" if state.retry_at else "by itself"
        text = f"not tried in this run, and not tried again {until} unless its source changes"
        self._books.fault(Problem(code="resting", message=f"{text}; sync and plan try it now with --fresh"))

    async def _compare(self, wanted: Wanted, record: CompanyRecord) -> Plan:
        try:
            compared = await self._comparison.compare(wanted, record)
        except (ApiError, UnsafePlan) as error:
            await self._note_failure(error, wanted, record.state)
            raise
        writes = self._parts.writes
        self._compared = compared
        self._books.lets_spellings = STORED_OTHERWISE in self._allowed
        if not writes:
            self._generation = await self._parts.ledger.generation(self._scope)
        if self.job.only is not None:
            compared = self._only(compared, wanted, record)
        self._books.take_plan(
            compared.plan,
            compared.resting,
            dry=not writes,
            advice={
                "flapping": f"; --allow flapping:{self.company.id} pushes it back all the same",
                "look-alike": f"; if it is another one, --allow look-alike:{self.company.id} creates it",
                "key-shift": f"; `dimsync rekey {self.company.id}` shows how it can keep that key",
                "key-unconfirmed": f"; --allow canary:{self.company.id} tries one row of each type first",
                NOT_LISTED: f"; activate it in Ottimate, or --allow not-listed:{self.company.id} sends it once more",
            },
        )
        if self._books.lets_spellings and writes and compared.plan.otherwise:
            await self._writing.let_spellings(compared.plan.otherwise)
        await self._tell_planned(compared.plan)
        return compared.plan

    async def _tell_planned(self, plan: Plan) -> None:
        await self._parts.emit(
            Planned(
                company_id=self.company.id,
                evidence=str(self._comparison.evidence),
                unchanged=plan.unchanged,
                creates=len(plan.creates),
                updates=len(plan.updates) + len(plan.canaries),
                held=len(plan.holds),
                chunks=ceil(len(plan.changes) / self._writing.chunk_rows) if self._parts.writes else 0,
            )
        )

    def _only(self, compared: Compared, wanted: Wanted, record: CompanyRecord) -> Compared:
        """Return the part of a comparison that is about the rows that are asked for; no other is counted."""
        keys = self._asked(record.wire_keys)
        differs = {row.change.row.key for row in compared.resting}
        plan, self._books.wanted = only(compared.plan, wanted, keys, self.job.corrected_in, differs)
        for key in sorted(set(gone(self.job.only or (), wanted)) - {row.key for row in wanted.rows}):
            self._lacks_rows = True
            self._books.problem("not-in-source", "the source has it no more: there is nothing to send", key)
        resting = [row for row in compared.resting if row.change.row.key in keys]  # not listed: never sent again
        return replace(compared, plan=plan, resting=resting)

    async def _note_failure(self, error: ApiError | UnsafePlan, wanted: Wanted, before: CompanyState) -> None:
        """Let the company rest; one whose keys led nowhere stays as it is, which is graver."""
        if before.failure != KEY_MISMATCH:
            now, asked_for = self._parts.now(), self._parts.fresh
            state = failed_again(before, wanted, code_of(error), str(error), now, asked_for=asked_for)
            with anyio.CancelScope(shield=True):
                await self._parts.ledger.note(self._scope, state)

    async def _note_good_end(self, record: CompanyRecord) -> None:
        """Remember what a good run's source was like, where that is news, and forget old trouble.

        Good is a run that wrote and compared and that no guard of the company held, whatever became of single rows.
        Guards measure later sources by it (shrunken, another client's, torn), so they must not wait for a clean run.
        """
        result, before, ledger, source = self.result(), record.state, self._parts.ledger, self._books.source
        notes: list[Note] = []
        if self._parts.writes and source is not None and result.state is not State.FAILED:
            if self._has_news(before):
                drawn = await self._parts.seen.drawn(self._scope, source.rows)
                notes.append(partial(ledger.sketch, self._scope, *drawn))
            if before.failure is not None and self._is_over(result, before):
                notes.append(partial(ledger.note, self._scope, CompanyState(last_good_rows=source.source_rows)))
            end = source.end
            if end is not None and end == await ledger.good_end(self._scope):
                end = None  # no news
            if source.source_rows != before.last_good_rows or end is not None:
                notes.append(partial(ledger.keep_good_source, self._scope, source.source_rows, end))
        notes += self._standstill.notes(result, self._books.wanted)
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:  # in one commit, and in this order
                for note in notes:
                    tasks.start_soon(note)

    def _has_news(self, before: CompanyState) -> bool:
        """Return whether the source's rows may be others than when a sketch of them was drawn."""
        is_listed = self._comparison.evidence is Evidence.LISTING
        plan = self._books.plan or Plan()
        return is_listed or bool(plan.changes) or before.last_good_rows is None

    def _is_over(self, result: CompanyResult, before: CompanyState) -> bool:
        """Return whether an earlier trouble of the company is over: nothing waits, and no key led nowhere."""
        balance = result.balance
        led_nowhere = before.failure == KEY_MISMATCH and bool(balance.held)
        return not (balance.uncertain or balance.deferred or led_nowhere)

    def result(self) -> CompanyResult:
        """Return the company's part of the run's result, as it stands."""
        balance, problems, ending = self._books.balance(self._comparison.remote), self._books.problems, self._ending
        is_unbalanced = self._is_unbalanced(balance, problems)
        codes = row_exit_codes(balance)
        if ending is not None:
            codes.append(ending.exit_code)
        if self._lacks_rows or any(problem.code == STORED_OTHERWISE for problem in problems):
            codes.append(ExitCode.REJECTED)
        if is_unbalanced:
            codes.append(ExitCode.FAILED)
            text = "the books of this company do not add up: its figures cannot be trusted; please report this"
            problems = (Problem(code="unbalanced", message=text), *problems)
        return CompanyResult(
            company_id=self.company.id,
            name=self._name,
            account=self._channel.account.name,
            state=State.FAILED if is_unbalanced else self._state(balance, ending),
            exit_code=worst(codes),
            evidence=str(self._comparison.evidence) if self._comparison.evidence else None,
            verified_at=self._comparison.verified_at,
            balance=balance,
            requests=self._client.spent.requests(),
            certificate=self._comparison.certificate,
            problems=problems,
            digest=plan.digest if (plan := self._books.plan) and not self._parts.writes else None,
            plan=self._to_save(),
            differences=self._own_keys(self._compared.differences) if self._compared else (),
            spellings=self._own_keys(self._compared.spellings) if self._compared else (),
            rejects=tuple(sorted(self._books.rejects)),
            asked=self.job.only,
        )

    def _to_save(self) -> CompanyPlan | None:
        """Return what `dimsync apply` needs to carry out the plan; None: there is none."""
        wanted, compared = self._books.wanted, self._compared
        is_held = self._ending is not None and self._ending.state is State.HELD
        if self._parts.verb != "plan" or wanted is None or not (is_held or (compared and self._ending is None)):
            return None
        held_by = tuple(
            problem for problem in self._books.problems if is_held and problem.code in UNSAFE and problem.key is None
        )
        return replace(
            to_save(self.job, compared, wanted, self._generation),
            name=self._name,
            settings=settings_digest(self.company, self._parts),
            remote_count=self._comparison.there,
            held_by=held_by,
            bulk_requests=self._writing.requests(compared.plan) if compared and not held_by else 0,
            list_requests=self._writing.listings(compared.plan) if compared and not held_by else 0,
        )

    def _own_keys(self, rows: tuple[Difference, ...]) -> tuple[Difference, ...]:
        """Return what is told of rows under the source's keys."""
        own = self._books.wanted.source_keys if self._books.wanted else {}
        return tuple(each._replace(key=own[each.key]) if each.key in own else each for each in rows)

    def _is_unbalanced(self, balance: Balance, problems: Sequence[Problem]) -> bool:
        """Return whether something is wrong with the books, as far as a second look shows.

        Where nothing stopped the company, no row may wait; and each refused or doubtful row has a problem of its own.
        """
        told = Counter(problem.code for problem in problems if problem.key is not None)
        held_not_listed = sum(hold.slug == NOT_LISTED for hold in self._books.plan.holds) if self._books.plan else 0
        return (
            not balance.adds_up
            or (self._ending is None and bool(balance.deferred))
            or (balance.rejected or 0) != told["rejected"] + told[NOT_APPLIED]
            or (balance.uncertain or 0) != told[UNCERTAIN] + told[NOT_LISTED] - held_not_listed
        )

    def _state(self, balance: Balance, ending: Ending | None) -> State:
        if ending is not None:
            return ending.state
        is_spelled = any(problem.code == STORED_OTHERWISE for problem in self._books.problems)
        if self._lacks_rows or is_spelled or balance.held or balance.rejected or balance.uncertain or balance.invalid:
            return State.PARTIAL
        return State.SYNCED if balance.created or balance.updated else State.UNCHANGED


async def _given(rows: Sequence[RawRow]) -> AsyncIterator[RawRow]:
    for row in rows:
        yield row
