"""Company locks: two runs never write one company at once.

A lock is a `flock` on a file, not the file itself: the kernel frees it however the process ends, so a
left-over file locks nothing. Files are never removed: else two runs could each lock a file of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from hashlib import sha256
from pathlib import Path

from engine.errors import Locked
from engine.model.settings import CompanyKey

OPENING = "opening.lock"


class FileLocks:
    """Locks that hold between processes, and between two ledgers in one process: files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Make the folder, and wait for whoever else is opening (or migrating) the database beside it."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = _open(self._folder / OPENING)
        try:
            flock(descriptor, LOCK_EX)
            yield
        finally:
            _close(descriptor)

    @contextmanager
    def hold(self, company_key: CompanyKey) -> Iterator[None]:
        """Hold a company. Raises `Locked` at once when another run holds it, or when its lock cannot be taken."""
        path = self._folder / _file_name(company_key)
        try:
            descriptor = _open(path)
        except OSError as error:
            raise Locked(f"Company {company_key.company_id} could not be locked ({error}). See to {path}.") from error
        try:
            _take(descriptor, company_key)
            yield
        finally:
            _close(descriptor)


class MemoryLocks:
    """Locks of a ledger that no other process can see."""

    def __init__(self) -> None:
        self._held: set[CompanyKey] = set()

    @contextmanager
    def hold(self, company_key: CompanyKey) -> Iterator[None]:
        """Hold a company. Raises `Locked` at once when another run in this process holds it."""
        if company_key in self._held:
            raise Locked(refusal("in this process"))
        self._held.add(company_key)
        try:
            yield
        finally:
            self._held.discard(company_key)


def _take(descriptor: int, company_key: CompanyKey) -> None:
    """Take the lock without waiting, and write the process id into the file for those who are refused."""
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise Locked(refusal(f"process {holder}" if holder else "another process")) from error
    except OSError as error:
        raise Locked(f"Company {company_key.company_id} could not be locked ({error}).") from error
    # The id only helps people: on a full disk it cannot be written, and the lock holds all the same.
    with suppress(OSError):
        os.pwrite(descriptor, f"{os.getpid():<19}\n".encode(), 0)


def refusal(holder: str) -> str:
    """Return the message. It is the same for all companies that one process holds, so that they are reported as one."""
    return f"another run holds the company ({holder}); nothing was sent for it: run again when that has ended"


def _file_name(company_key: CompanyKey) -> str:
    """Return a file name that no other scope has. It is safe in any folder; the company's id in it is for people."""
    identity = repr((company_key.origin, company_key.account, company_key.company_id))
    return f"{company_key.company_id}-{sha256(identity.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.lock"


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def _close(descriptor: int) -> None:
    """Free the lock explicitly, then close: a child process that was forked meanwhile has a copy of the descriptor."""
    flock(descriptor, LOCK_UN)
    os.close(descriptor)
