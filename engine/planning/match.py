"""Which remote row is this wanted row: the identity that every create and update rests on.

A wanted row is, in this order, the remote row (1) whose listed key is equal, (2) to which the ledger links its key,
(3) that alone bears its natural key, when no other wanted row does. Several candidates are never guessed between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from engine.model.change import Hold
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.known import Acknowledged, Known
from engine.model.wanted import Wanted


class RemoteIndex:
    """The remote rows of one company by id, folded in page by page. A repeated id is kept once."""

    __slots__ = ("rows",)

    def __init__(self, rows: Iterable[RemoteRow] = ()) -> None:
        self.rows: dict[str, RemoteRow] = {}
        self.add(rows)

    def add(self, rows: Iterable[RemoteRow]) -> None:
        """Take in one page's rows."""
        held = self.rows
        for row in rows:
            held[row.id] = row

    def labels(self) -> dict[str, str]:
        """Return the label that each type code bears most often (of equals, the first in the alphabet)."""
        uses = Counter((row.type_code, row.type_label) for row in self.rows.values())
        best: dict[str, tuple[int, str]] = {}
        for (type_code, label), count in uses.items():
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
    known: Known | None  # what the ledger says of the row's key


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Each wanted row once: paired, missing or held. Each remote row once: paired, contested or an orphan."""

    pairs: list[Pair]
    missing: list[Dimension]  # no remote row is like them: creates
    holds: list[Hold]
    contested: set[str] = field(default_factory=set)  # ids of remote rows that a held or invalid row may mean
    orphans: list[str] = field(default_factory=list)  # ids


def image(acked: Acknowledged) -> RemoteIndex:
    """Return the remote side as the ledger knows it, to compare with when nothing is listed.

    A row whose remote id is not known yet stands under `linked_id`, which no server gives out. A create of unknown
    outcome is left out: it proves nothing.
    """
    return RemoteIndex(_image_rows(acked))


def _image_rows(acked: Acknowledged) -> Iterator[RemoteRow]:
    for key, known in acked.rows.items():
        if known.settled or known.confirmed:
            row, seen = known.row, known.seen
            yield RemoteRow(
                linked_id(key, known),
                *(seen[1:5] if seen else (row.type_code, row.type_label, row.name, row.erp_id)),
                (seen.code if seen and seen.code is not None else row.code if known.code_known else None),
            )
    yield from acked.strays


def linked_id(key: str, known: Known) -> str:
    """Return the remote id behind a key, or the name under which `image` shows it while the id is not known."""
    return known.remote_id or f"?{key}"


def match(wanted: Wanted, index: RemoteIndex, acked: Acknowledged) -> Matching:
    """Pair wanted rows with remote rows, both sides completely. The order of either side changes nothing."""
    pairs, rest = _by_key_or_link(sorted(wanted.rows), index, acked)
    taken = {pair.remote.id: pair.row.key for pair in pairs}
    holds: list[Hold] = []
    contested: set[str] = set()
    if rest:
        bearers = _Bearers(wanted, index)
        unmatched = []
        for row in rest:
            hold_or_remote = bearers.resolve(row, taken)
            if isinstance(hold_or_remote, RemoteRow):
                pairs.append(Pair(row, hold_or_remote, Via.NATURAL_KEY, acked.rows.get(row.key)))
            elif hold_or_remote is None:
                unmatched.append(row)
            else:
                holds.append(hold_or_remote)
                contested.update(remote.id for remote in bearers.remote[natural_key(row)] if remote.id not in taken)
        taken.update((pair.remote.id, pair.row.key) for pair in pairs if pair.via is Via.NATURAL_KEY)
        pairs, shifted = _without_shifted(pairs)
        for pair, hold in shifted:
            holds.append(hold)
            contested.add(pair.remote.id)
        missing, alike, seen_alike = _look_alikes(unmatched, [r for r in index.rows.values() if r.id not in taken])
        holds += alike
        contested |= seen_alike - taken.keys()
    else:
        missing = []
    loose = [row for row in index.rows.values() if row.id not in contested and row.id not in taken]
    contested.update(_meant_by_invalid(loose, wanted, acked))
    return Matching(
        pairs=pairs,
        missing=missing,
        holds=sorted(holds),
        contested=contested,
        orphans=sorted(row.id for row in loose if row.id not in contested),
    )


def _by_key_or_link(
    rows: list[Dimension], index: RemoteIndex, acked: Acknowledged
) -> tuple[list[Pair], list[Dimension]]:
    """Pair by listed key, then by ledger link. A listed key that is another one breaks a link."""
    pairs: list[Pair] = []
    rest: list[Dimension] = []
    taken: set[str] = set()
    by_key = {remote.key: remote for remote in index.rows.values() if remote.key is not None}
    if by_key:
        for row in rows:
            remote = by_key.get(row.key)
            if remote is None:
                rest.append(row)
            else:
                pairs.append(Pair(row, remote, Via.LISTED_KEY, acked.rows.get(row.key)))
                taken.add(remote.id)
        rows, rest = rest, []
    known_rows, remote_rows = acked.rows, index.rows
    for row in rows:
        known = known_rows.get(row.key)
        remote = remote_rows.get(linked_id(row.key, known)) if known else None
        if remote is None or remote.id in taken or remote.key is not None:
            rest.append(row)
        else:
            pairs.append(Pair(row, remote, Via.LEDGER, known))
            taken.add(remote.id)
    return pairs, rest


class _Bearers:
    """Who bears which natural key, on both sides."""

    def __init__(self, wanted: Wanted, index: RemoteIndex) -> None:
        self.wanted: dict[NaturalKey, list[str]] = {}
        for row in wanted.rows:
            self.wanted.setdefault(natural_key(row), []).append(row.key)
        self.remote: dict[NaturalKey, list[RemoteRow]] = {}
        for remote in index.rows.values():
            self.remote.setdefault(natural_key(remote), []).append(remote)

    def resolve(self, row: Dimension, taken: dict[str, str]) -> RemoteRow | Hold | None:
        """Return the one remote row that `row` can be, a hold where that cannot be told, or None: it is not there."""
        shared = natural_key(row)
        remotes = self.remote.setdefault(shared, [])
        keys = self.wanted[shared]
        if len(keys) == 1 and not remotes:
            return None
        if len(keys) == 1 and len(remotes) == 1 and remotes[0].id not in taken:
            return remotes[0]
        what = f"{row.type_code} {row.erp_id!r}"
        if len(keys) > 1:
            others = ", ".join(repr(key) for key in sorted(keys) if key != row.key)
            message = f"{what} is also the type and ERP id of the source's {others}: give each row its own ERP id"
        elif len(remotes) > 1:
            ids = ", ".join(sorted(remote.id for remote in remotes))
            message = f"{what} is there {len(remotes)} times in Ottimate ({ids}): which one this row is cannot be told"
        else:
            message = f"{what} is in Ottimate as {remotes[0].id}, which belongs to the key {taken[remotes[0].id]!r}"
        return Hold(row.key, "ambiguous", message)


def _without_shifted(pairs: list[Pair]) -> tuple[list[Pair], list[tuple[Pair, Hold]]]:
    """Take out rows whose remote row is listed under another key: sending them would make a second one."""
    kept, shifted = [], []
    for pair in pairs:
        listed = pair.remote.key
        if pair.via is Via.NATURAL_KEY and listed is not None and listed != pair.row.key:
            twice = f"sent as {pair.row.key!r} it would be there twice"
            message = f"Ottimate lists {pair.remote.id} under the key {listed!r}: {twice}"
            shifted.append((pair, Hold(pair.row.key, "key-shift", message)))
        else:
            kept.append(pair)
    return kept, shifted


def _look_alikes(unmatched: list[Dimension], free: list[RemoteRow]) -> tuple[list[Dimension], list[Hold], set[str]]:
    """Return rows that may be created, holds for those that a free remote row looks like, and those remote ids."""
    alike: dict[tuple[str, str, str], list[RemoteRow]] = {}
    if unmatched:
        for remote in free:
            for trait in _traits(remote):
                alike.setdefault(trait, []).append(remote)
    missing: list[Dimension] = []
    holds: list[Hold] = []
    seen: set[str] = set()
    for row in unmatched:
        found = {remote.id: remote for trait in _traits(row) for remote in alike.get(trait, ())}
        if found:
            seen.update(found)
            first = found[min(found)]
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            this, that = f"{row.erp_id!r} {row.name!r}", f"{first.erp_id!r} {first.name!r}"
            message = (
                f"{row.type_code} {this} looks like {first.id} ({that}){more} in Ottimate, which no source row means"
            )
            holds.append(Hold(row.key, "look-alike", message))
        else:
            missing.append(row)
    return missing, holds, seen


def _traits(row: Dimension | RemoteRow) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Return what two rows of one thing would share: the id but for case and leading zeros, or the name."""
    folded = row.erp_id.casefold()
    return (row.type_code, "id", folded.lstrip("0") or folded), (row.type_code, "name", row.name)


def _meant_by_invalid(loose: list[RemoteRow], wanted: Wanted, acked: Acknowledged) -> Iterator[str]:
    """Yield ids of rows that an invalid source row means: bad data is no proof that a row was dropped."""
    if not (wanted.invalid_keys or wanted.invalid_natural):
        return
    linked = {linked_id(key, acked.rows[key]) for key in wanted.invalid_keys if key in acked.rows}
    for remote in loose:
        if (
            remote.id in linked
            or (remote.key is not None and remote.key in wanted.invalid_keys)
            or natural_key(remote) in wanted.invalid_natural
        ):
            yield remote.id
