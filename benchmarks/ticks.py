"""How late an event loop was, as counts of its ticks by how late they were: of one run, or of several together.

A tick is due a millisecond after the one before it has come. While the loop is held, no tick is due, although each
millisecond of it some callback, timer or answer may wait: a loop that is held for 12 ms would show one late tick among
many that were in time. So a tick that is 12 ms late is counted together with those that would have come 11, 10, ... and
1 ms late, as HdrHistogram does it for what it calls coordinated omission. Then a quantile is about moments of the
program's time, whether the loop ticked in them or not. `plain` gives the same without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from typing import TypeAlias

TICK_S = 0.001
"""Between two ticks."""

Ticks: TypeAlias = Mapping[str, int]
"""How many ticks were this late, by milliseconds with one decimal, rounded up."""

_TENTHS = round(TICK_S * 10_000)  # of a millisecond, between two ticks


def counted(late_s: Iterable[float]) -> dict[str, int]:
    """Count ticks by how late they were, in seconds. One that came early was not late."""
    tenths = Counter(max(0, ceil(late * 10_000 - 1e-6)) for late in late_s)
    return {f"{each / 10:.1f}": tenths[each] for each in sorted(tenths)}


def p999_ms(runs: Iterable[Ticks], *, plain: bool = False) -> float:
    """Return how late at most 99.9 % of the ticks of all these runs together were; of fewer than 1,000: the latest."""
    tenths = _pooled(runs)
    if not plain:
        tenths = _with_held(tenths)
    left = sum(tenths.values()) * 999 // 1_000
    for each in sorted(tenths):
        left -= tenths[each]
        if left < 0:
            return each / 10
    return 0.0


def _pooled(runs: Iterable[Ticks]) -> Counter[int]:
    """Return the ticks of all runs by tenths of a millisecond."""
    found: Counter[int] = Counter()
    for ticks in runs:
        found.update({round(float(late) * 10): count for late, count in ticks.items()})
    return found


def _with_held(tenths: Counter[int]) -> Counter[int]:
    """Return these ticks and those that would have come while the loop was held."""
    found = Counter(tenths)
    for late, count in tenths.items():
        for each in range(late - _TENTHS, 0, -_TENTHS):
            found[each] += count
    return found
