"""Rows that ask for nothing, told from the others by plain comparisons: nearly all rows of nearly all runs.

A row is quiet when source, ledger and remote side agree on it, and no row that does not could have a part in what it
is. `match`, `diff` and `learn` would find it paired by the ledger, unchanged and known; they are spared it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from engine.model.cells import Cells
from engine.model.known import CODE_KNOWN, CONFIRMED, SETTLED

SURE = CONFIRMED | SETTLED | CODE_KNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Both sides of a comparison, parted into what is quiet and what has to be looked at."""

    rows: list[Cells] = field(default_factory=list)  # wanted rows to look at, by key
    remotes: Mapping[str, Cells] = field(default_factory=dict)  # remote rows to look at, by id
    keys: AbstractSet[str] = frozenset()  # of quiet rows
    ids: AbstractSet[str] = frozenset()  # of the remote rows that they are
    adopted: int = 0  # quiet rows whose key nothing has confirmed
    unseen: int = 0  # quiet rows with a code that nobody can compare


@dataclass(slots=True)
class _Calm:
    """Rows that agree on all sides, with the ids of their remote rows in the same order."""

    rows: list[Cells] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def part(
    wanted: Sequence[Cells], known: Mapping[str, Cells], remotes: dict[str, Cells], *, relabel: bool, adopts: bool
) -> Parted:
    """Return what is quiet and what is not. O(rows).

    `known`: the ledger's entries by key (`known.as_known` tells of their cells). `remotes`: by id. `relabel`: type
    labels are compared, too. `adopts`: rows whose key nothing has confirmed may be left as they are.
    """
    calm, loud = _agreeing(wanted, known, remotes, relabel=relabel, adopts=adopts)
    while True:
        ids = set(calm.ids)
        others = (
            {row_id: cells for row_id, cells in remotes.items() if row_id not in ids} if _more(remotes, ids) else {}
        )
        keys = {cells[0] for cells in calm.rows}
        stirred = _stirred(calm, loud, others, known, keys)
        if not stirred:
            break
        loud += [cells for cells in calm.rows if cells[0] in stirred]
        left = [pair for pair in zip(calm.rows, calm.ids, strict=True) if pair[0][0] not in stirred]
        calm = _Calm([cells for cells, _ in left], [row_id for _, row_id in left])
    entries = [known[cells[0]] for cells in calm.rows if known[cells[0]][7] != SURE]
    unsure = [cells for cells in calm.rows if known[cells[0]][7] != SURE] if entries else []
    return Parted(
        rows=sorted(loud),
        remotes=others,
        keys=keys,
        ids=ids,
        adopted=sum(not entry[7] & CONFIRMED for entry in entries),
        unseen=sum(
            cells[5] is not None and not entry[7] & CODE_KNOWN for cells, entry in zip(unsure, entries, strict=True)
        ),
    )


def _more(remotes: Mapping[str, Cells], ids: AbstractSet[str]) -> bool:
    return len(remotes) > len(ids)


def _agreeing(
    wanted: Sequence[Cells], known: Mapping[str, Cells], remotes: Mapping[str, Cells], *, relabel: bool, adopts: bool
) -> tuple[_Calm, list[Cells]]:
    """Return the rows that agree on all sides, and the others."""
    calm = _Calm()
    loud: list[Cells] = []
    calm_row, calm_id, loud_row = calm.rows.append, calm.ids.append, loud.append
    entry_of, shown_as = known.get, remotes.get
    for cells in wanted:
        entry = entry_of(cells[0])
        there = None if entry is None else shown_as(entry[6])
        if entry is None or there is None or entry[8] is not None or there[1:5] != entry[1:5]:
            loud_row(cells)
        elif (
            entry[7] == SURE and there[6] is None and (there[5] is None or there[5] == entry[5]) and entry[:6] == cells
        ) or _agree(cells, entry, there, relabel=relabel, adopts=adopts):
            calm_row(cells)
            calm_id(entry[6])
        else:
            loud_row(cells)
    return calm, loud


def _agree(cells: Cells, entry: Cells, there: Cells, *, relabel: bool, adopts: bool) -> bool:
    """Return whether a wanted row, its entry and the row that this leads to are alike as far as anybody can see.

    Entry and remote row are known to agree on type, label, name and ERP id.
    """
    flags, code, shown_code, shown_key = entry[7], entry[5], there[5], there[6]
    if not flags & SETTLED or cells[1] != entry[1] or cells[3:5] != entry[3:5]:
        return False
    if relabel and cells[2] != entry[2]:
        return False
    if not flags & CONFIRMED and (shown_key is not None or not adopts):
        return False
    if shown_key is not None and shown_key != cells[0]:
        return False
    if flags & CODE_KNOWN:
        return bool(cells[5] == code and shown_code in {None, code})
    return shown_code is None and code is None


def _stirred(
    calm: _Calm, loud: Sequence[Cells], others: Mapping[str, Cells], known: Mapping[str, Cells], keys: AbstractSet[str]
) -> AbstractSet[str]:
    """Return the keys of rows that agree and yet have to be looked at: others may mean, or be meant by, what they are.

    By id: two keys lead to one remote row. By key: a remote row is listed under theirs. By type and ERP id: such a row
    is on either side, or in an entry of the ledger that led to none of the quiet ones.
    """
    claims = [known[cells[0]][6] for cells in loud if cells[0] in known]
    doubled = {row_id for row_id, count in Counter(calm.ids).items() if count > 1} if _repeats(calm.ids) else set()
    claimed = doubled.union(claims)
    listed = {cells[6] for cells in others.values() if cells[6] is not None}
    faces = {(cells[1], cells[4]) for cells in loud}
    faces.update((cells[1], cells[4]) for cells in others.values())
    if len(known) > len(keys):
        faces.update((entry[1], entry[4]) for key, entry in known.items() if key not in keys)
    if not (claimed or listed or faces):
        return frozenset()
    return {
        cells[0]
        for cells, row_id in zip(calm.rows, calm.ids, strict=True)
        if (cells[1], cells[4]) in faces or row_id in claimed or cells[0] in listed
    }


def _repeats(ids: list[str]) -> bool:
    return len(set(ids)) < len(ids)
