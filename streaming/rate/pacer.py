"""Pacing: how many bytes each viewer may be sent now. Video waits for credit, sound never does."""

from __future__ import annotations

from typing import Final, NamedTuple

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
BURST_PATIENT_BYTES: Final = 100.0
"""Of who gets still pictures only: one packet at a time, so that sound never waits behind two."""
REPAIR_SHARE: Final = 0.15
"""Of the pace, for retransmissions."""
REPAIR_BURST_S: Final = 1.0


class Pace(NamedTuple):
    """By row: bytes a second, and the most credit that is saved up."""

    rate: npt.NDArray[np.float32]
    most: npt.NDArray[np.float32]
    repair_most: npt.NDArray[np.float32]


def pace(pace_bps: npt.NDArray[np.float64], full: npt.NDArray[np.bool_], patient: npt.NDArray[np.bool_]) -> Pace:
    """What follows from how fast packets may leave; it holds for many ticks. `full`: rows whose link is; `patient`:
    those that get still pictures only."""
    rate = (pace_bps / 8).astype(np.float32)
    least = np.float32(BURST_MIN_BYTES)
    most = np.where(
        full,
        np.maximum(rate * np.float32(BURST_FULL_S), np.float32(BURST_FULL_MIN_BYTES)),
        np.maximum(rate * np.float32(BURST_S), least),
    )
    most[patient] = BURST_PATIENT_BYTES
    return Pace(rate, most, np.maximum(rate * np.float32(REPAIR_SHARE * REPAIR_BURST_S), least))


def refill(viewers: Viewers, pace: Pace, elapsed_s: float) -> None:
    """Give every viewer the credit of `elapsed_s`; a long sleep counts as one burst."""
    earned = pace.rate * np.float32(elapsed_s)
    most = np.maximum(pace.most, viewers.credit)
    viewers.credit += earned
    np.minimum(viewers.credit, most, out=viewers.credit)
    earned *= np.float32(REPAIR_SHARE)
    viewers.repair_credit += earned
    np.minimum(viewers.repair_credit, pace.repair_most, out=viewers.repair_credit)


def decide_slow(viewers: Viewers, waiting: npt.NDArray[np.bool_] | None) -> None:
    """From now until the next tick, rows without credit or with packets `waiting` go through the queue."""
    slow = viewers.credit <= 0
    if waiting is not None:
        slow |= waiting
    slow &= viewers.used
    viewers.slow = slow
    viewers.any_slow = bool(slow.any())
    viewers.least_credit = float(viewers.credit.min(where=viewers.connected, initial=np.inf))
