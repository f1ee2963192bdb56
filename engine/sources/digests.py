"""Digests of files as they are read: whether a source gives what it gave before can be told without its rows."""

from __future__ import annotations

from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from engine.sources.mapping import ColumnMap

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def begun(suffix: str, mapping: ColumnMap) -> blake2b:
    """Return a digest of 16 bytes that is to be fed a file's bytes, and knows how its rows are read."""
    how = f"{suffix.lower()} {mapping!r}\0"  # neither holds a NUL as it stands, so no file begins with the rest of it
    return blake2b(how.encode("utf-8", "backslashreplace"), digest_size=16)


class Digested(FileIO):
    """A file that is read from its beginning to its end, and digests each byte once, as it is read."""

    def __init__(self, path: Path, digest: blake2b) -> None:
        super().__init__(path)
        self._digest = digest
        self._is_at_end = False
        self._bytes = 0
        self._last = b""  # the last byte, of a file that holds any
        self._was_sought = False

    def digest(self) -> bytes | None:
        """Return the digest of the whole file; None where it was not read to its end, or not in one go."""
        return self._digest.digest() if self._is_at_end and not self._was_sought else None

    def end(self) -> tuple[int, bool] | None:
        """Return how many bytes the whole file has and whether it ends in a line end; None as `digest`."""
        return (self._bytes, self._last == b"\n") if self._is_at_end and not self._was_sought else None

    def _take(self, part: memoryview) -> None:
        self._digest.update(part)
        self._bytes += len(part)
        self._last = bytes(part[-1:]) or self._last

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read as files do."""
        count = super().readinto(buffer) or 0
        self._take(memoryview(buffer)[:count])
        self._is_at_end = count == 0
        return count

    def readall(self) -> bytes:
        """Read as files do."""
        rest = super().readall() or b""
        self._take(memoryview(rest))
        self._is_at_end = True
        return rest

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Seek as files do. What a buffer can do by itself never comes here."""
        self._was_sought = True
        return super().seek(offset, whence)
