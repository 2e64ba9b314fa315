"""A synthetic encoder: sizes and references of frames as a browser's VP9 encoder makes them, seeded.

Every encoding is VP9 `L1T3` at 30 frames a second (temporal pattern 0 2 1 2), its rate held by a leaky bucket as an
encoder's rate control does; a keyframe is some seven mean frames, which the frames after it pay back.
"""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

FRAME_RATE: Final = 30
PATTERN: Final = (0, 2, 1, 2)
REFERENCES: Final = (4, 1, 2, 1)
"""How many pictures back each place of the pattern is predicted from."""
LAYER_SHARES: Final = (0.54, 0.30, 0.16)
"""Of an encoding's rate, by temporal layer: libwebrtc splits three layers by factors of 0.55."""
LAYER_FRAMES: Final = (0.25, 0.25, 0.5)
KEYFRAME_FACTOR: Final = (6.0, 8.0)
KEYFRAME_FACTOR_MIN: Final = 3.0
"""A keyframe in mean frames at 30 frames a second; libwebrtc allows fewer of them the slower the frames come, but at
least three."""
KEYFRAME_INTERVAL_S: Final = 0.3
"""Chromium makes keyframes on request at most this often."""
SPREAD: Final = 0.25
"""Standard deviation of the logarithm of frame sizes."""
PAYBACK_S: Final = 0.5
FRAME_MIN_BYTES: Final = 60
STILL: Final = 0.03
"""Share of its target that a still screen takes."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding: what its content takes at full quality, and the limit that the page sets at the start."""

    rid: str
    width: int
    height: int
    natural_bps: float
    max_bps: float
    frame_rate: float = FRAME_RATE


CAMERA: Final = (
    Rendition("f", 1280, 720, 900_000, 1_100_000),
    Rendition("h", 640, 360, 320_000, 350_000),
    Rendition("q", 320, 180, 110_000, 120_000),
)
"""The page's ladder in the order of its offer, with what a talking person takes of it."""
SCREEN: Final = (
    Rendition("f", 1920, 1080, 1_350_000, 1_350_000, 8),
    Rendition("h", 960, 540, 300_000, 300_000, 5),
)


@dataclass(frozen=True, slots=True)
class Frame:
    """`back`: how many pictures back it is predicted from; 0 for a keyframe."""

    encoding: int
    keyframe: bool
    temporal: int
    back: int
    size: int


Activity = Callable[[float], float]
"""At a time, how much of its target the content takes: (0, 1]."""


def steady(now: float) -> float:
    """A person who talks."""
    return 1.0


def bursts(seed: int, start: float, end: float) -> Activity:
    """Slides and windows: nearly still for 4 … 10 s, then moving for 1 … 3 s."""
    source = random.Random(seed)
    edges, at = [], start
    while at < end:
        at += source.uniform(4, 10)
        edges.append(at)
        at += source.uniform(1, 3)
        edges.append(at)
    return lambda now: 1.0 if bisect.bisect(edges, now) % 2 else STILL


class _Stream:
    """Rate control of one encoding."""

    def __init__(self, index: int, rendition: Rendition, activity: Activity, seed: int) -> None:
        self.index = index
        self.rendition = rendition
        self.active = True
        self.max_bps = rendition.max_bps
        self.frame_interval_s = 1 / rendition.frame_rate
        self.needs_keyframe = True
        self._activity = activity
        self._random = random.Random(seed)
        self._place = 0
        self._debt = 0.0
        self._due_s = -math.inf

    @property
    def target_bps(self) -> float:
        return min(self.rendition.natural_bps, self.max_bps)

    def frame(self, now: float) -> Frame | None:
        if not self.active or now < self._due_s - 1e-6:
            return None
        self._due_s = max(self._due_s + self.frame_interval_s, now + self.frame_interval_s / 2)
        activity = self._activity(now)
        mean = self.target_bps / 8 * self.frame_interval_s * activity
        if self.needs_keyframe:
            self.needs_keyframe = False
            self._place = 0
            frames = max(
                KEYFRAME_FACTOR_MIN, self._random.uniform(*KEYFRAME_FACTOR) / FRAME_RATE / self.frame_interval_s
            )
            return self._made(True, 0, 0, mean / activity * frames, mean)
        self._place = (self._place + 1) % len(PATTERN)
        temporal = PATTERN[self._place]
        correction = 1 - self._debt / (self.target_bps / 8 * PAYBACK_S)
        share = LAYER_SHARES[temporal] / LAYER_FRAMES[temporal]
        size = mean * share * min(max(correction, 0.5), 1.3) * self._random.lognormvariate(-(SPREAD**2) / 2, SPREAD)
        return self._made(False, temporal, REFERENCES[self._place], size, mean)

    def _made(self, keyframe: bool, temporal: int, back: int, size: float, mean: float) -> Frame:
        second = self.target_bps / 8
        self._debt = min(max(self._debt + size - mean, -second / 2), second)
        return Frame(self.index, keyframe, temporal, back, max(FRAME_MIN_BYTES, int(size)))


class SimulcastEncoder:
    """All encodings of one camera. A keyframe asked of one is made on all, as browsers do."""

    def __init__(self, renditions: Sequence[Rendition], seed: int, activity: Activity = steady) -> None:
        self.streams = [
            _Stream(index, rendition, activity, seed * 31 + index) for index, rendition in enumerate(renditions)
        ]
        self.keyframes = 0
        self._asked = False
        self._keyed_s = -math.inf

    def request_keyframe(self) -> None:
        self._asked = True

    def configure(self, index: int, active: bool, max_bps: float, max_frame_rate: float) -> None:
        """What a page sets by `RTCRtpSender.setParameters`; 0: no limit. Coming back on needs a keyframe of all."""
        stream = self.streams[index]
        if active and not stream.active:
            self._asked = True
        stream.active = active
        stream.max_bps = max_bps or stream.rendition.max_bps
        stream.frame_interval_s = 1 / min(max_frame_rate or FRAME_RATE, stream.rendition.frame_rate)

    def frames(self, now: float) -> list[Frame]:
        """To be called FRAME_RATE times a second."""
        if self._asked and now - self._keyed_s >= KEYFRAME_INTERVAL_S:
            self._asked = False
            for stream in self.streams:
                stream.needs_keyframe = True
        made = [frame for stream in self.streams if (frame := stream.frame(now)) is not None]
        if any(frame.keyframe for frame in made):
            self._keyed_s = now
            self.keyframes += 1
        return made
