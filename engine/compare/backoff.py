"""When a company or an account is tried again after a failure: lasting trouble must not use up the quota."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

from engine.model.company_record import KEY_MISMATCH, CompanyState
from engine.model.dimension import fingerprint
from engine.model.resting import RESTS, Rest
from engine.model.wanted import Wanted


def next_try(failures: int, now: datetime) -> datetime:
    """Return when to try again after `failures` in a row (1 or more)."""
    return now + RESTS[min(failures, len(RESTS)) - 1]


def rest_again(before: Rest | None, message: str, now: datetime, settings: str = "") -> Rest:
    """Return the rest after one more failure for an account as a whole. `settings`: digest of those in use."""
    failures = before.failures + 1 if before is not None and before.settings == settings else 1
    return Rest(failures=failures, retry_at=next_try(failures, now), message=message, settings=settings)


def account_stopped(before: Rest | None, stop: Rest, now: datetime, *, counts: bool = True) -> Rest:
    """Return how long an account rests that was stopped when a run ended. `before`: how it rested until then.

    The first such run costs nothing: the next one tries at once. From the second in a row on the account rests.
    `stop`: message, code and settings of this time. `counts` False: a person had asked for it.
    """
    if before is None or before.settings != stop.settings:
        return replace(stop, failures=1, retry_at=now)
    failures = before.failures + counts
    return replace(stop, failures=failures, retry_at=now if failures < 2 else next_try(failures - 1, now))


def source_digest(wanted: Wanted) -> bytes:
    """Return 16 bytes that change when the source's good rows do, in whatever order they come."""
    digest = blake2b(digest_size=16)
    for row in sorted(fingerprint(row) for row in wanted.rows):
        digest.update(row)
    return digest.digest()


def is_resting(state: CompanyState, wanted: Wanted, now: datetime) -> bool:
    """Return whether the company is to be left alone: its last reading failed too recently, or its keys led nowhere."""
    if state.failure == KEY_MISMATCH:
        return True
    return is_too_early(state, now) and state.failed_source == source_digest(wanted)


def is_too_early(state: CompanyState, now: datetime) -> bool:
    """Return whether the time has not come to try again what failed. A clock that was set back makes nobody wait."""
    if state.retry_at is None or state.failure is None:
        return False
    return state.retry_at - RESTS[-1] <= now < state.retry_at


def keys_lead_nowhere(state: CompanyState, message: str) -> CompanyState:
    """Return the company's notes after the server created rows that were to be updated."""
    return CompanyState(failure=KEY_MISMATCH, failure_message=message, last_good_rows=state.last_good_rows)


def failed_again(
    state: CompanyState, wanted: Wanted, failure: str, message: str, now: datetime, *, asked_for: bool = False
) -> CompanyState:
    """Return the company's notes after one more failed reading. A reading that a person asked for lengthens no rest."""
    failures = max(1, state.failures) if asked_for else state.failures + 1
    return CompanyState(
        failures=failures,
        retry_at=next_try(failures, now),
        failed_source=source_digest(wanted),
        failure=failure,
        failure_message=message,
        last_good_rows=state.last_good_rows,
    )
