"""Which rows the errors of a bulk answer are about: by key, remote id, name or position."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from engine.model.change import Change
from engine.model.outcome import BulkAnswer, BulkError


def join_errors(changes: Sequence[Change], answer: BulkAnswer) -> tuple[dict[int, BulkError], bool]:
    """Return the refused rows by position, and whether each error found a row of its own."""
    if not answer.errors:
        return {}, True
    if len(changes) == 1:  # the error is about the only row
        return {0: answer.errors[0]}, True
    by_key = {change.row.key: position for position, change in enumerate(changes)}
    by_id = {change.remote_id: position for position, change in enumerate(changes) if change.remote_id is not None}
    uses = Counter(change.row.name for change in changes)
    by_name = {change.row.name: position for position, change in enumerate(changes) if uses[change.row.name] == 1}
    base = _base(changes, answer, by_key)
    alike: dict[str, list[int]] = {}  # positions of rows whose keys differ in case at most
    for position, change in enumerate(changes):
        alike.setdefault(change.row.key.casefold(), []).append(position)
    refused: dict[int, BulkError] = {}
    for error in answer.errors:
        found: int | None = None
        if error.key is not None:
            found = by_key.get(error.key)
            if found is None:
                found = _respelled(error.key, by_key)
            elif len(twins := alike[error.key.casefold()]) > 1:
                found = _one_of(twins, error, changes)
        elif error.remote_id is not None and error.remote_id in by_id:
            found = by_id[error.remote_id]
        elif error.name is not None and (error.name in by_name or error.position is None):
            found = by_name.get(error.name)
        elif error.position is not None and base is not None and 0 <= error.position - base < len(changes):
            found = error.position - base
        if found is not None:
            refused.setdefault(found, error)
    return refused, len(refused) == len(answer.errors)


def _one_of(twins: Sequence[int], error: BulkError, changes: Sequence[Change]) -> int | None:
    """Return which of some rows, whose keys differ in case alone, an error is about; None: nothing tells.

    A server may show all keys in one case. The name tells rows apart, else the position, from 0 or from 1.
    """
    named = [position for position in twins if changes[position].row.name == error.name]
    if len(named) == 1:
        return named[0]
    placed = [position for position in twins if error.position is not None and error.position - position in (0, 1)]
    return placed[0] if len(placed) == 1 else None


def _respelled(key: str, by_key: Mapping[str, int]) -> int | None:
    """Return the position of the one row whose key an error shows in other case or with a prefix; None: not one."""
    folded = key.casefold()
    found = [position for own, position in by_key.items() if _ends_in(folded, own.casefold())]
    return found[0] if len(found) == 1 else None


def _ends_in(text: str, key: str) -> bool:
    """Return whether a text is a key, or a prefix that ends in neither letter nor digit, and then the key."""
    return text == key or (text.endswith(key) and not text[-len(key) - 1].isalnum())


def _base(changes: Sequence[Change], answer: BulkAnswer, by_key: dict[str, int]) -> int | None:
    """Return from where positions count; None: neither 0 nor 1 fits what the answer says was stored."""
    offsets = {
        error.position - by_key[error.key]
        for error in answer.errors
        if error.position is not None and error.key is not None and error.key in by_key
    }
    if offsets:
        return offsets.pop() if len(offsets) == 1 else None
    positions = [error.position for error in answer.errors if error.position is not None]
    return next((base for base in (0, 1) if fits(changes, answer, [at - base for at in positions])), None)


def fits(changes: Sequence[Change], answer: BulkAnswer, refused: Collection[int]) -> bool:
    """Return whether no row at these positions is listed as stored."""
    if not refused:
        return True
    if not all(0 <= position < len(changes) for position in refused):
        return False
    stored = Counter(name for _, name in (*answer.created, *answer.updated) if name)
    sent = Counter(change.row.name for change in changes)
    sent.subtract(Counter(changes[position].row.name for position in set(refused)))
    return all(stored[changes[position].row.name] <= sent[changes[position].row.name] for position in refused)
