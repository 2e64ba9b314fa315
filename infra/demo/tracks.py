"""The synthetic camera and microphone as aiortc tracks, paced by the event loop's clock."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Final

import av
import numpy as np
from aiortc import MediaStreamTrack

from infra.demo.picture import Painter
from infra.demo.sound import RATE, Samples

FPS: Final = 15
_VIDEO_CLOCK: Final = 90_000
_SAMPLES_PER_FRAME: Final = RATE // 50


class _Metronome:
    """Lets frame `n` pass `n * period_s` after the first."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._start: float | None = None

    async def wait(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._start is None:
            self._start = now
        await asyncio.sleep(max(0.0, self._start + number * self._period_s - now))


class Camera(MediaStreamTrack):
    kind = "video"

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter
        self._metronome = _Metronome(1 / FPS)
        self._count = 0

    async def recv(self) -> av.VideoFrame:
        await self._metronome.wait(self._count)
        frame = self._painter.frame(self._count / FPS, time.strftime("%H:%M:%S"))
        frame.pts = self._count * _VIDEO_CLOCK // FPS
        frame.time_base = Fraction(1, _VIDEO_CLOCK)
        self._count += 1
        return frame


class Microphone(MediaStreamTrack):
    kind = "audio"

    def __init__(self, samples: Samples) -> None:
        super().__init__()
        self._samples = samples
        self._metronome = _Metronome(_SAMPLES_PER_FRAME / RATE)
        self._count = 0

    async def recv(self) -> av.AudioFrame:
        await self._metronome.wait(self._count)
        start = self._count * _SAMPLES_PER_FRAME
        piece = self._samples.take(np.arange(start, start + _SAMPLES_PER_FRAME), mode="wrap")
        frame = av.AudioFrame.from_ndarray(piece[None, :], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts = start
        frame.time_base = Fraction(1, RATE)
        self._count += 1
        return frame
