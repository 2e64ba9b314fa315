"""Pacing: how many bytes each viewer may be sent now. Video waits for credit, sound never does."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.viewers import Viewers

TICK_S: Final = 0.005
"""While somebody waits for credit."""
IDLE_TICK_S: Final = 0.02
IDLE_PACE_S: Final = 0.04
"""Credit is renewed this often while nobody waits: as long as a burst lasts."""
FACTOR: Final = 1.5
"""Above the estimate, so that a keyframe or a retransmission does not wait for long."""
START_CREDIT_BYTES: Final = 15_000
START_S: Final = 2.0
"""A newcomer gets this credit at every tick for so long: its first keyframe, a small one, should not wait."""
BURST_S: Final = 0.04
BURST_MIN_BYTES: Final = 4_000.0


def refill(viewers: Viewers, estimate_bps: npt.NDArray[np.float64], elapsed_s: float) -> None:
    """Give every viewer the credit of `elapsed_s`; a long sleep counts as one burst."""
    rate = (estimate_bps * (FACTOR / 8)).astype(np.float32)
    ceiling = np.maximum(rate * np.float32(BURST_S), np.float32(BURST_MIN_BYTES))
    np.minimum(viewers.credit + rate * np.float32(elapsed_s), ceiling, out=viewers.credit)


def decide_slow(viewers: Viewers, waiting: npt.NDArray[np.bool_] | None) -> None:
    """From now until the next tick, rows without credit or with packets `waiting` go through the queue."""
    slow = viewers.credit <= 0
    if waiting is not None:
        slow |= waiting
    slow &= viewers.used
    viewers.slow = slow
    viewers.any_slow = bool(slow.any())
