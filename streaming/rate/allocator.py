"""Which layer of each slot every viewer gets: sound first, then pictures by priority, within the viewer's estimate.

Columnar: one pass per slot decides for all rows. A page's visible height bounds the resolution; going up needs a
margin and some time since the last step down, going down none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import TOP_TEMPORAL, FanOut
from streaming.uptrack.uptrack import UpTrack

UP_MARGIN: Final = 1.10
HOLD_S: Final = 1.5
PACKET_OVERHEAD: Final = 1.06
"""Headers and extensions on top of payloads."""
SOUND_MIN_BPS: Final = 40_000.0
GUESS_BITS_PER_PIXEL: Final = 1.5
"""Bits per second and pixel of an encoding whose rate has not been measured yet."""


@dataclass(frozen=True, slots=True)
class Option:
    """One layer: (encoding, temporal) with the rate it costs and the height it shows."""

    encoding: int
    temporal: int
    bitrate_bps: float
    height: int


def options(source: UpTrack, now: float) -> list[Option]:
    """Layers of a Track that flow now, cheapest first; costs rise strictly."""
    found: list[Option] = []
    encodings = [encoding for encoding in source.encodings if encoding.flowing(now)]
    for encoding in sorted(encodings, key=lambda each: (each.height, sum(each.bitrate_bps))):
        rates = encoding.bitrate_bps
        if sum(rates) <= 0:
            guess = (encoding.width or 320) * (encoding.height or 180) * GUESS_BITS_PER_PIXEL
            rates = [0.0, 0.0, guess]
        total = 0.0
        for temporal, rate in enumerate(rates):
            total += rate * PACKET_OVERHEAD
            if rate > 0 and total > 0:
                reached = TOP_TEMPORAL if not any(rates[temporal + 1 :]) else temporal
                while found and found[-1].bitrate_bps >= total and found[-1].height <= encoding.height:
                    found.pop()
                found.append(Option(encoding.index, reached, total, encoding.height))
    return found


class Allocator:
    """Remembers when each row of each slot last went down. Time passed in."""

    def __init__(self) -> None:
        self._down_s: dict[str, npt.NDArray[np.float64]] = {}

    def allocate(self, fanouts: list[FanOut], estimate_bps: npt.NDArray[np.float64], now: float) -> None:
        """Set the targets of every row of `fanouts`, which come in order of priority."""
        left = estimate_bps.copy()
        for fanout in fanouts:
            fanout.downtracks.reserve(len(left))
            if fanout.audio and fanout.source is not None:
                rate = sum(sum(encoding.bitrate_bps) for encoding in fanout.source.encodings if encoding.flowing(now))
                left[fanout.allowed()[: len(left)]] -= max(SOUND_MIN_BPS, rate) if rate > 0 else 0.0
        for fanout in fanouts:
            if not fanout.audio:
                self._pictures(fanout, left, now)

    def _pictures(self, fanout: FanOut, left: npt.NDArray[np.float64], now: float) -> None:
        source = fanout.source
        rows = np.flatnonzero(fanout.allowed())
        if source is None or not len(rows):
            return
        choices = options(source, now)
        tracks = fanout.downtracks
        if not choices:
            return
        rates = np.array([choice.bitrate_bps for choice in choices])
        affordable = np.searchsorted(rates, left[rows], side="right") - 1
        with_margin = np.searchsorted(rates * UP_MARGIN, left[rows], side="right") - 1
        visible = _visible(choices, tracks.height[rows])
        current = _current(choices, tracks.target_encoding[rows], tracks.target_temporal[rows])
        down_s = self._down(fanout.slot, len(left))
        may_rise = (now - down_s[rows] >= HOLD_S) | (current < 0)
        chosen = np.minimum(affordable, visible)
        rising = chosen > current
        chosen = np.where(
            rising, np.where(may_rise, np.maximum(np.minimum(with_margin, visible), current), current), chosen
        )
        falling = rows[chosen < current]
        down_s[falling] = now
        encodings = np.array([choice.encoding for choice in choices] + [NONE])
        temporals = np.array([choice.temporal for choice in choices] + [0])
        fanout.aim_rows(rows, encodings[chosen], temporals[chosen])
        left[rows] -= np.append(rates, 0.0)[chosen]

    def _down(self, slot: str, rows: int) -> npt.NDArray[np.float64]:
        column = self._down_s.get(slot)
        if column is None or len(column) < rows:
            column = np.concatenate([column if column is not None else np.zeros(0), np.full(rows, -np.inf)])[:rows]
            self._down_s[slot] = column
        return column


def _visible(choices: list[Option], heights: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Index of the best choice worth sending to a picture of this height (0: no limit)."""
    bounds = []
    ladder = sorted({choice.height for choice in choices})
    for height in np.unique(heights).tolist():
        enough = next((step for step in ladder if height and step >= height), ladder[-1])
        bounds.append((height, max(index for index, choice in enumerate(choices) if choice.height <= enough)))
    result = np.zeros(len(heights), np.int64)
    for height, index in bounds:
        result[heights == height] = index
    return result


def _current(
    choices: list[Option], encodings: npt.NDArray[np.int8], temporals: npt.NDArray[np.int8]
) -> npt.NDArray[np.int64]:
    """Index of each row's present target among the choices, -1 where it is not (any more) among them."""
    result = np.full(len(encodings), -1, np.int64)
    for index, choice in enumerate(choices):
        result[(encodings == choice.encoding) & (temporals == choice.temporal)] = index
    return result
