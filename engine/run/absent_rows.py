"""Rows that were acknowledged and that a listing does not show: report them, look for them, or send them again."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from engine.compare.matching import Matching, Via
from engine.compare.not_listed import (
    is_known_and_settled,
    made_anew,
    may_be_there,
    newly_absent,
    perhaps_there,
    still_absent,
)
from engine.compare.remote_view import RemoteView
from engine.ledger.store import Rows
from engine.model.change import Change, keys_of, where
from engine.model.company_record import CompanyRecord
from engine.model.dimension import NaturalKey, natural_key
from engine.model.outcome import Column, Withheld
from engine.model.resting import MADE_ANEW, NOT_LISTED, RestingRow
from engine.model.settings import CompanyKey
from engine.run.comparer import Compared
from engine.run.thinking import think


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentRows:
    """What a listing says of one company's rows that it does not show, with what the ledger knows of them."""

    company_key: CompanyKey
    ledger: Rows
    now: Callable[[], datetime]

    async def taken_out(
        self, compared: Compared, record: CompanyRecord, *, is_after: bool
    ) -> tuple[Compared, dict[str, RestingRow]]:
        """Take rows out of the plan that were acknowledged and that the listing does not show.

        `is_after`: the listing was read after this run had written. Returns the plan, and the notes on all such rows:
        old ones, new ones, and rows that stay in the plan because they are created again.
        """
        now = self.now()
        absent = {key: still_absent(rest, now) for key, rest in record.resting.items() if rest.code == NOT_LISTED}
        creates = compared.plan.creates if record.rows else ()
        doubtful = await think(len(creates), partial(_doubtful, creates, record, absent))
        if not doubtful:
            return compared, absent
        never_shown = await self.ledger.unlisted(self.company_key, list(doubtful))
        tried = {key for key, rest in record.resting.items() if rest.code == MADE_ANEW}
        new = {
            key: newly_absent(change, record, now)
            for key, change in doubtful.items()
            if key in never_shown and (is_after or key in tried)
        }
        anew = {key: made_anew(doubtful[key], now) for key in never_shown - new.keys()}
        plan = replace(compared.plan, creates=where(compared.plan.creates, lambda key: key not in new))
        told = [Withheld(doubtful[key], Column.UNCERTAIN, NOT_LISTED, rest.message) for key, rest in new.items()]
        return replace(compared, plan=plan, resting=[*compared.resting, *told]), absent | new | anew

    async def believed(self, index: RemoteView, record: CompanyRecord) -> Mapping[str, NaturalKey]:
        """Return, by key, the natural keys that were sent and that no listing has shown since."""
        rows = max(len(record.rows), len(index))
        absent = await think(rows, partial(perhaps_there, record, index))
        unlisted = await self.ledger.unlisted(self.company_key, list(absent)) if absent else frozenset()
        return may_be_there(record, index, absent, unlisted)

    async def respelled(self, matching: Matching, record: CompanyRecord) -> frozenset[str]:
        """Return the keys of rows that this listing is the first to show, under another id than their answer gave."""
        moved = await think(len(matching.pairs), partial(_moved, matching, record))
        return await self.ledger.unlisted(self.company_key, moved) if moved else frozenset()


def _doubtful(creates: Sequence[Change], record: CompanyRecord, absent: Container[str]) -> dict[str, Change]:
    """Return, by key, the creates of rows that were acknowledged. `absent`: keys of those that rest."""
    return {
        key: creates[at]
        for at, key in enumerate(keys_of(creates))
        if key not in absent and is_known_and_settled(record, key)
    }


def _moved(matching: Matching, record: CompanyRecord) -> list[str]:
    """Return the keys of rows that are listed under another id than their answer gave, and never were before."""
    strays = {stray.id for stray in record.keyless}
    return [
        pair.row.key
        for pair in matching.pairs
        if pair.via is Via.NATURAL_KEY
        and pair.known is not None
        and pair.known.confirmed
        and pair.known.remote_id not in {None, pair.remote.id}
        and natural_key(pair.known.row) == natural_key(pair.remote)  # else its key was given to another row since
        and pair.remote.id not in strays
    ]
