"""What the engine asks of a ledger, as small Protocols; one conformance suite runs on every implementation.

All times are aware datetimes in UTC. Every write is durable when its call returns (it survives a power cut), and each
call is one transaction. Errors are `LedgerError`; a failed call has changed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from engine.model.balance import State
from engine.model.directory import Directory
from engine.model.known import Acknowledged, CompanyState, Intent, Learned, Pause, Settlement
from engine.model.result import LastSync, PastRun, RunResult
from engine.model.settings import Scope


class Rows(Protocol):
    """What is known of companies' remote rows."""

    async def read(self, scope: Scope) -> Acknowledged:
        """Return all that is known of a company: one range read."""
        ...

    async def learn(self, scope: Scope, learned: Learned) -> None:
        """Take over what a whole listing showed; sets `listed_at`, `checked_at` and `remote_count`, clears failures."""
        ...

    async def checked(self, scope: Scope, at: datetime) -> None:
        """Note that a probe agreed with what is known."""
        ...

    async def note(self, scope: Scope, state: CompanyState) -> None:
        """Replace a company's failure notes and `last_good_rows`; its times and count stay as they are."""
        ...


class Reverts(Protocol):
    """Rows that were changed over there and pushed back."""

    async def reverted(self, scope: Scope, keys: Sequence[str], at: datetime) -> None:
        """Note that these rows are about to be pushed back; what is older than 14 days is forgotten."""
        ...


class Sketches(Protocol):
    """What each company's rows look like, in 2 KB: see `planning.sketch`."""

    async def sketches(self, origin: str) -> list[tuple[str, int, int, bytes]]:
        """Return (account id, company id, rows, marks) of each company at an origin that has a sketch."""
        ...

    async def sketch(self, scope: Scope, rows: int, marks: bytes) -> None:
        """Replace a company's sketch."""
        ...


class Passes(Protocol):
    """Plans that passed the guards, until they are finished."""

    async def passed(self, scope: Scope, marks: bytes | None) -> None:
        """Remember the marks of a plan that passed, in place of the one before; None: it is finished."""
        ...


class Intents(Protocol):
    """The crash protocol: intent, send, outcome and intent's end in one transaction."""

    async def recover(self, scope: Scope) -> int:
        """Unsettle every key of a left-over intent (an entry is made where there was none) and end those intents.

        Returns how many keys that were. The caller holds the company's lock, so no intent is another run's.
        """
        ...

    async def begin(self, scope: Scope, intent: Intent) -> None:
        """Commit that these keys are about to be sent. Raises `LedgerError` when a key is in flight already."""
        ...

    async def sent_again(self, scope: Scope, intent_id: str, at: datetime) -> None:
        """Commit that the same bytes are about to be sent once more: the intent is as young as its last send."""
        ...

    async def settle(self, scope: Scope, settlement: Settlement) -> None:
        """Commit a chunk's outcome and the end of its intent together."""
        ...


class Runs(Protocol):
    """The journal of runs, and what is remembered per API key."""

    async def start_run(
        self, run_id: str, verb: str, at: datetime, *, origin: str, allowed: Sequence[str] = ()
    ) -> None:
        """Open a run's entry; one without an end and without a lock holder crashed.

        `origin`: as in `Scope`. `allowed`: guards that a person lets pass in it, such as "mass-create:123".
        """
        ...

    async def finish_run(self, result: RunResult) -> None:
        """Close a run's entry with its result."""
        ...

    async def last_states(self, origin: str) -> dict[tuple[str, int], State]:
        """Return how each company ended in its newest finished sync at this origin, by (account name, company id)."""
        ...

    async def history(self, origin: str, most: int) -> list[PastRun]:
        """Return the newest runs at this origin, the newest first."""
        ...

    async def last_syncs(self, origin: str) -> list[LastSync]:
        """Return how each company ended in the sync that finished last, by account and id."""
        ...

    async def page_size(self, origin: str, account: str) -> int | None:
        """Return the page size that the server last granted this key; None: never asked."""
        ...

    async def remember_page_size(self, origin: str, account: str, rows: int) -> None:
        """Remember the page size that the server granted."""
        ...

    async def pause(self, origin: str, account: str) -> Pause | None:
        """Return the pause that was last asked of this key, over or not; None: none."""
        ...

    async def remember_pause(self, origin: str, account: str, pause: Pause) -> None:
        """Remember a pause for the next run."""
        ...


class Directories(Protocol):
    """What the API user of an account may see, as last listed."""

    async def directory(self, origin: str, account: str) -> Directory | None:
        """Return the directory of an account (`Account.account_id`); None: never read."""
        ...

    async def remember_directory(self, origin: str, account: str, directory: Directory) -> None:
        """Replace an account's directory; parts that were not read (None) stay as they are."""
        ...


class Locks(Protocol):
    """Mutual exclusion between runs, in this process and others."""

    def lock(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """Hold a company; entering raises `Locked` at once when another run does. Freed by any death of the process."""
        ...


class Ledger(Rows, Passes, Sketches, Reverts, Intents, Runs, Directories, Locks, Protocol):
    """All of it, as the engine is handed it."""

    async def aclose(self) -> None:
        """Finish what is queued and close. Idempotent."""
        ...
