"""How close together the permits of a key lie, and for how long one may be used. Pure.

All workers together send no more than R + max(1, 5 %) requests in any second, by the server's clock. Permits lie
1 / (0.975 R) apart. A request that leaves late is closer to the one behind it, so a permit lapses soon after its
moment.
"""

from __future__ import annotations

from math import ceil, floor

from engine.net.limits.rate import WINDOW_S

ABOVE = 0.05
"""Share of the rate that a second may hold beyond it, and at least one request."""

PART = 0.975
"""Part of the rate that permits are given out for: a little less than one process uses alone, as it leaves room for the
differences between several."""

OWN_PART = 0.4
"""Part of the lateness which that leaves room for that a request may have when it leaves. The rest is for its way: a
connection that has to be made first, the network, a server that is busy."""

LEASE_S = 0.2
"""A lease is of at most this much of the key's rate: 10 permits at 50 requests a second. A worker that is killed loses
no more than that and what it asked for ahead."""


def interval_s(per_second: float) -> float:
    """Return the seconds between two permits."""
    return 1.0 / (PART * per_second)


def lateness_s(per_second: float) -> float:
    """Return how long after its moment a permit may be used.

    In a window there are then at most (window + lateness) / interval permits, rounded down, and one more.
    """
    most = floor(ceil(per_second) + max(1.0, ABOVE * per_second))
    return OWN_PART * (most * interval_s(per_second) - WINDOW_S)


def most_permits(per_second: float) -> int:
    """Return how many permits a lease has at most."""
    return max(1, floor(per_second * LEASE_S))
