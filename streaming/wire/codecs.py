"""SDP encoding name, in capitals, to the parser of its payloads."""

from __future__ import annotations

from collections.abc import Callable

from streaming.wire import av1, h264, vp8, vp9
from streaming.wire.buffer import Buffer
from streaming.wire.descriptor import VideoDescriptor

DescriptorParser = Callable[[Buffer, int, int, bool], VideoDescriptor]

CODECS: dict[str, DescriptorParser] = {
    "VP8": vp8.parse,
    "VP9": vp9.parse,
    "H264": h264.parse,
    "AV1": av1.parse,
}
