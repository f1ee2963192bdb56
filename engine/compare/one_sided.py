"""Rows that are on one side alone: missing in Ottimate, or orphans that no source row means; and how that came about.

A cause is stated only where the ledger proves it. Where it cannot, the difference is "not observable".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.compare.matching import Matching
from engine.compare.remote_view import RemoteView
from engine.model.company_record import KEY_MISMATCH, OVERWRITTEN, CompanyRecord
from engine.model.difference import Difference, Whose
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, by_natural_key, kind_words, natural_key
from engine.model.remote_id import is_linked
from engine.model.row_record import SETTLED, remote_id_of


def missing(rows: Iterable[Dimension], view: RemoteView, record: CompanyRecord) -> Iterator[Difference]:
    """Yield the rows that are not in Ottimate.

    1. The ledger does not know the key, or only as a create whose answer was lost: new in the ERP.
    2. It does, and that row, or one with its natural key, is there and belongs to another key; or what the ledger knew
       was given up (`dimsync ledger distrust`): not observable.
    3. It does, and that row is gone: it vanished from Ottimate.
    """
    there: set[NaturalKey] | None = None
    for row in rows:
        known = record.rows.get(row.key)
        whose = Whose.OTTIMATE
        if known is None or not (known.outcome_known or known.confirmed or known.remote_id is not None):
            whose = Whose.ERP
        elif record.state.listed_at is None or known.remote_id in view.rows:
            whose = Whose.UNSEEN
        elif known.remote_id is None:
            there = {natural_key(remote) for remote in view.rows.values()} if there is None else there
            whose = Whose.UNSEEN if natural_key(known.row) in there else whose
        yield Difference("missing", row.key, None, kind_words(row), row.name, whose)


def orphans(matching: Matching, view: RemoteView, record: CompanyRecord) -> Iterator[Difference]:
    """Yield the rows that no source row means, under the key that leads to them if there is one.

    1. A key of the ledger leads there: it was in the source, which has dropped it.
    2. None does, and the last listing showed it already, or there was no listing to go by: not observable.
    3. None does, it is new, and may be a row that the engine created and no key leads to: not observable.
    4. None does, it is new, and a key leads to each row that the engine created: somebody made it in Ottimate.
    """
    remotes = [view.rows[remote_id] for remote_id in matching.orphans]
    paired = {pair.row.key for pair in matching.pairs} | matching.agreed_keys
    links = _links(remotes, paired, record) if remotes else {}
    before = {row.id for row in record.keyless} | set(record.entries.table.column("remote_id"))
    is_unsure = record.state.listed_at is None or _may_have_made_more(record)
    for remote in remotes:
        key = links.get(remote.id)
        whose = Whose.UNSEEN if is_unsure or remote.id in before else Whose.OTTIMATE
        yield Difference(
            "orphan",
            key or remote.key,
            remote.id if is_linked(remote.id) else None,
            kind_words(remote),
            remote.name,
            whose if key is None else Whose.ERP,
        )


def _may_have_made_more(record: CompanyRecord) -> bool:
    """Return whether there may be rows that the engine created, or took the key from, and that no key leads to."""
    entries = record.entries.table.columns("flags", "remote_id")
    lost = (not flags & SETTLED and remote_id is None for flags, remote_id in entries)
    return record.left_over is not None or record.state.failure in {KEY_MISMATCH, OVERWRITTEN} or any(lost)


def _links(orphans: list[RemoteRow], paired: set[str], record: CompanyRecord) -> dict[str, str]:
    """Return the ledger's key that leads to each orphan, by remote id.

    A key whose remote id is not known yet leads to the row that is listed under it, else to the only one that is like
    what was last written there. No key leads to a row that is listed under another one.
    """
    by_id = {remote.id: remote for remote in orphans}
    listed = {remote.key: remote for remote in orphans if remote.key is not None}
    alike = by_natural_key(orphans)
    found: dict[str, str] = {}
    for key in sorted(record.rows.keys() - paired):
        known = record.rows[key]
        linked = by_id.get(remote_id_of(key, known))
        if linked is None and known.remote_id is None:
            candidates = alike.get(natural_key(known.row), [])
            linked = listed.get(key) or (candidates[0] if len(candidates) == 1 else None)
        if linked is not None and linked.key in {None, key}:
            found.setdefault(linked.id, key)
    return found
