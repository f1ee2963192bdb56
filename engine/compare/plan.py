"""Matched rows -> plan: what differs, what may be sent, and what nobody can see."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from engine.compare.differing import differing, judged
from engine.compare.equality import NONE, Standing, stands
from engine.compare.flapping import flapping_hold, is_revert
from engine.compare.labels import Labels, is_retyped
from engine.compare.matching import Matching, Pair, is_confirmed
from engine.compare.remote_view import RemoteView
from engine.compare.taken_keys import hold_taken
from engine.compare.unconfirmed import Shifts, unconfirmed_hold, was_ours
from engine.model.change import Change, Hold, Plan
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, stood_in
from engine.model.remote_id import is_linked
from engine.model.resting import RestingRow
from engine.model.settings import Adopt

_NAME: tuple[str, ...] = ("name",)


def diff(
    matching: Matching,
    view: RemoteView,
    record: CompanyRecord,
    *,
    relabel: bool = False,
    needs_code: bool = False,
    adopt: Adopt = Adopt.TRUST,
    canary: bool = False,
    flapping: Container[str] = (),
) -> Plan:
    """Return the fewest creates and updates that bring `view` to the wanted rows, in the order of their keys.

    Pure: the same rows in any order give the same plan, digest included. O(rows) time.
    `relabel`: type labels are compared and sent, too; else an update keeps the remote label and a create takes the one
    in use for its type.
    `needs_code`: the contract demands a code. A row whose source gives none is sent with the one that is there, else
    with its ERP id, and is no different for it.
    `adopt`: what becomes of rows whose key nothing has confirmed. `canary`: those that differ are tried out.
    `flapping`: keys of rows that are held rather than pushed back once more.
    """
    draft = _Draft(
        labels=Labels(view, relabel=relabel),
        shifts=Shifts(record),
        keyless={row.id for row in record.keyless},
        tried_before=record.tried,
        keyed=view.shows_keys,
        relabel=relabel,
        needs_code=needs_code,
        adopt=adopt,
        tried=canary or adopt is Adopt.PUSH,
        flapping=flapping,
        resting=record.resting,
        unfinished=record.unfinished,
        holds=list(matching.holds),
    )
    for pair in matching.pairs:
        draft.take(pair)
    agreed = matching.agreed
    renamed = agreed.renamed if agreed else ()
    for row, remote in renamed:
        draft.updates.append(draft.change(row, remote, _NAME))
    plan = Plan(
        creates=tuple(sorted((draft.created(row) for row in matching.missing), key=_key)),
        updates=tuple(sorted(draft.updates, key=_key)),
        canaries=tuple(sorted(draft.canaries, key=_key)),
        reverts=tuple(sorted(draft.reverts)),
        again=draft.again,
        not_applied=draft.not_applied,
        otherwise=draft.otherwise,
        holds=tuple(sorted(draft.holds)),
        unchanged=draft.unchanged + len(matching.agreed_keys) - len(renamed),
        adopted=draft.adopted + (agreed.adopted if agreed else 0),
        code_unseen=draft.unseen + (agreed.code_unseen if agreed else 0),
        matched=len(matching.pairs) + len(matching.agreed_keys),
        contested=len(matching.contested),
        orphans=tuple(matching.orphans),
    )
    return hold_taken(plan, view)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A plan in the making: each pair ends as unchanged, an update, a canary or a hold."""

    labels: Labels
    shifts: Shifts
    keyless: set[str]
    tried_before: Container[str]  # keys that were sent, outcome unknown, for rows that were there before
    keyed: bool  # listings show keys, so that a row without one was not made under a key
    relabel: bool
    needs_code: bool
    adopt: Adopt
    tried: bool  # rows of unconfirmed key that differ are tried out
    flapping: Container[str]
    resting: Mapping[str, RestingRow]
    unfinished: Container[str | None]  # runs that the journal does not show as finished: their spellings are told again
    holds: list[Hold]
    updates: list[Change] = field(default_factory=list)
    canaries: list[Change] = field(default_factory=list)
    reverts: list[str] = field(default_factory=list)
    again: dict[str, Mapping[str, str]] = field(default_factory=dict)
    not_applied: dict[str, str] = field(default_factory=dict)
    otherwise: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0
    adopted: int = 0
    unseen: int = 0

    def take(self, pair: Pair) -> None:
        """Decide what becomes of one pair."""
        row, remote, _, known = pair
        fields = differing(pair, relabel=self.relabel, needs_code=self.needs_code)
        self._note_spelling(pair)
        if fields is None and self.adopt is Adopt.HOLD and not is_confirmed(pair):
            text = f"equal to {remote.id}, and nothing shows yet that its key leads there (adopt = hold)"
            self.holds.append(Hold(row.key, "key-unconfirmed", text))
        elif fields is None:
            self.unchanged += 1
            self.adopted += not is_confirmed(pair)
            self.unseen += not (known and known.code_known) and _wants_unseen(row, remote)
        elif is_confirmed(pair) or (self._was_ours(pair) and self.shifts.other_key(row) is None):
            self._update(pair, fields)
        elif (
            self.tried
            and (fields or row.key in self.tried_before)
            and is_linked(remote.id)
            and self.shifts.other_key(row) is None
        ):
            self.canaries.append(self.change(row, remote, fields))
        else:
            self.holds.append(unconfirmed_hold(pair, fields, self.shifts.other_key(row)))

    def _note_spelling(self, pair: Pair) -> None:
        """Note what is open of a pair, and what is to be told of how the server spells it."""
        row, remote, _, known = pair
        rest = self.resting.get(row.key)
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
        is_untold = bool(found.having(Standing.OTHERWISE)) or agreement.told_by in self.unfinished
        breaks = not found.shown.keys().isdisjoint(row.resource.natural_key) and not agreement.is_allowed
        if found.shown and (is_untold or breaks):
            self.otherwise[row.key] = _spelled(row, remote, tuple(found.shown), "is shown as")

    def _was_ours(self, pair: Pair) -> bool:
        shows_no_key = self.keyed and pair.remote.key is None
        return was_ours(pair, self.keyless) and pair.row.key not in self.tried_before and not shows_no_key

    def created(self, row: Dimension) -> Change:
        """Return the create of a missing row."""
        return Change(self.labels.created(row), None, (), _filled(row, None, self.needs_code))

    def _update(self, pair: Pair, fields: tuple[str, ...]) -> None:
        is_again = pair.row.key in self.again
        is_stuck = pair.row.key in self.not_applied  # the server ignores the update: nobody changes it back
        undoes = not is_again and not is_stuck and is_revert(pair, fields)
        if (is_again or undoes) and pair.row.key in self.flapping:
            self.holds.append(flapping_hold(pair.row, pair.remote, fields))
            return
        if undoes:
            self.reverts.append(pair.row.key)
        self.updates.append(self.change(pair.row, pair.remote, fields))

    def change(self, row: Dimension, remote: RemoteRow, fields: tuple[str, ...]) -> Change:
        """Return the update of a remote row in these fields."""
        touches_kind = fields != _NAME and not set(fields or row.resource.kind).isdisjoint(row.resource.kind)
        retyped = touches_kind and is_retyped(row, remote)
        wanted = self.labels.updated(row, remote, retyped=retyped)
        shown = (remote.name,) if fields == _NAME else tuple([getattr(remote, name) for name in fields])
        return Change(wanted, remote.id, fields, _filled(row, remote, self.needs_code), shown)


def _wants_unseen(row: Dimension, remote: RemoteRow) -> bool:
    """Return whether the source gives an optional field that the remote row does not show."""
    return any(getattr(row, name) is not None and getattr(remote, name) is None for name in row.resource.optional)


def _spelled(row: Dimension, remote: RemoteRow, names: tuple[str, ...], verb: str) -> str:
    told = (f"{name} {getattr(row, name)!r} {verb} {getattr(remote, name)!r}" for name in names)
    return f"Ottimate has it as {remote.id}: {', '.join(told)}"


def _filled(row: Dimension, remote: RemoteRow | None, needs_code: bool) -> str | None:
    """Return the code to send for a row that has none; None: nothing is to be filled in."""
    if not needs_code or row.code is not None:
        return None
    return (remote.code if remote else None) or stood_in(row, "code")


def _key(change: Change) -> str:
    return change.row.key
