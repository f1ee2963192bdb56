"""What stops a company, and how it ends then: which error or guard leads to which state, problem code and exit code."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import (
    AccountParked,
    BadPage,
    BudgetSpent,
    CompanyRefused,
    EngineError,
    HostDown,
    IncompleteListing,
    LedgerError,
    Locked,
    MissingSource,
    OutcomeUnknown,
    OutOfScope,
    QuotaExhausted,
    Rejected,
    SharedSource,
    SourceError,
    StalePlan,
    TenantLeak,
    Throttled,
    Unauthorized,
    UnsafePlan,
    Untrusted,
    Vanished,
    WrongContract,
)
from engine.guards.registry import COMPANY_GUARDS
from engine.model.balance import ExitCode, State
from engine.model.company_record import OVERWRITTEN
from engine.model.outcome import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What stopping short means for a company's result."""

    code: str  # of the problem
    state: State
    exit_code: ExitCode


STOPPED = Ending(code="stopped", state=State.DEFERRED, exit_code=ExitCode.STOPPED)
FAILED = Ending(code="failed", state=State.FAILED, exit_code=ExitCode.FAILED)
HELD = Ending(code="held", state=State.HELD, exit_code=ExitCode.HELD)

STALLED = Ending(code="batch-unfinished", state=State.DEFERRED, exit_code=ExitCode.STOPPED)
CHANGED = Ending(code=OVERWRITTEN, state=State.PARTIAL, exit_code=ExitCode.STOPPED)

NO_ROOM = Ending(code="budget", state=State.PARTIAL, exit_code=ExitCode.STOPPED)
UNSEEN = Ending(code="not-verified", state=State.PARTIAL, exit_code=ExitCode.STOPPED)

REFUSED = Ending(code="refused", state=State.FAILED, exit_code=ExitCode.FAILED)

ENDINGS: tuple[tuple[type[EngineError], Ending], ...] = (
    (Locked, Ending(code="locked", state=State.LOCKED, exit_code=ExitCode.LOCKED)),
    (SharedSource, Ending(code="shared-source", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (MissingSource, Ending(code="missing-source", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (SourceError, Ending(code="source", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (UnsafePlan, HELD),
    (StalePlan, Ending(code="stale", state=State.DEFERRED, exit_code=ExitCode.STALE)),
    (Unauthorized, Ending(code="authentication", state=State.DEFERRED, exit_code=ExitCode.AUTHENTICATION)),
    (BudgetSpent, Ending(code="budget", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (QuotaExhausted, Ending(code="quota", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (Throttled, Ending(code="throttled", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (WrongContract, Ending(code="wrong-contract", state=State.FAILED, exit_code=ExitCode.USAGE)),
    (OutOfScope, Ending(code="out-of-scope", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (Rejected, REFUSED),
    (CompanyRefused, REFUSED),
    (HostDown, Ending(code="host-down", state=State.DEFERRED, exit_code=ExitCode.STOPPED)),
    (Untrusted, Ending(code="certificate", state=State.FAILED, exit_code=ExitCode.USAGE)),
    (BadPage, Ending(code="bad-answer", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (OutcomeUnknown, Ending(code="unavailable", state=State.FAILED, exit_code=ExitCode.FAILED)),
    (LedgerError, Ending(code="ledger", state=State.FAILED, exit_code=ExitCode.FAILED)),
)
"""What each error does to its company; the first that fits."""

UNSAFE_READINGS = (IncompleteListing, TenantLeak, Vanished)
"""Errors of readings that hold a company, each under its own slug."""

UNSAFE = COMPANY_GUARDS
"""Problem codes under which a company is held rather than failed."""


def ending_of(reason: EngineError) -> Ending:
    """Return how a company ends that this error stops."""
    return next((ending for kind, ending in ENDINGS if isinstance(reason, kind)), FAILED)


def error_of(code: str, message: str) -> EngineError:
    """Return an error that ends a company as this problem code did in an earlier run, with this message."""
    kinds = [*((kind.slug, kind) for kind in UNSAFE_READINGS), *((ending.code, kind) for kind, ending in ENDINGS)]
    return next((kind(message) for name, kind in kinds if name == code), EngineError(message))


def code_of(reason: EngineError) -> str:
    """Return the problem code of an error: a guard's own slug, a stale plan's own code, else that of its ending."""
    if isinstance(reason, StalePlan):
        return reason.code
    return reason.slug if isinstance(reason, UnsafePlan) else ending_of(reason).code


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a company ends before all is done, and what that means for its result."""

    problem: Problem
    ending: Ending


def stop(code: str, message: str, ending: Ending) -> Stop:
    """Return the stop of a company as a whole."""
    return Stop(problem=Problem(code=code, message=message), ending=ending)


def stop_of(error: EngineError) -> Stop:
    """Return the stop that an error means for its company, with the place in the source where it has one."""
    reason = error.reason if isinstance(error, AccountParked) else error
    file, line = (reason.file, reason.line) if isinstance(reason, SourceError) else (None, None)
    problem = Problem(code=code_of(reason), message=str(reason), file=file, line=line)
    return Stop(problem=problem, ending=ending_of(reason))
