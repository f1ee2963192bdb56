"""The causes of trouble, each once over all companies, however many it has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.documents.report import Cause, Part
from engine.documents.report_words import Words

GRAVITY = {"failed": 0, "held": 1, "partial": 2}
"""States of companies, the gravest first."""

_FIGURES = re.compile(r"'[^']*'|\"[^\"]*\"|\S*\d\S*")


def causes_of(parts: Sequence[Part], words: Words) -> tuple[Cause, ...]:
    """Return the causes of trouble, each once over all companies: those of whole companies before those of rows.

    Causes that fail companies come before those that hold them. Rows are counted as far as the page shows them.
    """
    found: dict[tuple[str, str], _Draft] = {}

    def of(part: Part, code: str, message: str) -> _Draft:
        cause = (code, "" if code in words.alone else alike(message))
        draft = found.setdefault(cause, _Draft(code, message))
        draft.companies[part.company_id] = part.name
        draft.rank = min(draft.rank, GRAVITY.get(part.state, len(GRAVITY)))
        return draft

    for part in parts:
        for note in part.notes if part.needs_person else ():
            of(part, note.code, note.message)
        for line in part.troubled if part.needs_person else ():
            of(part, line.what, line.reason).rows += 1
    drafts = sorted(found.values(), key=_Draft.order)
    return tuple(draft.cause(words) for draft in drafts)


@dataclass(slots=True)
class _Draft:
    """A cause in the making."""

    code: str
    example: str
    companies: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    rank: int = 99  # of the gravest state of its companies

    def order(self) -> tuple[object, ...]:
        """Return what causes are sorted by: the gravest first."""
        return self.rank, self.rows > 0, -len(self.companies), -self.rows, self.code

    def cause(self, words: Words) -> Cause:
        what, todo = words.explain(self.code)
        if len(self.companies) == 1:
            (company_id,) = self.companies
            todo = re.sub(r"\bID\b", str(company_id), todo)
        return Cause(self.code, what, todo, tuple(self.companies.items()), self.rows, self.example)


def alike(message: str) -> str:
    """Return a message without its figures, ids and quoted texts: equal for one cause in many companies."""
    return _FIGURES.sub("#", message)
