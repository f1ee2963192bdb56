"""In which fields a pair differs: the rule of equality, asked of a wanted row and the remote row that it is."""

from __future__ import annotations

from engine.compare.equality import LEFT, Judged, judge
from engine.compare.matching import Pair, Via, leads_here


def differing(pair: Pair, *, relabel: bool, needs_code: bool = False) -> tuple[str, ...] | None:
    """Return the names of the fields that differ; None: nothing to send.

    An empty tuple is a row of unknown outcome: it is sent again whatever shows. A code that the listing does not show
    is compared with the acknowledged one; a code that neither shows is no difference, and no proof of equality.
    """
    row, known = pair.row, pair.known
    if known is not None and not known.outcome_known:
        return ()
    fields = list(judged(pair, relabel=relabel).having(*LEFT))
    if known is not None and known.code_known:
        fields += [name for name in row.resource.optional if _has_moved_unseen(name, pair, needs_code=needs_code)]
    return tuple(fields) or None


def _has_moved_unseen(name: str, pair: Pair, *, needs_code: bool) -> bool:
    """Return whether an optional field has changed in the source, where one side or the other does not show it."""
    wanted, there = getattr(pair.row, name), getattr(pair.remote, name)
    if (wanted is not None and there is not None) or pair.known is None or wanted == getattr(pair.known.row, name):
        return False
    return bool(wanted) or not needs_code


def judged(pair: Pair, *, relabel: bool) -> Judged:
    """Return how each field of a pair stands. The ledger's entry counts only if it is of this very remote row."""
    row, remote, via, known = pair
    is_named = via is Via.LISTED_KEY and known is not None and known.remote_id is None
    is_its_own = known is not None and known.remote_id in {None, remote.id} and (is_named or leads_here(pair))
    return judge(row, remote, known if is_its_own else None, relabel=relabel)
