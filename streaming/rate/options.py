"""What a viewer can be given of one Track: its layers as they flow now, and those its publisher could send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streaming.fanout.selection import TOP_TEMPORAL
from streaming.uptrack.encoding import KEYFRAMES, Encoding
from streaming.uptrack.uptrack import UpTrack

GUESS_BITS_PER_PIXEL: Final = 1.5
"""Bits per second and pixel of an encoding whose rate has not been measured yet."""
SOUND_GUESS_BPS: Final = 40_000.0
USED: Final = 0.85
"""From this share of what it may cost on, an encoding would make use of more."""
LARGER: Final = 1.5
LARGER_LEAST: Final = 1.35
"""What is closer to the present rate than this cannot be told from it by a probe."""
STILL_SHARE: Final = 0.5
"""Still pictures are worth having where they cost less than this share of the cheapest motion."""


@dataclass(frozen=True, slots=True)
class Option:
    """One layer: (encoding, temporal) with the rate it costs on the wire and the height it shows; KEYFRAMES: still
    pictures.

    `awake`: it flows. Else the publisher has been told to leave it out and would send it if asked.
    """

    encoding: int
    temporal: int
    bitrate_bps: float
    height: int
    awake: bool = True

    @property
    def still(self) -> bool:
        return self.temporal == KEYFRAMES


def picture_options(source: UpTrack, now: float, visible_height: int = 0, sharp: bool = False) -> list[Option]:
    """Layers in order of what they show, cheapest first; costs rise strictly. Before them still pictures of the
    smallest encoding, once it is known what they cost.

    Encodings higher than the lowest that reaches `visible_height` (0: no limit) are left out. `sharp`: resolution
    counts before motion, so of each encoding but the highest only the fewest pictures are offered. Else few pictures of
    a larger encoding do not take the place of all pictures of a smaller one.
    """
    encodings = sorted(
        (encoding for encoding in source.encodings if encoding.available(now)),
        key=lambda encoding: (encoding.height, sum(encoding.bitrate_bps)),
    )
    if visible_height:
        enough = next((encoding.height for encoding in encodings if encoding.height >= visible_height), None)
        encodings = [encoding for encoding in encodings if enough is None or encoding.height <= enough]
    found: list[Option] = []
    for encoding in encodings:
        layers = _layers(encoding, now)
        if sharp and encoding is not encodings[-1]:
            layers = layers[:1]
        layers += _larger(encoding, sum(encoding.bitrate_bps), highest=encoding is encodings[-1])
        for option in layers:
            if not sharp and option.temporal < TOP_TEMPORAL and found and found[-1].bitrate_bps >= option.bitrate_bps:
                continue
            while found and found[-1].bitrate_bps >= option.bitrate_bps:
                found.pop()
            found.append(option)
    still_bps = encodings[0].still_bps(now) if encodings else 0.0
    if 0 < still_bps < STILL_SHARE * found[0].bitrate_bps:
        smallest = encodings[0]
        found.insert(0, Option(smallest.index, KEYFRAMES, still_bps, smallest.height, smallest.flowing(now)))
    return found


def _larger(encoding: Encoding, measured_bps: float, *, highest: bool) -> list[Option]:
    """What its publisher could make of an encoding that uses all it is allowed: somewhat more, and of the highest the
    most, so that there is something to probe for."""
    if encoding.resting or not 0 < USED * encoding.told_bps <= measured_bps:
        return []
    most = encoding.ceiling_bps
    rates = {min(LARGER * max(encoding.told_bps, measured_bps), most), most if highest else 0.0}
    return [
        Option(encoding.index, TOP_TEMPORAL, rate, encoding.height, awake=False)
        for rate in sorted(rates)
        if rate >= LARGER_LEAST * measured_bps
    ]


def _layers(encoding: Encoding, now: float) -> list[Option]:
    rates = encoding.bitrate_bps
    if encoding.resting and encoding.told_bps > 0:
        rates = [0.0, 0.0, encoding.told_bps]
    elif sum(rates) <= 0:
        guess = (encoding.width or 320) * (encoding.height or 180) * GUESS_BITS_PER_PIXEL
        rates = [0.0, 0.0, guess]
    awake = encoding.flowing(now)
    total = 0.0
    layers = []
    for temporal, rate in enumerate(rates):
        if rate > 0:
            total += rate
            reached = TOP_TEMPORAL if not any(rates[temporal + 1 :]) else temporal
            layers.append(Option(encoding.index, reached, total, encoding.height, awake))
    return layers


def sound_options(source: UpTrack, now: float) -> list[Option]:
    """The ways a microphone is sent, the saving one first."""
    return [
        Option(encoding.index, TOP_TEMPORAL, sum(encoding.bitrate_bps) or SOUND_GUESS_BPS, 0, encoding.flowing(now))
        for encoding in source.encodings
        if encoding.available(now)
    ]
