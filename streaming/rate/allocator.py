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
from streaming.fanout.fanout import FanOut
from streaming.fanout.selection import TOP_TEMPORAL
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


def options(source: UpTrack, now: float, visible_height: int = 0) -> list[Option]:
    """Layers of a Track that flow now, cheapest first; costs rise strictly.

    Encodings higher than the lowest that reaches `visible_height` (0: no limit) are left out.
    """
    encodings = sorted(
        (encoding for encoding in source.encodings if encoding.flowing(now)),
        key=lambda encoding: (encoding.height, sum(encoding.bitrate_bps)),
    )
    if visible_height:
        enough = next((encoding.height for encoding in encodings if encoding.height >= visible_height), None)
        encodings = [encoding for encoding in encodings if enough is None or encoding.height <= enough]
    found: list[Option] = []
    for encoding in encodings:
        rates = encoding.bitrate_bps
        if sum(rates) <= 0:
            guess = (encoding.width or 320) * (encoding.height or 180) * GUESS_BITS_PER_PIXEL
            rates = [0.0, 0.0, guess]
        total = 0.0
        for temporal, rate in enumerate(rates):
            if rate <= 0:
                continue
            total += rate * PACKET_OVERHEAD
            reached = TOP_TEMPORAL if not any(rates[temporal + 1 :]) else temporal
            while found and found[-1].bitrate_bps >= total:
                found.pop()
            found.append(Option(encoding.index, reached, total, encoding.height))
    return found


class Allocator:
    """Remembers when each row of each slot last went down. Time passed in."""

    def __init__(self) -> None:
        self._down_s: dict[str, npt.NDArray[np.float64]] = {}

    def allocate(
        self,
        fanouts: list[FanOut],
        estimate_bps: npt.NDArray[np.float64],
        now: float,
        unproven: npt.NDArray[np.bool_] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Set the targets of every row of `fanouts`, which come in order of priority; returns what each row now costs.

        Rows that are `unproven` (nothing has spoken against more yet) get the cheapest layer of the first picture even
        beyond their estimate: a publisher may have none that fits a cautious start.
        """
        left = estimate_bps.copy()
        for fanout in fanouts:
            fanout.downtracks.reserve(len(left))
            if fanout.audio and fanout.source is not None:
                rate = sum(sum(encoding.bitrate_bps) for encoding in fanout.source.encodings if encoding.flowing(now))
                left[fanout.allowed()[: len(left)]] -= max(SOUND_MIN_BPS, rate) if rate > 0 else 0.0
        spare = np.zeros(len(left), np.bool_) if unproven is None else unproven.copy()
        for fanout in fanouts:
            if not fanout.audio and fanout.source is not None:
                heights = fanout.downtracks.height
                allowed = fanout.allowed()
                for height in np.unique(heights[allowed]).tolist():
                    rows = np.flatnonzero(allowed & (heights == height))
                    self._pictures(fanout, options(fanout.source, now, height), rows, left, spare, now)
        return estimate_bps - left

    def _pictures(
        self,
        fanout: FanOut,
        choices: list[Option],
        rows: npt.NDArray[np.int64],
        left: npt.NDArray[np.float64],
        spare: npt.NDArray[np.bool_],
        now: float,
    ) -> None:
        """Choose for rows that show the slot at one height; takes what they cost off `left`."""
        if not choices:
            return
        tracks = fanout.downtracks
        rates = np.array([choice.bitrate_bps for choice in choices])
        current = _current(choices, tracks.target_encoding[rows], tracks.target_temporal[rows])
        down_s = self._down(fanout.slot, len(left))
        may_rise = (now - down_s[rows] >= HOLD_S) | (current < 0)
        reachable = np.searchsorted(rates * UP_MARGIN, left[rows], side="right") - 1
        bearable = np.searchsorted(rates, left[rows], side="right") - 1
        chosen = np.where(may_rise & (reachable > current), reachable, np.minimum(current, bearable))
        # A newcomer begins on the lowest encoding, whose keyframe is small, and rises once it has a picture.
        waiting = tracks.encoding[rows] == NONE
        first = max(index for index, choice in enumerate(choices) if choice.encoding == choices[0].encoding)
        chosen = np.where(waiting, np.minimum(chosen, np.where(current < 0, first, current)), chosen)
        forced = (chosen < 0) & spare[rows]
        chosen[forced] = 0
        spare[rows[forced]] = False
        down_s[rows[chosen < current]] = now
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


def _current(
    choices: list[Option], encodings: npt.NDArray[np.int8], temporals: npt.NDArray[np.int8]
) -> npt.NDArray[np.int64]:
    """Index of each row's present target among the choices, -1 where it is not (any more) among them."""
    result = np.full(len(encodings), -1, np.int64)
    for index, choice in enumerate(choices):
        result[(encodings == choice.encoding) & (temporals == choice.temporal)] = index
    return result
