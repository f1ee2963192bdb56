"""Digests of files, made while they are read: equal digests show, without the rows, that a source has not changed."""

from __future__ import annotations

from hashlib import blake2b
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from engine.sources.mapping import ColumnMap

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


def begun(suffix: str, mapping: ColumnMap) -> blake2b:
    """Return a digest (16 bytes) that already covers how rows are read, and is to be updated with a file's bytes."""
    how = f"{suffix.lower()} {mapping!r}\0"  # neither part contains a NUL, which therefore ends this prefix
    return blake2b(how.encode("utf-8", "backslashreplace"), digest_size=16)


class Digested(FileIO):
    """A file that computes the digest of its bytes while it is read from beginning to end."""

    def __init__(self, path: Path, digest: blake2b) -> None:
        super().__init__(path)
        self._digest = digest
        self._is_at_end = False
        self._bytes = 0
        self._last = b""  # the last byte that was read; empty: none
        self._was_sought = False

    def digest(self) -> bytes | None:
        """Return the digest of the whole file; None: it was not read to its end, or not in order."""
        return self._digest.digest() if self._is_at_end and not self._was_sought else None

    def end(self) -> tuple[int, bool] | None:
        """Return the file's size in bytes and whether it ends with a line end; None: as `digest`."""
        return (self._bytes, self._last == b"\n") if self._is_at_end and not self._was_sought else None

    def _take(self, part: memoryview) -> None:
        self._digest.update(part)
        self._bytes += len(part)
        self._last = bytes(part[-1:]) or self._last

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read, and digest what was read."""
        count = super().readinto(buffer) or 0
        self._take(memoryview(buffer)[:count])
        self._is_at_end = count == 0
        return count

    def readall(self) -> bytes:
        """Read, and digest what was read."""
        rest = super().readall() or b""
        self._take(memoryview(rest))
        self._is_at_end = True
        return rest

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Seek, after which there is no digest. Seeking inside a buffer does not call this."""
        self._was_sought = True
        return super().seek(offset, whence)
