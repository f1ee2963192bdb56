"""The causes of trouble, each once over all companies, however many it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.documents.report import Part, ToldCause
from engine.documents.report_words import Words
from engine.model.cause import Cause, cause_of
from engine.model.outcome import Problem

GRAVITY = {"failed": 0, "held": 1, "partial": 2}
"""States of companies, the gravest first."""


def causes_of(parts: Sequence[Part], words: Words, *, began: str = "") -> tuple[ToldCause, ...]:
    """Return the causes of trouble, each once over all companies: those of whole companies before those of rows.

    Causes that fail companies come before those that hold them. Rows are counted as far as the page shows them. A cause
    of which a part is new and another known is told twice. `began`: what was first shown since then is new; empty:
    nothing is.
    """
    found: dict[tuple[Cause, bool], _Draft] = {}

    def of(part: Part, code: str, message: str, since: str, key: str | None = None) -> _Draft:
        cause = cause_of(Problem(code=code, message=message, key=key), part.name)
        is_new = bool(began and since >= began)
        draft = found.setdefault((cause, is_new), _Draft(code, message, key, is_new))
        draft.companies[part.company_id] = part.name
        draft.rank = min(draft.rank, GRAVITY.get(part.state, len(GRAVITY)))
        draft.since = min(filter(None, (draft.since, since)), default="")
        return draft

    for part in parts:
        for note in part.notes if part.needs_person else ():
            of(part, note.code, note.message, note.since)
        for line in part.troubled if part.needs_person else ():
            of(part, line.what, line.reason, line.since, line.key).rows += 1
    drafts = sorted(found.values(), key=_Draft.order)
    return tuple(draft.cause(words) for draft in drafts)


@dataclass(slots=True)
class _Draft:
    """A cause in the making."""

    code: str
    example: str
    key: str | None  # of the row that the example is about
    is_new: bool
    since: str = ""
    companies: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    rank: int = 99  # of the gravest state of its companies

    def order(self) -> tuple[object, ...]:
        """Return what causes are sorted by: the gravest first."""
        return self.rank, self.rows > 0, not self.is_new, -len(self.companies), -self.rows, self.code

    def cause(self, words: Words) -> ToldCause:
        what, todo = words.explain(self.code)
        ids = list(self.companies)
        command = words.remedy(self.code, ids, self.key)
        companies = tuple(self.companies.items())
        return ToldCause(
            self.code, what, todo, command, companies, self.rows, self.example, since=self.since, is_new=self.is_new
        )
