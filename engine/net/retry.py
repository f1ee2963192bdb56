"""Whether and when to send again: a pure function of the policy, the sends so far and the last error."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import ApiError, InFlight, OutcomeUnknown

FIRST_S = 0.5
LONGEST_S = 30.0
"""Backoff doubles from `FIRST_S` up to here: the server's own limit of 29 s should have passed once by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient a call is."""

    max_attempts: int  # sends in all, the first included
    max_timeouts: int | None = None  # give up after so many time-outs (a bulk call is halved then); None: as others
    max_alike: int | None = None  # give up when the same 500 or 502 came this often from a host that answers others


def wait_s(policy: Policy, attempts: int, timeouts: int, error: ApiError, jitter: float) -> float | None:
    """Return how long to wait before sending the same bytes again; None: stop, and let the caller have the error.

    `attempts` counts sends made, `timeouts` those that timed out. `jitter` is drawn from [0, 1): the wait is that share
    of the upper half of the step, so that a fleet that failed together does not return together.
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
    """Return the wait after so many sends: 0.5, 1, 2 ... 30 s, each shortened by up to half."""
    step = min(LONGEST_S, FIRST_S * 2.0 ** min(attempts - 1, 16))
    return step * (0.5 + jitter / 2)
