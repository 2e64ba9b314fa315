"""Viewers before a microphone, a camera and a screen whose rates are set by hand, for the allocator."""

from __future__ import annotations

from typing import Final

import numpy as np

from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.fanout.viewers import Viewers
from streaming.rate.allocator import Allocation, Allocator
from streaming.rate.redundancy import REPEATED_SHARE
from streaming.uptrack.cache import OVERHEAD_BYTES
from streaming.uptrack.encoding import KEYFRAMES
from streaming.uptrack.keyframes import STILL_INTERVAL_S
from streaming.uptrack.uptrack import UpTrack

PROFILE: Final = WireProfile((("vp8", "", 96, 97), ("opus", "", 111, -1), ("red", "", 63, -1)))
LADDER: Final = ((180, 150_000.0), (360, 500_000.0), (720, 1_500_000.0))
SOUND: Final = (23_000.0, 60_000.0)
"""Saving and full, on the wire."""
TEMPORALS: Final = (0.5, 0.2, 0.3)


def camera(
    heights: tuple[tuple[int, float], ...] = LADDER,
    temporals: tuple[float, float, float] = (1.0, 0.0, 0.0),
    still_bps: float = 0.0,
) -> UpTrack:
    """Encodings that cost these rates, split over temporal layers; `still_bps`: what still pictures of any cost."""
    track = UpTrack("camera", "vp8")
    for index, (height, rate) in enumerate(heights):
        encoding = track.encoding_for(f"r{index}", index)
        assert encoding is not None
        encoding.height, encoding.width = height, height * 16 // 9
        encoding.bitrate_bps = [rate * share for share in temporals]
        if still_bps:
            encoding.begin_group(0, 0, 0.0)
            encoding.count(0.0, KEYFRAMES, int(still_bps * STILL_INTERVAL_S / 8) - OVERHEAD_BYTES)
    return track


def microphone(*rates: float) -> UpTrack:
    track = UpTrack("microphone", "opus")
    for index, rate in enumerate(rates):
        encoding = track.encoding_for(f"s{index}", 10 + index)
        assert encoding is not None
        encoding.bitrate_bps = [rate, 0.0, 0.0]
    return track


class Seats:
    """`rows` viewers; `pictures` in order of priority behind the sound."""

    def __init__(
        self, *pictures: UpTrack, rows: int = 1, sound: tuple[float, ...] = SOUND, sharp: tuple[int, ...] = ()
    ) -> None:
        self.now = 100.0
        self.viewers = Viewers()
        self.rows = [self.viewers.add() for _ in range(rows)]
        self.sound = FanOut("teacher_audio", True, 3, 0, self.viewers)
        self.pictures = [
            FanOut(f"picture{index}", False, 10 + 2 * index, 11 + 2 * index, self.viewers, sharp=index in sharp)
            for index in range(len(pictures))
        ]
        self.fanouts = [self.sound, *self.pictures]
        for fanout, source in zip(self.fanouts, (microphone(*sound), *pictures), strict=True):
            for row in self.rows:
                fanout.add(row, PROFILE, 0)
            fanout.set_source(source)
            for row in self.rows:
                fanout.set_resumed(row, True)
        self.allocator = Allocator()
        self.loss = np.zeros(self.viewers.rows)
        self.allocation: Allocation

    def pass_time(self, seconds: float) -> None:
        """Everything that does not rest flows on."""
        self.now += seconds
        for fanout in self.fanouts:
            for encoding in fanout.source.encodings if fanout.source is not None else ():
                if not encoding.resting:
                    encoding.last_packet_s = self.now

    def allocate(self, budget_bps: float, *, unproven: bool = False, crisis: bool = False, blind: bool = False) -> None:
        """Once, for all rows alike."""
        rows = self.viewers.rows
        budget = np.full(rows, budget_bps)
        flags = np.full(rows, unproven), np.full(rows, crisis)
        self.allocation = self.allocator.allocate(
            self.fanouts, budget, self.now, *flags, self.loss, np.full(rows, blind)
        )

    def keyframes(self) -> None:
        """What rows wait for comes."""
        for fanout in self.pictures:
            fanout.downtracks.encoding[:] = fanout.downtracks.target_encoding
            fanout.downtracks.temporal[:] = fanout.downtracks.target_temporal

    def target(self, budget_bps: float, *, pause: float = 0.2, picture: int = 0) -> tuple[int, int]:
        """After `pause` seconds, with the keyframes that were waited for: the first row's layer of a picture."""
        self.pass_time(pause)
        for _ in range(2):  # a newcomer begins on the lowest encoding
            self.allocate(budget_bps)
            self.keyframes()
        return self.layer(picture)

    def layer(self, picture: int = 0) -> tuple[int, int]:
        tracks = self.pictures[picture].downtracks
        row = self.rows[0]
        return int(tracks.target_encoding[row]), int(tracks.target_temporal[row])

    def heard(self) -> int:
        """Encoding of the sound that the first row is to get."""
        return int(self.sound.downtracks.target_encoding[self.rows[0]])

    def cost(self, picture: int = 0) -> float:
        encoding, temporal = self.layer(picture)
        source = self.pictures[picture].source
        if encoding == NONE or source is None:
            return 0.0
        if temporal == KEYFRAMES:
            return source.encodings[encoding].still_bps(self.now)
        return sum(source.encodings[encoding].bitrate_bps[: temporal + 1])

    def sound_cost(self) -> float:
        assert self.sound.source is not None
        once = sum(self.sound.source.encodings[self.heard()].bitrate_bps)
        return once * (1 + REPEATED_SHARE) if self.repeated() else once

    def repeated(self) -> bool:
        """Whether the first row's sound repeats the frame before in each packet."""
        return bool(self.sound.downtracks.redundant[self.rows[0]])
