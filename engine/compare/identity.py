"""Rows whose identity neither key nor id settles: they are held, since a wrong guess cannot be undone.

`ambiguous`: one source row could be several rows in Ottimate, or several source rows one. `key-shift`: Ottimate lists
the row under another key. `look-alike`: a new row looks like a remote row that no source row means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import TypeAlias

from engine.compare.matching import Pair, Via
from engine.compare.remote_view import RemoteView
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key, told
from engine.model.row_record import remote_id_of
from engine.model.wanted import Wanted

Trait: TypeAlias = tuple[str, ...]
"""What two rows would have in common if they stood for the same thing."""


def listed_twice(key: str, bearers: Sequence[RemoteRow]) -> Hold:
    """Return the hold of a row whose key is listed for several remote rows."""
    message = f"Ottimate lists its key for {len(bearers)} rows ({_some(remote.id for remote in bearers)})"
    return Hold(key, "ambiguous", message)


def ambiguous(
    row: Dimension, wanted: Sequence[Dimension], remotes: Sequence[RemoteRow], taken: Mapping[str, str]
) -> Hold:
    """Return the hold of a row whose natural key does not tell which remote row it is.

    `wanted`, `remotes`: all rows with that natural key. `taken`: the keys of paired rows, by remote id.
    """
    what = told(row)
    if len(wanted) > 1:
        keys = _some(each.key for each in wanted)
        message = f"{what} is the {row.resource.natural_words} of {len(wanted)} source rows ({keys}): give each its own"
    elif len(remotes) > 1:
        ids = _some(remote.id for remote in remotes)
        message = f"{what} is there {len(remotes)} times in Ottimate ({ids}): which one this row is cannot be told"
    else:
        (remote,) = remotes
        message = f"{what} is in Ottimate as {remote.id}, which belongs to the key {taken[remote.id]!r}"
    return Hold(row.key, "ambiguous", message)


def _some(names: Iterable[str]) -> str:
    """Return the first three names in alphabetical order, and "..." if there are more."""
    first = nsmallest(4, names)
    return ", ".join(first[:3]) + (" ..." if len(first) > 3 else "")


def without_shifted(pairs: list[Pair], holds: list[Hold], contested: set[str]) -> list[Pair]:
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


def without_look_alikes(
    unmatched: list[Dimension],
    free: list[RemoteRow],
    view: RemoteView,
    holds: list[Hold],
    contested: set[str],
) -> list[Dimension]:
    """Hold new rows that look like a remote row which no source row means; return those that may be created.

    `view`: all remote rows. Where none is of the row's own kind, the server may have another name for it.
    """
    if not unmatched or not free:
        return unmatched
    alike: dict[Trait, list[RemoteRow]] = {}
    for remote in free:
        for trait in (*_traits(remote), _kindless(remote)):
            alike.setdefault(trait, []).append(remote)
    first = {trait: min(remotes) for trait, remotes in alike.items()}
    kinds = set(view.rows.table.columns(*view.resource.kind))
    missing: list[Dimension] = []
    met: set[Trait] = set()
    for row in unmatched:
        kind = row.resource.kind_of(row)
        shared = [*_traits(row), *_traits(row, of=("",) * len(kind))]
        if kind not in kinds:
            shared.append(_kindless(row))
        found = [trait for trait in shared if trait in first]
        if found:
            met.update(found)
            it = min(first[trait] for trait in found)
            that = f"{getattr(it, it.resource.identifier)!r} {it.name!r}"
            message = f"{told(row)} {row.name!r} looks like {it.id} ({that}) in Ottimate, which no source row means"
            holds.append(Hold(row.key, "look-alike", message))
        else:
            missing.append(row)
    contested.update(remote.id for trait in met for remote in alike[trait])
    return missing


def _traits(row: Dimension | RemoteRow, *, of: NaturalKey | None = None) -> tuple[Trait, Trait]:
    """Return what would show that two rows are one thing: identifier (case and leading zeros apart), or name.

    `of`: the kind that the row is taken to be of; None: its own.
    """
    kind = row.resource.kind_of(row) if of is None else of
    return (*kind, "id", folded(getattr(row, row.resource.identifier))), (*kind, "name", row.name)


def folded(identifier: str) -> str:
    """Return what identifiers that look alike have in common."""
    return identifier.casefold().lstrip("0") or "0"


def _kindless(row: Dimension | RemoteRow) -> Trait:
    """Return what would show that rows of different kinds are one thing: identifier and name together."""
    return "any kind", getattr(row, row.resource.identifier), row.name, ""


def meant_by_another(row: Dimension, remote: RemoteRow) -> Hold:
    """Return the hold of a row that a remote row may be, where an invalid row of the source may be it as well."""
    what = told(row)
    text = f"{what} is in Ottimate as {remote.id}, which an invalid row of the source may mean: mend that row first"
    return Hold(row.key, "ambiguous", text)


def meant_by_invalid(remotes: Iterable[RemoteRow], wanted: Wanted, record: CompanyRecord) -> Iterator[str]:
    """Yield ids of remote rows that an invalid source row may mean: the source has not dropped those."""
    if not (wanted.invalid_keys or wanted.invalid_natural):
        return
    known = {key: record.rows[key] for key in wanted.invalid_keys if key in record.rows}
    linked = {remote_id_of(key, entry) for key, entry in known.items()}
    natural = {natural_key(entry.row) for entry in known.values() if entry.remote_id is None} | wanted.invalid_natural
    for remote in remotes:
        if remote.id in linked or remote.key in wanted.invalid_keys or natural_key(remote) in natural:
            yield remote.id
