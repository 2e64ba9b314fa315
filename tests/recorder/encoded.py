"""The numbered material through real encoders; what they make is kept for the whole test run."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import av
import numpy as np

from tests.recorder import barcode

RATE: Final = 48_000
PACKET: Final = 960
_ENCODERS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "vp9": (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1", "g": "9999"},
    ),
    "vp8": (
        "libvpx",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1", "g": "9999"},
    ),
    "h264": (
        "libx264",
        {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": "9999", "forced-idr": "1"},
    ),
    "av1": ("libsvtav1", {"preset": "9", "crf": "20", "svtav1-params": "pred-struct=1:lp=1", "g": "9999"}),
}


class EncodedFrame(NamedTuple):
    number: int
    keyframe: bool
    data: bytes


@lru_cache(maxsize=64)
def pictures(
    codec: str, width: int, height: int, rate: int, count: int, keys: tuple[int, ...], first: int = 0
) -> tuple[EncodedFrame, ...]:
    """`count` pictures, numbered from `first`, with keyframes at the places `keys` (0 among them)."""
    name, options = _ENCODERS[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = Fraction(1, rate)
    context.framerate = Fraction(rate)
    if "crf" not in options:
        context.bit_rate = 150_000
    context.options = options
    context.thread_count = 1
    packets = []
    for place in range(count):
        frame = barcode.picture(first + place, width, height)
        frame.pts = place
        frame.pict_type = av.video.frame.PictureType.I if place in keys else av.video.frame.PictureType.NONE
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(EncodedFrame(first + (packet.pts or 0), packet.is_keyframe, bytes(packet)) for packet in packets)


@lru_cache(maxsize=8)
def sound(seconds: int) -> tuple[bytes, ...]:
    """Opus packets of 20 ms, mono as browsers send speech."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = RATE, "mono", "s16"
    context.bit_rate = 32_000
    context.options = {"application": "lowdelay", "frame_duration": "20"}
    packets = []
    for start in range(0, seconds * RATE, PACKET):
        frame = av.AudioFrame.from_ndarray(barcode.sound(start, PACKET)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE, start
        packets += context.encode(frame)
    return tuple(bytes(packet) for packet in packets)
