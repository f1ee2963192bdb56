"""The remote side of a comparison: rows in Ottimate, as a listing shows them or as the ledger knows them."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from itertools import compress

from engine.compare.agreement import as_shown
from engine.model.company_record import CompanyRecord
from engine.model.dimension import DIMENSIONS, NaturalKey, RemoteRow, natural_key
from engine.model.resource import Resource
from engine.model.resting import NOT_LISTED
from engine.model.row_record import CODE_KNOWN, CONFIRMED, SETTLED, RowRecord, remote_id_of
from engine.model.table import Keyed, Table, constant, distinct, taken, uses_of


class RemoteView:
    """The remote rows of one company by id, taken in page by page. Of a repeated id the last row is kept."""

    __slots__ = ("resource", "rows", "shows_keys")

    def __init__(
        self, rows: Iterable[RemoteRow] = (), *, shows_keys: bool = False, resource: Resource = DIMENSIONS
    ) -> None:
        """Take in rows. `shows_keys`: they were listed so that each shows its key, if it has one."""
        self.resource = resource
        self.rows: Keyed[RemoteRow] = Keyed(resource.remote_table(()), "id")
        self.rows.table.seal()
        self.shows_keys = shows_keys
        self.add(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, rows: Iterable[RemoteRow]) -> None:
        """Take in one page's rows."""
        if not self.rows.append(self.resource.remote_table(rows), "id"):
            self.rows = Keyed(self.rows.table.take(sorted(self.rows.positions.values())), "id")

    def natural_keys(self) -> Iterator[NaturalKey]:
        """Return the natural key of each row, in the order of the rows."""
        return self.rows.table.columns(*self.resource.natural_key)

    def having(self, natural: Container[NaturalKey]) -> list[RemoteRow]:
        """Return the rows that have one of these natural keys."""
        positions = [position for position, each in enumerate(self.natural_keys()) if each in natural]
        return list(self.rows.table.take(positions))

    def labels(self) -> dict[NaturalKey, str]:
        """Return the label that each kind of row bears most often (of equals, the first in the alphabet)."""
        best: dict[NaturalKey, tuple[int, str]] = {}
        if self.resource.label is None:
            return {}
        shown = self.rows.table.columns(*self.resource.kind, self.resource.label)
        for (*kind, label), count in uses_of(shown).items():
            if label:  # not shown is unknown, not empty
                best[tuple(kind)] = min(best.get(tuple(kind), (0, "")), (-count, label))
        return {kind: label for kind, (_, label) in best.items()}


def as_known(record: CompanyRecord, *, keyed: bool = False) -> RemoteView:
    """Return the remote side as the ledger knows it, to compare with when nothing is listed. O(rows).

    A row whose remote id is not known yet stands under `remote_id_of`, which no server gives out. A create of unknown
    outcome is left out, unless a listing has shown it since.
    `keyed`: listings of this contract show keys, so that the view shows those that are confirmed.
    """
    view = RemoteView(shows_keys=keyed, resource=record.resource)
    plain, table = _as_acknowledged(record), record.entries.table
    if plain:
        taken_in = table if len(plain) == len(table) else table.take(plain)
        view.add(_acknowledged_rows(taken_in, record.resource, keyed=keyed))
    if len(plain) < len(record.rows) or record.keyless:
        view.add(_other_rows(record, set(plain), keyed=keyed))
    view.rows.table.seal()
    return view


def _as_acknowledged(record: CompanyRecord) -> Sequence[int]:
    """Return the positions of entries whose rows are as acknowledged, and whose remote id no other entry has."""
    table = record.entries.table
    kept: Sequence[int] = range(len(table))
    if record.resting:
        hidden = record.resting.keys()
        kept = [position for position, key in enumerate(table.column("key")) if key not in hidden]
    ids, flags = table.column("remote_id"), table.column("flags")
    if len(distinct(ids)) < len(ids) or None in ids:
        uses = uses_of(ids)
        kept = [position for position in kept if ids[position] is not None and uses[ids[position]] == 1]
    for name in ("seen", "agreement"):
        column = table.column(name)
        if any(column):
            kept = [position for position in kept if column[position] is None]
    if all(map(SETTLED.__and__, set(flags))):
        return kept
    return list(compress(kept, map(SETTLED.__and__, taken(flags, kept))))


def _acknowledged_rows(table: Table[RowRecord], resource: Resource, *, keyed: bool) -> Table[RemoteRow]:
    """Return the remote rows of entries whose rows are as they were acknowledged."""
    flags = table.column("flags")
    shown = {name: table.column(name) for name in resource.names}
    shown["id"] = table.column("remote_id")
    if not all(map(CODE_KNOWN.__and__, set(flags))):
        for name in resource.optional:
            shown[name] = [value if each & CODE_KNOWN else None for value, each in zip(shown[name], flags, strict=True)]
    confirmed = zip(shown["key"], flags, strict=True) if keyed else ()
    shown["key"] = [key if each & CONFIRMED else None for key, each in confirmed] or constant(None, len(table))
    rows = resource.remote_rows(map(shown.__getitem__, resource.remote_names))
    rows.seal()
    return rows


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
    shown, resource = as_shown(known), known.row.resource
    values = {field.name: getattr(shown, field.name) for field in resource.compared}
    for name in resource.optional:
        if values[name] is None and known.code_known:
            values[name] = getattr(known.row, name)
        elif shown is not known.seen and not known.code_known:
            values[name] = None
    remote: RemoteRow = resource.remote(id=remote_id_of(key, known), **values, key=listed_key)
    return remote
