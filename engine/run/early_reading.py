"""What was read of Ottimate before the source was, for the comparison that follows under the same lock."""

from __future__ import annotations

from dataclasses import dataclass

from engine.compare.freshness import Evidence
from engine.errors import EngineError
from engine.run.listed_pages import ListedPages
from engine.run.read_remote import First


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyReading:
    """A whole listing, its first page alone, or the error that reading it met."""

    evidence: Evidence | None
    first: First | None = None
    pages: ListedPages | None = None
    error: EngineError | None = None

    def listed(self) -> ListedPages | None:
        """Return the whole listing, if it is read. Raises the error that was met."""
        if self.error is not None:
            raise self.error
        return self.pages
