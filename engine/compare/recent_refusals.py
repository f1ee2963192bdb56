"""Rows that rest: they differ, but are not sent in this run, because another send now would only cost requests.

The cases, in the order in which they are told apart (`collision` handles rows that share a remote row):
1. It was acknowledged, and no listing shows it (`not-listed`): held until one does, or a person allows it. A row of
   the same type and ERP id under another key is held, too (`key-shift`): if the first one is there after all, there
   would be two. The same holds after a send whose outcome is unknown.
2. The server refused it: rejected, for a day, while it is unchanged.
3. Nobody knows what came of it, twice with the same bytes: uncertain, for 1 h, then 6 h, then a day each time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from engine.compare.backoff import next_try
from engine.model.change import Change, Hold, Plan, keys_of, where
from engine.model.company_record import CompanyRecord
from engine.model.dimension import NaturalKey, fingerprint, natural_key, told
from engine.model.outcome import Column, Withheld
from engine.model.resting import DAY, NOT_APPLIED, NOT_LISTED, UNCERTAIN, Rejection, RestingRow


def without_resting(
    plan: Plan, record: CompanyRecord, now: datetime, *, again: bool = False, allowed: Collection[str] = ()
) -> tuple[Plan, list[Withheld]]:
    """Return the plan without the rows that rest, and those that count as rejected or uncertain; the others are held.

    `again`: rejected and uncertain rows are sent all the same (`dimsync retry`). A clock that went back ends a rest.
    """
    if not record.rejections and not record.resting and not record.may_be_there and not plan.not_applied:
        return plan, []
    withheld: list[Withheld] = []
    holds: list[Hold] = []
    hidden = {natural: key for key, natural in record.may_be_there.items()}

    def left(changes: Sequence[Change]) -> Sequence[Change]:
        taken_out = set()
        for change in changes:
            text = None if again else plan.not_applied.get(change.row.key)
            if text is not None:
                found: Withheld | Hold | None = Withheld(change, Column.REJECTED, NOT_APPLIED, text, text)
            else:
                found = _shifted(change, hidden, record) or _withheld(change, record, now, again=again, allowed=allowed)
            if isinstance(found, Hold):
                holds.append(found)
            elif found is not None:
                withheld.append(found)
            if found is not None:
                taken_out.add(change.row.key)
        return where(changes, lambda key: key not in taken_out) if taken_out else changes

    creates, updates, canaries = left(plan.creates), left(plan.updates), left(plan.canaries)
    all_holds = tuple(sorted((*plan.holds, *holds))) if holds else plan.holds
    sent = set(keys_of(updates)) if plan.reverts else set()
    reverts = tuple(key for key in plan.reverts if key in sent)  # what is not sent undoes nothing
    kept = replace(plan, creates=creates, updates=updates, canaries=canaries, reverts=reverts, holds=all_holds)
    return kept, withheld


def _shifted(change: Change, hidden: Mapping[NaturalKey, str], record: CompanyRecord) -> Hold | None:
    """Return why a change is held: a row of the type and ERP id that it leads to may exist under another key.

    `hidden`: by natural key, the keys under which such rows may exist.
    """
    row = change.row
    natural = natural_key(row)
    key = row.key if record.may_be_there.get(row.key) == natural else hidden.get(natural, row.key)
    stays = change.remote_id is not None and bool(change.fields) and not change.moves
    if key == row.key or stays:
        return None
    known = record.rows.get(key)
    its_id = f" ({known.remote_id})" if known is not None and known.remote_id is not None else ""
    what = told(row)
    text = f"{what} was sent under the key {key!r}{its_id}, and no listing has shown it since"
    if change.remote_id is None:
        return Hold(row.key, "key-shift", f"{text}: sent as {row.key!r} it could be there twice")
    return Hold(
        row.key, "ambiguous", f"it would become {what}, and {text}: there could be two of it; activate it there"
    )


def _withheld(
    change: Change, record: CompanyRecord, now: datetime, *, again: bool, allowed: Collection[str]
) -> Withheld | Hold | None:
    """Return why a row is not sent; None: it is."""
    key = change.row.key
    rest, rejection = record.resting.get(key), record.rejections.get(key)
    if rest is not None and rest.code == NOT_LISTED and NOT_LISTED not in allowed:
        return Hold(key, NOT_LISTED, still_not_listed(rest))
    if again:
        return None
    is_same = rejection is not None and rejection.fingerprint == fingerprint(change.sent)
    if rejection is not None and is_same and is_refused_for_now(rejection, now):
        since = f"{rejection.at:%Y-%m-%d %H:%M} UTC"
        text = f"refused at {since} and unchanged since, so not sent again for a day: {rejection.message}"
        return Withheld(change, Column.REJECTED, "rejected", text, rejection.message)
    if rest is not None and is_uncertain_for_now(rest, now) and rest.fingerprint == fingerprint(change.sent):
        until = f"{rest.next_at:%Y-%m-%d %H:%M} UTC"
        text = f"{rest.message}; the same was sent {rest.tries + 1} times, so it is not sent again before {until}"
        return Withheld(change, Column.UNCERTAIN, UNCERTAIN, f"{text}, unless it changes or by `dimsync retry`")
    return None


def is_refused_for_now(rejection: Rejection, now: datetime) -> bool:
    """Return whether a refused row is not sent again yet, while it is unchanged."""
    return timedelta() <= now - rejection.at < DAY


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
