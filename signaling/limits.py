"""Time and rates as plain values."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Moment(NamedTuple):
    """`now`: monotonic seconds, for every deadline; `wall`: Unix time, only for what people read."""

    now: float
    wall: float


class TokenBucket:
    """At most `burst` at once and `rate_per_s` in the long run."""

    def __init__(self, rate_per_s: float, burst: float, now: float) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate_per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class SlidingWindow:
    """At most `count` within any `window_s`."""

    def __init__(self, count: int, window_s: float) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=count)

    def take(self, now: float) -> bool:
        if len(self._times) == self._times.maxlen and now - self._times[0] < self._window_s:
            return False
        self._times.append(now)
        return True
