"""A company's rows in Ottimate, to look at: listed whole, or as the ledger knows them where that is evidence enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from engine.compare.backoff import is_too_early
from engine.compare.freshness import Evidence, first_evidence, is_reading_open
from engine.compare.remote_view import RemoteView, as_known
from engine.ledger.protocols import Ledger
from engine.model.company_record import CompanyRecord, CompanyState
from engine.model.dimension import RemoteRow, natural_key
from engine.model.events import Event
from engine.model.listing import Certificate
from engine.model.row_record import SETTLED
from engine.model.settings import CompanyKey, Verify, VerifyMode
from engine.net.client import CompanyClient
from engine.run.endings import FAILED, error_of
from engine.run.read_remote import First, RemoteReader
from engine.run.thinking import think


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyRows:
    """A company's rows in Ottimate, and what they rest on."""

    company_id: int
    rows: Sequence[RemoteRow]  # by natural key and id
    evidence: Evidence
    at: datetime | None  # when Ottimate last showed them, or their number; None: never
    certificate: Certificate | None = None  # the proof that they are all; None: nothing was listed


@dataclass(slots=True, kw_only=True)
class RemoteRows:
    """Reads one company's rows. Nothing that it lists is kept in the ledger, as no source is compared with it."""

    company_key: CompanyKey
    client: CompanyClient
    ledger: Ledger
    now: Callable[[], datetime]
    _reader: RemoteReader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = RemoteReader(
            company_key=self.company_key, client=self.client, ledger=self.ledger, now=self.now, emit=_unwatched
        )

    async def listed(self) -> CompanyRows:
        """List the company whole. Raises `ApiError`, `AccountParked`, `IncompleteListing`, `TenantLeak`, `Locked`.

        No run writes it meanwhile: a company is never listed while it is written.
        """
        async with self.ledger.lock(self.company_key):
            return await self._list(None, (await self.ledger.read(self.company_key)).state.remote_count)

    async def enough(self, verify: Verify, is_answered: Callable[[Sequence[RemoteRow]], bool]) -> CompanyRows:
        """Return the rows as the ledger knows them, if that is evidence enough, else probed or listed.

        1. First contact, a listing that is too old, and a reading that failed ask for a listing, as before a sync.
        2. What the ledger's rows do not answer (`is_answered`) asks for a probe: a row may be there by now. A probe
           that differs asks for a listing; one that agrees does not see rows that were swapped or changed.
        3. While outcomes of rows are not known, what is not answered asks for a listing, and no answer rests on such
           a row.

        Costs a probe and one listing at most. A company that rests since its last reading failed is not read before its
        time, and what failed then is raised, unless `verify` asks for the listing. Raises as `listed`.
        """
        record = await self.ledger.read(self.company_key)
        if verify.mode is not VerifyMode.FULL:
            self._raise_if_resting(record.state)
        evidence = first_evidence(record.state, verify, self.company_key.company_id, self.now())
        rows: Sequence[RemoteRow] = ()
        if evidence is not Evidence.LISTING:
            rows = _in_order(without_unsettled(record, as_known(record, keyed=self.client.dialect.lists_keys)))
            is_known = await think(len(rows), partial(is_answered, rows))
            if evidence is Evidence.LEDGER and (is_known or verify.mode is VerifyMode.NONE):
                return self._known(rows, evidence, record.state.checked_at)
            if not is_known and _is_unsettled(record):
                evidence = Evidence.LISTING
        async with self.ledger.lock(self.company_key):
            first: First | None = None
            if evidence is not Evidence.LISTING:
                first = await self._reader.probe(record.state)
                if first is None:
                    return self._known(rows, Evidence.PROBE, self._reader.verified_at)
            return await self._list(first, record.state.remote_count)

    def _raise_if_resting(self, state: CompanyState) -> None:
        """Raise what the last reading failed with, as long as the company rests for it."""
        if state.retry_at is not None and is_reading_open(state) and is_too_early(state, self.now()):
            until = f"not tried again before {state.retry_at:%Y-%m-%d %H:%M} UTC"
            raise error_of(state.failure or FAILED.code, f"{state.failure_message or 'it is not known why'}; {until}")

    def _known(self, rows: Sequence[RemoteRow], evidence: Evidence, at: datetime | None) -> CompanyRows:
        return CompanyRows(company_id=self.company_key.company_id, rows=rows, evidence=evidence, at=at)

    async def _list(self, first: First | None, count: int | None) -> CompanyRows:
        view = (await self._reader.read(first, count, is_reserved=True)).view
        return CompanyRows(
            company_id=self.company_key.company_id,
            rows=_in_order(view),
            evidence=Evidence.LISTING,
            at=self.now(),
            certificate=self._reader.certificate,
        )


def without_unsettled(record: CompanyRecord, view: RemoteView) -> RemoteView:
    """Return what is known without the rows whose last send has no known outcome: nobody knows what they are now."""
    if not _is_unsettled(record):
        return view
    entries = record.entries.table.columns("flags", "remote_id", *record.resource.natural_key)
    doubtful = [(remote_id, natural) for flags, remote_id, *natural in entries if not flags & SETTLED]
    ids, keys = {remote_id for remote_id, _ in doubtful}, {tuple(natural) for _, natural in doubtful}
    return RemoteView(row for row in view.rows.values() if row.id not in ids and natural_key(row) not in keys)


def _is_unsettled(record: CompanyRecord) -> bool:
    return record.left_over is not None or not all(flags & SETTLED for flags in record.entries.table.column("flags"))


def _in_order(view: RemoteView) -> list[RemoteRow]:
    return sorted(view.rows.values(), key=lambda row: (natural_key(row), row.id))


async def _unwatched(_event: Event) -> None:
    """Take an event that nobody wants to see."""
