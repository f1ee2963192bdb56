"""What is noted of how the server spells rows: what is pushed once more, not carried out, or spelled otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.compare.differing import judged
from engine.compare.equality import NONE, Standing, stands
from engine.compare.matching import Pair
from engine.compare.spelling import answered_words
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingNotes:
    """Notes on a company's pairs, by key. They move no row to another column of the plan."""

    record: CompanyRecord
    relabel: bool
    again: dict[str, Mapping[str, str]] = field(default_factory=dict)  # by field: what is shown of rows to push again
    not_applied: dict[str, str] = field(default_factory=dict)  # updates that the server ignores, in words
    otherwise: dict[str, str] = field(default_factory=dict)  # spellings that are to be told, in words

    def take(self, pair: Pair) -> None:
        """Note what is open of a pair, and what is to be told of how the server spells it."""
        row, remote, _, known = pair
        rest = self.record.resting.get(row.key)
        if rest is not None and known is not None and stands(rest, row, remote, known, relabel=self.relabel):
            self.not_applied[row.key] = rest.message
        if known is None or not known.outcome_known or not (known.is_fresh or known.agreement):
            return
        found = judged(pair, relabel=self.relabel)
        if again := found.having(Standing.AGAIN, Standing.OPEN):  # first of all, so that what is open gets settled
            self.again[row.key] = {name: getattr(remote, name) for name in again}
        elif found.having(Standing.NOT_APPLIED) and not found.having(Standing.DIFFERS):  # what has moved is pushed
            self.not_applied[row.key] = _spelled(row, remote, found.having(Standing.NOT_APPLIED), "is still")
        agreement = known.agreement or NONE
        # A spelling is told again after a run that the journal does not show as finished: nobody may have read it.
        is_untold = bool(found.having(Standing.OTHERWISE)) or agreement.told_by in self.record.unfinished
        breaks = not found.shown.keys().isdisjoint(row.resource.natural_key) and not agreement.is_allowed
        if found.shown and (is_untold or breaks):
            self.otherwise[row.key] = _spelled(row, remote, tuple(found.shown), "is shown as")
        elif agreement.answered and agreement.told_by in self.record.unfinished and "name" not in found.fields:
            self.otherwise[row.key] = answered_words(row.name, agreement.answered)


def _spelled(row: Dimension, remote: RemoteRow, names: tuple[str, ...], verb: str) -> str:
    told = (f"{name} {getattr(row, name)!r} {verb} {getattr(remote, name)!r}" for name in names)
    return f"Ottimate has it as {remote.id}: {', '.join(told)}"
