"""Read-back: whether a row that is there now proves that a send whose answer was lost has been carried out."""

from __future__ import annotations

from collections.abc import Container, Sequence
from enum import Enum

from engine.compare.remote_view import RemoteView
from engine.model.change import Change
from engine.model.dimension import RemoteRow, by_natural_key, natural_key
from engine.model.remote_id import is_linked
from engine.model.resource import When
from engine.model.row_record import RowRecord


class Readback(Enum):
    """Whether something that was sent is there."""

    LANDED = "it is there as sent"
    MISSING = "it is not there"
    UNSHOWN = "the row that it changes is not shown"
    UNTOLD = "what is there does not show whether it is"


def counterparts(changes: Sequence[Change], view: RemoteView, before: Container[str]) -> dict[str, RemoteRow]:
    """Return, by key, the row of a whole listing that each change made or meant to change; O(rows).

    `before`: remote ids that were there when the changes were planned. A create has made none of these, unless it is
    listed under the very key. Where several rows could be meant, none is; nor is one for an update whose row is not
    known by its id: what bears its new natural key now may have borne it all along.
    """
    by_key: dict[str, list[RemoteRow]] = {}
    for remote in view.rows.values():
        if remote.key is not None:
            by_key.setdefault(remote.key, []).append(remote)
    by_natural = by_natural_key(remote for remote in view.rows.values() if remote.key is None)
    found: dict[str, RemoteRow] = {}
    for change in changes:
        candidates = by_key.get(change.row.key, [])
        if is_linked(change.remote_id):
            candidates = [row for row in (view.rows.get(change.remote_id or ""),) if row is not None]
        elif not candidates and change.remote_id is None:
            candidates = by_natural.get(natural_key(change.row), [])
        if len(candidates) == 1 and (change.remote_id is not None or candidates[0].id not in before):
            found[change.row.key] = candidates[0]
    return found


def readback(change: Change, remote: RemoteRow | None, known: RowRecord | None = None) -> Readback:
    """Return what a row that was read back proves of a change. A row is stored whole or not at all.

    So one changed field that shows as it was sent proves all of them. A row that was sent again because its outcome was
    unknown has no list of changed fields: every field must be seen to be equal.
    `known`: the ledger's record of this very remote row. A field that was not changed may be there in the spelling that
    is agreed for it; how the server spells what was changed, only a listing shows.
    """
    if remote is None:
        return Readback.UNSHOWN if is_linked(change.remote_id) else Readback.MISSING
    row, unseen = change.sent, set()
    agreement = known.agreement if known is not None and change.fields else None
    spelled = {} if agreement is None else {n: text for n, text in agreement.shown.items() if n not in change.fields}

    def is_there(name: str) -> bool:
        return getattr(remote, name) in {getattr(row, name), spelled.get(name, getattr(row, name))}

    for field in row.resource.compared:
        name, there = field.name, getattr(remote, field.name)
        if (there is None) if field.optional else (not there and field.compared is not When.ALWAYS):
            unseen.add(name)
        elif field.compared is When.IF_RELABEL and name not in change.fields:
            continue
        elif getattr(row, name) is not None and not is_there(name):
            return Readback.MISSING
    if change.remote_id is None or set(change.fields) - unseen:
        return Readback.LANDED
    if change.fields or any(getattr(row, name) is not None for name in unseen - {row.resource.label}):
        return Readback.UNTOLD
    label = row.resource.label
    return Readback.LANDED if label is None or getattr(row, label) == getattr(remote, label) else Readback.UNTOLD
