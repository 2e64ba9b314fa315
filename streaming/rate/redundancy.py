"""Which viewers get redundant sound (RFC 2198): those who lose packets and have room for half as much sound again."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.columns import Columns

LOSS_ON: Final = 0.04
LOSS_OFF: Final = 0.02
SMOOTHING_S: Final = 3.0
REPEATED_SHARE: Final = 0.6
"""Of what sound costs, payload: that is sent once more."""
ROOM_SHARE: Final = 0.25
"""Of the budget, what repeating may cost at most."""
ROOM_HYSTERESIS: Final = 1.2


class Redundancy(Columns):
    """By row. Time passed in."""

    loss: npt.NDArray[np.float64]
    """Smoothed."""
    lossy: npt.NDArray[np.bool_]

    def __init__(self) -> None:
        super().__init__({"loss": 0.0, "lossy": False})
        self._updated_s = -np.inf

    def update(self, loss: npt.NDArray[np.float64], now: float) -> None:
        """`loss`: share of packets that each row has lost lately."""
        if self.rows < len(loss):
            self.reserve(len(loss))
        step = min((now - self._updated_s) / SMOOTHING_S, 1.0)
        self._updated_s = now
        self.loss += (loss - self.loss) * step
        self.lossy = np.where(self.lossy, self.loss >= LOSS_OFF, self.loss >= LOSS_ON)

    def choose(
        self,
        rows: npt.NDArray[np.int64],
        sound_bps: npt.NDArray[np.float64],
        budget_bps: npt.NDArray[np.float64],
        redundant: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.bool_]:
        """For `rows`, whose sound costs `sound_bps` once and is or is not `redundant` now: whether it is to be."""
        wanted_bps = REPEATED_SHARE * sound_bps * np.where(redundant, 1.0, ROOM_HYSTERESIS)
        return self.lossy[rows] & (wanted_bps <= ROOM_SHARE * budget_bps)
