"""Sketches of companies' rows that a run has seen, to recognise a file that was given to the wrong company."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import anyio

from engine.guards.swapped_source import Charts
from engine.ledger.store import Sketches
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension
from engine.model.settings import AccountCompany, CompanyKey
from engine.model.sketch import Sketch, sketch
from engine.run.compare import Comparison
from engine.run.thinking import think

LONGEST = timedelta(hours=1)
"""For how long a source that an earlier run has read may show that rows are a template: as long as a run may take."""


@dataclass(slots=True)
class EarlierSources:
    """Sketches of sources that other runs of an engine have read lately, for companies without a good run.

    A run of one company reads no others, which might show that its rows are a template: the runs before it did.
    """

    _drawn: dict[AccountCompany, tuple[datetime, Sketch]] = field(default_factory=dict)  # the oldest first

    def keep(self, whose: AccountCompany, drawn: Sketch, now: datetime) -> None:
        """Keep a source's sketch, and forget those that are too old."""
        self._drawn.pop(whose, None)
        self._drawn[whose] = now, drawn
        while not _is_recent(self._drawn[oldest := next(iter(self._drawn))][0], now):
            del self._drawn[oldest]

    def recent(self, now: datetime) -> dict[AccountCompany, Sketch]:
        """Return the sketches that are not too old, by company."""
        return {whose: drawn for whose, (at, drawn) in self._drawn.items() if _is_recent(at, now)}


def _is_recent(at: datetime, now: datetime) -> bool:
    return timedelta(0) <= now - at <= LONGEST  # a clock that was set back tells nothing


@dataclass(slots=True, kw_only=True)
class Seen:
    """Sketches of the companies that have had no good run yet. Those of all others are in the ledger.

    `earlier`: of other runs of the engine.
    """

    now: Callable[[], datetime]
    earlier: EarlierSources = field(default_factory=EarlierSources)
    sources: dict[AccountCompany, Sketch] = field(default_factory=dict)
    listings: dict[AccountCompany, Sketch] = field(default_factory=dict)
    _known: list[tuple[AccountCompany, Sketch]] | None = None  # of the ledger; None: not asked for yet
    _reading: set[int] = field(default_factory=set)  # companies that have begun, their source not read yet
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def begin(self, company_id: int) -> None:
        """Note that a company's source is going to be read."""
        self._reading.add(company_id)

    def end(self, company_id: int) -> None:
        """Note that a company's source has been read, or will not be."""
        self._reading.discard(company_id)
        self._changed.set()
        self._changed = anyio.Event()

    async def until_read(self) -> None:
        """Wait until the sources of all companies that have begun are read: they show whether rows are a template."""
        begun = set(self._reading)
        while begun & self._reading:
            await self._changed.wait()

    async def take_source(self, company_key: CompanyKey, rows: Sequence[Dimension], record: CompanyRecord) -> None:
        """Note the source of a company that has had no good run yet."""
        if record.state.last_good_rows is None:
            drawn = await think(len(rows), partial(sketch, rows, company_key.resource))
            self.sources[company_key.of_account] = drawn
            self.earlier.keep(company_key.of_account, drawn, self.now())
        self.end(company_key.company_id)

    async def drawn(self, company_key: CompanyKey, rows: Sequence[Dimension]) -> Sketch:
        """Return the sketch of a company's source."""
        if (found := self.sources.get(company_key.of_account)) is not None:
            return found
        return await think(len(rows), partial(sketch, rows, company_key.resource))

    async def take_listing(self, company_key: CompanyKey, comparison: Comparison) -> None:
        """Note the rows in Ottimate of a company that has had no good run yet."""
        if company_key.of_account in self.sources and comparison.remotes:
            rows = comparison.remotes.table
            self.listings[company_key.of_account] = await think(len(rows), partial(sketch, rows, company_key.resource))

    async def charts(self, company_key: CompanyKey, ledger: Sketches) -> tuple[Charts, Charts]:
        """Return sketches of other companies: of rows that are known to be theirs, and of sources that prove nothing.

        The latter are the sources of companies that have had no good run before this one, as this run has read them or
        one before it. The ledger is asked once in a run: to read all sketches for each company takes a time that grows
        with the square of their number.
        """
        if self._known is None:
            self._known = [
                (AccountCompany(account, company_id), Sketch(rows, marks))
                for account, company_id, rows, marks in await ledger.sketches(company_key.origin)
            ]
        known = _but(company_key, ((whose, drawn) for whose, drawn in self._known if whose not in self.sources))
        proven = {whose for whose, _ in self._known} - self.sources.keys()
        fresh = {whose: drawn for whose, drawn in self.earlier.recent(self.now()).items() if whose not in proven}
        return known + _but(company_key, self.listings.items()), _but(company_key, (fresh | self.sources).items())


def _but(company_key: CompanyKey, sketches: Iterable[tuple[AccountCompany, Sketch]]) -> list[tuple[int, Sketch]]:
    return [(company_id, one) for (_, company_id), one in sketches if company_id != company_key.company_id]
