"""A chunk in parts: halves, down to single rows, if it fails as a whole; groups, if its answer leaves rows in doubt.

Pure: `Sender` sends the parts, and says what takes the place of each.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from engine.model.change import Change
from engine.model.outcome import Chunk
from engine.send.chunks import Cut

REFUSED_ALONE = 8
"""When this many rows were refused alone with the same words, and none was stored, the rest of their chunk is refused
with them, unsent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A chunk, or what is left of one, on its way."""

    chunk: Chunk
    attempts: int  # sends of unknown outcome that its rows may still have
    exposed: bool = False  # an earlier send of its rows may have landed
    is_lost: bool = False  # that send was not answered: even if the next one is refused, it may have landed
    landed: bool = False  # that send has landed: the server said so, and said nothing of its rows


@dataclass(slots=True)
class Split:
    """The parts of one chunk that are still to be sent, and what its rows have met when sent alone.

    Parts are taken from both ends in turn: if all rows at one end are bad, those at the other end are still tried.
    """

    parts: deque[Part]
    is_trial: bool = False  # keys that nothing has confirmed are tried out: a repeated send proves nothing
    refusals: Counter[str] = field(default_factory=Counter)  # rows that were refused alone, by the server's words
    stored: bool = False
    from_left: bool = True

    def take(self) -> Part:
        """Return the part to send next."""
        return self.parts.popleft() if self.from_left else self.parts.pop()

    def put(self, parts: Sequence[Part]) -> None:
        """Put parts in the place of the part that was taken last; none: it is settled, and the other end is next."""
        if not parts:
            self.from_left = not self.from_left
        elif self.from_left:
            self.parts.extendleft(reversed(parts))
        else:
            self.parts.extend(parts)

    @property
    def verdict(self) -> str | None:
        """The server's words, if all other rows are to be refused with them, unsent; None: go on sending."""
        if not self.stored and len(self.refusals) == 1:
            words, count = next(iter(self.refusals.items()))
            return words if count >= REFUSED_ALONE else None
        return None


def halves(part: Part, cut: Cut, attempts: int, *, exposed: bool, is_lost: bool = False) -> list[Part]:
    """Return a part in two, each row's bytes as they were."""
    changes, rows = part.chunk.changes, part.chunk.rows
    middle = (len(changes) + 1) // 2
    return [
        Part(
            chunk=cut.chunk(changes[piece], rows[piece]),
            attempts=attempts,
            exposed=exposed,
            is_lost=part.is_lost or is_lost,
            landed=part.landed,
        )
        for piece in (slice(middle), slice(middle, None))
    ]


def regrouped(part: Part, cut: Cut, doubtful: Sequence[Change]) -> list[Part]:
    """Return the doubtful rows of a part in chunks in which no name stands twice: answers can be joined to those.

    If that is the part as it is, return its halves.
    """
    rows = dict(zip((change.row.key for change in part.chunk.changes), part.chunk.rows, strict=True))
    uses: Counter[str] = Counter()
    groups: dict[int, list[Change]] = {}
    for change in doubtful:
        groups.setdefault(uses[change.row.name], []).append(change)
        uses[change.row.name] += 1
    if len(groups) == 1 and len(doubtful) == len(part.chunk.changes):
        return halves(part, cut, part.attempts, exposed=True)
    return [
        replace(part, chunk=cut.chunk(group, [rows[change.row.key] for change in group]), exposed=True)
        for group in groups.values()
    ]
