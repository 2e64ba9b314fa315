"""Numbered pictures and numbered beeps: material of which every frame and every beep can be accounted for.

A picture carries its number as a barcode of `BITS` black and white blocks; at each full second there is a beep whose
pitch tells which second it is (modulo `PITCHES`).
"""

from __future__ import annotations

from typing import Final

import av
import numpy as np
import numpy.typing as npt

BITS: Final = 16
RATE: Final = 48_000
PITCHES: Final = 64
LOWEST_HZ: Final = 500.0
STEP_HZ: Final = 50.0
BEEP_S: Final = 0.1
_WINDOW: Final = RATE // 200
_DARK, _BRIGHT = 40, 210
Samples = npt.NDArray[np.int16]


class Unreadable(AssertionError):
    """A picture that shows no number."""


def picture(number: int, width: int, height: int) -> av.VideoFrame:
    """Two rows of eight blocks, the lowest bit first, on an I420 picture."""
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    for bit in range(BITS):
        top, left = (bit // 8) * height // 2, (bit % 8) * width // 8
        shade = _BRIGHT if number >> bit & 1 else _DARK
        planes[top : top + height // 2, left : left + width // 8] = shade
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def number(frame: av.VideoFrame) -> int:
    """The number that a decoded picture shows."""
    luma = frame.to_ndarray(format="gray").astype(np.int32)
    height, width = luma.shape
    found = 0
    for bit in range(BITS):
        top, left = (bit // 8) * height // 2, (bit % 8) * width // 8
        block = luma[top + height // 8 : top + height * 3 // 8, left + width // 32 : left + width * 3 // 32]
        shade = float(block.mean())
        if 100 < shade < 150:
            raise Unreadable(f"block {bit} is grey")
        found |= (shade > 125) << bit
    return found


def sound(start: int, count: int) -> Samples:
    """Mono samples `start` … of the endless material."""
    at = np.arange(start, start + count)
    second, within = at // RATE, at % RATE
    tone = np.sin(2 * np.pi * (LOWEST_HZ + STEP_HZ * (second % PITCHES)) * within / RATE) * 12_000
    return np.where((within < BEEP_S * RATE) & (second > 0), tone, 0).astype(np.int16)


def beeps(samples: Samples) -> list[tuple[float, int]]:
    """(when it begins in seconds, its second modulo PITCHES) of every beep."""
    windows = samples[: len(samples) // _WINDOW * _WINDOW].astype(np.float64).reshape(-1, _WINDOW)
    loud = np.sqrt((windows**2).mean(axis=1)) > 2_000
    starts = np.flatnonzero(loud & ~np.concatenate(([False], loud[:-1])))
    found = []
    for start in starts:
        begin = int(start) * _WINDOW
        tone = samples[begin + 480 : begin + 480 + 2400].astype(np.float64)
        if len(tone) < 2400:
            continue
        spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), RATE))
        heard = float(np.argmax(spectrum))
        onset = begin + int(np.argmax(np.abs(samples[begin : begin + _WINDOW]) > 1_000))
        found.append((onset / RATE, round((heard - LOWEST_HZ) / STEP_HZ) % PITCHES))
    return found
