"""VP8 payload descriptor and keyframe header (RFC 7741 section 4, RFC 6386 section 9.1)."""

from __future__ import annotations

from streaming.wire.buffer import Buffer
from streaming.wire.descriptor import VideoDescriptor
from streaming.wire.errors import WireError

_START_CODE = b"\x9d\x01\x2a"


def parse(data: Buffer, start: int, end: int, new_timestamp: bool) -> VideoDescriptor:
    """Descriptor of the payload `data[start:end]`; VP8 marks its frames itself, `new_timestamp` is not needed.

    Raises `WireError("vp8_truncated")` for a descriptor without any VP8 data behind it.
    """
    picture_id = picture_id_offset = tl0picidx = tl0picidx_offset = -1
    picture_id_bits = temporal_id = width = height = 0
    layer_sync = False
    try:
        first = data[start]
        position = start + 1
        if first & 0x80:
            present = data[position]
            position += 1
            if present & 0x80:
                picture_id_offset = position
                picture_id = data[position]
                picture_id_bits = 7
                position += 1
                if picture_id & 0x80:
                    picture_id = (picture_id & 0x7F) << 8 | data[position]
                    picture_id_bits = 15
                    position += 1
            if present & 0x40:
                tl0picidx_offset = position
                tl0picidx = data[position]
                position += 1
            if present & 0x30:
                if present & 0x20:
                    temporal_id = data[position] >> 6
                    layer_sync = data[position] & 0x20 != 0
                position += 1
        if position >= end:
            raise WireError("vp8_truncated")
        begin = first & 0x17 == 0x10  # S set and partition index 0
        keyframe = begin and data[position] & 1 == 0
    except IndexError:
        raise WireError("vp8_truncated") from None
    if keyframe and position + 10 <= end and data[position + 3 : position + 6] == _START_CODE:
        width = data[position + 6] | (data[position + 7] & 0x3F) << 8
        height = data[position + 8] | (data[position + 9] & 0x3F) << 8
    return VideoDescriptor(
        begin,
        keyframe,
        temporal_id,
        0,
        layer_sync,
        picture_id,
        picture_id_offset,
        picture_id_bits,
        tl0picidx,
        tl0picidx_offset,
        width,
        height,
        first & 0x20 != 0,
        position,
    )
