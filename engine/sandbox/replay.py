"""The idempotency cache: the first 2xx answer to a key is repeated for 24 hours, as the vendor documents it.

A large answer is not kept: repeating its request gives a 208 without a body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from engine.sandbox.exchange import Answer

KEPT = timedelta(hours=24)


class Slot(NamedTuple):
    """What a remembered answer belongs to; the same key on another path or by another API key is another slot."""

    api_key: str
    method: str
    path: str
    key: str


@dataclass(slots=True, kw_only=True)
class Memory:
    """What is remembered about one key."""

    digest: bytes
    ends: datetime
    answer: Answer | None = None  # None: still being worked on

    def same(self, body: bytes) -> bool:
        """Return whether the remembered request had this body."""
        return sha256(body).digest() == self.digest


class Replays:
    """All remembered keys; answers of up to `kept_bytes` can be repeated."""

    def __init__(self, kept_bytes: int) -> None:
        self._kept_bytes = kept_bytes
        self._memories: dict[Slot, Memory] = {}

    def begin(self, slot: Slot, body: bytes, *, now: datetime) -> Memory | None:
        """Return what is remembered about the slot; None: nothing was, and the slot is marked as in flight."""
        memory = self._memories.get(slot)
        if memory is not None and now < memory.ends:
            return memory
        self._memories[slot] = Memory(digest=sha256(body).digest(), ends=now + KEPT)
        return None

    def end(self, slot: Slot, answer: Answer) -> None:
        """Remember a 2xx answer; forget the slot after any other."""
        if 200 <= answer.status < 300:
            kept = answer if len(answer.body) <= self._kept_bytes else Answer(status=208)
            self._memories[slot].answer = replace(kept, headers={**kept.headers, "X-Idempotent-Replayed": "true"})
        else:
            del self._memories[slot]
