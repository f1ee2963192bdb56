"""How close together the permits of a key lie, and for how long one may be used. Pure.

All workers together send no more than R + max(1, 5 %) requests in any second, by the server's clock. Permits lie
1 / (0.975 R) apart. A request that leaves late is closer to the one behind it, so a permit lapses soon after its
moment.
"""

from __future__ import annotations

from math import ceil, floor

from engine.net.limits.rate import WINDOW_S

ABOVE = 0.05
"""Share of the rate by which the requests of a second may exceed it, and at least one request."""

PART = 0.975
"""Part of the rate at which permits are given out: a little less than the 0.985 that one process uses alone, since the
clocks and delays of several processes differ."""

OWN_PART = 0.4
"""A request may be late, when it leaves, by this part of the lateness that there is room for. The rest is for its way:
a connection that has to be made first, the network, a server that is busy."""

LEASE_S = 0.2
"""A lease has at most the permits of this time: 10 at 50 requests a second. A worker that is killed loses no more
permits than one lease, and those that it asked for ahead."""


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
