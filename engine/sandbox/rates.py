"""Three ways in which servers count requests a second. Pure: times are arguments."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypeAlias

RateModel: TypeAlias = Literal["bucket", "fixed", "sliding"]


class Counter(Protocol):
    """Admits or refuses one request after the other. A refused request does not count."""

    def admits(self, second: float) -> bool:
        """Count a request at a moment in monotonic seconds; False: the request is refused."""
        ...


class Bucket:
    """A token bucket, as in AWS API Gateway: full at the start, and refilled at the rate."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._tokens = self._burst
        self._filled_at: float | None = None

    def admits(self, second: float) -> bool:
        """Take a token, if there is one."""
        elapsed = 0.0 if self._filled_at is None else max(0.0, second - self._filled_at)
        self._tokens = min(self._burst, self._tokens + elapsed * self._rate)
        self._filled_at = second
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class FixedWindow:
    """At most `rate` requests in each second, counted from full second to full second."""

    def __init__(self, rate: float, _burst: int) -> None:
        self._most = max(1, int(rate))
        self._window, self._used = -1, 0

    def admits(self, second: float) -> bool:
        """Count the request in its second, unless that is full."""
        if int(second) != self._window:
            self._window, self._used = int(second), 0
        if self._used >= self._most:
            return False
        self._used += 1
        return True


class SlidingWindow:
    """At most `rate` requests in any span of one second: the strictest of the three."""

    def __init__(self, rate: float, _burst: int) -> None:
        self._most = max(1, int(rate))
        self._times: deque[float] = deque()

    def admits(self, second: float) -> bool:
        """Count the request, unless the last second is full."""
        while self._times and self._times[0] <= second - 1.0:
            self._times.popleft()
        if len(self._times) >= self._most:
            return False
        self._times.append(second)
        return True


COUNTERS: Mapping[RateModel, Callable[[float, int], Counter]] = {
    "bucket": Bucket,
    "fixed": FixedWindow,
    "sliding": SlidingWindow,
}
