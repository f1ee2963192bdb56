"""Plan -> chunks, cut by rows and by real bytes; each row is serialised once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.model.change import Change
from engine.model.dimension import Dimension
from engine.model.outcome import Chunk

RowEncoder = Callable[[Dimension], bytes]
BodyEncoder = Callable[[Sequence[bytes]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How chunks are cut for one company. `encode` and `body` are the contract's."""

    max_rows: int
    max_bytes: int  # of the whole body
    encode: RowEncoder
    body: BodyEncoder  # rows as encoded -> the request's body; adds the same bytes whatever the rows, and one a row

    def chunk(self, changes: Iterable[Change], rows: Iterable[bytes]) -> Chunk:
        """Return the chunk of these rows, whose encoded forms are given in the same order."""
        encoded = tuple(rows)
        return Chunk(changes=tuple(changes), rows=encoded, body=self.body(encoded))


def cut(changes: Iterable[Change], how: Cut) -> Iterator[Chunk]:
    """Yield chunks that together hold each change once, within both limits. Lazy: one chunk in memory at a time.

    A row that is larger than `max_bytes` goes alone. Rows of one name are kept apart where that costs no extra chunk,
    since bulk answers give only names: a row whose name the chunk has waits for the next one; at most `max_rows` wait.
    """
    waiting: deque[tuple[Change, bytes]] = deque()
    room = _Room(how)
    for change in changes:
        row = how.encode(change.sent)
        if change.row.name in room.names and len(waiting) < how.max_rows:
            waiting.append((change, row))
            continue
        if not room.fits(row):
            yield room.close()
            _refill(room, waiting)
            if change.row.name in room.names or not room.fits(row):
                waiting.append((change, row))
                continue
        room.put(change, row)
        if room.full:
            yield room.close()
            _refill(room, waiting)
    for change, row in waiting:
        if not room.fits(row):
            yield room.close()
        room.put(change, row)
    if room.rows:
        yield room.close()


def _refill(room: _Room, waiting: deque[tuple[Change, bytes]]) -> None:
    """Move waiting rows into an empty chunk, first come first served, as far as names and space allow."""
    for _ in range(len(waiting)):
        change, row = waiting.popleft()
        if change.row.name in room.names or not room.fits(row):
            waiting.append((change, row))
        else:
            room.put(change, row)


class _Room:
    """The chunk being filled."""

    def __init__(self, how: Cut) -> None:
        self._how = how
        self._frame = len(how.body(()))
        self._open()

    def _open(self) -> None:
        self.changes: list[Change] = []
        self.rows: list[bytes] = []
        self.names: set[str] = set()
        self._bytes = self._frame

    @property
    def full(self) -> bool:
        return len(self.rows) >= self._how.max_rows

    def fits(self, row: bytes) -> bool:
        """Return whether the row may join; an empty chunk takes any row. The comma before it counts."""
        rows, how = len(self.rows), self._how
        return not rows or (rows < how.max_rows and self._bytes + 1 + len(row) <= how.max_bytes)

    def put(self, change: Change, row: bytes) -> None:
        self._bytes += len(row) + bool(self.rows)
        self.changes.append(change)
        self.rows.append(row)
        self.names.add(change.row.name)

    def close(self) -> Chunk:
        chunk = self._how.chunk(self.changes, self.rows)
        self._open()
        return chunk
