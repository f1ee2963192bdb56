"""Which runs are under way: a run that has no end in the journal and is not marked here has died."""

from __future__ import annotations

import os
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
from hashlib import sha256
from pathlib import Path


class RunMarks:
    """A locked file for each run that is under way, which the kernel frees however its process ends.

    `folder` None: the ledger is in memory, and only this process has runs in it. Where a file cannot be made or locked,
    as on some network file systems, the run goes on without one: it then counts as dead while it is under way.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[str, int | None] = {}  # run id -> its file's descriptor

    def begin(self, run_id: str) -> None:
        """Mark a run as under way."""
        self._held[run_id] = None
        if self._folder is not None:
            with suppress(OSError):
                descriptor = os.open(self._path(run_id), os.O_RDWR | os.O_CREAT, 0o600)
                self._held[run_id] = descriptor
                flock(descriptor, LOCK_EX | LOCK_NB)

    def end(self, run_id: str) -> None:
        """End a run's mark, if it has one."""
        descriptor = self._held.pop(run_id, None)
        if descriptor is not None:
            with suppress(OSError):
                self._path(run_id).unlink()
            _close(descriptor)

    def is_alive(self, run_id: str) -> bool:
        """Return whether a run is under way, in this process or another. Removes the file that a dead one left."""
        if run_id in self._held or self._folder is None:
            return run_id in self._held
        try:
            descriptor = os.open(self._path(run_id), os.O_RDONLY)
        except OSError:
            return False
        try:
            flock(descriptor, LOCK_SH | LOCK_NB)
            self._path(run_id).unlink()
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            _close(descriptor)
        return False

    def close(self) -> None:
        """End all marks: their runs end with the ledger."""
        for run_id in list(self._held):
            self.end(run_id)

    def _path(self, run_id: str) -> Path:
        name = sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return (self._folder or Path()) / f"{name}.run"


def _close(descriptor: int) -> None:
    """Free the lock explicitly, then close: a child process that was forked meanwhile has a copy of the descriptor."""
    with suppress(OSError):
        flock(descriptor, LOCK_UN)
    os.close(descriptor)
