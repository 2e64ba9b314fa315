"""Which rates a publisher's encodings should have, so that their viewers' links are used well.

Every viewer can be given one encoding at most as dear as the room its link leaves for the picture. With few encodings
and many viewers some room stays unused; the ladder that leaves the least, counted as each viewer would feel it (twice
the rate is one step better, whoever gets it), is found by trying. All rates count headers down to IP.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

WIRE: Final = 1.09
"""Bits on the wire for each bit that an encoder makes."""
FIT: Final = 0.9
"""Of a viewer's room: frames and measured rates swing."""
STEP_LEAST: Final = 1.4
"""Of one encoding's rate over the next smaller one's: a smaller step would be tried without any proof."""
PLACES: Final = 16
"""Rates that are tried for each encoding."""
POINTS: Final = 8
"""Among them, whoever the viewers are."""
WORTH_FROM_BPS: Final = 20_000.0
"""Worth is counted from here on: who gets nothing has nothing of it."""
LARGER: Final = 0.1
"""Worth of being the larger of two pictures of one rate."""
PREFERENCE: Final = 1e-3
OFF: Final = 10.0
"""Not to be sent is the last choice."""

PIXELS: Final = 320 * 180
FLOOR_BPS: Final = 60_000.0
CEILING_BPS: Final = 160_000.0
RANGE_POWER: Final = 0.69
"""Of that smallest picture; a larger one needs more, but fewer bits for each pixel."""
USUAL_BPS: Final = 120_000.0
USUAL_POWER: Final = 0.8
"""What pages send before they are told anything."""
SHARP_FLOOR: Final = 0.5
SHARP_CEILING: Final = 0.65
"""A shared screen's few pictures, against a camera's many."""


@dataclass(frozen=True, slots=True)
class Rung:
    """Between which rates an encoding is worth its while."""

    floor_bps: float
    ceiling_bps: float
    usual_bps: float


def rung(width: int, height: int, *, sharp: bool = False) -> Rung:
    """`sharp`: a shared screen."""
    times = max(width * height, 1) / PIXELS
    least, most = (SHARP_FLOOR, SHARP_CEILING) if sharp else (1.0, 1.0)
    scale = WIRE * times**RANGE_POWER
    floor, ceiling = FLOOR_BPS * least * scale, CEILING_BPS * most * scale
    usual = USUAL_BPS * most * WIRE * times**USUAL_POWER
    return Rung(floor, ceiling, min(max(usual, floor), ceiling))


def best_rates(
    rungs: Sequence[Rung],
    room_bps: npt.NDArray[np.float64],
    most: npt.NDArray[np.int64],
    budget_bps: float = math.inf,
) -> list[float]:
    """The rate of each encoding, `rungs` being in order of size (three at most). By viewer: `room_bps`, and `most`, the
    index of the largest encoding that its page can show.

    `budget_bps`: all that anybody takes, and the smallest in any case, together. Where it is finite, others than the
    smallest may get 0: they are not to be sent.
    """
    tried = [_tried(each, FIT * room_bps[most >= index], index) for index, each in enumerate(rungs)]
    if math.isfinite(budget_bps):
        for each in tried[1:]:
            each.may_rest()
    shape = tuple(len(each.rates) for each in tried)
    worth, cost, above, dearer = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.full(shape, np.inf)
    for index in reversed(range(len(rungs))):
        rates, reached, value, preference = tried[index].along(index, len(rungs))
        on = rates > 0
        takers = np.where(on, reached - above, 0.0)
        worth += takers * value - preference
        worth[on & (dearer < STEP_LEAST * rates)] = -np.inf
        cost += np.where(on & ((takers > 0) | (index == 0)), rates, 0.0)
        above, dearer = np.where(on, reached, above), np.where(on, rates, dearer)
    worth[cost > budget_bps] = -np.inf
    if not np.isfinite(worth).any():  # the smallest is sent, whatever the budget is
        return [rungs[0].floor_bps, *(0.0 for _ in rungs[1:])]
    best = np.unravel_index(int(worth.argmax()), shape)
    return [float(each.rates[place]) for each, place in zip(tried, best, strict=True)]


@dataclass(slots=True)
class _Tried:
    """Rates that are tried for one encoding: how many viewers have the room, what it is worth to each, how little we
    like it for its own sake."""

    rates: npt.NDArray[np.float64]
    reached: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    preference: npt.NDArray[np.float64]

    def may_rest(self) -> None:
        """A rate of 0 is tried as well."""
        self.rates, self.reached = np.append(self.rates, 0.0), np.append(self.reached, 0.0)
        self.value, self.preference = np.append(self.value, 0.0), np.append(self.preference, PREFERENCE * OFF)

    def along(self, axis: int, axes: int) -> tuple[npt.NDArray[np.float64], ...]:
        shape = [-1 if each == axis else 1 for each in range(axes)]
        return tuple(each.reshape(shape) for each in (self.rates, self.reached, self.value, self.preference))


def _tried(each: Rung, usable: npt.NDArray[np.float64], index: int) -> _Tried:
    """Rates just within some viewer's room, with many viewers a selection of them; and some between."""
    ordered = np.sort(usable)
    places = np.unique(np.linspace(0, len(ordered) - 1, min(PLACES, len(ordered))).round().astype(np.int64))
    fitting = ordered[places]
    points = np.geomspace(each.floor_bps, each.ceiling_bps, POINTS)
    rates = np.unique(np.clip(np.concatenate([fitting, points, [each.usual_bps]]), each.floor_bps, each.ceiling_bps))
    reached = (len(ordered) - np.searchsorted(ordered, rates, side="left")).astype(np.float64)
    value = np.log2(rates / WORTH_FROM_BPS) + LARGER * index
    # What nobody takes: a newcomer begins on the smallest; of the larger ones the first step up counts.
    liked = each.floor_bps if index else each.usual_bps
    return _Tried(rates, reached, value, PREFERENCE * np.abs(np.log2(rates / liked)))
