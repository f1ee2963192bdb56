"""Matched rows -> plan: which rows are created, updated, tried out, held or left as they are."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from engine.compare.agreed import Agreed
from engine.compare.differing import differing
from engine.compare.flapping import flapping_hold, is_revert
from engine.compare.labels import Labels, is_retyped
from engine.compare.matching import Matching, Pair, is_confirmed
from engine.compare.remote_view import RemoteView
from engine.compare.spelling_notes import SpellingNotes
from engine.compare.taken_keys import hold_taken
from engine.compare.unconfirmed import Shifts, unconfirmed_hold, was_ours
from engine.model.change import Change, Changes, Hold, Plan, change_table, together
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, RemoteRow, stood_in
from engine.model.remote_id import is_linked
from engine.model.resource import Resource
from engine.model.settings import Adopt
from engine.model.table import Column, Table, constant

_NAME: tuple[str, ...] = ("name",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffRules:
    """What is compared, and what becomes of rows that could be changed in more than one way."""

    relabel: bool = False
    """Labels are compared and sent, too; else an update keeps the remote label, and a create takes the one in use for
    its type."""

    needs_code: bool = False
    """The contract demands a code. A row whose source gives none is sent with the one that is there, else with its ERP
    id, and is no different for it."""

    adopt: Adopt = Adopt.TRUST  # what becomes of rows whose key nothing has confirmed
    canary: bool = False  # those of them that differ are tried out, one at a time
    flapping: Container[str] = ()  # keys of rows that are held rather than pushed back once more

    @property
    def tries_out(self) -> bool:
        """Whether rows of unconfirmed key that differ become canaries; else they are held."""
        return self.canary or self.adopt is Adopt.PUSH


TRUSTING = DiffRules()
"""Labels are not compared, codes may be missing, and rows that are equal are believed to be the source's."""


def diff(matching: Matching, view: RemoteView, record: CompanyRecord, rules: DiffRules = TRUSTING) -> Plan:
    """Return the fewest creates and updates that bring `view` to the wanted rows, in the order of their keys.

    Pure: the same rows in any order give the same plan, digest included. O(rows) time.
    """
    draft = _Draft(
        resource=view.resource,
        rules=rules,
        labels=Labels(view, relabel=rules.relabel),
        shifts=Shifts(record),
        keyless={row.id for row in record.keyless},
        tried_before=record.tried,
        keyed=view.shows_keys,
        notes=SpellingNotes(record=record, relabel=rules.relabel),
        holds=list(matching.holds),
    )
    for pair in matching.pairs:
        draft.take(pair)
    return hold_taken(draft.plan(matching), view)


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A plan in the making: each pair ends as unchanged, an update, a canary or a hold."""

    resource: Resource
    rules: DiffRules
    labels: Labels
    shifts: Shifts
    keyless: set[str]
    tried_before: Container[str]  # keys that were sent, outcome unknown, for rows that were there before
    keyed: bool  # listings show keys, so that a row without one was not made under a key
    notes: SpellingNotes
    holds: list[Hold]
    updates: list[Change] = field(default_factory=list)
    canaries: list[Change] = field(default_factory=list)
    reverts: list[str] = field(default_factory=list)
    unchanged: int = 0
    adopted: int = 0
    unseen: int = 0  # unchanged rows whose code neither listing nor ledger shows

    def plan(self, matching: Matching) -> Plan:
        """Return the plan: what pairs have become, rows that are missing, and rows that are plainly agreed."""
        agreed = matching.agreed
        return Plan(
            creates=self.creates(matching.missing),
            updates=self._ordered(self._renamed(agreed) if agreed else (), self.updates),
            canaries=self._ordered(self.canaries),
            reverts=tuple(sorted(self.reverts)),
            again=self.notes.again,
            not_applied=self.notes.not_applied,
            otherwise=self.notes.otherwise,
            holds=tuple(sorted(self.holds)),
            unchanged=self.unchanged + len(matching.agreed_keys) - (len(agreed.renamed) if agreed else 0),
            adopted=self.adopted + (agreed.adopted if agreed else 0),
            code_unseen=self.unseen + (agreed.code_unseen if agreed else 0),
            matched=len(matching.pairs) + len(matching.agreed_keys),
            contested=len(matching.contested),
            orphans=tuple(matching.orphans),
        )

    def take(self, pair: Pair) -> None:
        """Decide what becomes of one pair."""
        row, remote, _, known = pair
        fields = differing(pair, relabel=self.rules.relabel, needs_code=self.rules.needs_code)
        self.notes.take(pair)
        if fields is None and self.rules.adopt is Adopt.HOLD and not is_confirmed(pair):
            text = f"equal to {remote.id}, and nothing shows yet that its key leads there (adopt = hold)"
            self.holds.append(Hold(row.key, "key-unconfirmed", text))
        elif fields is None:
            self.unchanged += 1
            self.adopted += not is_confirmed(pair)
            self.unseen += not (known and known.code_known) and _wants_unseen(row, remote)
        elif is_confirmed(pair) or (self._was_ours(pair) and self.shifts.other_key(row) is None):
            self._update(pair, fields)
        elif self._may_be_tried(pair, fields):
            self.canaries.append(self.change(row, remote, fields))
        else:
            self.holds.append(unconfirmed_hold(pair, fields, self.shifts.other_key(row)))

    def _may_be_tried(self, pair: Pair, fields: tuple[str, ...]) -> bool:
        """Return whether a row of unconfirmed key is sent alone, to see where its key leads."""
        is_of_known_state = bool(fields) or pair.row.key in self.tried_before
        is_alone = is_linked(pair.remote.id) and self.shifts.other_key(pair.row) is None
        return self.rules.tries_out and is_of_known_state and is_alone

    def _was_ours(self, pair: Pair) -> bool:
        shows_no_key = self.keyed and pair.remote.key is None
        return was_ours(pair, self.keyless) and pair.row.key not in self.tried_before and not shows_no_key

    def creates(self, missing: Sequence[Dimension]) -> Sequence[Change]:
        """Return the creates of missing rows, which are in the order of their keys."""
        if not missing:
            return ()
        rows = self.resource.wanted_table(missing)
        there, nothing = constant(None, len(rows)), constant((), len(rows))
        return self._changes(self.labels.created(rows), there, nothing, self._codes(rows, there), nothing)

    def _renamed(self, agreed: Agreed) -> Sequence[Change]:
        """Return the updates of rows that have another name in the source, and are agreed but for that."""
        rows, remotes = agreed.renamed, agreed.renamed_remotes
        if not rows:
            return ()
        shown, fields = list(zip(remotes.column("name"), strict=True)), constant(_NAME, len(rows))
        labelled = self.labels.renamed(rows, remotes)
        return self._changes(labelled, remotes.column("id"), fields, self._codes(rows, remotes), shown)

    def _changes(self, rows: Mapping[str, Column], *notes: Column) -> Changes:
        """Return changes in bulk: of the columns of their rows, and of the other fields of a change."""
        changes = Changes((*rows.values(), *notes), self.resource)
        changes.seal()
        return changes

    def _codes(self, rows: Table[Dimension], remotes: Sequence[RemoteRow | None]) -> Column:
        """Return the codes to send for rows that have none, position by position: see `_filled`."""
        if not self.rules.needs_code:
            return constant(None, len(rows))
        return list(map(self._filled, rows, remotes))

    def _ordered(self, *parts: Sequence[Change]) -> Sequence[Change]:
        """Return changes by key, in bulk: there can be as many as the company has rows."""
        if not (changes := together(*parts)):
            return ()
        found = change_table(changes, self.resource)
        return found.take(found.in_order_of("key"))

    def _update(self, pair: Pair, fields: tuple[str, ...]) -> None:
        is_again = pair.row.key in self.notes.again
        is_stuck = pair.row.key in self.notes.not_applied  # the server ignores the update: nobody changes it back
        undoes = not is_again and not is_stuck and is_revert(pair, fields)
        if (is_again or undoes) and pair.row.key in self.rules.flapping:
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
        return Change(wanted, remote.id, fields, self._filled(row, remote), shown)

    def _filled(self, row: Dimension, remote: RemoteRow | None) -> str | None:
        """Return the code to send for a row that has none; None: nothing is to be filled in."""
        if not self.rules.needs_code or row.code is not None:
            return None
        return (remote.code if remote else None) or stood_in(row, "code")


def _wants_unseen(row: Dimension, remote: RemoteRow) -> bool:
    """Return whether the source gives an optional field that the remote row does not show."""
    return any(getattr(row, name) is not None and getattr(remote, name) is None for name in row.resource.optional)
