"""Who made it so: what differs between source and remote side, held against what was last acknowledged.

What differs is decided in `diff.differing`, which row is which in `match`; here each difference is given a cause. A
cause is claimed only where the ledger bears it out; what it cannot tell is not observable.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.compare.equality import COMPARED, NONE, Field, as_shown, is_pending, stands
from engine.compare.join import Matching, Pair, Via, may_lead_to
from engine.compare.plan import differing, judged
from engine.compare.readback import is_known
from engine.compare.remote_view import RemoteView
from engine.model.company_record import (
    KEY_MISMATCH,
    NOT_APPLIED,
    OVERWRITTEN,
    SETTLED,
    CompanyRecord,
    RestingRow,
    RowRecord,
    linked_id,
)
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key


def drift(
    matching: Matching, index: RemoteView, record: CompanyRecord, *, relabel: bool, needs_code: bool
) -> tuple[Difference, ...]:
    """Return each row that is not the same on both sides, by kind, key and remote id. Pure; O(rows).

    There is one for each pair that `diff` sends or holds for what it shows, for each row that it creates, and for each
    orphan. Rows without a pair that are held are none: nobody can tell what they differ from. Nor are adopted rows
    with a code that nobody sees. `relabel` and `needs_code`: as in `diff`.
    """
    found = [_pair(pair, record, relabel=relabel, needs_code=needs_code) for pair in matching.pairs]
    differences = [each for each in found if each is not None]
    differences += _missing(matching.missing, index, record)
    differences += _orphans(matching, index, record)
    return tuple(sorted(differences, key=lambda each: (each.kind, each.key or "", each.remote_id or "")))


def _pair(pair: Pair, record: CompanyRecord, *, relabel: bool, needs_code: bool) -> Difference | None:
    row, remote, _, known = pair
    names = differing(pair, relabel=relabel, needs_code=needs_code)
    if names is None:
        return None
    kind = "differs"
    if known is not None and not known.outcome_known:  # it differs whatever shows: tell what does show
        kind, names = "unsettled", differing(pair._replace(known=None), relabel=relabel, needs_code=needs_code) or ()
    base = _base(pair, record)
    ignored = _not_applied(pair, record, names, relabel=relabel)
    fields = tuple(_field(name, row, remote, base, is_ignored=name in ignored) for name in names)
    return Difference(kind, row.key, _remote_id(remote), row.type_code, row.name, _together(fields), fields)


def _remote_id(remote: RemoteRow) -> str | None:
    return remote.id if is_known(remote.id) else None


def _not_applied(pair: Pair, record: CompanyRecord, names: tuple[str, ...], *, relabel: bool) -> tuple[str, ...]:
    """Return which of these fields Ottimate left as they were, though it acknowledged them twice."""
    row, remote, _, known = pair
    rest = record.resting.get(row.key)
    if rest is not None and known is not None and stands(rest, row, remote, known):
        return names
    return judged(pair, relabel=relabel).having(Field.NOT_APPLIED)


def spellings(matching: Matching, record: CompanyRecord, *, relabel: bool) -> tuple[Difference, ...]:
    """Return each row of which Ottimate shows a field in a spelling of its own, as agreed, by key. Pure; O(rows)."""
    found = []
    for pair in matching.pairs:
        row, remote, _, known = pair
        base = _base(pair, record)
        if base is None or known is None or known.agreement is None:
            continue
        shown = judged(pair, relabel=relabel).shown
        if shown:
            fields = tuple(_field(name, row, remote, base)._replace(whose=Whose.SPELLED) for name in shown)
            found.append(
                Difference("spelled", row.key, _remote_id(remote), row.type_code, row.name, Whose.SPELLED, fields)
            )
    return tuple(sorted(found, key=lambda each: (each.key or "", each.remote_id or "")))


def last_told(
    row: Dimension | None, known: RowRecord, rest: RestingRow | None, *, relabel: bool
) -> tuple[FieldDifference, ...]:
    """Return the fields of a row that are spelled otherwise, pending, or moved, by its entry alone.

    What is shown is what the last listing showed; of a row that was pushed since then, nothing is known to be shown.
    `row`: None: the source has none. `known`: of a company that was listed.
    """
    if not known.outcome_known:
        return ()
    agreement = known.agreement or NONE
    seen = as_shown(known)
    is_ignored = rest is not None and rest.code == NOT_APPLIED
    found = []
    for name in COMPARED:
        if (name == "type_label" and not relabel) or (name == "code" and not known.code_known):
            continue
        last, spelled = getattr(known.row, name), agreement.shown.get(name)
        source = last if row is None else getattr(row, name)
        there = spelled if known.is_fresh else getattr(seen, name) or None
        is_answered = name == "name" and agreement.answered is not None
        if source == last and there in {None, last} and not is_answered:
            continue
        told = _told(name, last, source, there, known, is_ignored=is_ignored)
        found.append(told._replace(source=None) if row is None else told)
    return tuple(found)


def _base(pair: Pair, record: CompanyRecord) -> RowRecord | None:
    """Return the entry that says how both sides were last; None: nothing does.

    A row that was adopted was last as it was listed then. An entry of unknown outcome proves nothing, nor does one
    that leads to another remote row, nor any in a ledger whose values were given up (`dimsync ledger distrust`).
    """
    known = pair.known
    if known is None or not known.outcome_known or record.state.listed_at is None:
        return None
    leads_here = pair.via is Via.LEDGER or may_lead_to(known, pair.remote)
    return known if leads_here else None


def _field(
    name: str, row: Dimension, remote: RemoteRow, base: RowRecord | None, *, is_ignored: bool = False
) -> FieldDifference:
    """Return one field of a row, as it is on each side, and who changed it.

    1. Nothing acknowledged: not observable.
    2. The remote value is not shown, or no code was given when the row was acknowledged, so that the server kept or
       made up its own: the source is known to have changed, and of the remote side nothing is said.
    3. Else see `_told`.
    """
    source, there = getattr(row, name), getattr(remote, name)
    if base is None or (name == "code" and not base.code_known):
        return FieldDifference(name, None, source, there, Whose.UNSEEN)
    return _told(name, getattr(base.row, name), source, there, base, is_ignored=is_ignored)


def _told(
    name: str, last: str | None, source: str | None, there: str | None, base: RowRecord, *, is_ignored: bool
) -> FieldDifference:
    """Return one field of a row of which something was acknowledged, and who changed it.

    1. The source is as it was sent, and Ottimate is known to have left the field as it was before: not carried out.
    2. It shows the spelling that is agreed, or that was answered: Ottimate's, and only the source can have changed.
    3. It was pushed, and no listing has told yet whether the server spells it so: not yet verified; of a field that has
       changed in the source since, that alone is said.
    4. Else each side that is not as acknowledged has changed.
    """
    agreement = base.agreement or NONE
    spelled, answered = agreement.shown.get(name), agreement.answered if name == "name" else None
    if is_ignored and source == last and there not in {None, spelled}:
        whose = Whose.NOT_APPLIED
    elif there is not None and there in {spelled, answered}:
        whose = Whose.SPELLED if source == last else Whose.ERP
    elif is_pending(base) and spelled is None:
        whose = Whose.UNVERIFIED if source == last or agreement.is_doubted else Whose.ERP
    else:
        whose = _whose(last, source, there)
    return FieldDifference(name, last, source, there, whose, spelled, answered)


def _whose(last: str | None, source: str | None, there: str | None) -> Whose:
    if last is None or there in {None, last}:
        return Whose.ERP
    return Whose.OTTIMATE if source == last else Whose.BOTH


def _together(fields: tuple[FieldDifference, ...]) -> Whose:
    """Return who changed a row: those who changed any field of it, as far as it can be told."""
    told = {field.whose for field in fields} - {Whose.UNSEEN}
    if changed := told & {Whose.ERP, Whose.OTTIMATE, Whose.BOTH}:
        return changed.pop() if len(changed) == 1 else Whose.BOTH
    if not told:
        return Whose.UNSEEN
    return told.pop() if len(told) == 1 else Whose.UNVERIFIED


def _missing(rows: list[Dimension], index: RemoteView, record: CompanyRecord) -> Iterator[Difference]:
    """Yield the rows that are not in Ottimate.

    1. The ledger does not know the key, or only as a create whose answer was lost: new in the ERP.
    2. It does, and the row that the key led to is there still, or one like it is, as another key's; or what the ledger
       knew was given up: not observable.
    3. It does, and that row is gone: it vanished from Ottimate.
    """
    there: set[NaturalKey] | None = None
    for row in rows:
        known = record.rows.get(row.key)
        whose = Whose.OTTIMATE
        if known is None or not (known.outcome_known or known.confirmed or known.remote_id is not None):
            whose = Whose.ERP
        elif record.state.listed_at is None or known.remote_id in index.rows:
            whose = Whose.UNSEEN
        elif known.remote_id is None:
            there = {natural_key(remote) for remote in index.rows.values()} if there is None else there
            whose = Whose.UNSEEN if natural_key(known.row) in there else whose
        yield Difference("missing", row.key, None, row.type_code, row.name, whose)


def _orphans(matching: Matching, index: RemoteView, record: CompanyRecord) -> Iterator[Difference]:
    """Yield the rows that no source row means, under the key that leads to them if there is one.

    1. A key of the ledger leads there: it was in the source, which has dropped it.
    2. None does, and the last listing showed it already; or there was none, or it was given up: not observable.
    3. None does, it is new, and not all that was made is accounted for, so that it may be ours: not observable.
    4. None does, it is new, and all of ours are accounted for: somebody made it in Ottimate.
    """
    orphans = [index.rows[remote_id] for remote_id in matching.orphans]
    paired = {pair.row.key for pair in matching.pairs} | matching.agreed_keys
    links = _links(orphans, paired, record) if orphans else {}
    before = {stray.id for stray in record.keyless} | set(record.entries.table.column("remote_id"))
    is_unsure = record.state.listed_at is None or _may_have_made_more(record)
    for remote in orphans:
        key = links.get(remote.id)
        whose = Whose.UNSEEN if is_unsure or remote.id in before else Whose.OTTIMATE
        yield Difference(
            "orphan",
            key or remote.key,
            remote.id if is_known(remote.id) else None,
            remote.type_code,
            remote.name,
            whose if key is None else Whose.ERP,
        )


def _may_have_made_more(record: CompanyRecord) -> bool:
    """Return whether there may be rows of our making, or rows that lost their key to one, which no key leads to."""
    entries = record.entries.table.columns("flags", "remote_id")
    lost = (not flags & SETTLED and remote_id is None for flags, remote_id in entries)
    return record.left_over is not None or record.state.failure in {KEY_MISMATCH, OVERWRITTEN} or any(lost)


def _links(orphans: list[RemoteRow], paired: set[str], record: CompanyRecord) -> dict[str, str]:
    """Return which of the ledger's keys leads to which orphan, by remote id.

    A key whose remote id is not known yet leads to the row that is listed under it, else to the only one that is like
    what was last written there. A row that is listed under another key is none of a key's.
    """
    by_id = {remote.id: remote for remote in orphans}
    listed = {remote.key: remote for remote in orphans if remote.key is not None}
    alike: dict[NaturalKey, list[RemoteRow]] = {}
    for remote in orphans:
        alike.setdefault(natural_key(remote), []).append(remote)
    found: dict[str, str] = {}
    for key in sorted(record.rows.keys() - paired):
        known = record.rows[key]
        linked = by_id.get(linked_id(key, known))
        if linked is None and known.remote_id is None:
            candidates = alike.get(natural_key(known.row), [])
            linked = listed.get(key) or (candidates[0] if len(candidates) == 1 else None)
        if linked is not None and linked.key in {None, key}:
            found.setdefault(linked.id, key)
    return found
