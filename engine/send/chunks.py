"""Plan -> chunks, cut by rows and by real bytes; each row is serialised once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import NamedTuple

from engine.model.change import Change, Changes, table_of
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

    def chunk(self, changes: Sequence[Change], rows: Iterable[bytes]) -> Chunk:
        """Return the chunk of these rows, whose encoded forms are given in the same order."""
        encoded = tuple(rows)
        return Chunk(changes=table_of(changes), rows=encoded, body=self.body(encoded))


class _Row(NamedTuple):
    """A row of the plan, encoded."""

    position: int
    name: str
    body: bytes


def cut(changes: Sequence[Change], how: Cut) -> Iterator[Chunk]:
    """Yield chunks that together hold each change once, within both limits. Lazy: one chunk in memory at a time.

    A row that is larger than `max_bytes` goes alone. Rows of one name are kept apart where that costs no extra chunk,
    since bulk answers give only names: a row whose name the chunk has waits for the next one; at most `max_rows` wait.
    """
    if not changes:
        return
    plan = table_of(changes)
    encoded = map(how.encode, plan.sent)
    room, waiting = _Room(how, plan), deque[_Row]()
    for start in range(0, len(plan), how.max_rows):
        names, bodies = plan.column("name")[start : start + how.max_rows], list(islice(encoded, how.max_rows))
        if waiting or not room.takes_all(start, names, bodies):
            yield from _one_by_one(map(_Row, count(start), names, bodies), room, waiting)
        elif room.full:  # as most are
            yield room.close()
    for row in waiting:
        if not room.fits(row):
            yield room.close()
        room.put(row)
    if room.rows:
        yield room.close()


def _one_by_one(rows: Iterable[_Row], room: _Room, waiting: deque[_Row]) -> Iterator[Chunk]:
    """Put rows in, and yield each chunk that is filled."""
    for row in rows:
        if not room.takes(row):
            if row.name in room.names and len(waiting) < room.most:
                waiting.append(row)
                continue
            if room.fits(row):
                room.put(row)
            else:
                yield room.close()
                _refill(room, waiting)
                if not room.takes(row):
                    waiting.append(row)
                    continue
        if room.full:
            yield room.close()
            _refill(room, waiting)


def _refill(room: _Room, waiting: deque[_Row]) -> None:
    """Move waiting rows into an empty chunk, first come first served, as far as names and space allow."""
    for _ in range(len(waiting)):
        row = waiting.popleft()
        if not room.takes(row):
            waiting.append(row)


class _Room:
    """The chunk being filled."""

    def __init__(self, how: Cut, plan: Changes) -> None:
        self._how = how
        self._plan = plan
        self.most = how.max_rows
        self._frame = len(how.body(()))
        self._open()

    def _open(self) -> None:
        self.rows: list[bytes] = []
        self.names: set[str] = set()
        self._positions: list[int] = []
        self._bytes = self._frame - 1  # before each row but the first, there is a comma

    @property
    def full(self) -> bool:
        return len(self.rows) >= self.most

    def takes(self, row: _Row) -> bool:
        """Put a row in, if it may join and none of its name is there; return whether it was."""
        if row.name in self.names or not self.fits(row):
            return False
        self.put(row)
        return True

    def takes_all(self, start: int, names: Sequence[str], bodies: list[bytes]) -> bool:
        """Put in rows of the plan from `start` on, if it would take each of them one by one; return whether it did.

        They are no more than a chunk may have. The room has to be empty.
        """
        size, alone = self._bytes + len(bodies) + sum(map(len, bodies)), len(bodies) == 1
        if self.rows or len(set(names)) < len(names) or (size > self._how.max_bytes and not alone):
            return False
        self.rows, self.names, self._bytes = bodies, set(names), size
        self._positions = list(range(start, start + len(bodies)))
        return True

    def fits(self, row: _Row) -> bool:
        """Return whether the row may join; an empty chunk takes any row."""
        size = self._bytes + 1 + len(row.body)
        return not self.rows or (size <= self._how.max_bytes and not self.full)

    def put(self, row: _Row) -> None:
        position, name, body = row
        self._bytes += 1 + len(body)
        self._positions.append(position)
        self.rows.append(body)
        self.names.add(name)

    def close(self) -> Chunk:
        first, last = self._positions[0], self._positions[-1]
        are_all = self._positions == list(range(first, last + 1))  # of the plan's, between the first and the last
        changes = self._plan[first : last + 1] if are_all else self._plan.take(self._positions)
        chunk = self._how.chunk(changes, self.rows)
        self._open()
        return chunk
