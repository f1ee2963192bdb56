"""Join entries of a bulk answer to rows where their names differ from those sent: servers may respell names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.compare.spelling import essence
from engine.model.change import Change
from engine.model.outcome import BulkAnswer


def respelled_names(changes: Sequence[Change], answer: BulkAnswer) -> dict[str, tuple[str, str]]:
    """Return (remote id, name) of entries whose name was not sent, by the key of the row that each is about.

    An entry is about the row that is updated under its id; else about the one row whose name it resembles, if no other
    entry resembles that name. If several rows resemble the name of several entries, and there are as many entries as
    rows, each row gets that name; which id is whose is not known, so the ids are empty.
    """
    sent = {change.row.name for change in changes}
    stored = (*answer.created, *answer.updated)
    left = [(remote_id, name) for remote_id, name in stored if name and name not in sent]
    if not left:
        return {}
    told = {name for _, name in stored}
    rows = [change for change in changes if change.row.name not in told]
    by_id = {change.remote_id: change.row.key for change in rows if change.remote_id is not None}
    found = {by_id[remote_id]: (remote_id, name) for remote_id, name in left if remote_id in by_id}
    by_name: dict[str, list[str]] = {}
    for change in rows:
        if change.row.key not in found:
            by_name.setdefault(essence(change.row.name), []).append(change.row.key)
    for position, (remote_id, answered) in enumerate(left):
        plain = essence(answered)
        alike = [name for name in by_name if name.startswith(plain) or plain.startswith(name)]
        keys = [key for name in alike for key in by_name[name]]
        others = (name for at, (_, name) in enumerate(left) if at != position)
        if remote_id not in by_id and len(keys) == 1 and not any(_resemble(essence(name), alike) for name in others):
            found[keys[0]] = (remote_id, answered)
    loose = [
        (remote_id, name)
        for remote_id, name in left
        if remote_id not in by_id and (remote_id, name) not in found.values()
    ]
    return found | _of_one_name(
        loose, {name: [key for key in keys if key not in found] for name, keys in by_name.items()}
    )


def _of_one_name(entries: Sequence[tuple[str, str]], rows: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Return the answered name, without an id, of rows that are as many as the entries of the one name they resemble.

    `rows`: keys by what spellings of their names have in common.
    """
    found: dict[str, tuple[str, str]] = {}
    for text, count in Counter(name for _, name in entries).items():
        plain = essence(text)
        alike = [name for name in rows if rows[name] and (name.startswith(plain) or plain.startswith(name))]
        rivals = {name for _, name in entries if _resemble(essence(name), alike)}
        keys = [key for name in alike for key in rows[name]]
        if rivals == {text} and len(keys) == count:
            found |= dict.fromkeys(keys, ("", text))
    return found


def _resemble(plain: str, names: Sequence[str]) -> bool:
    return any(name.startswith(plain) or plain.startswith(name) for name in names)
