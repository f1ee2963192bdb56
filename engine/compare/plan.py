"""Matched rows -> plan: what differs, what may be sent, and what nobody can see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from engine.compare.equality import NONE, Field, Judged, judge, stands
from engine.compare.join import Matching, Pair, Via, is_confirmed, leads_here
from engine.compare.readback import is_known
from engine.compare.remote_view import RemoteView
from engine.model.change import Change, Hold, Plan
from engine.model.company_record import CONFIRMED, SETTLED, CompanyRecord, RestingRow
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.settings import Adopt

FLAPS = 3
FLAP_DAYS = 14
"""A row that is changed back so often within so many days is somebody's wish, too (DESIGN section 5)."""

_NAME: tuple[str, ...] = ("name",)
MOVING = frozenset({"erp_id", "type_code"})
"""Fields by which a row becomes another one."""


def diff(
    matching: Matching,
    index: RemoteView,
    record: CompanyRecord,
    *,
    relabel: bool = False,
    needs_code: bool = False,
    adopt: Adopt = Adopt.TRUST,
    canary: bool = False,
    flapping: Container[str] = (),
) -> Plan:
    """Return the fewest creates and updates that bring `index` to the wanted rows, in the order of their keys.

    Pure: the same rows in any order give the same plan, digest included. O(rows) time.
    `relabel`: type labels are compared and sent, too; else an update keeps the remote label and a create takes the one
    in use for its type.
    `needs_code`: the contract demands a code. A row whose source gives none is sent with the one that is there, else
    with its ERP id, and is no different for it.
    `adopt`: what becomes of rows whose key nothing has confirmed. `canary`: those that differ are tried out.
    `flapping`: keys of rows that have been pushed back so often lately that the next time they are held.
    """
    draft = _Draft(
        labels=_Labels(index, relabel=relabel),
        shifts=_Shifts(record),
        strays={stray.id for stray in record.keyless},
        tried_before=record.tried,
        keyed=index.shows_keys,
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
    return hold_taken(plan, index)


def hold_taken(plan: Plan, index: RemoteView) -> Plan:
    """Hold updates to a type and ERP id that another remote row has, unless the plan changes those of that row.

    A row that is held keeps its type and ERP id, so that another row that was to take them is held next.
    """
    moves = {
        change.remote_id: change
        for change in (*plan.updates, *plan.canaries)
        if change.remote_id is not None and _moves(change, index.rows.get(change.remote_id))
    }
    if not moves:
        return plan
    bearers: dict[NaturalKey, list[str]] = {}
    for remote_id, natural in zip(index.rows, index.natural_keys(), strict=True):
        bearers.setdefault(natural, []).append(remote_id)
    holds = list(plan.holds)
    while blocked := _blocked(moves, bearers):
        holds += [_taken(moves.pop(remote_id).row, other) for remote_id, other in blocked.items()]
    staying = {hold.key for hold in holds}
    return replace(
        plan,
        updates=tuple(change for change in plan.updates if change.row.key not in staying),
        canaries=tuple(change for change in plan.canaries if change.row.key not in staying),
        reverts=tuple(key for key in plan.reverts if key not in staying),
        holds=tuple(sorted(holds)),
    )


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A plan in the making: each pair ends as unchanged, an update, a canary or a hold."""

    labels: _Labels
    shifts: _Shifts
    strays: set[str]
    tried_before: Container[str]  # keys that were sent for rows that are not ours, as far as anybody knows
    keyed: bool  # a row that shows no key has none: it is not ours
    relabel: bool
    needs_code: bool
    adopt: Adopt
    tried: bool  # rows of unconfirmed key that differ are tried out
    flapping: Container[str]
    resting: Mapping[str, RestingRow]
    unfinished: Container[str | None]  # runs that have not told, as far as the journal knows, what they had to tell
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
            self.unseen += row.code is not None and remote.code is None and not (known and known.code_known)
        elif is_confirmed(pair) or (self._was_ours(pair) and self.shifts.other_key(row) is None):
            self._update(pair, fields)
        elif (
            self.tried
            and (fields or row.key in self.tried_before)
            and is_known(remote.id)
            and self.shifts.other_key(row) is None
        ):
            self.canaries.append(self.change(row, remote, fields))
        else:
            self.holds.append(_unconfirmed(pair, fields, self.shifts.other_key(row)))

    def _note_spelling(self, pair: Pair) -> None:
        """Note what is open of a pair, and what is to be told of how the server spells it."""
        row, remote, _, known = pair
        rest = self.resting.get(row.key)
        if rest is not None and known is not None and stands(rest, row, remote, known, relabel=self.relabel):
            self.not_applied[row.key] = rest.message
        if known is None or not known.outcome_known or not (known.is_fresh or known.agreement):
            return
        found = judged(pair, relabel=self.relabel)
        if again := found.having(Field.AGAIN, Field.OPEN):  # whatever else: what is open is found out first
            self.again[row.key] = {name: getattr(remote, name) for name in again}
        elif found.having(Field.NOT_APPLIED) and not found.having(Field.DIFFERS):  # what has moved is pushed
            self.not_applied[row.key] = _spelled(row, remote, found.having(Field.NOT_APPLIED), "is still")
        agreement = known.agreement or NONE
        is_untold = bool(found.having(Field.OTHERWISE)) or agreement.told_by in self.unfinished
        breaks = not MOVING.isdisjoint(found.shown) and not agreement.is_allowed
        if found.shown and (is_untold or breaks):
            self.otherwise[row.key] = _spelled(row, remote, tuple(found.shown), "is shown as")

    def _was_ours(self, pair: Pair) -> bool:
        shows_no_key = self.keyed and pair.remote.key is None
        return _was_ours(pair, self.strays) and pair.row.key not in self.tried_before and not shows_no_key

    def created(self, row: Dimension) -> Change:
        """Return the create of a missing row."""
        return Change(self.labels.created(row), None, (), _filled(row, None, self.needs_code))

    def _update(self, pair: Pair, fields: tuple[str, ...]) -> None:
        is_again = pair.row.key in self.again
        is_stuck = pair.row.key in self.not_applied  # that is the server's doing, and nobody's who changes it back
        is_revert = not is_again and not is_stuck and _is_revert(pair, fields)
        if (is_again or is_revert) and pair.row.key in self.flapping:
            self.holds.append(_flaps(pair.row, pair.remote, fields))
            return
        if is_revert:
            self.reverts.append(pair.row.key)
        self.updates.append(self.change(pair.row, pair.remote, fields))

    def change(self, row: Dimension, remote: RemoteRow, fields: tuple[str, ...]) -> Change:
        """Return the update of a remote row in these fields."""
        retyped = self.labels.is_retyped(row, remote) and (not fields or "type_code" in fields)
        wanted = self.labels.updated(row, remote, retyped=retyped)
        return Change(wanted, remote.id, fields, _filled(row, remote, self.needs_code))


def _moves(change: Change, there: RemoteRow | None) -> bool:
    """Return whether an update gives a remote row another type or ERP id. `there`: as it is."""
    if change.fields or there is None:
        return not MOVING.isdisjoint(change.fields)
    return change.row.erp_id != there.erp_id or there.type_code not in {"", change.row.type_code}


def _blocked(moves: Mapping[str, Change], bearers: Mapping[NaturalKey, list[str]]) -> dict[str, str]:
    """Return rows that would take the type and ERP id of a row that keeps them: their ids, with that row's id."""
    found = {}
    for remote_id, change in moves.items():
        for other in bearers.get(natural_key(change.row), ()):
            if other != remote_id and (other not in moves or natural_key(moves[other].row) == natural_key(change.row)):
                found[remote_id] = other
    return found


def _taken(row: Dimension, other: str) -> Hold:
    what = f"{row.type_code} {row.erp_id!r}"
    text = f"it would become {what}, and {other} is that in Ottimate already: give each its own type and ERP id"
    return Hold(row.key, "ambiguous", text)


def flapping(record: CompanyRecord, now: datetime) -> frozenset[str]:
    """Return the keys that are not pushed back once more; a clock that went back counts nothing.

    These were pushed back twice within 14 days, or after two of the last three listings: once more would be the third.
    """
    past = [(key, at) for key, at in record.reverts if at <= now]
    lately = Counter(key for key, at in past if now - at < timedelta(days=FLAP_DAYS))
    listings = [at for at in (record.state.listed_at, *record.state.listed_before) if at is not None]
    after = {(key, next((n for n, listed in enumerate(listings) if listed <= at), None)) for key, at in past}
    by_listing = Counter(key for key, listing in after if listing is not None)
    return frozenset(key for key, count in chain(lately.items(), by_listing.items()) if count >= FLAPS - 1)


def _is_revert(pair: Pair, fields: tuple[str, ...]) -> bool:
    """Return whether what differs was changed over there: the source has it as it was when it was acknowledged."""
    row, _, _, known = pair
    if known is None or not fields or ("code" in fields and not known.code_known):
        return False
    before = known.row
    for name in fields:  # noqa: SIM110  a third of the time of `all` of a generator, for each changed row
        if getattr(row, name) != getattr(before, name):
            return False
    return True


def _spelled(row: Dimension, remote: RemoteRow, names: tuple[str, ...], verb: str) -> str:
    told = (f"{name} {getattr(row, name)!r} {verb} {getattr(remote, name)!r}" for name in names)
    return f"Ottimate has it as {remote.id}: {', '.join(told)}"


def _flaps(row: Dimension, remote: RemoteRow, fields: tuple[str, ...]) -> Hold:
    changes = ", ".join(f"{name} {getattr(remote, name)!r} -> {getattr(row, name)!r}" for name in fields)
    lately = f"{FLAP_DAYS} days, or in {FLAPS + 1} listings"
    text = f"somebody changed {remote.id} back for the {FLAPS}rd time in {lately} ({changes}): agree with them"
    return Hold(row.key, "flapping", text)


def _filled(row: Dimension, remote: RemoteRow | None, needs_code: bool) -> str | None:
    """Return the code to send for a row that has none; None: nothing is to be filled in."""
    if not needs_code or row.code is not None:
        return None
    return (remote.code if remote else None) or row.erp_id


def differing(pair: Pair, *, relabel: bool, needs_code: bool = False) -> tuple[str, ...] | None:
    """Return the names of the fields that differ; None: nothing to send.

    An empty tuple is a row of unknown outcome: it is sent again whatever shows. A code that the listing does not show
    is compared with the acknowledged one; a code that neither shows is no difference, and no proof of equality.
    """
    row, remote, _, known = pair
    if known is not None and not known.outcome_known:
        return ()
    fields = list(judged(pair, relabel=relabel).having(Field.DIFFERS, Field.AGAIN, Field.OPEN, Field.NOT_APPLIED))
    is_seen = remote.code is not None and row.code is not None
    if not is_seen and known is not None and known.code_known and row.code != known.row.code:
        fields += [] if needs_code and not row.code else ["code"]
    return tuple(fields) or None


def judged(pair: Pair, *, relabel: bool) -> Judged:
    """Return what is to be said of a pair, by its entry where that is of this very remote row."""
    row, remote, via, known = pair
    is_named = via is Via.LISTED_KEY and known is not None and known.remote_id is None
    is_its_own = known is not None and known.remote_id in {None, remote.id} and (is_named or leads_here(pair))
    return judge(row, remote, known if is_its_own else None, relabel=relabel)


def _was_ours(pair: Pair, strays: set[str]) -> bool:
    """Return whether the row can be what became of a row that we sent under this key, with an outcome that got lost.

    A remote row that was there before, and that no key led to then, cannot.
    """
    known = pair.known
    return known is not None and not known.outcome_known and leads_here(pair) and pair.remote.id not in strays


class _Labels:
    """Which type label a row is sent with: labels are the client's own, and keys of invoice dimensions."""

    def __init__(self, index: RemoteView, *, relabel: bool) -> None:
        self._index = index
        self._relabel = relabel
        self._in_use: dict[str, str] | None = None

    def created(self, row: Dimension) -> Dimension:
        """Return a new row under the label in use for its type, or its own where there is none."""
        if self._relabel:
            return row
        if self._in_use is None:
            self._in_use = self._index.labels()
        label = self._in_use.get(row.type_code, row.type_label)
        return row if label == row.type_label else row._replace(type_label=label)

    @staticmethod
    def is_retyped(row: Dimension, remote: RemoteRow) -> bool:
        """Return whether a remote row is shown as of another type."""
        return bool(remote.type_code) and row.type_code != remote.type_code

    def updated(self, row: Dimension, remote: RemoteRow, *, retyped: bool) -> Dimension:
        """Return a row under the remote row's label; one that changes its type is as good as new."""
        if self._relabel or retyped or not remote.type_label:
            return self.created(row)
        return row if remote.type_label == row.type_label else row._replace(type_label=remote.type_label)


def _key(change: Change) -> str:
    return change.row.key


class _Shifts:
    """Other keys under which the ledger knows a natural key; built when first asked."""

    def __init__(self, record: CompanyRecord) -> None:
        self._record = record
        self._keys: dict[tuple[str, str], str] | None = None

    def other_key(self, row: Dimension) -> str | None:
        """Return the confirmed key under which the row's natural key is known, if that is another one."""
        if self._keys is None:
            sure = CONFIRMED | SETTLED
            entries = self._record.entries.table.columns("key", "type_code", "erp_id", "flags")
            self._keys = {(code, erp_id): key for key, code, erp_id, flags in entries if flags & sure == sure}
        key = self._keys.get(natural_key(row))
        return key if key != row.key else None


def _unconfirmed(pair: Pair, fields: tuple[str, ...], other_key: str | None) -> Hold:
    row, remote = pair.row, pair.remote
    changes = ", ".join(f"{name} {getattr(remote, name)!r} -> {getattr(row, name)!r}" for name in fields)
    if other_key is not None:
        twice = f"sent as {row.key!r} it would be there twice"
        return Hold(row.key, "key-shift", f"Ottimate has {remote.id} under the key {other_key!r}: {twice} ({changes})")
    doubt = "nothing shows yet that its key leads there, and sending could make a second one"
    return Hold(row.key, "key-unconfirmed", f"differs from {remote.id} ({changes}): {doubt}")
