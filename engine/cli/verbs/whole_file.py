"""Files that are written whole or not at all, for this user alone."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp
from types import TracebackType
from typing import Self


class WholeFile:
    """A file that gets its name when all of it is on the disk.

        with WholeFile(file) as whole:
            whole.part.write_text(...)
            whole.keep()

    Without `keep`, `file` is as it was before. Raises `OSError`, with the name of `file` where it cannot be made.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.part = file  # where to write, in the block: beside `file`, with mode 0600

    def __enter__(self) -> Self:
        try:
            descriptor, name = mkstemp(prefix=f".{self.file.name}.", suffix=".part", dir=self.file.parent)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.file)) from error
        os.close(descriptor)
        self.part = Path(name)
        return self

    def keep(self) -> None:
        """Write the part through to the disk, and give it the file's name."""
        descriptor = os.open(self.part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.part.replace(self.file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.part.unlink(missing_ok=True)
