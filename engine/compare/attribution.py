"""Who changed what differs between source and remote side, told by the values last acknowledged.

Which row is which is decided in `join`, and which fields differ in `differing`; here each difference is given a cause.
A cause is stated only where the ledger proves it. Where it cannot, the difference is "not observable".
"""

from __future__ import annotations

from engine.compare.agreement import as_shown, is_pending
from engine.compare.differing import differing, judged
from engine.compare.equality import NONE, Standing, stands
from engine.compare.matching import Matching, Pair, Via, may_lead_to
from engine.compare.one_sided import missing, orphans
from engine.compare.remote_view import RemoteView
from engine.model.company_record import CompanyRecord
from engine.model.difference import Difference, FieldDifference, Whose
from engine.model.dimension import Dimension, RemoteRow, kind_words
from engine.model.remote_id import is_linked
from engine.model.resource import When
from engine.model.resting import NOT_APPLIED, RestingRow
from engine.model.row_record import RowRecord


def attribute(
    matching: Matching, view: RemoteView, record: CompanyRecord, *, relabel: bool, needs_code: bool
) -> tuple[Difference, ...]:
    """Return each row that is not the same on both sides, by kind, key and remote id. Pure; O(rows).

    There is one for each pair in which fields differ, for each row that is to be created, and for each orphan. There is
    none for rows that are held without a pair, since nobody can tell what they differ from, and none for adopted rows
    whose code no listing shows. `relabel` and `needs_code`: see `plan.diff`.
    """
    found = [_pair(pair, record, relabel=relabel, needs_code=needs_code) for pair in matching.pairs]
    differences = [each for each in found if each is not None]
    differences += missing(matching.missing, view, record)
    differences += orphans(matching, view, record)
    return tuple(sorted(differences, key=lambda each: (each.kind, each.key or "", each.remote_id or "")))


def _pair(pair: Pair, record: CompanyRecord, *, relabel: bool, needs_code: bool) -> Difference | None:
    row, remote, _, known = pair
    names = differing(pair, relabel=relabel, needs_code=needs_code)
    if names is None:
        return None
    kind = "differs"
    if known is not None and not known.outcome_known:  # it is sent whatever is shown: tell which fields do differ
        kind, names = "unsettled", differing(pair._replace(known=None), relabel=relabel, needs_code=needs_code) or ()
    base = _base(pair, record)
    ignored = _not_applied(pair, record, names, relabel=relabel)
    fields = tuple(_field(name, row, remote, base, is_ignored=name in ignored) for name in names)
    return Difference(kind, row.key, _remote_id(remote), kind_words(row), row.name, _together(fields), fields)


def _remote_id(remote: RemoteRow) -> str | None:
    return remote.id if is_linked(remote.id) else None


def _not_applied(pair: Pair, record: CompanyRecord, names: tuple[str, ...], *, relabel: bool) -> tuple[str, ...]:
    """Return which of these fields Ottimate left as they were, though it acknowledged them twice."""
    row, remote, _, known = pair
    rest = record.resting.get(row.key)
    if rest is not None and known is not None and stands(rest, row, remote, known):
        return names
    return judged(pair, relabel=relabel).having(Standing.NOT_APPLIED)


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
                Difference("spelled", row.key, _remote_id(remote), kind_words(row), row.name, Whose.SPELLED, fields)
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
    for field in known.row.resource.compared:
        name = field.name
        if (field.compared is When.IF_RELABEL and not relabel) or (field.optional and not known.code_known):
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
    """Return the record that says how both sides were last; None: there is none.

    A row that was adopted was last as it was listed then. A record proves nothing if its outcome is unknown, if it
    leads to another remote row, or if the ledger's values were given up (`dimsync ledger distrust`).
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
    if base is None or (name in row.resource.optional and not base.code_known):
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
