"""When a wanted row and its remote row agree: the one rule of equality, field by field.

A row is agreed when neither side has moved since a listing last showed both in agreement: the source is as it was sent,
and the listing shows what it showed then. Of each field that is shown and compared, the first that is true:

1. The listing shows what the source wants: agreed.
2. Nothing is known of the row, or of this remote row, or something was sent and its outcome is not known: it differs.
3. The field was agreed. Neither side has moved: agreed. Else it differs, and is pushed.
4. It was pushed, and not agreed since:
   - the source has moved since: it differs;
   - the listing shows what the answer said: agreed, as the server spells it;
   - it was pushed once: it is pushed once more, and listed again in the same run, to tell the server's doing from
     somebody else's;
   - it was pushed twice, and shows what was there before the first push: the update is not carried out, unless that is
     a name or code which is plainly a spelling of what was sent, such as all capitals;
   - it shows that, or what it showed after the first push: agreed, as the server spells it; this is told
     (`stored-otherwise`);
   - it shows something else: it is pushed once more, by the next run.

Of an entry that is doubted nobody knows what was sent last: it counts as what the source wants, pushed once.

Only a listing closes an agreement; without one, the remote side is what the ledger knows of it (`match.image`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from engine.compare.spelling import is_spelling
from engine.model.company_record import NOT_APPLIED, Agreement, RestingRow, RowRecord
from engine.model.dimension import Dimension, RemoteRow, fingerprint

NONE = Agreement()


class Field(Enum):
    """What is to be said of one field."""

    AGREED = "as wanted, or as the server spells it"
    OTHERWISE = "the server's spelling of what was pushed twice"
    DIFFERS = "to be pushed"
    AGAIN = "to be pushed once more"
    OPEN = "pushed twice, and neither as before nor as after the first push"
    NOT_APPLIED = "pushed twice, and as before"


class Judged(NamedTuple):
    """What is to be said of a pair."""

    fields: Mapping[str, Field]  # of those that are not plainly as wanted
    shown: Mapping[str, str]  # by field: agreed spellings that are not the source's

    def having(self, *kinds: Field) -> tuple[str, ...]:
        """Return the names of the fields of which one of these is said."""
        return tuple(name for name, kind in self.fields.items() if kind in kinds)


def judge(row: Dimension, remote: RemoteRow, known: RowRecord | None, *, relabel: bool) -> Judged:
    """Return what is to be said of a wanted row and its remote row. O(1).

    `known`: the entry of the row's key, if it is of this very remote row. `relabel`: type labels are compared, too.
    """
    fields: dict[str, Field] = {}
    shown: dict[str, str] = {}
    for name in COMPARED:
        wanted, there = getattr(row, name), getattr(remote, name)
        if wanted == there or not _is_compared(name, wanted, there, relabel=relabel):
            continue
        verdict = Field.DIFFERS if known is None or not known.outcome_known else _judge(name, wanted, there, known)
        if verdict in {Field.AGREED, Field.OTHERWISE}:
            shown[name] = there
        if verdict is not Field.AGREED:
            fields[name] = verdict
    return Judged(fields, shown)


COMPARED = ("name", "erp_id", "type_code", "type_label", "code")
"""The fields of a row beside its key, in the order in which differences are told."""


def differing_fields(row: Dimension, remote: RemoteRow) -> tuple[str, ...]:
    """Return the fields in which a remote row is another one than was sent; one that is not shown is none."""
    return tuple(name for name in COMPARED if getattr(remote, name) not in {None, "", getattr(row, name)})


SPELLED = ("name", "code")
"""Fields that servers are known to spell their own way. Another ERP id or type is another row."""


def _is_compared(name: str, wanted: str | None, there: str | None, *, relabel: bool) -> bool:
    """Return whether a field is shown, and is to be compared. One that is not shown has not moved."""
    if name == "type_label":
        return relabel and bool(there)
    if name == "type_code":
        return bool(there)
    return name != "code" or (wanted is not None and there is not None)


def _judge(name: str, wanted: str, there: str, known: RowRecord) -> Field:
    agreement = known.agreement or NONE
    sent, spelled = getattr(known.row, name), agreement.shown.get(name)
    if wanted != sent and not agreement.is_doubted:
        return Field.DIFFERS
    is_pushed = known.is_fresh or agreement.is_open
    if spelled is not None or not is_pushed:
        return Field.AGREED if there == (sent if spelled is None else spelled) else Field.DIFFERS
    if name == "name" and there == agreement.answered:
        return Field.AGREED
    if name not in (agreement.pushed_again or {}):
        return Field.AGAIN
    before, first = (known.before or {}).get(name), (agreement.pushed_again or {}).get(name)
    if there not in {before, first}:
        return Field.OPEN
    if there != before or (name in SPELLED and is_spelling(there, sent)):
        return Field.OTHERWISE
    return Field.NOT_APPLIED


def not_applied(row: Dimension, message: str, now: datetime, *, relabel: bool = False) -> RestingRow:
    """Return the note on an update that is not carried out: it is not sent again until a side moves."""
    return RestingRow(NOT_APPLIED, _compared_side(row, relabel=relabel), message, now)


def _compared_side(row: Dimension, *, relabel: bool) -> bytes:
    return fingerprint(row if relabel else row._replace(type_label=""))


def stands(rest: RestingRow, row: Dimension, remote: RemoteRow, known: RowRecord, *, relabel: bool = False) -> bool:
    """Return whether such a note still holds: the source is as it was, and so is what is shown."""
    seen = known.seen
    if rest.code != NOT_APPLIED or seen is None or seen[1:5] != remote[1:5]:
        return False
    if None not in {seen.code, remote.code} and seen.code != remote.code:
        return False
    return rest.fingerprint == _compared_side(row, relabel=relabel)


def as_shown(known: RowRecord) -> RemoteRow | Dimension:
    """Return a row as a listing would show it, as far as the ledger knows; what was pushed since, as it was sent."""
    if known.seen is not None and not known.is_fresh:
        return known.seen
    return known.row._replace(**known.agreement.shown) if known.agreement and known.agreement.shown else known.row


def is_pending(known: RowRecord) -> bool:
    """Return whether a listing has yet to show what became of a push."""
    return known.is_fresh or (known.agreement is not None and known.agreement.is_open)


def pushed(
    row: Dimension,
    known: RowRecord | None,
    fields: tuple[str, ...],
    there: RemoteRow | None,
    *,
    answered: str | None,
    again: Mapping[str, str] | None,
) -> tuple[Agreement | None, Mapping[str, str] | None]:
    """Return what is kept of a row when an answer acknowledges it: its agreement, and what was shown before.

    `row`: as it was sent. `known`: its entry before, if it is of this very remote row. `fields`: those that were
    changed; empty: it was sent again, as the outcome of an earlier push was not known. `there`: what was compared
    with; None: nothing was. `answered`: the name in the answer, where it is another one.
    `again`: what the fields showed that are pushed once more; None: it is no second push.
    """
    old = (known.agreement if known else None) or NONE
    is_kept = known is not None and (is_pending(known) or not known.outcome_known)
    before = dict((known.before if known and is_kept else None) or {})
    if there is not None:
        changed = () if old.is_doubted else fields
        for name in changed or _left_as_before(row, known, there):
            if again is not None and name in again and not old.is_doubted:
                continue
            prior = getattr(there, name)
            if name == "code" and prior is None and known is not None and known.row.code is None:
                prior = known.row.erp_id  # a contract that demands a code was sent this one for none
            if prior is not None and prior != old.shown.get(name):
                before.setdefault(name, prior)
    shown = {name: spelled for name, spelled in old.shown.items() if fields and name not in fields}
    if again is not None and old.pushed_again is not None and known is not None:
        same = {name: text for name, text in old.pushed_again.items() if getattr(row, name) == getattr(known.row, name)}
        again = {**same, **again}
    agreement = Agreement(shown=shown, answered=answered, pushed_again=again)
    return (None if agreement == NONE else agreement), before or None


def _left_as_before(row: Dimension, known: RowRecord | None, there: RemoteRow) -> Iterator[str]:
    """Yield the fields in which a remote row still is as it was sent before, and the source is not.

    Before a push whose outcome is not known, or before all that a doubted ledger does not know.
    """
    for name in COMPARED:
        if known is not None and getattr(there, name) == getattr(known.row, name) != getattr(row, name):
            yield name


def closed(known: RowRecord, row: Dimension, judged: Judged, run_id: str | None) -> RowRecord:
    """Return an entry after a listing of its row: what the source wants, where that was agreed, and how it is spelled.

    `seen` is the caller's to set.
    """
    old = known.agreement or NONE
    left = judged.having(Field.DIFFERS, Field.AGAIN, Field.OPEN, Field.NOT_APPLIED)
    taken = {name: getattr(row, name) for name in ("name", "erp_id", "type_code")}
    is_told = bool(judged.having(Field.OTHERWISE))
    kept = {name: spelled for name, spelled in old.shown.items() if name in left}
    agreement = Agreement(
        shown={**kept, **judged.shown},
        answered=old.answered if left else None,
        is_open=known.confirmed and bool(judged.having(Field.AGAIN, Field.OPEN)),
        told_by=run_id if is_told else old.told_by if judged.shown else None,
        is_allowed=old.is_allowed and judged.shown.items() <= old.shown.items(),
        is_doubted=old.is_doubted and bool(left),
    )
    return known._replace(
        row=known.row if left else known.row._replace(**taken),
        agreement=None if agreement == NONE else agreement,
        before=known.before if left else None,
    )
