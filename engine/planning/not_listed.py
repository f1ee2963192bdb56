"""Rows that were acknowledged and that no listing shows: deactivated over there, most likely, their keys still taken.

A row that a run acknowledged, and that a listing of the same run does not show, is uncertain in that run. One that an
earlier run acknowledged may have been deleted since: it is made anew once, and when the next listing does not show it
either, it is uncertain, too.

After that such a row is held: it is looked for by its id after 1 h, 6 h and 24 h, and at each listing, and it is not
sent again unless a person allows it. Found by its id, it is looked for in a new listing: the last one may have lagged
behind. A row that no listing shows is of no use to anybody, whether its id still leads to it or not.
"""

from __future__ import annotations

from datetime import datetime

from engine.model.change import Change
from engine.model.dimension import Dimension, RemoteRow, fingerprint
from engine.model.known import MADE_ANEW, NOT_LISTED, RESTS, SETTLED, Acknowledged, RestingRow
from engine.planning.rest import next_try

LOOK_UPS = len(RESTS)
"""By id, of one row, in all."""


def newly_absent(change: Change, acked: Acknowledged, now: datetime) -> RestingRow:
    """Return the note on a row that was acknowledged and that this listing does not show."""
    remote_id = acked.rows[change.row.key].remote_id
    named = f" as {remote_id}" if remote_id else ""
    text = f"Ottimate acknowledged it{named}, and the listing after that does not show it: was it deactivated there?"
    is_looked_up = remote_id is not None
    return RestingRow(
        NOT_LISTED,
        fingerprint(change.sent),
        text,
        now,
        0 if is_looked_up else LOOK_UPS,
        next_try(1, now) if is_looked_up else None,
    )


def made_anew(change: Change, now: datetime) -> RestingRow:
    """Return the note on a row that is made anew, as it was acknowledged and is not there."""
    text = "Ottimate acknowledged it, and the listing after that did not show it; it was sent once more"
    return RestingRow(MADE_ANEW, fingerprint(change.sent), text, now)


def still_absent(rest: RestingRow, now: datetime) -> RestingRow:
    """Return the note on such a row after one more listing without it, which stands for a look-up that is due."""
    return _not_found(rest, now) if _is_due(rest, now) else rest


def due_look_ups(acked: Acknowledged, now: datetime) -> dict[str, str]:
    """Return the remote ids to ask for, by key."""
    found = {}
    for key, rest in acked.resting.items():
        entry = acked.rows.get(key)
        if rest.code == NOT_LISTED and _is_due(rest, now) and entry is not None and entry.remote_id is not None:
            found[key] = entry.remote_id
    return found


def looked_up(rest: RestingRow, row: Dimension, remote: RemoteRow | None, now: datetime) -> RestingRow:
    """Return the note on a row after it was asked for by its id: found, it is not looked up again.

    `row`: as it was acknowledged.
    """
    if remote is None or (remote.name, remote.erp_id) != (row.name, row.erp_id):
        return _not_found(rest, now)
    return rest._replace(tries=LOOK_UPS, next_at=None)


def _is_due(rest: RestingRow, now: datetime) -> bool:
    """Return whether a row is to be looked for by now; a clock that went back to before its note tells nothing."""
    return rest.next_at is not None and not rest.since <= now < rest.next_at


def _not_found(rest: RestingRow, now: datetime) -> RestingRow:
    tries = rest.tries + 1
    return rest._replace(
        since=min(rest.since, now), tries=tries, next_at=next_try(tries + 1, now) if tries < LOOK_UPS else None
    )


def is_known_and_settled(acked: Acknowledged, key: str) -> bool:
    """Return whether an answer has acknowledged the row, or a listing has shown it."""
    cells = acked.cells.get(key)
    return cells is not None and bool(cells[7] & SETTLED)
