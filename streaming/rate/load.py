"""Filling a link to see what it carries: a link test sends a viewer padding beside whatever is shown.

The load follows the estimate, which so is really used and may grow, and half of it while the link is drained; probes go
for the rest of the goal. Time passed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from streaming.rate.allocator import Allocation
from streaming.rate.estimator import DRAIN_SHARE, Estimator

CATCH_UP_S: Final = 0.02
"""After a pause no more than this is made up for."""


@dataclass(slots=True)
class _Load:
    goal_bps: float
    at_s: float
    sent_bytes: int
    owed_bytes: float = 0.0


class LinkLoad:
    """`running`: by row, while its link is filled."""

    def __init__(self) -> None:
        self.running: dict[int, _Load] = {}

    def set(self, row: int, goal_bps: float, sent_bytes: int, now: float) -> None:
        """Fill the row's link up to `goal_bps` from now on; 0: no more. `sent_bytes`: total sent to the row."""
        if goal_bps > 0:
            self.running[row] = _Load(goal_bps, now, sent_bytes)
        else:
            self.forget(row)

    def forget(self, row: int) -> None:
        self.running.pop(row, None)

    def missing_bytes(self, row: int, sent_bytes: int, estimator: Estimator, now: float) -> int:
        """Padding that the row is to get now beside what was sent anyway."""
        load = self.running[row]
        share = DRAIN_SHARE if estimator.draining[row] else 1.0
        rate = min(load.goal_bps, share * float(estimator.estimate_bps[row])) / 8
        load.owed_bytes += (now - load.at_s) * rate - (sent_bytes - load.sent_bytes)
        load.owed_bytes = float(np.clip(load.owed_bytes, -rate * CATCH_UP_S, rate * CATCH_UP_S))
        load.at_s, load.sent_bytes = now, sent_bytes
        return int(load.owed_bytes)

    def wish(self, allocation: Allocation) -> None:
        """Let probes go for the goals."""
        for row, load in self.running.items():
            for wished in (allocation.next_bps, allocation.best_bps):
                wished[row] = np.fmax(wished[row], load.goal_bps)
