"""What the viewers of one Track want of it and have room for, gathered from the slots that it feeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.fanout import FanOut
from streaming.rate.columns import Columns
from streaming.rate.estimator import Estimator
from streaming.rate.prober import Prober

SETTLED_S: Final = 3.0
"""A newcomer's estimate says little of its link for so long."""
LIMITED_S: Final = 30.0
"""After overuse an estimate is known to be about all that the link carries."""


@dataclass(slots=True)
class Audience:
    """By viewer: `room_bps` that its estimate leaves for this picture, `proven_bps` that is proven of it; `limited`: no
    more is there, as far as is known, else the estimate only says that so much is; `height` that its page shows (0: no
    limit); `taken`: the encoding that it is to get, -1 for none. `desired`: encodings that anybody takes or could take.
    """

    desired: set[int] = field(default_factory=set)
    room_bps: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    proven_bps: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    limited: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    height: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    taken: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


class Seniority(Columns):
    """When each row's viewer came."""

    came_s: npt.NDArray[np.float64]

    def __init__(self) -> None:
        super().__init__({"came_s": np.inf})

    def came(self, row: int, rows: int, now: float) -> None:
        if self.rows < rows:
            self.reserve(rows)
        self.came_s[row] = now

    def gather(self, audience: Audience, fanout: FanOut, estimator: Estimator, prober: Prober, now: float) -> None:
        """Add a slot's viewers."""
        audience.desired |= fanout.desired
        rows = np.flatnonzero(fanout.allowed()[: self.rows])
        rows = rows[rows < len(fanout.room_bps)]
        rows = rows[(now - self.came_s[rows] >= SETTLED_S) & np.isfinite(fanout.room_bps[rows])]
        limited = (now - estimator.overused_s[rows] < LIMITED_S) | prober.cautious[rows] | ~estimator.wide[rows]
        audience.room_bps = np.append(audience.room_bps, fanout.room_bps[rows])
        unproven = np.maximum(estimator.estimate_bps[rows] - estimator.proven_bps[rows], 0.0)
        audience.proven_bps = np.append(audience.proven_bps, fanout.room_bps[rows] - unproven)
        audience.limited = np.append(audience.limited, limited)
        audience.height = np.append(audience.height, fanout.downtracks.height[rows])
        audience.taken = np.append(audience.taken, fanout.downtracks.target_encoding[rows])
