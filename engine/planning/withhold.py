"""Rows that rest: they differ, and are not sent in this run, since to send them again now would only cost requests.

The cases, in the order in which they are told apart:
1. Its key leads to another key's remote row (`key-collision`): held until one of the rows changes in the source.
2. No listing shows it although it was acknowledged (`not-listed`): held until one does, or a person allows it. The
   same type and ERP id under another key is held, too (`key-shift`): should the row be there, there would be two.
3. The server refused it: rejected, for a day, while it is unchanged.
4. Nobody knows what came of it, twice with the same bytes: uncertain, for 1 h, then 6 h, then 24 h each time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from operator import attrgetter

from engine.model.change import Change, Hold, Plan
from engine.model.dimension import Dimension, NaturalKey, fingerprint, natural_key
from engine.model.known import KEY_COLLISION, NOT_LISTED, UNCERTAIN, Acknowledged, Rejection, RestingRow
from engine.model.outcome import Column, Withheld
from engine.model.wanted import Wanted
from engine.planning.diff import MOVING
from engine.planning.rest import next_try

REST = timedelta(hours=24)
"""How long a refused row rests, while it is unchanged."""


def withhold(
    plan: Plan, acked: Acknowledged, now: datetime, *, again: bool = False, allowed: Collection[str] = ()
) -> tuple[Plan, list[Withheld]]:
    """Return the plan without the rows that rest, and those that count as rejected or uncertain; the others are held.

    `again`: rejected and uncertain rows are sent all the same (`dimsync retry`). A clock that went back ends a rest.
    """
    if not acked.rejections and not acked.resting:
        return plan, []
    withheld: list[Withheld] = []
    holds: list[Hold] = []
    unlisted = _unlisted(acked)

    def left(changes: tuple[Change, ...]) -> tuple[Change, ...]:
        kept = []
        for change in changes:
            found = _shifted(change, unlisted) or _withheld(change, acked, now, again=again, allowed=allowed)
            if found is None:
                kept.append(change)
            elif isinstance(found, Hold):
                holds.append(found)
            else:
                withheld.append(found)
        return tuple(kept)

    creates, updates, canaries = left(plan.creates), left(plan.updates), left(plan.canaries)
    all_holds = tuple(sorted((*plan.holds, *holds))) if holds else plan.holds
    return replace(plan, creates=creates, updates=updates, canaries=canaries, holds=all_holds), withheld


def _unlisted(acked: Acknowledged) -> dict[NaturalKey, tuple[str, str]]:
    """Return (key, remote id) of the rows that were acknowledged and that no listing shows, by type and ERP id."""
    found = {}
    for key, rest in acked.resting.items():
        known = acked.rows.get(key) if rest.code == NOT_LISTED else None
        if known is not None and known.settled:
            found[natural_key(known.row)] = (key, known.remote_id or "a row of unknown id")
    return found


def _shifted(change: Change, unlisted: Mapping[NaturalKey, tuple[str, str]]) -> Hold | None:
    """Return why a row is not created, or does not become another: what it would be is known under another key."""
    row = change.row
    key, remote_id = unlisted.get(natural_key(row), (row.key, ""))
    if key == row.key or (change.remote_id is not None and MOVING.isdisjoint(change.fields)):
        return None
    text = f"Ottimate acknowledged {remote_id} under the key {key!r}, and no listing shows it since"
    if change.remote_id is None:
        return Hold(row.key, "key-shift", f"{text}: sent as {row.key!r} it could be there twice")
    what = f"{row.type_code} {row.erp_id!r}"
    return Hold(
        row.key, "ambiguous", f"it would become {what}, and {text}: there could be two of it; activate it there"
    )


def _withheld(
    change: Change, acked: Acknowledged, now: datetime, *, again: bool, allowed: Collection[str]
) -> Withheld | Hold | None:
    """Return why a row is not sent: the cases 2 to 4; None: it is."""
    key = change.row.key
    rest, rejection = acked.resting.get(key), acked.rejections.get(key)
    if rest is not None and rest.code == NOT_LISTED and NOT_LISTED not in allowed:
        return Hold(key, NOT_LISTED, still_not_listed(rest))
    if again:
        return None
    is_same = rejection is not None and rejection.fingerprint == fingerprint(change.sent)
    if rejection is not None and is_same and is_refused_for_now(rejection, now):
        since = f"{rejection.at:%Y-%m-%d %H:%M} UTC"
        text = f"refused at {since} and unchanged since, so not sent again for 24 h: {rejection.message}"
        return Withheld(change, Column.REJECTED, "rejected", text, rejection.message)
    if rest is not None and is_uncertain_for_now(rest, now) and rest.fingerprint == fingerprint(change.sent):
        until = f"{rest.next_at:%Y-%m-%d %H:%M} UTC"
        text = f"{rest.message}; the same was sent {rest.tries + 1} times, so it is not sent again before {until}"
        return Withheld(change, Column.UNCERTAIN, UNCERTAIN, f"{text}, unless it changes or by `dimsync retry`")
    return None


def is_refused_for_now(rejection: Rejection, now: datetime) -> bool:
    """Return whether a refused row is not sent again yet, while it is unchanged."""
    return timedelta() <= now - rejection.at < REST


def is_uncertain_for_now(rest: RestingRow, now: datetime) -> bool:
    """Return whether a row of unknown outcome is not sent again yet."""
    return rest.code == UNCERTAIN and rest.next_at is not None and rest.since <= now < rest.next_at


def still_not_listed(rest: RestingRow) -> str:
    """Return what is said of a row that no listing shows, after the run that found it so."""
    since = f"not listed since {rest.since:%Y-%m-%d %H:%M} UTC"
    after = f", looked for by its id after {rest.next_at:%Y-%m-%d %H:%M} UTC" if rest.next_at else ""
    return f"{rest.message}; {since}{after}"


def uncertain_again(before: RestingRow | None, change: Change, message: str, now: datetime) -> RestingRow:
    """Return the note on a row whose outcome is not known.

    The next run sends it again; when the same bytes come to the same again, it rests. `before`: the note on it so far.
    """
    sent = fingerprint(change.sent)
    if before is None or before.code != UNCERTAIN or before.fingerprint != sent:
        return RestingRow(UNCERTAIN, sent, message, now)
    tries = before.tries + 1
    return RestingRow(UNCERTAIN, sent, message, now, tries, next_try(tries, now))


def collided(wanted: Wanted, acked: Acknowledged) -> dict[str, RestingRow]:
    """Return the collisions that stand, by key: none of these rows has changed in the source since."""
    found = {key: rest for key, rest in acked.resting.items() if rest.code == KEY_COLLISION}
    if not found:
        return {}
    rows = {row.key: row for row in wanted.rows if row.key in found}
    return {
        key: rest
        for key, rest in found.items()
        if key in rows
        and rest.fingerprint == collision_fingerprint(rows[each] for each in (key, *rest.others) if each in rows)
    }


def collision_fingerprint(rows: Iterable[Dimension]) -> bytes:
    """Return 16 bytes that change when one of the rows does, labels apart: a label is the remote side's."""
    digest = blake2b(digest_size=16)
    for row in sorted(rows):
        digest.update(fingerprint(row._replace(type_label="")))
    return digest.digest()


def without(wanted: Wanted, keys: Collection[str]) -> Wanted:
    """Return the source's rows without these. The remote rows that they stand for do not become orphans by it."""
    if not keys:
        return wanted
    rows = [row for row in wanted.rows if row.key in keys]
    return replace(
        wanted,
        rows=[row for row in wanted.rows if row.key not in keys],
        invalid_keys=wanted.invalid_keys | {row.key for row in rows},
        invalid_natural=wanted.invalid_natural | {natural_key(row) for row in rows},
    )


def held(collisions: dict[str, RestingRow]) -> list[Hold]:
    """Return the holds of collisions, by key."""
    holds = [Hold(key, KEY_COLLISION, rest.message) for key, rest in collisions.items()]
    return sorted(holds, key=attrgetter("key"))
