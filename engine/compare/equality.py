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

If a record is doubted (`dimsync ledger distrust`), nobody knows what was sent last: that counts as what the source
wants, pushed once.

Only a listing closes an agreement. A run without one compares with what the ledger knows (`remote_view.as_known`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from engine.compare.spelling import is_spelling
from engine.model.dimension import Dimension, RemoteRow, fingerprint, shows_the_same
from engine.model.resting import NOT_APPLIED, RestingRow
from engine.model.row_record import Agreement, RowRecord

NONE = Agreement()


class Field(Enum):
    """How one field of a wanted row and its remote row stand to each other."""

    AGREED = "as wanted, or as the server spells it"
    OTHERWISE = "the server's spelling of what was pushed twice"
    DIFFERS = "to be pushed"
    AGAIN = "to be pushed once more"
    OPEN = "pushed twice, and neither as before nor as after the first push"
    NOT_APPLIED = "pushed twice, and as before"


class Judged(NamedTuple):
    """How the fields of a wanted row and its remote row stand to each other."""

    fields: Mapping[str, Field]  # of those that are not plainly as wanted
    shown: Mapping[str, str]  # by field: agreed spellings that are not the source's

    def having(self, *kinds: Field) -> tuple[str, ...]:
        """Return the names of the fields that are of one of these kinds."""
        return tuple(name for name, kind in self.fields.items() if kind in kinds)


def judge(row: Dimension, remote: RemoteRow, known: RowRecord | None, *, relabel: bool) -> Judged:
    """Return how each field of a wanted row and its remote row stands. O(1).

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
    """Return the fields that a remote row shows, and shows otherwise than they were sent."""
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
    """Return whether a note made by `not_applied` still holds: neither the source nor what is shown has changed."""
    seen = known.seen
    if rest.code != NOT_APPLIED or seen is None or not shows_the_same(seen, remote):
        return False
    if None not in {seen.code, remote.code} and seen.code != remote.code:
        return False
    return rest.fingerprint == _compared_side(row, relabel=relabel)
