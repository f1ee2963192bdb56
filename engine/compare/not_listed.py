"""Rows that the API acknowledged and does not list. Most likely they were deactivated; their keys are still taken.

1. Acknowledged in this run, and absent from a listing of the same run: uncertain in this run.
2. Acknowledged in an earlier run, and absent now: it may have been deleted. It is sent again once (`MADE_ANEW`); when
   the next listing does not show it either, it is uncertain in that run.
3. After such a run: held, and not sent again unless a person allows it. It is looked for by its id after 1 h, 6 h and
   a day, and in each listing. When its id is found, the company is listed: the last listing may have been out of date.
4. Acknowledged, or sent with the answer lost, and never listed since: no other row is created with its type and ERP
   id, or changed to them (`may_be_there`). If the first one is there after all, there would be two.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from operator import not_

from engine.compare.backoff import next_try
from engine.compare.remote_view import RemoteView
from engine.model.change import Change
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, fingerprint
from engine.model.resource import When
from engine.model.resting import MADE_ANEW, NOT_LISTED, RESTS, RestingRow
from engine.model.row_record import SETTLED
from engine.model.table import positions_of

LOOK_UPS = len(RESTS)
"""How often one row is looked for by its id, in all."""


def newly_absent(change: Change, record: CompanyRecord, now: datetime) -> RestingRow:
    """Return the note on a row that was acknowledged and that this listing does not show."""
    remote_id = record.rows[change.row.key].remote_id
    named = f" as {remote_id}" if remote_id else ""
    text = f"Ottimate acknowledged it{named} and does not list it: it was probably deactivated there"
    is_looked_up = remote_id is not None
    return RestingRow(
        NOT_LISTED,
        fingerprint(change.sent),
        text,
        now,
        0 if is_looked_up else LOOK_UPS,
        next_try(1, now) if is_looked_up else None,
    )


def perhaps_there(record: CompanyRecord, view: RemoteView) -> dict[str, NaturalKey]:
    """Return, by key, the natural keys of entries whose row a listing shows neither by its id nor by its natural key.

    Rows that an earlier listing showed are gone; no listing has shown the others since they were sent.
    """
    if record.is_as_listed:
        return {}
    table, shown = record.entries.table, view.rows.positions
    positions = positions_of(map(not_, map(shown.__contains__, table.column("remote_id"))), len(table))
    entries = table.take(positions).columns("key", "flags", *record.resource.natural_key)
    return without_shown({key: tuple(natural) for key, flags, *natural in entries if flags & SETTLED}, view)


def may_be_there(
    record: CompanyRecord, view: RemoteView, absent: Mapping[str, NaturalKey], unlisted: Collection[str]
) -> dict[str, NaturalKey]:
    """Return, by key, what was sent and has not been listed since, as of this listing.

    `absent`: `perhaps_there`. `unlisted`: keys of it that no earlier listing has shown since they were acknowledged.
    """
    return without_shown(record.may_be_there, view) | {key: absent[key] for key in absent if key in unlisted}


def without_shown(rows: Mapping[str, NaturalKey], view: RemoteView) -> dict[str, NaturalKey]:
    """Return those whose natural key no row of a listing has."""
    if not rows:
        return {}
    shown = set(view.natural_keys())
    return {key: natural for key, natural in rows.items() if natural not in shown}


def made_anew(change: Change, now: datetime) -> RestingRow:
    """Return the note on a row that is sent again because it was acknowledged earlier and is not listed now."""
    text = "Ottimate acknowledged it and did not list it; it was sent once more"
    return RestingRow(MADE_ANEW, fingerprint(change.sent), text, now)


def still_absent(rest: RestingRow, now: datetime) -> RestingRow:
    """Return the note on a row after one more listing that does not show it. It counts as the look-up that is due."""
    return _not_found(rest, now) if _is_due(rest, now) else rest


def due_look_ups(record: CompanyRecord, now: datetime) -> dict[str, str]:
    """Return the remote ids to ask for, by key."""
    found = {}
    for key, rest in record.resting.items():
        entry = record.rows.get(key)
        if rest.code == NOT_LISTED and _is_due(rest, now) and entry is not None and entry.remote_id is not None:
            found[key] = entry.remote_id
    return found


def looked_up(rest: RestingRow, row: Dimension, remote: RemoteRow | None, now: datetime) -> RestingRow:
    """Return the note on a row after a look-up by its id. One that was found is not looked up again.

    `row`: as it was acknowledged. `remote`: what the API has under that id; None: nothing.
    """
    always = (field.name for field in row.resource.compared if field.compared is When.ALWAYS and not field.optional)
    if remote is None or any(getattr(remote, name) != getattr(row, name) for name in always):
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


def is_known_and_settled(record: CompanyRecord, key: str) -> bool:
    """Return whether an answer has acknowledged the row, or a listing has shown it."""
    known = record.rows.get(key)
    return known is not None and known.outcome_known
