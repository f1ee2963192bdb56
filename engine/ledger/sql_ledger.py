"""The ledger on SQL: each call is a job of `ledger.jobs`, carried out by the thread that has the connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.ledger.jobs import (
    directories,
    distrust,
    good_ends,
    intents,
    keys,
    known_problems,
    last_told,
    past_runs,
    plans,
    quotas,
    rekeys,
    reports,
    resting,
    retention,
    rows,
    runs,
    scopes,
    sources,
    to_retry,
    told,
)
from engine.ledger.jobs import row_history as life
from engine.ledger.shared import SharedLimits
from engine.ledger.sqlite import backup, schema
from engine.ledger.sqlite.run_marks import RunMarks
from engine.ledger.thread import DatabaseThread
from engine.model.balance import State
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import Dimension
from engine.model.directory import Directory
from engine.model.known import Known
from engine.model.ledger_writes import GoodEnd, Intent, Learned, Settlement
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.quota import MOST, DayUse, UsedUp
from engine.model.resting import Pause, Rest, RestingRow
from engine.model.result import InTrouble, LastSync, PastRun, RunResult
from engine.model.row_history import Applied, Generation, Life
from engine.model.row_record import Agreement
from engine.model.sent_row import KeptRun, SentRow
from engine.model.settings import AccountCompany, CompanyKey, NamedCompany
from engine.model.standing import LastBegun, Standing
from engine.model.wanted import GoodCounts, LeftOut


class SqlLedger:
    """A ledger in an SQL database; made by `open_ledger`, closed by `aclose` or by leaving its block.

    It holds no event loop: each call is answered on the loop that made it.
    """

    def __init__(
        self,
        thread: DatabaseThread,
        hold: Callable[[CompanyKey], AbstractContextManager[None]],
        *,
        path: Path | None = None,
        is_new: bool = False,
        marks: RunMarks | None = None,
    ) -> None:
        self._thread = thread
        self._hold = hold
        self._marks = marks or RunMarks()
        self.path = path  # None: it is in no file
        self.is_new = is_new  # no run was written down in it when it was opened

    @property
    def name(self) -> str:
        """What people know it by: its file, or its URL."""
        return self._thread.name

    @property
    def shared_limits(self) -> SharedLimits | None:
        """What workers on several machines share of API keys; None: this ledger is one machine's."""
        return None

    async def read(self, company_key: CompanyKey, *, alike: Sequence[Dimension] | None = None) -> CompanyRecord:
        """Return all that is known of a company, rows in the order of their keys."""
        return await self._thread.read(rows.read, company_key, alike)

    async def gather(self, company_key: CompanyKey) -> None:
        """Write a company's entries together."""
        await self._thread.write(rows.gather, company_key)

    async def learn(self, company_key: CompanyKey, learned: Learned) -> None:
        """Take over what a whole listing showed."""
        await self._thread.write(rows.learn, company_key, learned)

    async def unlisted(self, company_key: CompanyKey, keys: Collection[str]) -> frozenset[str]:
        """Return which of these keys were acknowledged after the last whole listing."""
        return await self._thread.read(rows.unlisted, company_key, sorted(keys))

    async def agree(self, company_key: CompanyKey, agreements: Mapping[str, Agreement]) -> None:
        """Replace the agreements of rows, by key."""
        await self._thread.write(rows.agree, company_key, dict(agreements))

    async def rest(self, company_key: CompanyKey, rows: Mapping[str, RestingRow]) -> None:
        """Note rows that are not sent for now."""
        await self._thread.write(resting.rest, company_key, dict(rows))

    async def checked(self, company_key: CompanyKey, at: datetime | None) -> None:
        """Note that a probe agreed with what is known; None: that it did not."""
        await self._thread.write(scopes.checked, company_key, at)

    async def note(self, company_key: CompanyKey, state: CompanyState) -> None:
        """Replace a company's failure notes and `last_good_rows`."""
        await self._thread.write(scopes.note, company_key, state)

    async def note_clean(
        self,
        company_key: CompanyKey,
        digest: bytes,
        rows: int,
        adopted: int,
        left_out: tuple[LeftOut, ...] = (),
        listing: bytes | None = None,
        source: bytes | None = None,
    ) -> None:
        """Note that nothing was to do, and what that rests on."""
        await self._thread.write(scopes.note_clean, company_key, digest, rows, adopted, left_out, listing, source)

    async def end_well(self, company_key: CompanyKey, end: GoodEnd) -> None:
        """Take over what a company's good run leaves behind."""
        await self._thread.write(good_ends.end_well, company_key, end)

    async def brief(self, company_key: CompanyKey) -> CompanyState | None:
        """Return the notes on a company; None: there are none, or a run has to see to something first."""
        return await self._thread.read(scopes.brief, company_key)

    async def generation(self, company_key: CompanyKey) -> Generation:
        """Return how often what is known of the company's rows has changed, and by which run last."""
        return await self._thread.read(scopes.generation, company_key)

    async def states(
        self, origin: str, companies: Collection[AccountCompany] | None = None
    ) -> dict[AccountCompany, CompanyState]:
        """Return the notes on these companies at an origin, by account id and company id; None: on every one."""
        return await self._thread.read(scopes.states, origin, companies)

    async def life(self, company_key: CompanyKey, key: str) -> Life:
        """Return all that is known of one row, by the source's key."""
        return await self._thread.read(life.read, company_key, key)

    async def distrust(self, company_key: CompanyKey) -> int:
        """Forget the values that were acknowledged, and that anything was listed; return how many rows were known."""
        return await self._thread.write(distrust.distrust, company_key)

    async def bearing(self, company_key: CompanyKey, erp_ids: Sequence[str]) -> list[tuple[int, str, str, str]]:
        """Return (company id, type code, label, ERP id) of rows with these ids in other companies of the account."""
        return await self._thread.read(rows.bearing, company_key, tuple(erp_ids))

    async def known_companies(self, origin: str) -> list[CompanyKey]:
        """Return the companies at an origin that anything is known of, by account and id."""
        return await self._thread.read(scopes.known, origin)

    async def rekey(self, company_key: CompanyKey, wire_keys: Mapping[str, str], at: datetime) -> None:
        """Send these source keys' rows under other keys from now on."""
        await self._thread.write(rekeys.rekey, company_key, dict(wire_keys), at)

    async def unkey(self, company_key: CompanyKey, keys: Sequence[str]) -> None:
        """Send these source keys' rows under their own keys again."""
        await self._thread.write(rekeys.unkey, company_key, tuple(keys))

    async def applied(self, company_key: CompanyKey, plan_id: str) -> Applied | None:
        """Return whether a saved plan was begun in a company; None: it was not."""
        return await self._thread.read(plans.read, company_key, plan_id)

    async def begin_plan(self, company_key: CompanyKey, plan_id: str, run_id: str, at: datetime) -> None:
        """Note that a run begins, or goes on, to apply a saved plan."""
        await self._thread.write(plans.begin, company_key, plan_id, run_id, at)

    async def end_plan(self, company_key: CompanyKey, plan_id: str) -> None:
        """Note that nothing of a saved plan is left to do in a company."""
        await self._thread.write(plans.end, company_key, plan_id)

    async def recover(self, company_key: CompanyKey) -> int:
        """Unsettle every key of a left-over intent and end those intents; return how many keys."""
        return await self._thread.write(intents.recover, company_key)

    async def begin(self, company_key: CompanyKey, intent: Intent) -> None:
        """Commit that these keys are about to be sent."""
        await self._thread.write(intents.begin, company_key, intent)

    async def reverted(self, company_key: CompanyKey, keys: Sequence[str], at: datetime) -> None:
        """Note that these rows are about to be pushed back."""
        await self._thread.write(rows.reverted, company_key, tuple(keys), at)

    async def sketches(self, origin: str) -> list[tuple[str, int, int, bytes]]:
        """Return (account id, company id, rows, marks) of each company that has a sketch."""
        return await self._thread.read(scopes.sketches, origin)

    async def sketch(self, company_key: CompanyKey, rows: int, marks: bytes) -> None:
        """Replace a company's sketch."""
        await self._thread.write(scopes.sketch, company_key, rows, marks)

    async def keep_good_source(self, company_key: CompanyKey, rows: int | None, counts: GoodCounts | None) -> None:
        """Note what a good run's sources were like."""
        await self._thread.write(sources.keep_good, company_key, rows, counts)

    async def good_counts(self, company_key: CompanyKey) -> GoodCounts | None:
        """Return what the sources of the last good run were like."""
        return await self._thread.read(sources.good_counts, company_key)

    async def keep_fleet(self, origin: str, fleet: str, companies: Sequence[AccountCompany]) -> None:
        """Note the fleet of companies that anything is known of."""
        await self._thread.write(sources.keep_fleet, origin, fleet, tuple(companies))

    async def fleet(self, origin: str, fleet: str) -> list[AccountCompany]:
        """Return the companies that a fleet's files have brought."""
        return await self._thread.read(sources.fleet, origin, fleet)

    async def passed(self, company_key: CompanyKey, marks: bytes | None) -> None:
        """Remember the marks of a plan that passed; None: it is finished."""
        await self._thread.write(scopes.passed, company_key, marks)

    async def sent_again(self, company_key: CompanyKey, intent_id: str, at: datetime) -> None:
        """Commit that a chunk is about to be sent once more."""
        await self._thread.write(intents.sent_again, company_key, intent_id, at)

    async def settle(self, company_key: CompanyKey, settlement: Settlement) -> None:
        """Commit a chunk's outcome and the end of its intent together."""
        await self._thread.write(intents.settle, company_key, settlement)

    async def start_run(
        self, run_id: str, verb: str, at: datetime, *, origin: str, allowed: Sequence[str] = ()
    ) -> None:
        """Open a run's entry."""
        await self._thread.write(runs.start, run_id, verb, at, origin=origin, allowed=tuple(allowed))
        self._marks.begin(run_id)

    async def finish_run(self, result: RunResult) -> None:
        """Close a run's entry with its result."""
        await self._thread.write(runs.finish, result)
        self._marks.end(result.run_id)

    async def last_states(self, origin: str) -> dict[NamedCompany, State]:
        """Return how each company ended in its newest finished sync at this origin."""
        return await self._thread.read(runs.last_states, origin)

    async def last_begun(self, origin: str) -> dict[NamedCompany, LastBegun]:
        """Return the run that gave each company its last state."""
        return await self._thread.read(runs.last_begun, origin)

    async def known_problems(self, origin: str, companies: Collection[NamedCompany] | None = None) -> Known:
        """Return which problems finished runs have shown of these companies, and since when; None: of every one."""
        return await self._thread.read(known_problems.read, origin, companies)

    async def in_trouble(self, origin: str, run_id: str | None) -> InTrouble | None:
        """Return the rows that a finished run, or each company's newest, left rejected or uncertain."""
        return await self._thread.read(to_retry.in_trouble, origin, run_id)

    async def horizon(self, at: datetime, keep: timedelta) -> datetime | None:
        """Return before when `prune` may forget in a run that began at `at`; None: not in this run."""
        return await self._thread.read(retention.horizon, at, keep)

    async def prune(self, before: datetime) -> int:
        """Forget runs that ended, and attempts that were settled, before then; return how many runs."""
        return await self._thread.write(retention.prune, before)

    async def history(self, origin: str, most: int) -> list[PastRun]:
        """Return the newest runs at this origin, the newest first."""
        return await self._thread.read(runs.history, origin, most)

    async def find_runs(self, origin: str, text: str) -> list[PastRun]:
        """Return the run that has this id, else those whose id, or its last part, begins so."""
        return await self._thread.read(past_runs.find, origin, text)

    async def is_under_way(self, run_id: str) -> bool:
        """Return whether a run without an end is under way, in this process or another."""
        return await self._thread.read(lambda _: self._marks.is_alive(run_id))

    async def under_way(self) -> str | None:
        """Return a run that is under way; None: none is."""
        for run_id in await self._thread.read(runs.without_end):
            if await self.is_under_way(run_id):
                return run_id
        return None

    async def past_result(self, origin: str, run_id: str) -> PastResult | None:
        """Return how a finished run ended; None: there is no such run."""
        return await self._thread.read(past_runs.result, origin, run_id)

    async def company_runs(self, origin: str, company_id: int, most: int) -> list[CompanyInRun]:
        """Return what became of a company in its newest runs, the newest first."""
        return await self._thread.read(past_runs.of_company, origin, company_id, most)

    async def last_syncs(self, origin: str) -> list[LastSync]:
        """Return how each company ended in the sync that finished last."""
        return await self._thread.read(runs.last_syncs, origin)

    async def kept_runs(
        self, origin: str, *, run_id: str | None = None, since: datetime | None = None
    ) -> list[KeptRun]:
        """Return a finished run, those since a moment, or the newest one."""
        return await self._thread.read(reports.kept_runs, origin, run_id, since)

    async def sent_rows(self, company_key: CompanyKey, runs: Sequence[KeptRun]) -> list[SentRow]:
        """Return the rows of a company that these runs sent."""
        return await self._thread.read(reports.sent_rows, company_key, tuple(runs))

    async def standing(self, origin: str) -> Standing:
        """Return how things stand: the last sync, runs without an end, what each company last told."""
        return await self._thread.read(last_told.standing, origin, self._marks.is_alive)

    async def told(self, origin: str, what: str) -> datetime | None:
        """Return when a trouble of syncs as a whole was told; None: it was not, or it is over."""
        return await self._thread.read(told.read, origin, what)

    async def told_words(self, origin: str, what: str) -> str | None:
        """Return the words in which a trouble was told; None: it was not, or it is over."""
        return await self._thread.read(told.words, origin, what)

    async def tell_again(self, origin: str, what: str, at: datetime, words: str) -> None:
        """Note that a trouble was told just now, in place of the earlier note."""
        await self._thread.write(told.replace, origin, what, at, words)

    async def note_told(self, origin: str, what: str, at: datetime, words: str) -> None:
        """Note that a trouble of syncs as a whole was told. An earlier note stays, with its time."""
        await self._thread.write(told.add, origin, what, at, words)

    async def forget_told(self, origin: str, what: str) -> None:
        """Note that a trouble is over, and that this was told."""
        await self._thread.write(told.forget, origin, what)

    async def page_size(self, origin: str, key_id: str) -> int | None:
        """Return the page size that the server last granted this key."""
        return await self._thread.read(keys.page_size, origin, key_id)

    async def remember_page_size(self, origin: str, key_id: str, rows: int) -> None:
        """Remember the page size that the server granted."""
        await self._thread.write(keys.remember_page_size, origin, key_id, rows)

    async def pause(self, origin: str, key_id: str) -> Pause | None:
        """Return the pause that was last asked of this key, over or not."""
        return await self._thread.read(keys.pause, origin, key_id)

    async def remember_pause(self, origin: str, key_id: str, pause: Pause) -> None:
        """Remember a pause for the next run."""
        await self._thread.write(keys.remember_pause, origin, key_id, pause)

    async def carry_over(self, origin: str, key_ids: Mapping[str, str]) -> None:
        """Take what an older dimsync noted under accounts' ids over to their API keys."""
        if await self._thread.read(quotas.is_under_old_names, origin, tuple(key_ids)):
            await self._thread.write(quotas.carry_over, origin, dict(key_ids))

    async def key_notes(self, origin: str, account: str) -> dict[str, str]:
        """Return what was noted of an account's key."""
        return await self._thread.read(keys.notes, origin, account)

    async def note_key(self, origin: str, account: str, name: str, value: str) -> None:
        """Note something of an account's key."""
        await self._thread.write(keys.note, origin, account, name, value)

    async def rests(self, origin: str, account: str) -> dict[str, Rest]:
        """Return what failed for an account as a whole, over or not."""
        return await self._thread.read(keys.rests, origin, account)

    async def remember_rest(self, origin: str, account: str, what: str, rest: Rest | None) -> None:
        """Note when something that failed for an account as a whole is tried again; None: it works again."""
        await self._thread.write(keys.remember_rest, origin, account, what, rest)

    async def quota(self, origin: str, key_id: str, day: date) -> DayUse:
        """Return what is known of a key's day."""
        return await self._thread.read(quotas.read, origin, key_id, day)

    async def reserve_requests(self, origin: str, key_id: str, day: date, usable: int, most: int = MOST) -> int:
        """Count a block of requests as used before they are sent, and return how many; 0: none is left."""
        return await self._thread.write(quotas.reserve, origin, key_id, day, usable, most)

    async def charge_requests(self, origin: str, key_id: str, day: date, requests: int) -> None:
        """Count requests beyond those reserved; below 0: give back what was not sent."""
        await self._thread.write(quotas.charge, origin, key_id, day, requests)

    async def remember_used_up(self, origin: str, key_id: str, day: date, used_up: UsedUp) -> None:
        """Note that the API called a key's day used up."""
        await self._thread.write(quotas.note, origin, key_id, day, used_up)

    async def directory(self, origin: str, account: str) -> Directory | None:
        """Return the directory of an account."""
        return await self._thread.read(directories.read, origin, account)

    async def shown(self, origin: str, account: str, companies: Collection[int]) -> Directory | None:
        """Return these companies of an account's directory."""
        return await self._thread.read(directories.shown, origin, account, companies)

    async def remember_directory(self, origin: str, account: str, directory: Directory) -> None:
        """Replace an account's directory; parts that were not read (None) stay as they are."""
        await self._thread.write(directories.remember, origin, account, directory)

    @asynccontextmanager
    async def lock(self, company_key: CompanyKey) -> AsyncIterator[None]:
        """Hold a company; raises `Locked` at once when another run does."""
        self._thread.ensure_open()
        with self._hold(company_key):
            yield

    async def schema(self) -> str:
        """Return the commented statements that make the tables and views of the file."""
        return await self._thread.read(schema.describe)

    async def last_backup(self) -> datetime | None:
        """Return when the ledger was last backed up; None: never."""
        return await self._thread.read(backup.last_backup)

    async def aclose(self) -> None:
        """Finish what is queued and close. Idempotent."""
        await self._thread.aclose()
        self._marks.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
