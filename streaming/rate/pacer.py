"""Pacing: how many bytes each viewer may be sent now. Video waits for credit, sound never does."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.viewers import Viewers

TICK_S: Final = 0.005
"""While somebody waits for credit, or a probe runs."""
IDLE_TICK_S: Final = 0.02
IDLE_PACE_S: Final = 0.04
"""Credit is renewed this often while nobody waits: as long as a burst lasts."""
START_CREDIT_BYTES: Final = 4_000
"""Given once to a newcomer: its first keyframe, a small one, should not wait."""
BURST_S: Final = 0.05
BURST_MIN_BYTES: Final = 1_500.0
BURST_FULL_S: Final = 0.01
BURST_FULL_MIN_BYTES: Final = 600.0
"""Where a link is about full: what leaves at once there waits in the link's queue, before the sound that follows."""
REPAIR_SHARE: Final = 0.15
"""Of the pace, for retransmissions."""
REPAIR_BURST_S: Final = 1.0


def refill(viewers: Viewers, pace_bps: npt.NDArray[np.float64], full: npt.NDArray[np.bool_], elapsed_s: float) -> None:
    """Give every viewer the credit of `elapsed_s`; a long sleep counts as one burst. `full`: rows whose link is."""
    rate = (pace_bps / 8).astype(np.float32)
    earned = rate * np.float32(elapsed_s)
    burst = np.where(
        full,
        np.maximum(rate * np.float32(BURST_FULL_S), np.float32(BURST_FULL_MIN_BYTES)),
        np.maximum(rate * np.float32(BURST_S), np.float32(BURST_MIN_BYTES)),
    )
    ceiling = np.maximum(burst, viewers.credit)
    np.minimum(viewers.credit + earned, ceiling, out=viewers.credit)
    ceiling = np.maximum(rate * np.float32(REPAIR_SHARE * REPAIR_BURST_S), np.float32(BURST_MIN_BYTES))
    np.minimum(viewers.repair_credit + np.float32(REPAIR_SHARE) * earned, ceiling, out=viewers.repair_credit)


def decide_slow(viewers: Viewers, waiting: npt.NDArray[np.bool_] | None) -> None:
    """From now until the next tick, rows without credit or with packets `waiting` go through the queue."""
    slow = viewers.credit <= 0
    if waiting is not None:
        slow |= waiting
    slow &= viewers.used
    viewers.slow = slow
    viewers.any_slow = bool(slow.any())
    viewers.least_credit = float(viewers.credit.min(where=viewers.connected, initial=np.inf))
