"""Rows whose matter is plain, told from the others by plain comparisons: nearly all rows of nearly all runs.

A row is quiet when source, ledger and remote side agree on it, and plainly changed when the source alone has another
name or code for it; and no row of which neither is true could have a part in what it is. `match`, `diff` and `learn`
would find it paired by the ledger, and as the ledger knows it there; they are spared it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from operator import itemgetter

from engine.model.company_record import CODE_KNOWN, CONFIRMED, FRESH, SETTLED
from engine.model.table import Cells

SURE = CONFIRMED | SETTLED | CODE_KNOWN
_SURE = SURE | FRESH  # fresh or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """Both sides of a comparison, parted into what is quiet and what has to be looked at."""

    rows: list[Cells] = field(default_factory=list)  # wanted rows to look at, by key
    remotes: Mapping[str, Cells] = field(default_factory=dict)  # remote rows to look at, by id
    keys: AbstractSet[str] = frozenset()  # of quiet and plainly changed rows
    ids: AbstractSet[str] = frozenset()  # of the remote rows that they are
    changed: list[tuple[Cells, Cells, Cells]] = field(default_factory=list)  # the latter: wanted row, entry, remote row
    adopted: int = 0  # quiet rows whose key nothing has confirmed
    unseen: int = 0  # quiet rows with a code that nobody can compare


@dataclass(slots=True)
class _Calm:
    """Rows that agree on all sides, with the ids of their remote rows in the same order."""

    rows: list[Cells] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    unsure: list[Cells] = field(default_factory=list)  # rows of them whose entry does not tell everything
    changed: list[Cells] = field(default_factory=list)  # rows of them for which the source has another name or code


def part(
    wanted: Sequence[Cells],
    known: Mapping[str, Cells],
    remotes: Mapping[str, Cells],
    *,
    relabel: bool,
    adopts: bool,
    lifts: bool,
) -> Parted:
    """Return what is plain and what is not. O(rows).

    `known`: the ledger's entries by key (`known.as_known` tells of their cells). `remotes`: by id. `relabel`: type
    labels are compared, too. `adopts`: rows whose key nothing has confirmed may be left as they are. `lifts`: rows that
    are plainly changed need not be looked at, either.
    """
    calm, loud = _agreeing(wanted, known, remotes, relabel=relabel, adopts=adopts, lifts=lifts)
    while True:
        keys, ids = set(map(_KEY, calm.rows)), set(calm.ids)
        others = {}
        if len(remotes) > len(ids):
            others = {row_id: cells for row_id, cells in remotes.items() if row_id not in ids}
        stirred = _stirred(calm, loud, others, known, keys, ids)
        if not stirred:
            break
        loud += [cells for cells in calm.rows if cells[0] in stirred]
        left = [pair for pair in zip(calm.rows, calm.ids, strict=True) if pair[0][0] not in stirred]
        calm = _Calm([cells for cells, _ in left], [row_id for _, row_id in left], calm.unsure, calm.changed)
    unsure = [(cells, known[cells[0]][7]) for cells in calm.unsure if cells[0] in keys]
    changed = [(cells, known[cells[0]]) for cells in calm.changed if cells[0] in keys]
    return Parted(
        rows=sorted(loud),
        remotes=others,
        keys=keys,
        ids=ids,
        changed=[(cells, entry, remotes[entry[6]]) for cells, entry in changed],
        adopted=sum(not flags & CONFIRMED for _, flags in unsure),
        unseen=sum(cells[5] is not None and not flags & CODE_KNOWN for cells, flags in unsure),
    )


def _agreeing(
    wanted: Sequence[Cells],
    known: Mapping[str, Cells],
    remotes: Mapping[str, Cells],
    *,
    relabel: bool,
    adopts: bool,
    lifts: bool,
) -> tuple[_Calm, list[Cells]]:
    """Return the rows that agree on all sides, or plainly changed, and the others."""
    calm = _Calm()
    loud: list[Cells] = []
    calm_row, calm_id, loud_row = calm.rows.append, calm.ids.append, loud.append
    entry_of, shown_as = known.get, remotes.get
    for cells in wanted:
        entry = entry_of(cells[0])
        there = None if entry is None else shown_as(entry[6])
        if entry is None or there is None or entry[8] is not None or there[1:5] != entry[1:5] or entry[9] is not None:
            loud_row(cells)
        elif (
            entry[7] | FRESH == _SURE
            and there[6] is None
            and (there[5] is None or there[5] == entry[5])
            and entry[:6] == cells
        ):
            calm_row(cells)
            calm_id(entry[6])
        elif _agree(cells, entry, there, relabel=relabel, adopts=adopts):
            calm_row(cells)
            calm_id(entry[6])
            calm.unsure.append(cells)
        elif lifts and _plainly_changed(cells, entry, there, relabel=relabel):
            calm_row(cells)
            calm_id(entry[6])
            calm.changed.append(cells)
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


def _plainly_changed(cells: Cells, entry: Cells, there: Cells, *, relabel: bool) -> bool:
    """Return whether a wanted row has another name or code than its entry, and nothing else about it is in doubt.

    Entry and remote row are known to agree on type, label, name and ERP id.
    """
    if entry[7] | FRESH != _SURE or there[6] is not None or (there[5] is not None and there[5] != entry[5]):
        return False
    is_that_row = bool(cells[1] == entry[1] and cells[4] == entry[4])
    return is_that_row and not (relabel and cells[2] != entry[2])


def _stirred(
    calm: _Calm,
    loud: Sequence[Cells],
    others: Mapping[str, Cells],
    known: Mapping[str, Cells],
    keys: AbstractSet[str],
    ids: AbstractSet[str],
) -> AbstractSet[str]:
    """Return the keys of rows that agree and yet have to be looked at: others may mean, or be meant by, what they are.

    By id: two keys lead to one remote row. By key: a remote row is listed under theirs. By type and ERP id: such a row
    is on either side, or in an entry of the ledger that led to none of the quiet ones.
    """
    claimed = {known[cells[0]][6] for cells in loud if cells[0] in known}
    if len(ids) < len(calm.ids):
        claimed.update(row_id for row_id, count in Counter(calm.ids).items() if count > 1)
    listed = {cells[6] for cells in others.values()} - {None}
    faces = set(map(_FACE, loud))
    faces.update(map(_FACE, others.values()))
    faces.update(_FACE(known[key]) for key in known.keys() - keys)
    if claimed.isdisjoint(ids) and listed.isdisjoint(keys) and faces.isdisjoint(map(_FACE, calm.rows)):
        return frozenset()
    return {
        cells[0]
        for cells, row_id in zip(calm.rows, calm.ids, strict=True)
        if _FACE(cells) in faces or row_id in claimed or cells[0] in listed
    }


_KEY = itemgetter(0)
_FACE = itemgetter(1, 4)  # type and ERP id, in the cells of a wanted row, a remote row and an entry
