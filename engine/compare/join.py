"""Which remote row is this wanted row: the identity that every create and update rests on.

A wanted row is, in this order, the remote row (1) whose listed key is equal, (2) to which the ledger links its key,
(3) that alone bears its natural key, when no other wanted row does. Several candidates are never guessed between.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest
from operator import attrgetter
from typing import NamedTuple

from engine.compare.agreed import Agreed
from engine.compare.remote_view import RemoteView, by_natural_key
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord, RowRecord, linked_id
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.wanted import Wanted


class Via(Enum):
    """What a match rests on."""

    LISTED_KEY = "listed key"
    LEDGER = "ledger"
    NATURAL_KEY = "natural key"


class Pair(NamedTuple):
    """A wanted row and the remote row that it is."""

    row: Dimension
    remote: RemoteRow
    via: Via
    known: RowRecord | None  # what the ledger says of the row's key


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Each wanted row once: paired, missing or held. Each remote row once: paired, contested or an orphan."""

    pairs: list[Pair]
    missing: list[Dimension]  # no remote row is like them: creates
    holds: list[Hold]
    contested: set[str] = field(default_factory=set)  # ids of remote rows that a held or invalid row may mean
    orphans: list[str] = field(default_factory=list)  # ids
    agreed: Agreed | None = None  # rows that need no pair
    relabel: bool = False  # type labels are compared, too

    @property
    def agreed_keys(self) -> AbstractSet[str]:
        """Keys of the rows that need no pair."""
        return self.agreed.keys if self.agreed else frozenset()

    def has_pair(self, key: str) -> bool:
        """Return whether a wanted row is there."""
        return key in self.agreed_keys or any(pair.row.key == key for pair in self.pairs)

    def has(self, key: str) -> bool:
        """Return whether a row is wanted. O(rows), as `has_pair`: for a few keys."""
        open_keys = (row.key for row in self.missing), (hold.key for hold in self.holds)
        return self.has_pair(key) or any(key == each for keys in open_keys for each in keys)


def may_lead_to(known: RowRecord, remote: RemoteRow) -> bool:
    """Return whether an entry can be this remote row's. One without an id is the row that looks as acknowledged.

    Of an unknown outcome nobody knows what it looks like.
    """
    if known.remote_id is not None:
        return known.remote_id == remote.id
    return not known.outcome_known or natural_key(known.row) == natural_key(remote)


def is_confirmed(pair: Pair) -> bool:
    """Return whether an answer has shown that this key leads to this very row, and not to one that is gone."""
    return pair.via is Via.LISTED_KEY or (pair.known is not None and pair.known.confirmed and leads_here(pair))


def leads_here(pair: Pair) -> bool:
    """Return whether the key's entry, if there is one, can be of this very remote row."""
    return pair.via is Via.LEDGER or (pair.known is not None and may_lead_to(pair.known, pair.remote))


def match(
    wanted: Wanted, view: RemoteView, record: CompanyRecord, *, alike: bool = False, agreed: Agreed | None = None
) -> Matching:
    """Pair wanted rows with remote rows, both sides completely. The order of either side changes nothing.

    `alike`: a person has looked, and rows that merely look like one in Ottimate are others: they are missing. `agreed`:
    the rows that are plainly agreed; they are left out.
    """
    rows: list[Dimension] = list(agreed.rows) if agreed else sorted(wanted.rows, key=attrgetter("key"))
    remotes = dict(agreed.remotes.items() if agreed else view.rows.items())
    pairs, rest, holds, contested = _by_key(rows, remotes, record)
    taken = {pair.remote.id: pair.row.key for pair in pairs}
    rest = _by_link(rest, remotes, record, pairs, taken)
    missing: list[Dimension] = []
    if rest:
        unmatched = _by_natural_key(rest, _Bearers(rows, remotes), record, pairs, taken, holds, contested)
        pairs = _without_shifted(pairs, holds, contested)
        free = [remote for remote in remotes.values() if remote.id not in taken]
        types = set(view.rows.table.column("type_code"))
        missing = unmatched if alike else _without_look_alikes(unmatched, free, types, holds, contested)
    loose = [remote for remote in remotes.values() if remote.id not in contested and remote.id not in taken]
    contested.update(_meant_by_invalid(loose, wanted, record))
    if loose:
        borne = {natural_key(row) for row in rows}
        contested.update(remote.id for remote in loose if natural_key(remote) in borne)
    return Matching(
        pairs=pairs,
        missing=missing,
        holds=sorted(holds),
        contested=contested,
        orphans=sorted(remote.id for remote in loose if remote.id not in contested),
        agreed=agreed,
    )


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
            message = f"Ottimate lists its key for {len(bearers)} rows ({_some(remote.id for remote in bearers)})"
            holds.append(Hold(row.key, "ambiguous", message))
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

    Adds to `pairs` and `taken`; returns the rows left. A listed key that is another one breaks a link. So does what an
    answer acknowledged as another key's, where the link's own key was merely matched with the remote row.
    """
    known_rows = record.rows
    bearers: dict[NaturalKey, list[RemoteRow]] | None = None
    theirs: set[NaturalKey] | None = None
    rest: list[Dimension] = []
    for row in rows:
        known = known_rows.get(row.key)
        remote = remotes.get(linked_id(row.key, known)) if known else None
        if known and remote is None and known.remote_id is None and known.row.erp_id:
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
    """Return what confirmed keys of wanted rows were last acknowledged as."""
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
    """Pair rows that alone bear what one free remote row alone bears; hold what cannot be told; return the others."""
    unmatched: list[Dimension] = []
    unclear: set[NaturalKey] = set()
    found: list[Pair] = []
    for row in rows:
        resolved = bearers.resolve(row, taken)
        if resolved is None:
            unmatched.append(row)
        elif isinstance(resolved, RemoteRow):
            found.append(Pair(row, resolved, Via.NATURAL_KEY, record.rows.get(row.key)))
        else:
            holds.append(resolved)
            unclear.add(natural_key(row))
    for shared in unclear:
        contested.update(remote.id for remote in bearers.remote.get(shared, ()) if remote.id not in taken)
    taken.update((pair.remote.id, pair.row.key) for pair in found)
    pairs += found
    return unmatched


class _Bearers:
    """Who bears which natural key, on both sides."""

    def __init__(self, wanted: list[Dimension], remotes: Mapping[str, RemoteRow]) -> None:
        self.wanted: dict[NaturalKey, list[str]] = {}
        for row in wanted:
            self.wanted.setdefault(natural_key(row), []).append(row.key)
        self.remote = by_natural_key(remotes.values())

    def resolve(self, row: Dimension, taken: dict[str, str]) -> RemoteRow | Hold | None:
        """Return the one remote row that `row` can be, a hold where that cannot be told, or None: it is not there."""
        shared = natural_key(row)
        remotes, keys = self.remote.get(shared, []), self.wanted[shared]
        if len(keys) == 1 and not remotes:
            return None
        if len(keys) == 1 and len(remotes) == 1 and remotes[0].id not in taken:
            return remotes[0]
        what = f"{row.type_code} {row.erp_id!r}"
        if len(keys) > 1:
            message = f"{what} is the type and ERP id of {len(keys)} source rows ({_some(keys)}): give each its own"
        elif len(remotes) > 1:
            ids = _some(remote.id for remote in remotes)
            message = f"{what} is there {len(remotes)} times in Ottimate ({ids}): which one this row is cannot be told"
        else:
            message = f"{what} is in Ottimate as {remotes[0].id}, which belongs to the key {taken[remotes[0].id]!r}"
        return Hold(row.key, "ambiguous", message)


def _some(names: Iterable[str]) -> str:
    """Return the first three in the alphabet, and that there are more."""
    first = nsmallest(4, names)
    return ", ".join(first[:3]) + (" ..." if len(first) > 3 else "")


def _without_shifted(pairs: list[Pair], holds: list[Hold], contested: set[str]) -> list[Pair]:
    """Hold rows whose remote row is listed under another key: sending them would make a second one."""
    kept: list[Pair] = []
    for pair in pairs:
        listed, key = pair.remote.key, pair.row.key
        if pair.via is Via.NATURAL_KEY and listed is not None and listed != key:
            message = (
                f"Ottimate lists {pair.remote.id} under the key {listed!r}: sent as {key!r} it would be there twice"
            )
            holds.append(Hold(key, "key-shift", message))
            contested.add(pair.remote.id)
        else:
            kept.append(pair)
    return kept


def _without_look_alikes(
    unmatched: list[Dimension], free: list[RemoteRow], types: Container[str], holds: list[Hold], contested: set[str]
) -> list[Dimension]:
    """Hold rows that a free remote row looks like; return those that may be created.

    `types`: those of all remote rows. Where none has the row's own type, the server may have another name for it.
    """
    if not unmatched or not free:
        return unmatched
    alike: dict[tuple[str, str, str], list[RemoteRow]] = {}
    for remote in free:
        for trait in (*_traits(remote), _typeless(remote)):
            alike.setdefault(trait, []).append(remote)
    first = {trait: min(remotes) for trait, remotes in alike.items()}
    missing: list[Dimension] = []
    met: set[tuple[str, str, str]] = set()
    for row in unmatched:
        shared = [*_traits(row), *_traits(row._replace(type_code=""))]
        if row.type_code not in types:
            shared.append(_typeless(row))
        found = [trait for trait in shared if trait in first]
        if found:
            met.update(found)
            it = min(first[trait] for trait in found)
            this, that = f"{row.erp_id!r} {row.name!r}", f"{it.erp_id!r} {it.name!r}"
            message = f"{row.type_code} {this} looks like {it.id} ({that}) in Ottimate, which no source row means"
            holds.append(Hold(row.key, "look-alike", message))
        else:
            missing.append(row)
    contested.update(remote.id for trait in met for remote in alike[trait])
    return missing


def _traits(row: Dimension | RemoteRow) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Return what two rows of one thing would share: the id but for case and leading zeros, or the name."""
    return (row.type_code, "id", row.erp_id.casefold().lstrip("0") or "0"), (row.type_code, "name", row.name)


def _typeless(row: Dimension | RemoteRow) -> tuple[str, str, str]:
    """Return what two rows of different types share if they are one thing: both ERP id and name."""
    return ("", f"any type, {row.erp_id}", row.name)


def _meant_by_invalid(loose: list[RemoteRow], wanted: Wanted, record: CompanyRecord) -> Iterator[str]:
    """Yield ids of rows that an invalid source row means: bad data is no proof that a row was dropped."""
    if not (wanted.invalid_keys or wanted.invalid_natural):
        return
    known = {key: record.rows[key] for key in wanted.invalid_keys if key in record.rows}
    linked = {linked_id(key, entry) for key, entry in known.items()}
    natural = {natural_key(entry.row) for entry in known.values() if entry.remote_id is None} | wanted.invalid_natural
    for remote in loose:
        if remote.id in linked or remote.key in wanted.invalid_keys or natural_key(remote) in natural:
            yield remote.id
