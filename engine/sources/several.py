"""Several sources of one company, read one after the other as if they were one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import blake2b
from typing import Any

from engine.model.settings import SourceRows

_NAMED = 2  # most sources that the name of several mentions


class Several:
    """An ordered tuple of sources. Keys are unique over all of them; messages name the file of each row.

    `engine.sources.base.read` reads the parts in turn.
    """

    def __init__(self, parts: Sequence[SourceRows]) -> None:
        """Take at least one source. Raises `ValueError`."""
        if not parts:
            raise ValueError("several sources are at least one")
        self.parts: tuple[SourceRows, ...] = tuple(parts)

    @property
    def name(self) -> str:
        """The sources' name in messages."""
        names = [str(getattr(part, "name", None) or "a source without a name") for part in self.parts]
        more = len(names) - _NAMED
        return " and ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more} more"

    def __repr__(self) -> str:
        return f"Several({', '.join(map(repr, self.parts))})"

    @property
    def size_bytes(self) -> int:
        """The size of all files together. Sources that are no files count as 0."""
        return sum(int(getattr(part, "size_bytes", 0)) for part in self.parts)

    def absence(self) -> str | None:
        """Return why the first part that cannot be read cannot be; None: no reason is known."""
        reasons: list[Callable[[], str | None]] = [part.absence for part in self.parts if hasattr(part, "absence")]
        return next((text for reason in reasons if (text := reason()) is not None), None)

    async def digest(self) -> bytes | None:
        """Return the digest that reading all parts now would give; None: one of them has none."""
        found: list[bytes | None] = []
        for part in self.parts:
            tell: Callable[[], Awaitable[bytes | None]] | None = getattr(part, "digest", None)
            found.append(None if tell is None else await tell())
        return combined(found)

    async def __aiter__(self) -> AsyncIterator[Any]:
        """Yield the rows of all parts, without the names of their files: `read` looks at the parts."""
        for part in self.parts:
            async for rows in part:
                yield rows


def combined(digests: Sequence[bytes | None]) -> bytes | None:
    """Return one digest for several sources in their order, that of a single one as it is; None: one has none."""
    known = [digest for digest in digests if digest is not None]
    if len(known) < len(digests):
        return None
    return known[0] if len(known) == 1 else blake2b(b"".join(known), digest_size=16).digest()
