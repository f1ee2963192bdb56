"""What a row that was read back proves of a send whose answer was lost."""

from __future__ import annotations

from enum import Enum

from engine.model.change import Change
from engine.model.dimension import RemoteRow, natural_key
from engine.planning.match import RemoteIndex


class Verdict(Enum):
    """Whether something that was sent is there."""

    LANDED = "it is there as sent"
    MISSING = "it is not there"
    UNTOLD = "what is there does not show whether it is"


def counterpart(change: Change, index: RemoteIndex) -> RemoteRow | None:
    """Return the row of a whole listing that a change made or meant to change; None: there is none, or several."""
    if is_known(change.remote_id):
        return index.rows.get(change.remote_id or "")
    row, shared = change.row, natural_key(change.row)
    listed = [remote for remote in index.rows.values() if remote.key == row.key]
    alike = [remote for remote in index.rows.values() if remote.key is None and natural_key(remote) == shared]
    found = listed or alike
    return found[0] if len(found) == 1 else None


def is_known(remote_id: str | None) -> bool:
    """Return whether a change names a row by an id that the server gave out (see `match.linked_id`)."""
    return remote_id is not None and not remote_id.startswith("?")


def verdict(change: Change, remote: RemoteRow | None) -> Verdict:
    """Return what a row read back proves. A record lands whole: one field that was changed speaks for all of them.

    A row that was sent again because nothing was known of it has no such field: there, equality must be seen in all.
    """
    if remote is None:
        return Verdict.MISSING
    row = change.sent
    shown = [row.name == remote.name, row.erp_id == remote.erp_id]
    unseen = set()
    if remote.type_code:
        shown.append(row.type_code == remote.type_code)
    else:
        unseen.add("type_code")
    if remote.type_label:
        shown.append("type_label" not in change.fields or row.type_label == remote.type_label)
    else:
        unseen.add("type_label")
    if remote.code is None:
        unseen.add("code")
    elif row.code is not None:
        shown.append(row.code == remote.code)
    if not all(shown):
        return Verdict.MISSING
    if change.remote_id is None or set(change.fields) - unseen:
        return Verdict.LANDED
    if change.fields or "type_code" in unseen or (row.code is not None and "code" in unseen):
        return Verdict.UNTOLD
    return Verdict.LANDED if row.type_label == remote.type_label else Verdict.UNTOLD
