"""When a process that died is started again: a core without clock."""

from __future__ import annotations

from collections import deque

DELAYS_S = (0.0, 0.5, 1.0, 2.0, 4.0)
"""The first restart is immediate; the longest wait stays well under the ten seconds in which clients must be back."""
SETTLED_S = 60.0
LOOP_CRASHES = 5


class Backoff:
    """Crashes of one process; those older than `SETTLED_S` are forgotten."""

    def __init__(self) -> None:
        self._crashes: deque[float] = deque(maxlen=LOOP_CRASHES)

    def crashed(self, now: float) -> float:
        """Note a crash; returns the seconds to wait before the next start."""
        self._forget(now)
        delay = DELAYS_S[min(len(self._crashes), len(DELAYS_S) - 1)]
        self._crashes.append(now)
        return delay

    def is_loop(self, now: float) -> bool:
        """Whether it crashed `LOOP_CRASHES` times within `SETTLED_S`: restarting alone does not help."""
        self._forget(now)
        return len(self._crashes) == LOOP_CRASHES

    def _forget(self, now: float) -> None:
        while self._crashes and now - self._crashes[0] > SETTLED_S:
            self._crashes.popleft()
