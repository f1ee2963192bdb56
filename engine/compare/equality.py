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
from engine.model.dimension import Dimension, RemoteRow, differs_where_shown, fingerprint, shows_the_same, without_label
from engine.model.resting import NOT_APPLIED, RestingRow
from engine.model.row_record import Agreement, RowRecord

NONE = Agreement()


class Standing(Enum):
    """How one field of a wanted row and its remote row stand to each other."""

    AGREED = "as wanted, or as the server spells it"
    OTHERWISE = "the server's spelling of what was pushed twice"
    DIFFERS = "to be pushed"
    AGAIN = "to be pushed once more"
    OPEN = "pushed twice, and neither as before nor as after the first push"
    NOT_APPLIED = "pushed twice, and as before"


LEFT = (Standing.DIFFERS, Standing.AGAIN, Standing.OPEN, Standing.NOT_APPLIED)
"""What leaves something to do, or to tell, of a field."""


class Judged(NamedTuple):
    """How the fields of a wanted row and its remote row stand to each other."""

    fields: Mapping[str, Standing]  # of those that are not plainly as wanted
    shown: Mapping[str, str]  # by field: agreed spellings that are not the source's

    def having(self, *kinds: Standing) -> tuple[str, ...]:
        """Return the names of the fields that are of one of these kinds."""
        return tuple(name for name, kind in self.fields.items() if kind in kinds)


def judge(row: Dimension, remote: RemoteRow, known: RowRecord | None, *, relabel: bool) -> Judged:
    """Return how each field of a wanted row and its remote row stands. O(1).

    `known`: the entry of the row's key, if it is of this very remote row. `relabel`: type labels are compared, too.
    """
    fields: dict[str, Standing] = {}
    shown: dict[str, str] = {}
    for field in row.resource.compared:
        name = field.name
        wanted, there = getattr(row, name), getattr(remote, name)
        if wanted == there or not field.is_compared(wanted, there, relabel=relabel):
            continue
        verdict = Standing.DIFFERS if known is None or not known.outcome_known else _judge(name, wanted, there, known)
        if verdict in {Standing.AGREED, Standing.OTHERWISE}:
            shown[name] = there
        if verdict is not Standing.AGREED:
            fields[name] = verdict
    return Judged(fields, shown)


def differing_fields(row: Dimension, remote: RemoteRow) -> tuple[str, ...]:
    """Return the fields that a remote row shows, and shows otherwise than they were sent."""
    names = row.resource.compared_names
    return tuple(name for name in names if getattr(remote, name) not in {None, "", getattr(row, name)})


def _judge(name: str, wanted: str, there: str, known: RowRecord) -> Standing:
    agreement = known.agreement or NONE
    sent, spelled = getattr(known.row, name), agreement.shown.get(name)
    if wanted != sent and not agreement.is_doubted:
        return Standing.DIFFERS
    is_pushed = known.is_fresh or agreement.is_open
    if spelled is not None or not is_pushed:
        return Standing.AGREED if there == (sent if spelled is None else spelled) else Standing.DIFFERS
    if name == "name" and there == agreement.answered:
        return Standing.AGREED
    if name not in (agreement.pushed_again or {}):
        return Standing.AGAIN
    before, first = (known.before or {}).get(name), (agreement.pushed_again or {}).get(name)
    if there not in {before, first}:
        return Standing.OPEN
    if there != before or (name in known.row.resource.spelled and is_spelling(there, sent)):
        return Standing.OTHERWISE
    return Standing.NOT_APPLIED


def not_applied(row: Dimension, message: str, now: datetime, *, relabel: bool = False) -> RestingRow:
    """Return the note on an update that is not carried out: it is not sent again until a side moves."""
    return RestingRow(NOT_APPLIED, _compared_side(row, relabel=relabel), message, now)


def _compared_side(row: Dimension, *, relabel: bool) -> bytes:
    return fingerprint(row if relabel else without_label(row))


def stands(rest: RestingRow, row: Dimension, remote: RemoteRow, known: RowRecord, *, relabel: bool = False) -> bool:
    """Return whether a note made by `not_applied` still holds: neither the source nor what is shown has changed."""
    seen = known.seen
    if rest.code != NOT_APPLIED or seen is None or not shows_the_same(seen, remote):
        return False
    if differs_where_shown(seen, remote):
        return False
    return rest.fingerprint == _compared_side(row, relabel=relabel)
