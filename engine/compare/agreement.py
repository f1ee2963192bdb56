"""How an agreement begins and ends: what the ledger keeps of a row after a push, and after a listing has shown it.

It keeps how the server spells the row, what was shown before the push, and which fields no listing has settled yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.compare.equality import LEFT, NONE, Judged, Standing
from engine.model.dimension import Dimension, RemoteRow, stood_in
from engine.model.row_record import Agreement, RowRecord


def as_shown(known: RowRecord) -> RemoteRow | Dimension:
    """Return a row as a listing would show it, as far as the ledger knows; what was pushed since, as it was sent."""
    if known.seen is not None and not known.is_fresh:
        return known.seen
    return known.row._replace(**known.agreement.shown) if known.agreement and known.agreement.shown else known.row


def is_pending(known: RowRecord) -> bool:
    """Return whether a listing has yet to show what became of a push."""
    return known.is_fresh or (known.agreement is not None and known.agreement.is_open)


def pushed(
    row: Dimension,
    known: RowRecord | None,
    fields: tuple[str, ...],
    there: RemoteRow | None,
    *,
    answered: str | None,
    again: Mapping[str, str] | None,
    run_id: str,
) -> tuple[Agreement | None, Mapping[str, str] | None]:
    """Return what is kept of a row when an answer acknowledges it: its agreement, and what was shown before.

    `row`: as it was sent. `known`: its entry before, if it is of this very remote row. `fields`: those that were
    changed; empty: it was sent again, as the outcome of an earlier push was not known. `there`: what was compared
    with; None: nothing was. `answered`: the name in the answer, where it is another one.
    `again`: what the fields showed that are pushed once more; None: it is no second push. `run_id`: the run that
    pushed it, and that tells how it was answered.
    """
    if known is None and there is None and answered is None and again is None:
        return None, None  # a new row, and nothing to tell of it
    old = (known.agreement if known else None) or NONE
    is_kept = known is not None and (is_pending(known) or not known.outcome_known)
    before = dict((known.before if known and is_kept else None) or {})
    if there is not None:
        changed = () if old.is_doubted else fields
        for name in changed or _left_as_before(row, known, there):
            if again is not None and name in again and not old.is_doubted:
                continue
            prior = getattr(there, name)
            if prior is None and known is not None and getattr(known.row, name) is None:
                prior = stood_in(known.row, name)
            if known is not None and not old.is_doubted and _is_of_create(known, name, prior):
                continue
            if prior is not None and prior != old.shown.get(name):
                before.setdefault(name, prior)
    if old is NONE and answered is None and again is None:
        return None, before or None
    shown = {name: spelled for name, spelled in old.shown.items() if fields and name not in fields}
    if again is not None and old.pushed_again is not None and known is not None:
        same = {name: text for name, text in old.pushed_again.items() if getattr(row, name) == getattr(known.row, name)}
        again = {**same, **again}
    told_by = run_id if answered is not None else old.told_by if shown else None
    agreement = Agreement(shown=shown, answered=answered, pushed_again=again, told_by=told_by)
    return (None if agreement == NONE else agreement), before or None


def _is_of_create(known: RowRecord, name: str, prior: str | None) -> bool:
    """Return whether a field shows how the server spells what the row was created with, and not an earlier value.

    A server that ignores updates shows a new row as it was created. So an update that shows the same spelling as the
    create did may well have been carried out.
    """
    is_new = known.outcome_known and is_pending(known) and known.before is None
    return is_new and prior != getattr(known.row, name)


def _left_as_before(row: Dimension, known: RowRecord | None, there: RemoteRow) -> Iterator[str]:
    """Yield the fields in which the remote row still shows what was sent earlier, while the source has changed.

    For a row that is sent again because its outcome was unknown, or because the ledger's record of it is doubted: no
    list of changed fields exists then.
    """
    for name in row.resource.compared_names:
        if known is not None and getattr(there, name) == getattr(known.row, name) != getattr(row, name):
            yield name


def closed(known: RowRecord, row: Dimension, judged: Judged, run_id: str | None) -> RowRecord:
    """Return an entry after a listing of its row: what the source wants, where that was agreed, and how it is spelled.

    `seen` is the caller's to set.
    """
    old = known.agreement or NONE
    left = judged.having(*LEFT)
    taken = {name: getattr(row, name) for name in row.resource.own}
    is_told = bool(judged.having(Standing.OTHERWISE))
    kept = {name: spelled for name, spelled in old.shown.items() if name in left}
    agreement = Agreement(
        shown={**kept, **judged.shown},
        answered=old.answered if left else None,
        is_open=known.confirmed and bool(judged.having(Standing.AGAIN, Standing.OPEN)),
        told_by=run_id if is_told else old.told_by if judged.shown else None,
        is_allowed=old.is_allowed and judged.shown.items() <= old.shown.items(),
        is_doubted=old.is_doubted and bool(left),
    )
    return known._replace(
        row=known.row if left else known.row._replace(**taken),
        agreement=None if agreement == NONE else agreement,
        before=known.before if left else None,
    )
