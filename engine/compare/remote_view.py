"""The remote side of a comparison: rows in Ottimate, as a listing shows them or as the ledger knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator

from engine.compare.agreement import as_shown
from engine.model.company_record import CompanyRecord
from engine.model.dimension import NaturalKey, RemoteRow, natural_key, remote_rows, remote_table
from engine.model.resting import NOT_LISTED
from engine.model.row_record import CODE_KNOWN, CONFIRMED, SETTLED, RowRecord, linked_id
from engine.model.table import Keyed, Table, constant


class RemoteView:
    """The remote rows of one company by id, taken in page by page. Of a repeated id the last row is kept."""

    __slots__ = ("rows", "shows_keys")

    def __init__(self, rows: Iterable[RemoteRow] = (), *, shows_keys: bool = False) -> None:
        """Take in rows. `shows_keys`: they were listed so that each shows its key, if it has one."""
        self.rows: Keyed[RemoteRow] = Keyed(remote_rows([] for _ in RemoteRow._fields), "id")
        self.shows_keys = shows_keys
        self.add(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Iterable[RemoteRow]) -> None:
        """Take in one page's rows."""
        page = remote_table(rows)
        ids = page.column("id")
        if len(set(ids)) < len(ids) or not self.rows.positions.keys().isdisjoint(ids):
            newest = {row.id: row for row in page}
            kept = [position for row_id, position in self.rows.positions.items() if row_id not in newest]
            self.rows = Keyed(self.rows.table.take(kept), "id")
            page = remote_table(newest.values())
        self.rows.append(page, "id")

    def natural_keys(self) -> Iterator[NaturalKey]:
        """Return the type and ERP id of each row, in the order of the rows."""
        return self.rows.table.columns("type_code", "erp_id")

    def having(self, natural: Container[NaturalKey]) -> list[RemoteRow]:
        """Return the rows that have one of these types and ERP ids."""
        positions = [position for position, each in enumerate(self.natural_keys()) if each in natural]
        return list(self.rows.table.take(positions))

    def labels(self) -> dict[str, str]:
        """Return the label that each type code bears most often (of equals, the first in the alphabet)."""
        best: dict[str, tuple[int, str]] = {}
        for (type_code, label), count in Counter(self.rows.table.columns("type_code", "type_label")).items():
            if label:  # not shown is unknown, not empty
                best[type_code] = min(best.get(type_code, (0, "")), (-count, label))
        return {type_code: label for type_code, (_, label) in best.items()}


def as_known(record: CompanyRecord, *, keyed: bool = False) -> RemoteView:
    """Return the remote side as the ledger knows it, to compare with when nothing is listed. O(rows).

    A row whose remote id is not known yet stands under `linked_id`, which no server gives out. A create of unknown
    outcome is left out, unless a listing has shown it since.
    `keyed`: listings of this contract show keys, so that the view shows those that are confirmed.
    """
    view = RemoteView(shows_keys=keyed)
    plain = _as_acknowledged(record)
    if plain:
        view.add(_acknowledged_rows(record.entries.table.take(plain), keyed=keyed))
    if len(plain) < len(record.rows) or record.keyless:
        view.add(_other_rows(record, set(plain), keyed=keyed))
    return view


def _as_acknowledged(record: CompanyRecord) -> list[int]:
    """Return the positions of entries that are there as they were acknowledged, each the only one of its remote id."""
    table = record.entries.table
    if record.resting:
        hidden = record.resting.keys()
        kept = [position for position, key in enumerate(table.column("key")) if key not in hidden]
    else:
        kept = list(range(len(table)))
    ids, flags = table.column("remote_id"), table.column("flags")
    if len(set(ids)) < len(ids) or None in ids:
        uses = Counter(ids)
        kept = [position for position in kept if ids[position] is not None and uses[ids[position]] == 1]
    for name in ("seen", "agreement"):
        column = table.column(name)
        if any(column):
            kept = [position for position in kept if column[position] is None]
    return [position for position in kept if flags[position] & SETTLED]


def _acknowledged_rows(table: Table[RowRecord], *, keyed: bool) -> Table[RemoteRow]:
    """Return the remote rows of entries that are there as they were acknowledged."""
    flags = table.column("flags")
    codes, keys = table.column("code"), constant(None, len(table))
    if not all(CODE_KNOWN & each for each in flags):
        codes = [code if each & CODE_KNOWN else None for code, each in zip(codes, flags, strict=True)]
    if keyed:
        keys = [key if each & CONFIRMED else None for key, each in zip(table.column("key"), flags, strict=True)]
    shown = (table.column(name) for name in ("remote_id", "type_code", "type_label", "name", "erp_id"))
    return remote_rows((*shown, codes, keys))


def _other_rows(record: CompanyRecord, done: Collection[int], *, keyed: bool) -> Iterator[RemoteRow]:
    """Yield the other rows; where two keys were matched with one of them, what is known best comes last."""
    table = record.entries.table
    records: list[tuple[str, RowRecord]] = []
    keyless = {natural_key(row) for row in record.keyless}
    hidden = {key for key, rest in record.resting.items() if rest.code == NOT_LISTED}
    for position, key in enumerate(table.column("key")):
        if position in done or key in hidden:
            continue
        known = table[position]
        if known.remote_id is None and natural_key(known.row) in keyless:
            continue  # it is one of those, and nobody knows which
        if known.confirmed or known.outcome_known or known.remote_id is not None:
            records.append((key, known))
    for key, known in sorted(records, key=_best_last):
        yield _as_seen(key, known, key if keyed and known.confirmed else None)
    linked = set(table.column("remote_id")) if record.keyless else set()
    yield from (row for row in record.keyless if row.id not in linked)  # else a key was acknowledged for it since


def _best_last(entry: tuple[str, RowRecord]) -> tuple[bool, bool, bool]:
    """Sort records of one remote row: as the last listing showed it, as it is since, under its own key."""
    _, known = entry
    return known.seen is None, known.is_fresh, known.confirmed


def _as_seen(key: str, known: RowRecord, listed_key: str | None) -> RemoteRow:
    shown = as_shown(known)
    is_code_known = known.code_known or (shown is known.seen and shown.code is not None)
    code = shown.code if shown.code is not None else known.row.code
    return RemoteRow(
        id=linked_id(key, known),
        type_code=shown.type_code,
        type_label=shown.type_label,
        name=shown.name,
        erp_id=shown.erp_id,
        code=code if is_code_known else None,
        key=listed_key,
    )
