"""Whether and when to send again: a pure function of the policy, the sends so far and the last error."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ApiError, InFlight, OutcomeUnknown

FIRST_S = 0.5
LONGEST_S = 30.0
"""Waits double from `FIRST_S` up to this. It is above 29 s, after which the server ends a request itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient a call is."""

    max_attempts: int  # sends in all, the first included
    max_timeouts: int | None = None  # give up after this many time-outs; None: they count as any other failure
    max_alike: int | None = None  # equal 500s or 502s in a row after which to give up, if the host answers others


def wait_s(policy: Policy, attempts: int, timeouts: int, error: ApiError, jitter: float) -> float | None:
    """Return how many seconds to wait before sending the same bytes again; None: stop, and raise the error.

    `attempts`: sends made; `timeouts`: those that timed out. `jitter` is drawn from [0, 1) and shortens the wait by up
    to half, so that requests that failed together are not repeated together.
    """
    if not isinstance(error, OutcomeUnknown | InFlight) or attempts >= policy.max_attempts:
        return None
    if policy.max_timeouts is not None and timeouts >= policy.max_timeouts and error_timed_out(error):
        return None
    return step_s(attempts, jitter)


def error_timed_out(error: ApiError) -> bool:
    """Return whether no answer came in time."""
    return isinstance(error, OutcomeUnknown) and error.timed_out


def was_unsent(error: ApiError) -> bool:
    """Return whether there was no connection, so that nothing was sent."""
    return isinstance(error, OutcomeUnknown) and error.unsent


def is_silence(error: ApiError) -> bool:
    """Return whether there was no answer at all, or the host's own failure (5xx)."""
    return isinstance(error, OutcomeUnknown) and (error.status is None or error.status >= 500)


def step_s(attempts: int, jitter: float) -> float:
    """Return the wait in seconds after `attempts` sends: 0.5, 1, 2 ... 30, shortened by `jitter` by up to half."""
    step = min(LONGEST_S, FIRST_S * 2.0 ** min(attempts - 1, 16))
    return step * (0.5 + jitter / 2)
