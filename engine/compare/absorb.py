"""What a whole listing teaches the ledger: links, rows changed or gone behind our back, rows that no key leads to."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime

from engine.compare.equality import NONE, Field, as_shown, closed, is_pending, judge
from engine.compare.join import Matching, Via, is_confirmed, may_lead_to
from engine.compare.remote_view import RemoteView, by_natural_key
from engine.model.company_record import (
    KEY_COLLISION,
    MADE_ANEW,
    NOT_APPLIED,
    NOT_LISTED,
    UNCERTAIN,
    CompanyRecord,
    Learned,
    RestingRow,
    RowRecord,
)
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.listing import Certificate


def learn(
    matching: Matching,
    index: RemoteView,
    record: CompanyRecord,
    certificate: Certificate,
    at: datetime,
    run_id: str | None = None,
    *,
    notes: Mapping[str, RestingRow] | None = None,
    respelled: Container[str] = (),
) -> Learned:
    """Return what to note before anything is sent: only what the ledger does not hold already.

    `notes`: on rows that were acknowledged and that the listing does not show. These stay known, except those that are
    made anew. `respelled`: keys of rows whose id in listings is another one than in the answer that acknowledged them.

    Afterwards `image` of the ledger equals the listing, so that the next run can compare without reading.
    """
    rows: dict[str, RowRecord] = {}
    gone: list[str] = []
    agreed_ids = matching.agreed.ids if matching.agreed else frozenset()
    linked = {pair.remote.id for pair in matching.pairs} | agreed_ids
    paired = set(matching.agreed_keys)
    before = {stray.id for stray in record.keyless}
    for row, remote, via, known in matching.pairs:
        paired.add(row.key)
        if via is Via.NATURAL_KEY and known and _was_never_answered(known) and remote.id in before:
            linked.discard(remote.id)  # it was there before that key was sent, and stays a row that no key leads to
            continue
        entry = known._replace(remote_id=remote.id) if known and row.key in respelled else known
        updated = _seen_again(entry, remote, via, row, relabel=matching.relabel, run_id=run_id) if entry else None
        updated = updated or _first_seen(row, remote, via)
        if updated != known:
            rows[row.key] = updated
    notes = notes or {}
    absent = {key for key, rest in notes.items() if rest.code != MADE_ANEW}
    lost = [(key, record.rows[key]) for key in record.rows if key not in paired]
    adopted = {pair.remote.id for pair in matching.pairs if not is_confirmed(pair)} - before
    bearers = by_natural_key(index.rows.values()) if any(known.remote_id is None for _, known in lost) else {}
    for key, known in lost:
        candidates = _candidates(key, known, index, bearers)
        # What a key without an id was acknowledged as is its row, whoever has merely been matched with that since.
        taken = linked - adopted if known.outcome_known else linked
        free = candidates if known.remote_id is not None else [row for row in candidates if row.id not in taken]
        if len(free) == 1:
            linked.add(free[0].id)
            updated = _seen_again(known, free[0], Via.LEDGER)
            if updated != known:
                rows[key] = updated
        elif not candidates and key not in absent:
            gone.append(key)
    for key, rest in notes.items():
        if rest.code == KEY_COLLISION and key in record.rows:  # nobody knows which of them the remote row is
            rows[key] = rows.get(key, record.rows[key])._replace(outcome_known=False)
    loose = matching.agreed.remotes if matching.agreed else index.rows
    strays = tuple(sorted(row for row in loose.values() if row.id not in linked))
    return Learned(
        certificate=certificate,
        at=at,
        rows=rows,
        gone=tuple(gone),
        keyless=None if strays == record.keyless else strays,
        run_id=run_id,
        resting={key: rest for key, rest in notes.items() if rest != record.resting.get(key)},
        rested=tuple(
            key for key in sorted(record.resting) if key not in notes and _is_over(record, key, matching, gone)
        ),
    )


def _is_over(record: CompanyRecord, key: str, matching: Matching, gone: Container[str]) -> bool:
    """Return whether a listing ends a row's rest.

    1. `not-listed`: the row is shown, or the ledger does not know it any more. `made-anew`: it is shown, or unwanted.
    2. `uncertain`: the row is not in the source any more. That the listing does not show it proves nothing.
    3. `not-applied`: a side has moved. `key-collision`: never; only a change of the source ends it.
    """
    code = record.resting[key].code
    if code == NOT_LISTED:
        return key in gone or matching.has_pair(key)
    if code == MADE_ANEW:
        return matching.has_pair(key) or not matching.has(key)
    return code == NOT_APPLIED or (code == UNCERTAIN and not matching.has(key))


def _was_never_answered(known: RowRecord) -> bool:
    return not known.outcome_known and not known.confirmed and known.remote_id is None


def _first_seen(row: Dimension, remote: RemoteRow, via: Via) -> RowRecord:
    """Adopt a remote row: its values as shown, the code only where the listing shows one and the source has one, too.

    A code that the source never had is no code that it dropped, should the contract be another one next time.
    """
    type_code, type_label = remote.type_code or row.type_code, remote.type_label or row.type_label
    shows_code = remote.code is not None and row.code is not None
    shown = Dimension(row.key, type_code, type_label, remote.name, remote.erp_id, remote.code if shows_code else None)
    seen = None if remote.code is None or shows_code else remote
    return RowRecord(shown, remote.id, via is Via.LISTED_KEY, outcome_known=True, code_known=shows_code, seen=seen)


def _seen_again(
    known: RowRecord,
    remote: RemoteRow,
    via: Via,
    wanted: Dimension | None = None,
    *,
    relabel: bool = False,
    run_id: str | None = None,
) -> RowRecord:
    """Bring an entry up to what a listing shows; one of unknown outcome stays so, and what is there is kept as seen.

    A confirmation is of one remote row: it does not move to another one. Nor does an agreement.
    """
    coded = wanted is None or wanted.code is not None
    is_named = via is Via.LISTED_KEY and known.remote_id is None
    leads = is_named or via is Via.LEDGER or may_lead_to(known, remote)
    confirmed = via is Via.LISTED_KEY or (known.confirmed and leads)
    row, code_known = known.row, known.code_known
    if remote.code is not None and not code_known and known.outcome_known and coded:
        row, code_known = row._replace(code=remote.code), True
    entry = known._replace(row=row, remote_id=remote.id, confirmed=confirmed, code_known=code_known, seen=None)
    is_open = False
    if known.remote_id not in {None, remote.id}:
        entry = entry._replace(agreement=None, before=None)
    elif wanted is not None and known.outcome_known and leads:
        judged = judge(wanted, remote, known._replace(row=row), relabel=relabel)
        entry = closed(entry, wanted, judged, run_id)
        if entry.agreement is not None or known.agreement is not None:
            is_open = bool(judged.having(Field.DIFFERS, Field.AGAIN, Field.OPEN, Field.NOT_APPLIED))
    shown = as_shown(entry)
    agrees = known.outcome_known and shown[1:5] == remote[1:5] and (remote.code is None or remote.code == shown.code)
    is_unjudged = wanted is None and is_pending(known) and known.outcome_known and confirmed
    if is_unjudged and not agrees:  # the source that could judge it is not here
        entry = entry._replace(agreement=(entry.agreement or NONE)._replace(is_open=True))
    return entry._replace(seen=None if agrees and not is_open else remote)


def _candidates(
    key: str, known: RowRecord, index: RemoteView, bearers: dict[NaturalKey, list[RemoteRow]]
) -> list[RemoteRow]:
    """Return the remote rows that an unpaired key may lead to: by id or, while that is unknown, by natural key.

    A row that is listed under another key is none of them.
    """
    if known.remote_id is None:
        found = bearers.get(natural_key(known.row), [])
    else:
        found = [row for row in (index.rows.get(known.remote_id),) if row is not None]
    return [row for row in found if row.key is None or row.key == key]
