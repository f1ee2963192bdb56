"""What the ledger takes over from a whole listing: links, rows that were changed or removed, rows without a key."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from functools import partial
from itertools import filterfalse
from operator import contains

from engine.compare.agreement import as_shown, closed, is_pending
from engine.compare.equality import LEFT, NONE, judge
from engine.compare.matching import Matching, Via, is_confirmed, may_lead_to
from engine.compare.remote_view import RemoteView
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, by_natural_key, natural_key, shows_the_same
from engine.model.ledger_writes import Learned
from engine.model.listing import Certificate
from engine.model.resource import Field, When
from engine.model.resting import KEY_COLLISION, MADE_ANEW, NOT_APPLIED, NOT_LISTED, UNCERTAIN, RestingRow
from engine.model.row_record import RowRecord


def absorb(
    matching: Matching,
    view: RemoteView,
    record: CompanyRecord,
    certificate: Certificate,
    at: datetime,
    run_id: str | None = None,
    *,
    notes: Mapping[str, RestingRow] | None = None,
    respelled: Container[str] = (),
) -> Learned:
    """Return what to write to the ledger before anything is sent: only what it does not hold already.

    Once it is written, `remote_view.as_known` equals the listing, so that the next run can compare without reading.
    `notes`: by key, on rows that were acknowledged and that no listing has shown since. A note ends when this listing
    shows its row. The other rows keep their records in the ledger, except those that are created again (`MADE_ANEW`).
    `respelled`: keys of rows whose remote id in the listing differs from the one in the answer that acknowledged them.
    """
    notes = notes or {}
    rows, linked = _of_pairs(matching, view, record, respelled, run_id)
    moved, gone, found = _of_lost_keys(matching, view, record, notes, linked)
    rows |= moved
    notes = {
        key: rest
        for key, rest in notes.items()
        if rest.code != NOT_LISTED or not (key in found or matching.has_pair(key))  # else the listing shows it again
    }
    for key, rest in notes.items():
        if rest.code == KEY_COLLISION and key in record.rows:  # nobody knows which key the remote row belongs to
            rows[key] = rows.get(key, record.rows[key])._replace(outcome_known=False)
    loose = matching.agreed.remotes if matching.agreed else view.rows
    keyless = tuple(sorted(row for row in loose.values() if row.id not in linked))
    return Learned(
        certificate=certificate,
        at=at,
        rows=rows,
        gone=tuple(gone),
        keyless=None if keyless == record.keyless else keyless,
        run_id=run_id,
        resting={key: rest for key, rest in notes.items() if rest != record.resting.get(key)},
        rested=tuple(
            key
            for key in sorted(record.resting)
            if key not in notes and _is_over(record, key, matching, {*gone, *found})
        ),
    )


def _of_pairs(
    matching: Matching, view: RemoteView, record: CompanyRecord, respelled: Container[str], run_id: str | None
) -> tuple[dict[str, RowRecord], set[str]]:
    """Return the new or changed records of pairs, and the ids of the pairs' remote rows that keys lead to."""
    rows: dict[str, RowRecord] = {}
    linked = {pair.remote.id for pair in matching.pairs}
    before = {row.id: row for row in record.keyless}
    for row, remote, via, known in matching.pairs:
        if via is Via.NATURAL_KEY and known and _was_never_answered(known) and remote.id in before:
            linked.discard(remote.id)  # it was listed before that key was sent: no key leads to it
            continue
        if via is Via.NATURAL_KEY and known and _was_sent_to_another(known, remote) and row.key not in respelled:
            linked.discard(remote.id)  # nothing was sent there: no key leads to it
            rows |= _without_pair(row.key, known, view)
            continue
        entry = known._replace(remote_id=remote.id) if known and row.key in respelled else known
        if entry and entry.remote_id is None and entry.outcome_known and remote.id in before:
            entry = entry._replace(before=entry.before or _shown_before(before[remote.id], entry.row))
        updated = _seen_again(entry, remote, via, row, relabel=matching.relabel, run_id=run_id) if entry else None
        updated = updated or _first_seen(row, remote, via)
        if updated != known:
            rows[row.key] = updated
    return rows, linked


def _of_lost_keys(
    matching: Matching, view: RemoteView, record: CompanyRecord, notes: Mapping[str, RestingRow], linked: set[str]
) -> tuple[dict[str, RowRecord], list[str], set[str]]:
    """Return the changed records of keys without a pair, and the keys whose remote row is gone, or is listed.

    Adds to `linked`, the ids of remote rows that keys lead to, beside those of agreed rows.
    """
    paired = {pair.row.key for pair in matching.pairs}
    unagreed: Iterable[str] = ()
    if len(matching.agreed_keys) < len(record.rows):  # else each key of the record is an agreed one
        unagreed = filterfalse(partial(contains, matching.agreed_keys), record.rows)
    lost = [(key, record.rows[key]) for key in unagreed if key not in paired]
    agreed_ids = matching.agreed.ids if matching.agreed else frozenset()
    adopted = {pair.remote.id for pair in matching.pairs if not is_confirmed(pair)} - {row.id for row in record.keyless}
    absent = {key for key, rest in notes.items() if rest.code != MADE_ANEW}
    bearers = by_natural_key(view.rows.values()) if any(known.remote_id is None for _, known in lost) else {}
    rows: dict[str, RowRecord] = {}
    gone: list[str] = []
    found: set[str] = set()
    for key, known in lost:
        candidates = _candidates(key, known, view, bearers)
        # A row acknowledged without an id is found by its values, even if another key was matched with it since.
        taken = linked - adopted if known.outcome_known else linked
        free = candidates
        if known.remote_id is None:
            free = [row for row in candidates if row.id not in taken and row.id not in agreed_ids]
        if len(free) == 1:
            linked.add(free[0].id)
            found.add(key)
            updated = _seen_again(known, free[0], Via.LEDGER)
            if updated != known:
                rows[key] = updated
        elif not candidates and key not in absent:
            gone.append(key)
    return rows, gone, found


def _is_over(record: CompanyRecord, key: str, matching: Matching, settled: Container[str]) -> bool:
    """Return whether a listing ends a row's rest. `settled`: keys without a pair whose row is gone, or is listed.

    1. `not-listed`: the row is shown, or the ledger does not know it any more. `made-anew`: it is shown, or unwanted.
    2. `uncertain`: the row is not in the source any more. That the listing does not show it proves nothing.
    3. `not-applied`: a side has moved. `key-collision`: never; only a change of the source ends it.
    """
    code = record.resting[key].code
    if code == NOT_LISTED:
        return key in settled or matching.has_pair(key)
    if code == MADE_ANEW:
        return matching.has_pair(key) or not matching.has(key)
    return code == NOT_APPLIED or (code == UNCERTAIN and not matching.has(key))


def _was_never_answered(known: RowRecord) -> bool:
    return not known.outcome_known and not known.confirmed and known.remote_id is None


def _shown_before(remote: RemoteRow, sent: Dimension) -> dict[str, str] | None:
    """Return what a row showed before a create changed it, in the fields that the create was to change."""
    shown = ((name, getattr(remote, name)) for name in remote.resource.compared_names)
    return {name: text for name, text in shown if text is not None and text != getattr(sent, name)} or None


def _was_sent_to_another(known: RowRecord, remote: RemoteRow) -> bool:
    """Return whether what was sent under a key, with an unknown outcome, was meant for another remote row."""
    return not known.outcome_known and known.remote_id not in {None, remote.id}


def _without_pair(key: str, known: RowRecord, view: RemoteView) -> dict[str, RowRecord]:
    """Return the record of a key of unknown outcome, if it changes, where the source means another row by that key."""
    own = next(iter(_candidates(key, known, view, {})), None)
    lost = known._replace(remote_id=None, confirmed=False, seen=None, agreement=None, before=None)
    record = lost if own is None else _seen_again(known, own, Via.LEDGER)
    return {key: record} if record != known else {}


def _first_seen(row: Dimension, remote: RemoteRow, via: Via) -> RowRecord:
    """Return the record of a remote row that is adopted: its values as shown.

    Optional fields are taken only where both the listing and the source give them. Else a source that never gave a code
    would look as if it had dropped one, once the account uses another contract.
    """
    codes = {name: getattr(remote, name) for name in row.resource.optional}
    shows_codes = None not in codes.values() and _gives_all(row)
    shown = {field.name: _shown(field, row, remote) for field in row.resource.required}
    row = row._replace(**shown, **(codes if shows_codes else dict.fromkeys(codes)))
    seen = None if shows_codes or set(codes.values()) <= {None} else remote
    return RowRecord(row, remote.id, via is Via.LISTED_KEY, outcome_known=True, code_known=shows_codes, seen=seen)


def _shown(field: Field, row: Dimension, remote: RemoteRow) -> str:
    """Return a field as a listing shows it, or as the source has it where it may not be shown, and is not."""
    there: str = getattr(remote, field.name)
    return there if there or field.compared is When.ALWAYS else getattr(row, field.name)


def _gives_all(row: Dimension) -> bool:
    """Return whether the source gives each optional field of a row."""
    return all(getattr(row, name) is not None for name in row.resource.optional)


def _seen_again(
    known: RowRecord,
    remote: RemoteRow,
    via: Via,
    wanted: Dimension | None = None,
    *,
    relabel: bool = False,
    run_id: str | None = None,
) -> RowRecord:
    """Return a record brought up to what a listing shows.

    A record of unknown outcome stays one, and keeps what is shown as `seen`. Neither a confirmed key nor an agreement
    passes on to another remote row.
    """
    codes = {name: getattr(remote, name) for name in remote.resource.optional}
    is_coded = None not in codes.values() and (wanted is None or _gives_all(wanted))
    is_named = via is Via.LISTED_KEY and known.remote_id is None
    leads = is_named or via is Via.LEDGER or may_lead_to(known, remote)
    confirmed = via is Via.LISTED_KEY or (known.confirmed and leads)
    row, code_known = known.row, known.code_known
    if is_coded and not code_known and known.outcome_known:
        row, code_known = row._replace(**codes), True
    entry = known._replace(row=row, remote_id=remote.id, confirmed=confirmed, code_known=code_known, seen=None)
    is_open = False
    if known.remote_id not in {None, remote.id}:
        entry = entry._replace(agreement=None, before=None)
    elif wanted is not None and known.outcome_known and leads:
        judged = judge(wanted, remote, known._replace(row=row), relabel=relabel)
        entry = closed(entry, wanted, judged, run_id)
        if entry.agreement is not None or known.agreement is not None:
            is_open = bool(judged.having(*LEFT))
    shown = as_shown(entry)
    agrees = (
        known.outcome_known
        and shows_the_same(shown, remote)
        and all(there is None or there == getattr(shown, name) for name, there in codes.items())
    )
    is_unjudged = wanted is None and is_pending(known) and known.outcome_known and confirmed
    if is_unjudged and not agrees:  # without the source row, whether it is as wanted cannot be told
        entry = entry._replace(agreement=(entry.agreement or NONE)._replace(is_open=True))
    return entry._replace(seen=None if agrees and not is_open else remote)


def _candidates(
    key: str, known: RowRecord, view: RemoteView, bearers: dict[NaturalKey, list[RemoteRow]]
) -> list[RemoteRow]:
    """Return the remote rows that an unpaired key may lead to: by id or, while that is unknown, by natural key.

    A row that is listed under another key is left out.
    """
    if known.remote_id is None:
        found = bearers.get(natural_key(known.row), [])
    else:
        found = [row for row in (view.rows.get(known.remote_id),) if row is not None]
    return [row for row in found if row.key is None or row.key == key]
