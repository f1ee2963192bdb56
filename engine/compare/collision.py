"""Collisions: the API takes the keys of two rows for one, so that each row overwrites the other.

Two keys of the source lead to one remote row. Neither is sent again until one of their rows changes in the source.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from itertools import chain
from operator import attrgetter

from engine.compare.matching import Matching, Pair, Via
from engine.model.change import Hold
from engine.model.company_record import CompanyRecord
from engine.model.dimension import Dimension, NaturalKey, fingerprint, natural_key, without_label
from engine.model.resting import KEY_COLLISION, RestingRow
from engine.model.wanted import Wanted


def collided(wanted: Wanted, record: CompanyRecord) -> dict[str, RestingRow]:
    """Return the collisions that still hold, by key: none of their rows has changed in the source since."""
    found = {key: rest for key, rest in record.resting.items() if rest.code == KEY_COLLISION}
    if not found:
        return {}
    rows = {row.key: row for row in wanted.rows if row.key in found}
    return {
        key: rest
        for key, rest in found.items()
        if key in rows
        and rest.fingerprint == collision_fingerprint(rows[each] for each in (key, *rest.others) if each in rows)
    }


def collision_fingerprint(rows: Iterable[Dimension]) -> bytes:
    """Return 16 bytes that change when one of the rows does, labels apart: a label is the remote side's."""
    digest = blake2b(digest_size=16)
    for row in sorted(rows):
        digest.update(fingerprint(without_label(row)))
    return digest.digest()


def without(wanted: Wanted, keys: Collection[str]) -> Wanted:
    """Return the source's rows without these. The remote rows that they stand for do not become orphans by it."""
    if not keys:
        return wanted
    rows = [row for row in wanted.rows if row.key in keys]
    return replace(
        wanted,
        rows=[row for row in wanted.rows if row.key not in keys],
        invalid_keys=wanted.invalid_keys | {row.key for row in rows},
        invalid_natural=wanted.invalid_natural | {natural_key(row) for row in rows},
    )


def held(collisions: dict[str, RestingRow]) -> list[Hold]:
    """Return the holds of collisions, by key."""
    holds = [Hold(key, KEY_COLLISION, rest.message) for key, rest in collisions.items()]
    return sorted(holds, key=attrgetter("key"))


def collisions(groups: Mapping[str, Collection[str]], wanted: Wanted, now: datetime) -> dict[str, RestingRow]:
    """Return the notes on rows that lead to one remote row, by key. `groups`: their keys, by the id of that row."""
    if not groups:
        return {}
    rows = {row.key: row for row in wanted.rows if any(row.key in group for group in groups.values())}
    found = {}
    for remote_id, group in groups.items():
        known = sorted(key for key in group if key in rows)
        digest = collision_fingerprint(rows[key] for key in known)
        for key in known:
            others = tuple(each for each in known if each != key)
            text = message(set(group) - {key}, remote_id)
            found[key] = RestingRow(KEY_COLLISION, digest, text, now, others=others)
    return found


def message(others: Collection[str], remote_id: str) -> str:
    """Return what is said of a row whose key leads to another key's remote row."""
    them = " and ".join(repr(key) for key in sorted(others)[:3])
    return (
        f"its key and {them} lead to one row in Ottimate, {remote_id}: the API takes them for one key, and each would"
        " overwrite what the other one sent; neither is sent again until one of these rows changes in the source"
    )


def sharing(matching: Matching, record: CompanyRecord) -> dict[str, set[str]]:
    """Return keys that a listing shows to lead to one remote row, by the id of that row.

    The ledger links the remote row to one key, and the row shows the type and ERP id that were acknowledged under the
    other key, which leads to no other row. Answers have acknowledged both keys.
    """
    missing = record.resource.wanted_table(matching.missing).column("key")
    homeless = chain((hold.key for hold in matching.holds), missing)
    lost = dict(_acknowledged(filter(record.entries.positions.__contains__, homeless), record))
    if not lost:
        return {}
    links = {record.rows[key].remote_id: key for key in lost.values()}
    found: dict[str, set[str]] = {}
    for pair in matching.pairs:
        key = lost.get(natural_key(pair.remote)) if _was_overwritten(pair) else None
        if key is None and _is_new_here(pair):
            key = links.get(pair.remote.id)
        if key is not None:
            found.setdefault(pair.remote.id, {pair.row.key}).add(key)
    return found


def _acknowledged(keys: Iterable[str], record: CompanyRecord) -> Iterator[tuple[NaturalKey, str]]:
    """Yield rows that an answer has acknowledged. A row known by a listing alone has an id of its own."""
    for key in keys:
        known = record.rows[key]
        if known.outcome_known and (known.confirmed or known.remote_id is None):
            yield natural_key(known.row), key


def _is_new_here(pair: Pair) -> bool:
    """Return whether a listing shows for the first time where a row is that was acknowledged without an id."""
    known = pair.known
    if pair.via is not Via.LEDGER or known is None or not known.outcome_known or known.remote_id is not None:
        return False
    return natural_key(known.row) == natural_key(pair.remote)


def _was_overwritten(pair: Pair) -> bool:
    """Return whether a confirmed row has become another one since it was acknowledged.

    If the ledger knows nothing of a listed key, the row has become another one if the source means another row by it.
    """
    known = pair.known
    if known is None and pair.via is Via.LISTED_KEY:
        return natural_key(pair.row) != natural_key(pair.remote)
    if pair.via is Via.NATURAL_KEY or known is None or not known.confirmed:
        return False
    return natural_key(known.row) != natural_key(pair.remote)
