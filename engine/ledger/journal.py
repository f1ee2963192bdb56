"""What runs did and what they were about to do, as the engine asks for it.

How all of these Protocols behave (durability, transactions, errors, times) is said in `engine.ledger.protocols`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.model.balance import State
from engine.model.known import Known
from engine.model.ledger_writes import Intent, Settlement
from engine.model.past_run import CompanyInRun, PastResult
from engine.model.result import InTrouble, LastSync, PastRun, RunResult
from engine.model.row_history import Applied
from engine.model.sent_row import KeptRun, SentRow
from engine.model.settings import CompanyKey, NamedCompany
from engine.model.standing import Standing


class Intents(Protocol):
    """The crash protocol: commit the intent, send, then commit the outcome and the end of the intent together."""

    async def recover(self, company_key: CompanyKey) -> int:
        """End the intents that a dead run left over, and note that the outcome of their keys is not known.

        A key that nothing was known of gets a row record. The intents stay in the audit trail, with rows uncertain.
        Returns the number of keys. The caller holds the company's lock, so no intent belongs to another run.
        """
        ...

    async def begin(self, company_key: CompanyKey, intent: Intent) -> None:
        """Commit that these keys are about to be sent. Raises `LedgerError` when an open intent names one of them."""
        ...

    async def sent_again(self, company_key: CompanyKey, intent_id: str, at: datetime) -> None:
        """Commit that the same bytes are about to be sent once more; the intent then dates from this send."""
        ...

    async def settle(self, company_key: CompanyKey, settlement: Settlement) -> None:
        """Commit a chunk's outcome and the end of its intent together."""
        ...


class Runs(Protocol):
    """The journal of runs."""

    async def start_run(
        self, run_id: str, verb: str, at: datetime, *, origin: str, allowed: Sequence[str] = ()
    ) -> None:
        """Open a run's entry. A run that was never finished, and holds no locks, has crashed.

        `origin`: the API's scheme, host and port, and its base path. `allowed`: guards that a person lets pass in this
        run, such as "mass-create:123".
        """
        ...

    async def finish_run(self, result: RunResult) -> None:
        """Close a run's entry with its result.

        A company that has nothing to tell (`CompanyResult.has_news`) is kept only in the run's totals and in its own
        last state.
        """
        ...

    async def last_states(self, origin: str) -> dict[NamedCompany, State]:
        """Return how each company ended in its newest finished sync at this origin, by (account name, company id)."""
        ...

    async def known_problems(self, origin: str, companies: Collection[NamedCompany] | None = None) -> Known:
        """Return which problems runs that sent rows have shown at this origin, and since when.

        `companies`: of these, and of runs as a whole (`model.known.THE_RUN`); None: of every one.
        What a run that compared a company does not show any more is not known any more, once that run is finished.
        """
        ...

    async def in_trouble(self, origin: str, run_id: str | None) -> InTrouble | None:
        """Return the rows that a finished run left rejected or uncertain; None: there is no such run.

        `run_id` None: for each company, the rows that its newest finished run of a writing verb (`sync`, `apply`,
        `retry`) left, if that run looked at its rows. A retry replaces what was noted of the rows that it retried.
        """
        ...

    async def horizon(self, at: datetime, keep: timedelta) -> datetime | None:
        """Return the moment before which `prune` may forget, in a run that began at `at`; None: forget nothing.

        It lies `keep` before the start of the newest earlier run. A clock that was set far ahead must not empty the
        ledger, so nothing is forgotten unless some run began between 1 and 90 days before `at`; and old things are
        looked for once a day at most.
        """
        ...

    async def prune(self, before: datetime) -> int:
        """Forget runs that ended, attempts that were settled and quota days before then; return the number of runs.

        The run of a company's last sync is kept. Free space goes back to the file system when there is much of it.
        """
        ...

    async def history(self, origin: str, most: int, *, now: datetime | None = None) -> list[PastRun]:
        """Return the newest runs at this origin, the newest first.

        `now`, here and below: runs that lie ahead of it were dated by a wrong clock, and count as the oldest; None: all
        times are believed.
        """
        ...

    async def find_runs(self, origin: str, text: str) -> list[PastRun]:
        """Return the run that has this id; else the newest of those whose id, or the last part of it, begins so."""
        ...

    async def is_under_way(self, run_id: str) -> bool:
        """Return whether a run without an end is under way: see `standing`."""
        ...

    async def past_result(self, origin: str, run_id: str) -> PastResult | None:
        """Return how a finished run ended; None: there is no such run."""
        ...

    async def company_runs(self, origin: str, company_id: int, most: int) -> list[CompanyInRun]:
        """Return what became of a company in its newest runs, the newest first, whatever its account is called.

        Runs that had nothing to tell of the company are left out, except its newest sync.
        """
        ...

    async def standing(self, origin: str, *, now: datetime | None = None) -> Standing:
        """Return how things stand at this origin: the last sync, runs without an end, what each company last told.

        A run without an end is under way if its process, or this ledger, still has it open; otherwise it has died.
        """
        ...

    async def last_syncs(self, origin: str) -> list[LastSync]:
        """Return how each company ended in the sync that finished last, by account and id.

        A sync that found a company locked by another run tells nothing of the company: its state before stays.
        """
        ...

    async def kept_runs(
        self, origin: str, *, run_id: str | None = None, since: datetime | None = None, now: datetime | None = None
    ) -> list[KeptRun]:
        """Return one finished run, those that finished since a moment, or with neither the newest; the oldest first."""
        ...

    async def sent_rows(self, company_key: CompanyKey, runs: Sequence[KeptRun]) -> list[SentRow]:
        """Return the rows of a company that these runs sent, each once for a run, in the order of their first sends.

        A row that was sent several times is returned with its last outcome and with the changes of its first send.
        """
        ...


class SavedPlans(Protocol):
    """Which saved plans were applied in which companies, so that none is applied twice."""

    async def applied(self, company_key: CompanyKey, plan_id: str) -> Applied | None:
        """Return when and by which runs a plan was begun in a company; None: it was not."""
        ...

    async def begin_plan(self, company_key: CompanyKey, plan_id: str, run_id: str, at: datetime) -> None:
        """Note that a run begins, or goes on, to apply a plan. The caller holds the company's lock."""
        ...

    async def end_plan(self, company_key: CompanyKey, plan_id: str) -> None:
        """Note that nothing of the plan is left to do in a company."""
        ...
