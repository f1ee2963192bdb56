"""A bulk answer -> what became of each row that was sent. Only what the body proves counts; the status does not.

Numbered, as the cases are told apart below:
1. Errors are joined to rows by key (one that differs in case or has a prefix will do, if it fits one row alone; where
   keys of rows differ in case alone, name or position has to tell them apart), else by the remote id that a row
   updates, else by a name that one row alone has, else by position: from 0, unless keyed errors or the names of stored
   rows show that positions begin at 1. The errors of a chunk of one row are that row's.
2. Counters, arrays and rows sent agree and each error found its own row: every other row was stored.
3. Otherwise only rows whose unique name, or whose remote id, stands in `created` or `updated` were stored, and joined
   errors were refused; the rest is uncertain. Where an answer gives no names, its ids alone tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from engine.compare.spelling import essence
from engine.model.change import Change
from engine.model.outcome import BulkAnswer, BulkError, Chunk, ChunkOutcome, Column, ItemResult, as_result


def reconcile(chunk: Chunk, answer: BulkAnswer, *, exposed: bool, landed: bool = False) -> ChunkOutcome:
    """Return each row of the chunk once, with its outcome.

    `exposed`: the rows may have landed before this answer (a send of them was lost), so that "updated" does not
    contradict a planned create. `landed`: the server says that they did, so that "created" makes a row a second time.
    """
    plain = None if exposed or landed else as_planned(chunk.changes, answer)
    if plain is not None:
        return ChunkOutcome(results=plain, explained=True)
    return compared(chunk, answer, exposed=exposed, landed=landed)


def as_planned(changes: Sequence[Change], answer: BulkAnswer) -> tuple[ItemResult, ...] | None:
    """Return the rows' outcomes where names alone prove that each was stored as planned; None: look closer.

    No name stands twice on either side, and those of created and of updated rows are the ones that were to be so.
    """
    created = {name: remote_id for remote_id, name in answer.created}
    updated = {name: remote_id for remote_id, name in answer.updated}
    to_create = {change.row.name for change in changes if change.remote_id is None}
    to_update = {change.row.name for change in changes if change.remote_id is not None}
    counts = (answer.created_count, answer.updated_count, answer.success_count, answer.error_count)
    lengths = (len(answer.created), len(answer.updated), len(changes), len(answer.errors))
    if created.keys() != to_create or updated.keys() != to_update or not to_create.isdisjoint(to_update):
        return None
    if counts != lengths or lengths != (len(to_create), len(to_update), len(to_create) + len(to_update), 0):
        return None
    return tuple(
        [
            as_result((change, Column.CREATED, created[change.row.name] or None, ""))
            if change.remote_id is None
            else as_result((change, Column.UPDATED, updated[change.row.name] or None, ""))
            for change in changes
        ]
    )


def compared(chunk: Chunk, answer: BulkAnswer, *, exposed: bool, landed: bool) -> ChunkOutcome:
    """Return each row of the chunk once, with its outcome: the cases 1 to 3."""
    changes = chunk.changes
    refused, all_joined = _join_errors(changes, answer)
    stored = [change for position, change in enumerate(changes) if position not in refused]
    respelled = _respelled_names(changes, answer)
    agrees = (
        _fits(changes, answer, list(refused))
        and _answers(changes, answer, respelled)
        and answer.created_count == len(answer.created)
        and answer.updated_count == len(answer.updated)
        and answer.error_count == len(answer.errors)
        and answer.success_count == answer.created_count + answer.updated_count == len(stored)
    )
    answered = {key: name for key, (_, name) in respelled.items()}
    ids = _ids_by_key(changes, answer) | {key: row_id for key, (row_id, _) in respelled.items() if row_id}
    results = [_refusal(changes[position], error) for position, error in refused.items()]
    if all_joined and agrees:
        planned = sum(change.remote_id is None for change in stored)
        columns = _columns(stored, answer, planned, answered, exposed=exposed)
        results += [
            as_result((change, column, ids.get(change.row.key), ""))
            for change, column in zip(stored, columns, strict=True)
        ]
        doubled = sum(
            change.remote_id is not None and column is Column.CREATED
            for change, column in zip(stored, columns, strict=True)
        )
        surplus = max(doubled, answer.created_count - (0 if landed else planned), 0)
        beyond = 0 if exposed else answer.updated_count - (len(stored) - planned)
        met = max(_repeats(answer), beyond)
        return ChunkOutcome(results=tuple(results), explained=True, surplus=surplus, met=met, answered=answered)
    created = {remote_id for remote_id, _ in answer.created}
    doubt = _doubt(chunk, answer, all_joined=all_joined)
    for change in stored:
        remote_id = ids.get(change.row.key)
        if remote_id is not None:
            was_new = exposed and change.remote_id is None  # an earlier send of it may have made it
            column = Column.CREATED if remote_id in created or was_new else Column.UPDATED
            results.append(ItemResult(change, column, remote_id))
        else:
            results.append(ItemResult(change, Column.UNCERTAIN, None, doubt))
    doubled = sum(result.change.remote_id is not None and result.column is Column.CREATED for result in results)
    met = sum(result.change.remote_id is None and result.column is Column.UPDATED for result in results)
    creates = 0 if landed else chunk.creates
    surplus = max(doubled, min(answer.created_count, len(answer.created)) - creates, 0)
    return ChunkOutcome(
        results=tuple(results),
        explained=False,
        doubt=doubt,
        surplus=surplus,
        met=met,
        unjoined=not all_joined,
        answered=answered,
    )


def _join_errors(changes: tuple[Change, ...], answer: BulkAnswer) -> tuple[dict[int, BulkError], bool]:
    """Return the refused rows by position, and whether each error found a row of its own."""
    if not answer.errors:
        return {}, True
    if len(changes) == 1:  # whose else
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


def _one_of(twins: Sequence[int], error: BulkError, changes: tuple[Change, ...]) -> int | None:
    """Return which of the rows an error is about whose keys differ in case alone; None: nothing tells.

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


def _base(changes: tuple[Change, ...], answer: BulkAnswer, by_key: dict[str, int]) -> int | None:
    """Return from where positions count; None: neither 0 nor 1 fits what the answer says was stored."""
    offsets = {
        error.position - by_key[error.key]
        for error in answer.errors
        if error.position is not None and error.key is not None and error.key in by_key
    }
    if offsets:
        return offsets.pop() if len(offsets) == 1 else None
    positions = [error.position for error in answer.errors if error.position is not None]
    return next((base for base in (0, 1) if _fits(changes, answer, [at - base for at in positions])), None)


def _fits(changes: tuple[Change, ...], answer: BulkAnswer, refused: list[int]) -> bool:
    """Return whether no row at these positions is listed as stored."""
    if not all(0 <= position < len(changes) for position in refused):
        return False
    stored = Counter(name for _, name in (*answer.created, *answer.updated) if name)
    sent = Counter(change.row.name for change in changes)
    sent.subtract(Counter(changes[position].row.name for position in set(refused)))
    return all(stored[changes[position].row.name] <= sent[changes[position].row.name] for position in refused)


def _answers(changes: tuple[Change, ...], answer: BulkAnswer, respelled: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether an answer can be the one to these rows: of the names that it lists, one at least was sent.

    Not all of them: a server may store names in a spelling of its own, and that of one is enough, too.
    """
    listed = [name for _, name in (*answer.created, *answer.updated) if name]
    sent = {change.row.name for change in changes}
    return not listed or bool(respelled) or any(name in sent for name in listed)


def _respelled_names(changes: tuple[Change, ...], answer: BulkAnswer) -> dict[str, tuple[str, str]]:
    """Return (remote id, name) of entries whose name was not sent, by the key of the row that each is about.

    That is the row that is updated under its id, else the only one whose name it resembles, and which no other
    resembles. Where several rows resemble entries of one name, and there is an entry for each of them, each row has
    that name, and nobody knows which id: it is empty.
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


def _ids_by_key(changes: tuple[Change, ...], answer: BulkAnswer) -> dict[str, str]:
    """Return the remote ids of rows that the answer names, by key.

    Those of names that stand once among the rows sent and once among the rows answered; of an entry without a name, the
    row that was to be updated under its id. An answer to one row, with one entry, is that row's.
    """
    stored = (*answer.created, *answer.updated)
    if len(changes) == 1 == len(stored):
        ((remote_id, name),) = stored
        if not name:
            return {changes[0].row.key: remote_id} if remote_id else {}
    sent = Counter(change.row.name for change in changes)
    shown = Counter(name for _, name in stored)
    by_name = {name: remote_id for remote_id, name in stored if remote_id and sent[name] == 1 and shown[name] == 1}
    nameless = {remote_id for remote_id, name in stored if remote_id and not name}
    found = {change.row.key: by_name[change.row.name] for change in changes if change.row.name in by_name}
    if nameless:
        found |= {change.row.key: change.remote_id for change in changes if change.remote_id in nameless}
    return found


def _columns(
    stored: list[Change], answer: BulkAnswer, planned: int, answered: Mapping[str, str], *, exposed: bool
) -> list[Column]:
    """Return created or updated for each stored row: as the names tell where they must be asked, else as planned.

    They must where the server created another number of rows than planned, or says "created" of a name that only an
    update bears: its key led nowhere, and a create that was there already hides it in the counts.
    """
    if any(not name for _, name in (*answer.created, *answer.updated)):
        return _columns_by_id(stored, answer, planned, exposed=exposed)
    created = Counter(name for _, name in answer.created)
    names = [answered.get(change.row.key, change.row.name) for change in stored]
    sure = {remote_id for remote_id, _ in answer.updated if remote_id}  # whatever names they share with created ones
    to_create = {name for name, change in zip(names, stored, strict=True) if change.remote_id is None}
    to_update = {
        name
        for name, change in zip(names, stored, strict=True)
        if change.remote_id is not None and change.remote_id not in sure
    } - to_create
    as_counted = answer.created_count == planned or (exposed and answer.created_count < planned)
    if as_counted and not (to_update & created.keys()):
        return [Column.CREATED if change.remote_id is None else Column.UPDATED for change in stored]
    columns = []
    for name, change in zip(names, stored, strict=True):
        is_new = created[name] > 0 and change.remote_id not in sure
        created[name] -= is_new
        was_new = exposed and change.remote_id is None  # an earlier send of it may have made it
        columns.append(Column.CREATED if is_new or was_new else Column.UPDATED)
    return columns


def _columns_by_id(stored: list[Change], answer: BulkAnswer, planned: int, *, exposed: bool) -> list[Column]:
    """Return created or updated for each stored row where the answer gives no names: by its id, else as counted.

    Rows that were created beyond the `planned` ones are updates whose id the answer does not name.
    """
    updated = {remote_id for remote_id, _ in answer.updated}
    new, beyond = min(answer.created_count, planned), max(0, answer.created_count - planned)
    columns = []
    for change in stored:
        if change.remote_id is None:
            columns.append(Column.CREATED if new > 0 or exposed else Column.UPDATED)
            new -= 1
        else:
            is_made = beyond > 0 and change.remote_id not in updated
            columns.append(Column.CREATED if is_made else Column.UPDATED)
            beyond -= is_made
    return columns


def _repeats(answer: BulkAnswer) -> int:
    """Return how many entries of an answer bear the remote id of another one: their rows are one over there."""
    ids = [remote_id for remote_id, _ in (*answer.created, *answer.updated) if remote_id]
    return len(ids) - len(set(ids))


def _refusal(change: Change, error: BulkError) -> ItemResult:
    return ItemResult(change, Column.REJECTED, None, f"{error.message} ({error.kind})")


def _doubt(chunk: Chunk, answer: BulkAnswer, *, all_joined: bool) -> str:
    """Return why rows of this answer are uncertain."""
    if not all_joined:
        return "the answer names a row as refused that cannot be told from its chunk: this one may be it"
    counts = f"{answer.created_count} created, {answer.updated_count} updated, {answer.error_count} refused"
    arrays = f"{len(answer.created)}, {len(answer.updated)} and {len(answer.errors)}"
    return f"{len(chunk.changes)} rows were sent, and the answer counts {counts} but lists {arrays}"
