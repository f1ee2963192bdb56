"""Settle rows whose answer was lost: read them back, and count only what a listing or a look-up shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from math import ceil

import anyio

from engine.compare.agreement import pushed
from engine.compare.readback import Readback, counterparts, readback
from engine.compare.remote_view import RemoteView
from engine.errors import ApiError
from engine.ledger.journal import Intents
from engine.model.change import Change
from engine.model.dimension import NaturalKey, RemoteRow, as_wanted, natural_key
from engine.model.ledger_writes import Intent, Settlement
from engine.model.outcome import Column, ItemResult, trail
from engine.model.remote_id import is_linked
from engine.model.row_record import RowRecord
from engine.model.settings import CompanyKey
from engine.net.client import CompanyClient
from engine.net.paginator import paginate


@dataclass(slots=True, kw_only=True)
class ReadBack:
    """Reads rows of unknown outcome back, once, when all else of a company is written."""

    run_id: str
    company_key: CompanyKey
    client: CompanyClient
    ledger: Intents
    known: Mapping[str, RowRecord]  # the ledger's entries before this run
    before: Collection[str]  # remote ids that were there when the company was compared
    now: Callable[[], datetime]
    borne: set[NaturalKey] = field(default_factory=set)  # natural keys of the rows that were listed
    listed: int | None = None  # how many rows the listing showed; None: none was read
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def judge(self, lost: Sequence[ItemResult]) -> tuple[list[ItemResult], bool]:
        """Return what became of rows that were tried out under unconfirmed keys, and whether that is harmless.

        It takes a whole listing: the trial is harmless only if no row has appeared since, as a key that leads elsewhere
        would have made one. A row that was not updated then is as it was before the trial. Raises as `settle`.
        """
        try:
            seen, sure = await self._list([result.change for result in lost])
        except ApiError:
            return list(lost), False
        if seen is None or not sure:
            return list(lost), False
        told = [self._told(result, seen.get(result.change.row.key)) for result in lost]
        await self._write_down([result for result in told if result.column is not Column.UNCERTAIN], seen, sure=True)
        await self._put_back([result.change.row.key for result in told if result.column is Column.UNCERTAIN], seen)
        return told, True

    async def _put_back(self, keys: Sequence[str], seen: Mapping[str, RemoteRow]) -> None:
        """Note rows as a listing shows them, their keys still not confirmed."""
        there = {key: seen[key] for key in keys if key in seen}
        if there:
            entries = {
                key: RowRecord(as_wanted(key, row), row.id, confirmed=False, outcome_known=True, code_known=False)
                for key, row in there.items()
            }
            await self._commit(entries, "put-back", ())

    async def settle(self, lost: Sequence[ItemResult]) -> list[ItemResult]:
        """Return all rows: with their outcome where it is known now, else as uncertain, with what was seen of them.

        Costs one request a row, or the pages of a listing where these are fewer or a row's id is not known. What
        cannot be read stays as it is: nothing is raised for it. Raises `AccountParked` and `LedgerError`.
        """
        try:
            seen, sure = await self._look([result.change for result in lost])
        except ApiError as error:
            return [result._replace(message=f"{result.message}; not read back: {error}") for result in lost]
        if seen is None:
            why = "the listing to read it back was not whole"
            return [result._replace(message=f"{result.message}; {why}") for result in lost]
        told = [self._told(result, seen.get(result.change.row.key)) for result in lost]
        await self._write_down([result for result in told if result.column is not Column.UNCERTAIN], seen, sure=sure)
        return told

    async def _look(self, changes: Sequence[Change]) -> tuple[dict[str, RemoteRow] | None, bool]:
        """Return the remote rows that are there, by key, and whether no row has appeared since the comparison.

        None in place of the rows: the listing proves nothing. If no row has appeared, an update that was carried out
        shows that its key leads to its row.
        """
        pages = ceil(len(self.before) / self.client.channel.key.pages.rows)
        if len(changes) <= pages and all(is_linked(change.remote_id) for change in changes):
            found = [(change, await self.client.one(change.remote_id or "")) for change in changes]
            return {change.row.key: remote for change, remote in found if remote is not None}, False
        return await self._list(changes)

    async def _list(self, changes: Sequence[Change]) -> tuple[dict[str, RemoteRow] | None, bool]:
        page, size = await self.client.first_page()
        index = RemoteView(resource=self.company_key.resource)
        async with paginate(self.client, page, size) as listing:
            async for page in listing:
                index.add(page.rows)
        if not listing.certificate.whole:
            return None, False
        self.borne.update(map(natural_key, index.rows.values()))
        self.listed = len(index)
        return counterparts(changes, index, self.before), index.rows.keys() <= set(self.before)

    async def _write_down(self, told: Sequence[ItemResult], seen: Mapping[str, RemoteRow], *, sure: bool) -> None:
        """Write down the rows that were stored after all; nothing more has to be found out of them.

        A key is confirmed unless the row shows only what it showed before. `sure`: no row has appeared since the
        comparison, so no update has created one.
        """
        if not told:
            return
        entries = {}
        for result in told:
            row, remote = result.change.row, seen[result.change.row.key]
            before = self.known.get(row.key)
            proven = (
                remote.key == row.key
                or (before is not None and before.confirmed)
                or result.change.remote_id is None  # a new row, just as it was sent under this key
                or bool(result.change.fields)  # it differed before, and is now as it was sent under this key
                or (sure and is_linked(result.change.remote_id))
            )
            agreement, shown_before = pushed(
                row, self._of(result), result.change.fields, None, answered=None, again=None, run_id=self.run_id
            )
            entries[row.key] = RowRecord(
                row,
                remote.id,
                confirmed=proven,
                outcome_known=True,
                code_known=True,
                agreement=agreement,
                before=shown_before,
            )
        await self._commit(entries, "read-back", told)

    def _of(self, result: ItemResult) -> RowRecord | None:
        """Return the ledger's entry of a change's key, if it is of the remote row that the change was sent for."""
        known = self.known.get(result.change.row.key)
        return known if known is not None and known.remote_id == result.change.remote_id is not None else None

    def _told(self, result: ItemResult, remote: RemoteRow | None) -> ItemResult:
        """Return a row's outcome, as far as the remote row proves it."""
        change, found = result.change, readback(result.change, remote, self._of(result))
        if found is Readback.MISSING and natural_key(change.row) in self.borne:  # by a row that was there before
            found = Readback.UNTOLD
        if found is not Readback.LANDED or remote is None:
            return result._replace(message=f"{result.message}; read back: {found.value}")
        column = Column.CREATED if change.remote_id is None else Column.UPDATED
        return ItemResult(change, column, remote.id, f"read back: {found.value}")

    async def _commit(self, entries: dict[str, RowRecord], why: str, told: Sequence[ItemResult]) -> None:
        identity = f"{self.run_id}.{self.company_key.company_id}.{why}.{next(self.numbers)}"
        intent = Intent(id=identity, run_id=self.run_id, keys=tuple(entries), at=self.now())
        with anyio.CancelScope(shield=True):
            await self.ledger.begin(self.company_key, intent)
            settlement = Settlement(
                intent_id=intent.id,
                at=self.now(),
                rows=entries,
                created=sum(result.column is Column.CREATED for result in told),
                outcomes=trail(told),
            )
            await self.ledger.settle(self.company_key, settlement)
