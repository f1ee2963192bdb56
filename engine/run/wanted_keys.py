"""The keys of a company's source, to find out whether a key is still wanted."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.dimension import dimension_table
from engine.run.company_context import CompanyContext


@dataclass(frozen=True, slots=True)
class WantedKeys:
    """Contains the keys of the source. If a run does not read the whole source, every key counts as wanted.

    It is asked only when two keys lead to one remote row, which is rare, so that it searches and keeps no table.
    """

    company: CompanyContext

    def __contains__(self, key: object) -> bool:
        if not self.company.run.mode.reads_whole_source:
            return True
        source = self.company.source
        return source is not None and key in dimension_table(source.rows).column("key")
