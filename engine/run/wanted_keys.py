"""The keys that a company's source has, for the rare question whether one of them is still wanted."""

from __future__ import annotations

from dataclasses import dataclass

from engine.run.company_context import CompanyContext


@dataclass(frozen=True, slots=True)
class WantedKeys:
    """Contains the keys of the source. A run that does not read all of it takes each key for wanted.

    Asked where two keys meet in one remote row, which is rare: no table of all keys is kept for it.
    """

    company: CompanyContext

    def __contains__(self, key: object) -> bool:
        if not self.company.run.mode.reads_whole_source:
            return True
        source = self.company.source
        return source is not None and any(row.key == key for row in source.rows)
