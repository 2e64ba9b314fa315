"""Real encoders' first frames, to check the sizes that are read out of their headers."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np


def keyframe(encoder: str, width: int, height: int, **options: str) -> bytes:
    """The first packet of a grey picture."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = width, height
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, 30)
    context.options = options
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 128, np.uint8), format="rgb24")
    frame.pts = 0
    packets = [*context.encode(frame.reformat(format="yuv420p")), *context.encode(None)]
    return bytes(packets[0])


def nal_units(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream."""
    return [unit.rstrip(b"\x00") for unit in stream.split(b"\x00\x00\x01") if unit.strip(b"\x00")]
