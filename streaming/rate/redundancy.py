"""Which viewers get redundant sound (RFC 2198): those whose link loses packets and has room for the repeated frames.

Only the loss that a link has without any queue counts: where a full link loses packets, more of them would not help.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.columns import Columns

LOSS_ON: Final = 0.04
LOSS_OFF: Final = 0.02
REPEATED_SHARE: Final = 0.6
"""Of what sound costs, payload: that is sent once more."""
ROOM_SHARE: Final = 0.25
"""Of the budget, what repeating may cost at most."""
ROOM_HYSTERESIS: Final = 1.2


class Redundancy(Columns):
    """By row."""

    lossy: npt.NDArray[np.bool_]

    def __init__(self) -> None:
        super().__init__({"lossy": False})

    def update(self, inherent_loss: npt.NDArray[np.float64]) -> None:
        """`inherent_loss`: share of packets that each row's link loses without any queue, smoothed."""
        if self.rows < len(inherent_loss):
            self.reserve(len(inherent_loss))
        self.lossy = inherent_loss >= np.where(self.lossy, LOSS_OFF, LOSS_ON)

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
