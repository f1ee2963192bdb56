"""Keys that have changed in the source: the row keeps on the wire the key that it was created under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

from engine.model.company_record import CompanyRecord
from engine.model.dimension import NaturalKey, natural_key
from engine.model.outcome import Problem
from engine.model.wanted import Wanted

_Value = TypeVar("_Value")


class Rekey(NamedTuple):
    """A row whose key has changed in the source."""

    source_key: str  # as the source calls it now
    wire_key: str  # as Ottimate knows it: it keeps that one
    type_code: str
    erp_id: str
    name: str  # in the source
    remote_id: str | None  # None: not known


def rekeyed(wanted: Wanted, wire_keys: Mapping[str, str]) -> Wanted:
    """Return the rows under the keys that go on the wire; the problems of rows stay told under the source's.

    If the key on the wire is another row's own key in the source, two rows would be sent as one: both are invalid.
    """
    if not wire_keys:
        return wanted
    rows = [row._replace(key=wire_keys.get(row.key, row.key)) for row in wanted.rows]
    source_keys = {row.key: own.key for row, own in zip(rows, wanted.rows, strict=True) if row.key != own.key}
    uses = Counter(row.key for row in rows)
    twice = {key for key, count in uses.items() if count > 1}
    bad = tuple(
        _collision(wanted, own.key, row.key) for row, own in zip(rows, wanted.rows, strict=True) if row.key in twice
    )
    return replace(
        wanted,
        rows=[row for row in rows if row.key not in twice],
        lines=_also_by(source_keys, wanted.lines),
        files=_also_by(source_keys, wanted.files),
        source_keys=source_keys,
        invalid=wanted.invalid + len(bad),
        problems=wanted.problems + bad,
        invalid_keys=wanted.invalid_keys | twice | {wire_keys.get(key, key) for key in wanted.invalid_keys},
    )


def _collision(wanted: Wanted, key: str, wire_key: str) -> Problem:
    text = (
        f"several rows of the source go by the key {wire_key!r} since one was rekeyed: leave out all but one, or"
        " undo that with `dimsync rekey ID --undo`"
    )
    file, line = wanted.place(key)
    return Problem(code="rekeyed-twice", message=text, key=key, file=file, line=line)


def _also_by(source_keys: Mapping[str, str], by_key: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return values by the rows' own keys and by their wire keys."""
    return {**by_key, **{wire: by_key[own] for wire, own in source_keys.items() if own in by_key}}


def rekeyable(wanted: Wanted, record: CompanyRecord) -> list[Rekey]:
    """Return the source's rows that Ottimate has under a key which the source no longer has, by source key.

    Rows are recognised by type and ERP id. Left out are rows whose own key leads to a remote row, and rows that share
    their type and ERP id with another one.
    """
    own = {row.key for row in wanted.rows} | wanted.invalid_keys
    own |= {record.wire_keys[key] for key in own if key in record.wire_keys}
    bearers = set(_keyed(record))
    uses = Counter(natural for natural, _ in bearers)
    there = {natural: bearer for natural, bearer in bearers if uses[natural] == 1}
    alone = Counter(natural_key(row) for row in wanted.rows)
    found = []
    for row in sorted(wanted.rows):
        known = record.rows.get(row.key)
        wire_key, remote_id = there.get(natural_key(row), (row.key, None))
        leads = (known is not None and known.confirmed) or row.key in record.wire_keys
        if wire_key != row.key and wire_key not in own and not leads and alone[natural_key(row)] == 1:
            found.append(Rekey(row.key, wire_key, row.type_code, row.erp_id, row.name, remote_id))
    return found


def _keyed(record: CompanyRecord) -> Iterator[tuple[NaturalKey, tuple[str, str | None]]]:
    """Yield under which key, and with which remote id, each natural key is there, as far as that is proven."""
    for row in record.keyless:
        if row.key is not None:
            yield natural_key(row), (row.key, row.id)
    for key, natural in record.may_be_there.items():
        entry = record.rows.get(key)
        yield natural, (key, entry.remote_id if entry is not None else None)
    for key, known in record.rows.items():
        if known.outcome_known and known.confirmed:
            yield natural_key(known.row), (key, known.remote_id)
