"""Which remote row is this wanted row: the identity that every create and update rests on.

A wanted row is, in this order, the remote row (1) whose listed key is equal, (2) to which the ledger links its key,
(3) that alone bears its natural key, when no other wanted row does. Several candidates are never guessed between.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter

from engine.compare.agreed import Agreed
from engine.compare.identity import (
    ambiguous,
    listed_twice,
    meant_by_another,
    meant_by_invalid,
    without_look_alikes,
    without_shifted,
)
from engine.compare.matching import Matching, Pair, Via
from engine.compare.new_rows import parted
from engine.compare.remote_view import RemoteView
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, by_natural_key, natural_key
from engine.model.row_record import remote_id_of
from engine.model.wanted import Wanted


def join(
    wanted: Wanted, view: RemoteView, record: CompanyRecord, *, alike: bool = False, agreed: Agreed | None = None
) -> Matching:
    """Pair wanted rows with remote rows, both sides completely. The order of either side changes nothing.

    `alike`: a person has looked and says that rows which look like one in Ottimate are new: they are created. `agreed`:
    rows that need no pair; they are left out.
    """
    new, rows = _parted(agreed, record) if agreed else ((), sorted(wanted.rows, key=attrgetter("key")))
    remotes = dict(agreed.remotes.items() if agreed else view.rows.items())
    pairs, rest, holds, contested = _by_key(rows, remotes, record)
    taken = {pair.remote.id: pair.row.key for pair in pairs}
    rest = _by_link(rest, remotes, record, pairs, taken)
    missing: list[Dimension] = []
    if rest:
        bearers = _Bearers(rows, remotes, set(meant_by_invalid(remotes.values(), wanted, record)) - taken.keys())
        unmatched = _by_natural_key(rest, bearers, record, pairs, taken, holds, contested)
        pairs = without_shifted(pairs, holds, contested)
        free = [remote for remote in remotes.values() if remote.id not in taken]
        missing = unmatched if alike else without_look_alikes(unmatched, free, view, holds, contested)
    loose = [remote for remote in remotes.values() if remote.id not in contested and remote.id not in taken]
    contested.update(meant_by_invalid(loose, wanted, record))
    if loose:
        borne = {natural_key(row) for row in rows}
        contested.update(remote.id for remote in loose if natural_key(remote) in borne)
    return Matching(
        pairs=pairs,
        missing=_together(new, missing, record),
        holds=sorted(holds),
        contested=contested,
        orphans=sorted(remote.id for remote in loose if remote.id not in contested),
        agreed=agreed,
    )


def _parted(agreed: Agreed, record: CompanyRecord) -> tuple[Sequence[Dimension], list[Dimension]]:
    """Return the open rows that are plainly new, and the others."""
    new, others = parted(agreed.rows, agreed.remotes, record)
    return new, others.listed()


def _together(new: Sequence[Dimension], missing: list[Dimension], record: CompanyRecord) -> Sequence[Dimension]:
    """Return all rows that are not there, in the order of their keys."""
    if not new or not missing:
        return new or missing
    table = record.resource.wanted_table(new).joined(record.resource.wanted_table(missing))
    return table.take(table.in_order_of("key"))


def _by_key(
    rows: list[Dimension], remotes: Mapping[str, RemoteRow], record: CompanyRecord
) -> tuple[list[Pair], list[Dimension], list[Hold], set[str]]:
    """Pair by listed key; return pairs, the rows left, and holds with the remote rows that they contest."""
    listed: dict[str, list[RemoteRow]] = {}
    for remote in remotes.values():
        if remote.key is not None:
            listed.setdefault(remote.key, []).append(remote)
    pairs: list[Pair] = []
    holds: list[Hold] = []
    contested: set[str] = set()
    if not listed:
        return pairs, rows, holds, contested
    rest: list[Dimension] = []
    for row in rows:
        bearers = listed.get(row.key, [])
        if len(bearers) > 1:
            holds.append(listed_twice(row.key, bearers))
            contested.update(remote.id for remote in bearers)
        elif bearers:
            pairs.append(Pair(row, bearers[0], Via.LISTED_KEY, record.rows.get(row.key)))
        else:
            rest.append(row)
    return pairs, rest, holds, contested


def _by_link(
    rows: list[Dimension],
    remotes: Mapping[str, RemoteRow],
    record: CompanyRecord,
    pairs: list[Pair],
    taken: dict[str, str],
) -> list[Dimension]:
    """Pair by what the ledger says of a key: its remote id or, while that is not known, what it last wrote there.

    Adds to `pairs` and `taken`; returns the rows left. A link is void if the remote row is listed under another key. It
    is void, too, if no answer has confirmed it and the remote row has the type and ERP id acknowledged for another key.
    """
    known_rows = record.rows
    bearers: dict[NaturalKey, list[RemoteRow]] | None = None
    theirs: set[NaturalKey] | None = None
    rest: list[Dimension] = []
    for row in rows:
        known = known_rows.get(row.key)
        remote = remotes.get(remote_id_of(row.key, known)) if known else None
        if known and remote is None and known.remote_id is None and getattr(known.row, known.row.resource.identifier):
            bearers = by_natural_key(remotes.values()) if bearers is None else bearers
            candidates = [each for each in bearers.get(natural_key(known.row), ()) if each.id not in taken]
            remote = candidates[0] if len(candidates) == 1 else None
        if known and remote is not None and not known.confirmed and natural_key(known.row) != natural_key(remote):
            theirs = _acknowledged(rows, record) if theirs is None else theirs
            remote = None if natural_key(remote) in theirs else remote
        if remote is None or remote.id in taken or remote.key is not None:
            rest.append(row)
        else:
            pairs.append(Pair(row, remote, Via.LEDGER, known))
            taken[remote.id] = row.key
    return rest


def _acknowledged(rows: Iterable[Dimension], record: CompanyRecord) -> set[NaturalKey]:
    """Return the natural keys that were last acknowledged under the confirmed keys of wanted rows."""
    entries = (record.rows.get(row.key) for row in rows)
    return {
        natural_key(known.row) for known in entries if known is not None and known.confirmed and known.outcome_known
    }


def _by_natural_key(
    rows: list[Dimension],
    bearers: _Bearers,
    record: CompanyRecord,
    pairs: list[Pair],
    taken: dict[str, str],
    holds: list[Hold],
    contested: set[str],
) -> list[Dimension]:
    """Pair rows whose type and ERP id are unique on both sides; hold unclear ones; return those that are not there."""
    unmatched: list[Dimension] = []
    unclear: set[NaturalKey] = set()
    found: list[Pair] = []
    for row in rows:
        resolved = bearers.resolve(row, taken)
        if resolved is None:
            unmatched.append(row)
        elif isinstance(resolved, Hold):
            holds.append(resolved)
            unclear.add(natural_key(row))
        else:
            found.append(Pair(row, resolved, Via.NATURAL_KEY, record.rows.get(row.key)))
    for shared in unclear:
        contested.update(remote.id for remote in bearers.remote.get(shared, ()) if remote.id not in taken)
    taken.update((pair.remote.id, pair.row.key) for pair in found)
    pairs += found
    return unmatched


class _Bearers:
    """Which rows bear a type and ERP id, on both sides."""

    def __init__(
        self, wanted: list[Dimension], remotes: Mapping[str, RemoteRow], meant_by_invalid: Container[str]
    ) -> None:
        """Take both sides. `meant_by_invalid`: ids of remote rows that an invalid source row may be."""
        self.wanted = by_natural_key(wanted)
        self.remote = by_natural_key(remotes.values())
        self.meant_by_invalid = meant_by_invalid

    def resolve(self, row: Dimension, taken: Mapping[str, str]) -> RemoteRow | Hold | None:
        """Return the one remote row that `row` can be, a hold where that cannot be told, or None: it is not there."""
        natural = natural_key(row)
        remotes, wanted = self.remote.get(natural, []), self.wanted[natural]
        if len(wanted) == 1 and not remotes:
            return None
        if len(wanted) == 1 and len(remotes) == 1 and remotes[0].id not in taken:
            (remote,) = remotes
            return meant_by_another(row, remote) if remote.id in self.meant_by_invalid else remote
        return ambiguous(row, wanted, remotes, taken)
