"""Viewers behind one link share it: when it is full, each may send its part, not what it happened to have."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.columns import Columns
from streaming.rate.estimator import FLOOR_BPS, Estimator

CONGESTED_S: Final = 3.0
PULL: Final = 0.25
"""Of the difference to the fair part, at each tick while the link is or was just congested."""


class Sharing(Columns):
    """`link` is a small number for each link with viewers, NONE for viewers by themselves."""

    NONE: Final = -1
    link: npt.NDArray[np.int64]

    def __init__(self) -> None:
        super().__init__({"link": self.NONE})
        self._numbers: dict[str, int] = {}
        self._next_number = 0

    def join(self, row: int, link: str) -> None:
        """A viewer takes the row; `link` "" is a link of its own."""
        if link and link not in self._numbers:
            self._numbers[link] = self._next_number
            self._next_number += 1
        self.link[row] = self._numbers[link] if link else self.NONE

    def companions(self, row: int) -> npt.NDArray[np.int64]:
        """The other rows behind a row's link."""
        mine = (self.link == self.link[row]) & (self.link != self.NONE)
        mine[row] = False
        return np.flatnonzero(mine)

    def leave(self, row: int) -> None:
        number = int(self.link[row])
        self.link[row] = self.NONE
        if number != self.NONE and not (self.link == number).any():
            self._numbers = {link: each for link, each in self._numbers.items() if each != number}

    def share(self, estimator: Estimator, now: float) -> None:
        """Bring the estimates of each congested link's viewers together."""
        if not self._numbers:
            return
        members = np.bincount(self.link + 1)
        estimator.company = (members > 1)[self.link + 1] & (self.link != self.NONE)
        recent = (now - estimator.overused_s < CONGESTED_S) & (self.link != self.NONE)
        for number in np.unique(self.link[recent]).tolist():
            rows = np.flatnonzero(self.link == number)
            if len(rows) < 2:
                continue
            part = max(float(estimator.estimate_bps[rows].mean()), FLOOR_BPS)
            estimator.estimate_bps[rows] += PULL * (part - estimator.estimate_bps[rows])
