"""One company's way from wanted rows to a plan: read as little of Ottimate as is evidence enough, and compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import anyio

from engine.compare.absorb import absorb
from engine.compare.collision import collided, collisions, sharing
from engine.compare.equality import not_applied
from engine.compare.freshness import (
    Evidence,
    creates_need_listing,
    creates_need_probe,
    first_evidence,
    is_due_for_age,
    must_list,
)
from engine.compare.matching import Matching
from engine.compare.not_listed import (
    LOOK_UPS,
    due_look_ups,
    looked_up,
)
from engine.compare.recent_refusals import is_refused_for_now, is_uncertain_for_now
from engine.compare.remote_view import RemoteView, as_known
from engine.errors import ApiError, Vanished
from engine.ledger.store import Rows
from engine.model.balance import Balance
from engine.model.change import Plan
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import NaturalKey, RemoteRow
from engine.model.ledger_writes import Learned
from engine.model.listing import Certificate
from engine.model.resting import NOT_APPLIED, NOT_LISTED, RestingRow
from engine.model.settings import Adopt, Company, CompanyKey, Guards, Verify
from engine.model.table import Keyed
from engine.model.wanted import Wanted
from engine.net.client import CompanyClient
from engine.run.absent_rows import AbsentRows
from engine.run.comparer import Compared, Comparer, size_of
from engine.run.early_reading import EarlyReading
from engine.run.listed_pages import ListedPages
from engine.run.read_remote import First, RemoteReader
from engine.run.thinking import seal, think


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Reads and compares one company. What was found on the way stays readable when it fails."""

    company: Company
    company_key: CompanyKey
    client: CompanyClient
    ledger: Rows
    reader: RemoteReader
    verify: Verify
    guards: Guards
    run_id: str
    comparer: Comparer
    absent_rows: AbsentRows
    is_check: bool = False  # rows that have vanished are shown, too
    now: Callable[[], datetime]
    evidence: Evidence | None = None
    remote: Balance | None = None  # the remote columns of the first whole listing of this run
    view: RemoteView = field(default_factory=RemoteView)  # the remote rows that were compared with
    early: EarlyReading | None = None  # what was read before the source; the next comparison goes on from it
    pairs: int = 0  # wanted rows that were compared one by one with their remote rows
    has_learned: bool = False  # a listing has taught the ledger something of rows
    _is_reserved: bool = False  # the listing budget has room kept for its listing

    @property
    def allowed(self) -> frozenset[str]:
        """Slugs of guards that a person lets pass."""
        return self.comparer.allowed

    @property
    def remotes(self) -> Keyed[RemoteRow]:
        """The remote rows that were compared with, by id."""
        return self.view.rows

    @property
    def there(self) -> int:
        """How many rows the company has in Ottimate, as it was compared."""
        return len(self.view)

    async def compare(self, wanted: Wanted, record: CompanyRecord) -> Compared:
        """Return the plan. Raises `ApiError`, `IncompleteListing`, `TenantLeak`, `LedgerError`.

        What the ledger knows is compared first, since that costs nothing. If the plan creates rows, or if the last
        probe is old, the row count is probed. If that differs, at first contact, or if the outcome of a create is
        unknown, the company is listed.
        """
        if (early := self.early) is not None:
            self.early, self.evidence = None, early.evidence
            return await self.compare_listed(wanted, record, early.first, pages=early.listed())
        self._is_reserved = False
        if must_list(wanted, record, self._resting_keys(wanted, record)):
            evidence = Evidence.LISTING
        else:
            evidence = self.take_due(record.state)
        first: First | None = None
        if evidence is not Evidence.LISTING:
            record, evidence = await self._look_up(wanted, record, evidence)
        if evidence is not Evidence.LISTING:
            index = await self._known(record)
            self._see(index)
            _, known = await self.comparer.compare(wanted, index, record, self.guards.adopt)
            if creates_need_listing(known.plan, record):
                evidence = Evidence.LISTING
            elif evidence is Evidence.PROBE or creates_need_probe(known.plan, evidence):
                first = await self.reader.probe(record.state)
                evidence = Evidence.PROBE if first is None else Evidence.LISTING
            else:
                self.reader.verified_at = record.state.checked_at
        self.evidence = evidence
        if evidence is not Evidence.LISTING:
            return known
        return await self.compare_listed(wanted, record, first)

    def due(self, state: CompanyState) -> Evidence:
        """Return what must be read, whatever the source holds."""
        return first_evidence(state, self.company.verify or self.verify, self.company.id, self.now())

    def take_due(self, state: CompanyState) -> Evidence:
        """Return what must be read, and keep room for a listing that is due for its age; without room, probe."""
        evidence = self.due(state)
        if evidence is Evidence.LISTING and is_due_for_age(state, self.company.verify or self.verify):
            self._is_reserved = self.reader.takes(self.reader.pages(state.remote_count or 0))
            return Evidence.LISTING if self._is_reserved else Evidence.PROBE
        return evidence

    async def list(self, first: First | None, state: CompanyState, *, is_after: bool = False) -> ListedPages:
        """Return the company's whole listing. Raises as `compare_listed`, which says what the arguments are."""
        return await self.reader.read(first, state.remote_count, is_reserved=is_after or self._is_reserved)

    async def compare_listed(
        self,
        wanted: Wanted,
        record: CompanyRecord,
        first: First | None = None,
        *,
        pages: ListedPages | None = None,
        is_after: bool = False,
    ) -> Compared:
        """Return the plan on a whole listing, which the ledger learns from. Raises as `compare`.

        `first`: its first page and the page size, if they have been read; `pages`: all of it, if that is read.
        `is_after`: the run has written and needs this listing, even where the budget has no room for listings.
        """
        index = (pages or await self.list(first, record.state, is_after=is_after)).view
        await seal(index.rows.table)
        self._see(index)
        known = 0 if index else sum(row.outcome_known for row in record.rows.values())
        has_vanished = bool(known) and Vanished.slug not in self.allowed
        if has_vanished and not self.is_check:
            self.remote = self.remote or _remote(Plan(), 0)
            text = f"Ottimate shows no row, and the ledger knows of {known:,}: are account and company still the same?"
            raise Vanished(f"{text} To load it anew: --allow {Vanished.slug}:{self.company.id}")
        is_gone = not index and Vanished.slug in self.allowed  # a person says that no row is there
        believed = {} if is_gone else await self.absent_rows.believed(index, record)
        record_before, record = record, replace(record, may_be_there=believed)
        # after this run has written: rows whose key is not confirmed yet are not held by this run any more
        adopt = Adopt.TRUST if is_after and self.guards.adopt is Adopt.HOLD else self.guards.adopt
        matching, compared = await self.comparer.compare(wanted, index, record, adopt)
        shared = await think(size_of(wanted, index), lambda: collisions(sharing(matching, record), wanted, self.now()))
        if shared:
            record = replace(record, resting=record.resting | shared)
            matching, compared = await self.comparer.compare(wanted, index, record, adopt)
            compared = replace(compared, collisions=shared)
        compared, absent = await self.absent_rows.taken_out(compared, record, is_after=is_after)
        self.pairs = len(matching.pairs)
        respelled = await self.absent_rows.respelled(matching, record)
        if self.remote is None:  # a second listing shows what this run has written, too
            self.remote = _remote(compared.plan, len(index.rows))
        if not has_vanished:  # else the next sync would take the company for new
            notes = absent | shared
            notes |= self._stuck(compared.plan, wanted, record)
            await self._learn(matching, wanted, index, record_before, notes, respelled, record.may_be_there)
        return compared

    async def _look_up(
        self, wanted: Wanted, record: CompanyRecord, evidence: Evidence
    ) -> tuple[CompanyRecord, Evidence]:
        """Ask by id for the rows that no listing shows and whose look-up is due, unless a listing costs less.

        Returns what is known then, and what is still to be read: a listing, if a row was found.
        """
        due = due_look_ups(record, self.now()) if record.resting and not self.is_check else {}
        due = {row.key: due[row.key] for row in wanted.rows if row.key in due} if due else {}
        if not due:
            return record, evidence
        if len(due) > self.reader.pages(record.state.remote_count or 0):
            return record, Evidence.LISTING
        notes = {}
        for key, remote_id in due.items():
            try:
                remote = await self.client.one(remote_id)
            except ApiError:  # counts as a look-up that did not find the row
                remote = None
            notes[key] = looked_up(record.resting[key], record.rows[key].row, remote, self.now())
            if notes[key].tries == LOOK_UPS and remote is not None:
                evidence = Evidence.LISTING
        with anyio.CancelScope(shield=True):
            await self.ledger.rest(self.company_key, notes)
        return replace(record, resting=record.resting | notes), evidence

    def _stuck(self, plan: Plan, wanted: Wanted, record: CompanyRecord) -> dict[str, RestingRow]:
        """Return the notes on updates that are not carried out."""
        found = {row.key: row for row in wanted.rows if row.key in plan.not_applied} if plan.not_applied else {}
        now, relabel = self.now(), self.company.relabel
        notes = {key: not_applied(row, plan.not_applied[key], now, relabel=relabel) for key, row in found.items()}
        known = {key: rest for key, rest in record.resting.items() if rest.code == NOT_APPLIED and key in notes}
        return notes | known

    def _resting_keys(self, wanted: Wanted, record: CompanyRecord) -> set[str]:
        """Return the keys of rows that are not sent in this run, whatever is found."""
        now = self.now()
        keys = set(collided(wanted, record))
        if NOT_LISTED not in self.allowed:
            keys |= {key for key, rest in record.resting.items() if rest.code == NOT_LISTED}
        if not self.comparer.asks_again:
            keys |= {key for key, rest in record.resting.items() if is_uncertain_for_now(rest, now)}
            keys |= {key for key, rejection in record.rejections.items() if is_refused_for_now(rejection, now)}
        return keys

    async def _known(self, record: CompanyRecord) -> RemoteView:
        """Return the remote rows as the ledger knows them."""
        return await think(len(record.rows), partial(as_known, record, keyed=self.client.dialect.lists_keys))

    def _see(self, index: RemoteView) -> None:
        """Note the remote rows that are compared with."""
        self.view = index

    def rests_on(self, state: CompanyState) -> bool:
        """Return whether the ledger alone is evidence enough for a company that has not changed; if so, note it."""
        if state.failure is not None or self.due(state) is not Evidence.LEDGER:
            return False
        self.evidence, self.reader.verified_at = Evidence.LEDGER, state.checked_at
        return True

    async def still(self, record: CompanyRecord) -> bool:
        """Return whether Ottimate has as many rows as the ledger knows of, in one request. Raises `ApiError`."""
        self._see(await self._known(record))
        self.evidence = Evidence.PROBE
        return await self.reader.probe(record.state) is None

    async def note_as_before(self, remote: Balance) -> None:
        """Write down a whole listing that shows what the ledger knows. `remote`: its columns."""
        if self.certificate is not None:
            self.remote, self.reader.verified_at = remote, self.now()
            learned = Learned(certificate=self.certificate, at=self.reader.verified_at, run_id=self.run_id)
            with anyio.CancelScope(shield=True):
                await self.ledger.learn(self.company_key, learned)

    def takes_another(self, *, after: int) -> bool:
        """Keep room for one more listing of the company, sent after `after` other requests; False: there is none."""
        return self.reader.takes(self.pages, after=after)

    @property
    def pages(self) -> int:
        """How many requests a listing of the company takes."""
        return self.reader.pages(self.there)

    @property
    def verified_at(self) -> datetime | None:
        """When the ledger was last compared with Ottimate, by a probe or a listing."""
        return self.reader.verified_at

    @property
    def certificate(self) -> Certificate | None:
        """The proof, or what it lacks, of the last reading; None: nothing was listed."""
        return self.reader.certificate

    async def _learn(
        self,
        matching: Matching,
        wanted: Wanted,
        index: RemoteView,
        record: CompanyRecord,
        absent: Mapping[str, RestingRow],
        respelled: frozenset[str],
        there: Mapping[str, NaturalKey],
    ) -> None:
        """Write down what the listing showed, before anything is sent."""
        if self.certificate is not None:
            self.reader.verified_at = now = self.now()
            work = partial(
                absorb,
                matching,
                index,
                record,
                self.certificate,
                now,
                self.run_id,
                notes=absent,
                respelled=respelled,
            )
            learned = await think(size_of(wanted, index), work)
            if there != record.may_be_there:
                learned = replace(learned, may_be_there=there)
            self.has_learned = self.has_learned or learned.is_news
            with anyio.CancelScope(shield=True):
                await self.ledger.learn(self.company_key, learned)


def _remote(plan: Plan, rows: int) -> Balance:
    return Balance(remote_rows=rows, matched=plan.matched, contested=plan.contested, orphans=len(plan.orphans))
