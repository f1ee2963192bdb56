"""Which remote row is this wanted row: the identity that every create and update rests on.

A wanted row is, in this order, the remote row (1) whose listed key is equal, (2) to which the ledger links its key,
(3) that alone bears its natural key, when no other wanted row does. Several candidates are never guessed between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from heapq import nsmallest
from operator import itemgetter
from typing import NamedTuple

from engine.compare.equality import as_shown
from engine.compare.quiet import Parted
from engine.model.change import Hold
from engine.model.company_record import CODE_KNOWN, NOT_LISTED, SETTLED, CompanyRecord, RowRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, as_dimension, as_remote_row, natural_key
from engine.model.table import Cells, Entries, bare
from engine.model.wanted import Wanted


class RemoteIndex:
    """The remote rows of one company by id, folded in page by page. A repeated id is kept once."""

    __slots__ = ("cells", "shows_keys")

    def __init__(self, rows: Iterable[RemoteRow] = (), *, shows_keys: bool = False) -> None:
        """Take in rows. `shows_keys`: they were listed so that each shows its key, if it has one."""
        self.cells: dict[str, Cells] = {}
        self.shows_keys = shows_keys
        self.add(rows)

    def add(self, rows: Iterable[RemoteRow]) -> None:
        """Take in one page's rows."""
        cells = bare(rows)
        self.cells.update(zip(map(itemgetter(0), cells), cells, strict=True))

    @property
    def rows(self) -> Entries[RemoteRow]:
        """The rows by id."""
        return Entries(as_remote_row, self.cells)

    def labels(self) -> dict[str, str]:
        """Return the label that each type code bears most often (of equals, the first in the alphabet)."""
        uses = Counter(map(itemgetter(1, 2), self.cells.values()))
        best: dict[str, tuple[int, str]] = {}
        for (type_code, label), count in uses.items():
            if label:  # not shown is unknown, not empty
                best[type_code] = min(best.get(type_code, (0, "")), (-count, label))
        return {type_code: label for type_code, (_, label) in best.items()}


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
    quiet: Parted = field(default_factory=Parted)  # rows that need no pair: alike on all sides
    relabel: bool = False  # type labels are compared, too

    def has_pair(self, key: str) -> bool:
        """Return whether a wanted row is there."""
        return key in self.quiet.keys or any(pair.row.key == key for pair in self.pairs)

    def has(self, key: str) -> bool:
        """Return whether a row is wanted. O(rows), as `has_pair`: for a few keys."""
        open_keys = (row.key for row in self.missing), (hold.key for hold in self.holds)
        return self.has_pair(key) or any(key == each for keys in open_keys for each in keys)


def image(record: CompanyRecord, *, keyed: bool = False) -> RemoteIndex:
    """Return the remote side as the ledger knows it, to compare with when nothing is listed.

    A row whose remote id is not known yet stands under `linked_id`, which no server gives out. A create of unknown
    outcome is left out, unless a listing has shown it since.
    `keyed`: listings of this contract show keys, so that the image shows those that are confirmed.
    """
    index = RemoteIndex(shows_keys=False)
    plain = None if keyed else _plain_image(record)
    if plain is None:
        index.add(_image_rows(record, keyed=keyed))
    else:
        index.cells = plain
    return index


def _plain_image(record: CompanyRecord) -> dict[str, Cells] | None:
    """Return the image where each entry is of known outcome and id, one for each remote row; None: it is not so."""
    entries = record.cells.values()
    if (
        record.keyless
        or record.resting
        or not all(entry[7] & SETTLED and entry[6] and entry[8] is None and entry[9] is None for entry in entries)
    ):
        return None
    found = {entry[6]: (entry[6], *entry[1:5], entry[5] if entry[7] & CODE_KNOWN else None, None) for entry in entries}
    return found if len(found) == len(entries) else None


def _image_rows(record: CompanyRecord, *, keyed: bool) -> Iterator[RemoteRow]:
    """Yield the rows; where two keys were matched with one of them, what is known best comes last."""
    shown: list[tuple[str, RowRecord]] = []
    strays = {natural_key(stray) for stray in record.keyless}
    hidden = {key for key, rest in record.resting.items() if rest.code == NOT_LISTED}
    for key, known in record.rows.items():
        if key in hidden or (known.remote_id is None and natural_key(known.row) in strays):
            continue  # the latter is one of them, and nobody knows which
        if known.confirmed or known.outcome_known or known.remote_id is not None:
            shown.append((key, known))
    for key, known in sorted(shown, key=_newest_last):
        yield _as_seen(key, known, key if keyed and known.confirmed else None)
    linked = {entry[6] for entry in record.cells.values()} if record.keyless else set()
    yield from (stray for stray in record.keyless if stray.id not in linked)  # else a key was acknowledged for it since


def _newest_last(entry: tuple[str, RowRecord]) -> tuple[bool, bool, bool]:
    """Return what sorts entries of one remote row: as the last listing showed it, as it is since, under its own key."""
    _, known = entry
    return known.seen is None, known.is_fresh, known.confirmed


def _as_seen(key: str, known: RowRecord, listed_key: str | None) -> RemoteRow:
    shown = as_shown(known)
    is_code_known = known.code_known or (shown is known.seen and shown.code is not None)
    code = shown.code if shown.code is not None else known.row.code
    return RemoteRow(linked_id(key, known), *shown[1:5], code if is_code_known else None, listed_key)


def linked_id(key: str, known: RowRecord) -> str:
    """Return the remote id behind a key, or the name under which `image` shows it while the id is not known."""
    return known.remote_id or f"?{key}"


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
    wanted: Wanted, index: RemoteIndex, record: CompanyRecord, *, alike: bool = False, quiet: Parted | None = None
) -> Matching:
    """Pair wanted rows with remote rows, both sides completely. The order of either side changes nothing.

    `alike`: a person has looked, and rows that merely look like one in Ottimate are others: they are missing. `quiet`:
    what has been told apart as such; it is left out.
    """
    if quiet is None:
        quiet = Parted(rows=sorted(bare(wanted.rows)), remotes=index.cells)
    rows = [as_dimension(cells) for cells in quiet.rows]
    remotes = {row_id: as_remote_row(cells) for row_id, cells in quiet.remotes.items()}
    pairs, rest, holds, contested = _by_key(rows, remotes, record)
    taken = {pair.remote.id: pair.row.key for pair in pairs}
    rest = _by_link(rest, remotes, record, pairs, taken)
    missing: list[Dimension] = []
    if rest:
        unmatched = _by_natural_key(rest, _Bearers(rows, remotes), record, pairs, taken, holds, contested)
        pairs = _without_shifted(pairs, holds, contested)
        free = [remote for remote in remotes.values() if remote.id not in taken]
        types = set(map(itemgetter(1), index.cells.values()))
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
        quiet=quiet,
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
            bearers = _by_natural(remotes.values()) if bearers is None else bearers
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


def _by_natural(remotes: Iterable[RemoteRow]) -> dict[NaturalKey, list[RemoteRow]]:
    found: dict[NaturalKey, list[RemoteRow]] = {}
    for remote in remotes:
        found.setdefault(natural_key(remote), []).append(remote)
    return found


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
        self.remote = _by_natural(remotes.values())

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
