"""Sketches of companies' rows that a run has seen, to recognise a file that was given to the wrong company."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True, kw_only=True)
class Seen:
    """Sketches of the companies that have had no good run yet. Those of all others are in the ledger."""

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
            self.sources[company_key.of_account] = await think(len(rows), partial(sketch, rows, company_key.resource))
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

        The latter are the sources of companies that have had no good run before this one. The ledger is asked once in a
        run: to read all sketches for each company takes a time that grows with the square of their number.
        """
        if self._known is None:
            self._known = [
                (AccountCompany(account, company_id), Sketch(rows, marks))
                for account, company_id, rows, marks in await ledger.sketches(company_key.origin)
            ]
        known = _but(company_key, ((whose, drawn) for whose, drawn in self._known if whose not in self.sources))
        return known + _but(company_key, self.listings.items()), _but(company_key, self.sources.items())


def _but(company_key: CompanyKey, sketches: Iterable[tuple[AccountCompany, Sketch]]) -> list[tuple[int, Sketch]]:
    return [(company_id, one) for (_, company_id), one in sketches if company_id != company_key.company_id]
