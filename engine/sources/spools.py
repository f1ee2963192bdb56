"""Read each source that many companies share once in a run: find the spool of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from types import TracebackType
from typing import Self

from engine.model.outcome import Problem
from engine.model.settings import Company, SourceRows
from engine.sources.by_company import MOST_IDS
from engine.sources.several import Several
from engine.sources.sharing import Places, is_dealt_out, parts_of, place_of
from engine.sources.spool import CompanyRows, Shared, Spool


class Spools:
    """The shared sources of a run. Leaving the block deletes their temporary files."""

    def __init__(self, companies: Iterable[Company]) -> None:
        """Take all configured companies: a row may name one that the run leaves out."""
        self._places = Places()
        users: dict[Hashable, list[tuple[int, Shared]]] = defaultdict(list)
        for company in companies:
            for part in parts_of(company.source):
                if is_dealt_out(part):
                    users[self._place(part)].append((company.id, part))
        self._spools: dict[tuple[Hashable, str], Spool] = {}
        for place, found in users.items():
            ids = frozenset(company_id for company_id, _ in found)
            for _, part in found:
                self._spools.setdefault((place, repr(part.mapping)), Spool(part, ids))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for spool in self._spools.values():
            spool.close()

    def source_of(self, company: Company) -> SourceRows:
        """Return a company's source; of a shared one, only the rows of this company."""
        if not self._spools:
            return company.source
        own = [self._own_part(part, company.id) for part in parts_of(company.source)]
        return Several(own) if isinstance(company.source, Several) else own[0]

    def _own_part(self, part: SourceRows, company_id: int) -> SourceRows:
        if not is_dealt_out(part):
            return part
        return CompanyRows(self._spools[self._place(part), repr(part.mapping)], company_id)

    def _place(self, part: Shared) -> Hashable:
        place = place_of(part, self._places)
        return None if place is None else place[0]

    def problems(self) -> list[Problem]:
        """Return a problem for each shared source with rows that belong to none of its companies."""
        told = {spool.source.name: spool for spool in self._spools.values() if spool.is_filled and spool.strays.rows}
        return [_stray_problem(spool) for spool in told.values()]


def _stray_problem(spool: Spool) -> Problem:
    strays, name = spool.strays, spool.source.name
    named = f"they name {', '.join(strays.ids)}" if strays.ids else f"{spool.source.mapping.company_column!r} is empty"
    more = " and perhaps others" if len(strays.ids) == MOST_IDS else ""
    place = f"line {strays.first}" if strays.is_lined else f"row {strays.first}"
    count = f"{strays.rows:,} {'row names' if strays.rows == 1 else 'rows name'}"
    text = (
        f"{name}: {count} no company that has this source, and no company counts them ({named}{more}; the first is "
        f"{place}): configure the company, or leave its rows out of the export"
    )
    return Problem(code="unknown-company", message=text, file=name, line=strays.first if strays.is_lined else None)
