"""What the engine asks of a ledger, as small Protocols; one conformance suite runs on every implementation.

All times are aware datetimes in UTC. Every write is durable when its call returns (it survives a power cut), and each
call is one transaction. Errors are `LedgerError`; a failed call has changed nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, timedelta
from typing import Protocol

from engine.model.balance import State
from engine.model.company_record import (
    Agreement,
    CompanyRecord,
    CompanyState,
    Intent,
    Learned,
    Pause,
    Rest,
    RestingRow,
    Settlement,
)
from engine.model.directory import Directory
from engine.model.quota import MOST, DayUse, UsedUp
from engine.model.result import InTrouble, LastSync, PastRun, RunResult
from engine.model.row_history import Applied, Generation, Life
from engine.model.settings import Scope
from engine.model.wanted import FileEnd


class Rows(Protocol):
    """What is known of companies' remote rows."""

    async def read(self, scope: Scope) -> CompanyRecord:
        """Return all that is known of a company: one range read."""
        ...

    async def learn(self, scope: Scope, learned: Learned) -> None:
        """Take over what a whole listing showed; sets `listed_at`, `checked_at` and `remote_count`, clears failures."""
        ...

    async def unlisted(self, scope: Scope, keys: Collection[str]) -> frozenset[str]:
        """Return which of these keys were acknowledged after the last whole listing, so that none has shown them yet.

        A row that was acknowledged before `distrust`, or by a dimsync that did not note it, is not among them.
        """
        ...

    async def agree(self, scope: Scope, agreements: Mapping[str, Agreement]) -> None:
        """Replace the agreements of rows, by key."""

    async def rest(self, scope: Scope, rows: Mapping[str, RestingRow]) -> None:
        """Note rows that are not sent for now, each in place of what was noted before.

        A note is gone when its row is acknowledged (`settle`) or when `learn` names its key in `rested`.
        """
        ...

    async def checked(self, scope: Scope, at: datetime | None) -> None:
        """Note that a probe agreed with what is known; None: that it did not, so that only a listing tells."""
        ...

    async def note(self, scope: Scope, state: CompanyState) -> None:
        """Replace a company's failure notes and `last_good_rows`; its times and count stay as they are."""
        ...

    async def note_clean(self, scope: Scope, digest: bytes, rows: int, adopted: int) -> None:
        """Note that nothing was to do, and what that rests on; it is gone with the next change of what is known.

        By any other method that writes, but for a probe that agreed, a listing that taught nothing, a sketch and what
        is noted of sources. The caller holds the company's lock, and has compared after waiting for what was lost
        (`lost_at` is past, then).
        Does nothing while a request is open, or where nothing is known of the company.
        """
        ...

    async def brief(self, scope: Scope) -> CompanyState | None:
        """Return the notes on a company in one cheap read.

        None: there are none, or a run has to see to something first (an intent left over, an answer lost).
        """
        ...

    async def generation(self, scope: Scope) -> Generation:
        """Return how often what is known of the company's rows has changed, and by which run last.

        By `learn` (unless it brought nothing new), `recover` (unless nothing was left over), `settle`, `rekey`, `unkey`
        and `distrust`.
        """
        ...

    async def states(self, origin: str) -> dict[tuple[str, int], CompanyState]:
        """Return the notes on every company at an origin, by account id and company id."""
        ...

    async def life(self, scope: Scope, key: str) -> Life:
        """Return all that is known of one row; `key` is the source's."""
        ...

    async def distrust(self, scope: Scope) -> int:
        """Forget the values that were acknowledged, and that anything was listed; links to remote ids stay.

        The next comparison lists, and holds what it finds for true. Returns how many rows were known.
        """
        ...

    async def known_scopes(self, origin: str) -> list[Scope]:
        """Return the companies at an origin that anything is known of, by account and id."""
        ...


class Rekeys(Protocol):
    """Rows whose key in the source is another than the one that they were created under."""

    async def rekey(self, scope: Scope, wire_keys: Mapping[str, str], at: datetime) -> None:
        """Send these source keys' rows under other keys from now on, besides those that are so already."""
        ...

    async def unkey(self, scope: Scope, keys: Sequence[str]) -> None:
        """Send these source keys' rows under their own keys again."""
        ...


class SavedPlans(Protocol):
    """Which saved plans were applied in which companies: none twice."""

    async def applied(self, scope: Scope, plan_id: str) -> Applied | None:
        """Return whether a plan was begun in a company; None: it was not."""
        ...

    async def begin_plan(self, scope: Scope, plan_id: str, run_id: str, at: datetime) -> None:
        """Note that a run begins, or goes on, to apply a plan. The caller holds the company's lock."""
        ...

    async def end_plan(self, scope: Scope, plan_id: str) -> None:
        """Note that nothing of the plan is left to do in a company."""
        ...


class Reverts(Protocol):
    """Rows that were changed over there and pushed back."""

    async def reverted(self, scope: Scope, keys: Sequence[str], at: datetime) -> None:
        """Note that these rows are about to be pushed back; what is too old to count is forgotten."""
        ...


class Sketches(Protocol):
    """What each company's rows look like, in 2 KB: see `model.sketch`."""

    async def sketches(self, origin: str) -> list[tuple[str, int, int, bytes]]:
        """Return (account id, company id, rows, marks) of each company at an origin that has a sketch."""
        ...

    async def sketch(self, scope: Scope, rows: int, marks: bytes) -> None:
        """Replace a company's sketch."""
        ...


class Sources(Protocol):
    """What companies' sources were like, and where they came from."""

    async def keep_good_source(self, scope: Scope, rows: int | None, end: FileEnd | None) -> None:
        """Note how many rows a good run's source had and how its file ended; an end of None leaves that as it was."""
        ...

    async def good_end(self, scope: Scope) -> FileEnd | None:
        """Return how the file of the last good run ended; None: that is not known."""
        ...

    async def keep_fleet(self, origin: str, fleet: str, companies: Sequence[tuple[str, int]]) -> None:
        """Note the fleet of these companies (account id, company id), as far as anything else is known of them."""
        ...

    async def fleet(self, origin: str, fleet: str) -> list[tuple[str, int]]:
        """Return the companies that a fleet's files have brought, by account id and company id."""
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

        Each stays in the audit trail, its rows uncertain.
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
    """The journal of runs, and what is remembered per API key (`key_id`: `Account.key_id`)."""

    async def start_run(
        self, run_id: str, verb: str, at: datetime, *, origin: str, allowed: Sequence[str] = ()
    ) -> None:
        """Open a run's entry; one without an end and without a lock holder crashed.

        `origin`: as in `Scope`. `allowed`: guards that a person lets pass in it, such as "mass-create:123".
        """
        ...

    async def finish_run(self, result: RunResult) -> None:
        """Close a run's entry with its result.

        A company that has nothing to tell (`CompanyResult.has_news`) leaves nothing in it but its part of the totals,
        and its last state.
        """
        ...

    async def last_states(self, origin: str) -> dict[tuple[str, int], State]:
        """Return how each company ended in its newest finished sync at this origin, by (account name, company id)."""
        ...

    async def in_trouble(self, origin: str, run_id: str | None) -> InTrouble | None:
        """Return the rows that a finished run left rejected or uncertain; None: there is no such run.

        `run_id` None: those that each company's newest finished run left that wrote (`sync`, `apply`, `retry`) and
        looked at its rows. A retry tells anew of those that it was about.
        """
        ...

    async def horizon(self, at: datetime, keep: timedelta) -> datetime | None:
        """Return before when `prune` may forget in a run that began at `at`; None: not in this run.

        That moment lies `keep` before the start of the newest run before this one. A clock that was set far ahead must
        not empty the ledger, so nothing is forgotten unless some run began between 1 and 90 days before `at`.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Forget runs that ended, attempts that were settled, and days, before then; return how many runs.

        A run that is some company's last sync is kept. Free space is given back to the file system when there is much.
        """
        ...

    async def history(self, origin: str, most: int) -> list[PastRun]:
        """Return the newest runs at this origin, the newest first."""
        ...

    async def last_syncs(self, origin: str) -> list[LastSync]:
        """Return how each company ended in the sync that finished last, by account and id."""
        ...

    async def page_size(self, origin: str, key_id: str) -> int | None:
        """Return the page size that the server last granted this key; None: never asked."""
        ...

    async def remember_page_size(self, origin: str, key_id: str, rows: int) -> None:
        """Remember the page size that the server granted."""
        ...

    async def pause(self, origin: str, key_id: str) -> Pause | None:
        """Return the pause that was last asked of this key, over or not; None: none."""
        ...

    async def remember_pause(self, origin: str, key_id: str, pause: Pause) -> None:
        """Remember a pause for the next run."""
        ...


class Keys(Protocol):
    """What is remembered per account beside its quota. `account`: `Account.account_id`."""

    async def key_notes(self, origin: str, account: str) -> dict[str, str]:
        """Return what was noted of an account's key, by name."""
        ...

    async def note_key(self, origin: str, account: str, name: str, value: str) -> None:
        """Note something of an account's key, in place of what was noted under that name."""
        ...

    async def rests(self, origin: str, account: str) -> dict[str, Rest]:
        """Return what failed for an account as a whole, over or not, by what it is."""
        ...

    async def remember_rest(self, origin: str, account: str, what: str, rest: Rest | None) -> None:
        """Note when something that failed for an account as a whole is tried again; None: it works again."""
        ...


class Quotas(Protocol):
    """Requests of each API key on each UTC day, counted before they are sent. `key_id`: `Account.key_id`."""

    async def carry_over(self, origin: str, key_ids: Mapping[str, str]) -> None:
        """Take what stands under accounts' ids over to their API keys: counts, pauses, page sizes.

        An older dimsync noted these by account. `key_ids`: `Account.key_id` by `Account.account_id`. Counts are added
        to those that the key has already.
        """
        ...

    async def quota(self, origin: str, key_id: str, day: date) -> DayUse:
        """Return what is known of a key's day."""
        ...

    async def reserve_requests(self, origin: str, key_id: str, day: date, usable: int, most: int = MOST) -> int:
        """Count a block of requests as used before they are sent (`model.quota.block` of what is left of `usable`).

        `most`: as many as are asked for.

        Returns how many that are; 0: none is left. Two that reserve at once, in whatever processes, never get one
        request twice.
        """
        ...

    async def charge_requests(self, origin: str, key_id: str, day: date, requests: int) -> None:
        """Count requests beyond those reserved; below 0: give back what was reserved and not sent."""
        ...

    async def remember_used_up(self, origin: str, key_id: str, day: date, used_up: UsedUp) -> None:
        """Note that the API called a key's day used up, in place of what it said before."""
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


class Described(Protocol):
    """A ledger that people can ask with other programs."""

    async def schema(self) -> str:
        """Return the commented statements that make its tables and views."""
        ...


class Ledger(
    Rows,
    Rekeys,
    SavedPlans,
    Passes,
    Sketches,
    Sources,
    Reverts,
    Intents,
    Runs,
    Keys,
    Quotas,
    Directories,
    Locks,
    Described,
    Protocol,
):
    """All of it, as the engine is handed it."""

    async def aclose(self) -> None:
        """Finish what is queued and close. Idempotent."""
        ...
