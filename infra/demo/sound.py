"""The demonstration's sound: Russian speech where espeak-ng is installed, else a quiet sequence of tones."""

from __future__ import annotations

import asyncio
import io
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

RATE: Final = 48_000
Samples = NDArray[np.int16]

_TEXT: Final = (
    "Здравствуйте. Это показательный урок физики. Волна переносит энергию, но не переносит вещество. "
    "Длина волны равна скорости, умноженной на период. Поднимите руку, если есть вопрос."
)
_PAUSE_S: Final = 1.5
_SPEECH_LIMIT_S: Final = 20.0


async def teachers_voice() -> Samples:
    """Mono samples at `RATE`, to be repeated without end."""
    try:
        speaker = await asyncio.create_subprocess_exec(
            "espeak-ng", "-v", "ru", "-s", "140", "--stdout", _TEXT, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
        recording, _ = await asyncio.wait_for(speaker.communicate(), _SPEECH_LIMIT_S)
        speech = _resampled(recording)
    except (OSError, TimeoutError, av.FFmpegError):
        return tones()
    return np.concatenate([speech, np.zeros(int(_PAUSE_S * RATE), np.int16)])


def tones() -> Samples:
    """A rising triad, one soft note a second, then a second's rest."""
    time = np.arange(RATE) / RATE
    swell = np.sin(np.pi * time) ** 2
    notes = [np.sin(2 * np.pi * hertz * time) * swell * 6000 for hertz in (261.63, 329.63, 392.0)]
    return np.concatenate([*notes, np.zeros(RATE)]).astype(np.int16)


def _resampled(wav: bytes) -> Samples:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(wav), mode="r") as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
