"""H264 payloads: single NAL units, STAP-A and FU-A (RFC 6184, packetization-mode 1)."""

from __future__ import annotations

from streaming.wire.buffer import Buffer
from streaming.wire.descriptor import VideoDescriptor
from streaming.wire.errors import WireError
from streaming.wire.h264_sps import frame_size

_SLICE, _IDR, _SPS, _STAP_A, _FU_A = 1, 5, 7, 24, 28
_FIRST_FRAGMENT = 0x80


def parse(data: Buffer, start: int, end: int, new_timestamp: bool) -> VideoDescriptor:
    """Descriptor of the payload `data[start:end]`; `new_timestamp`: its timestamp differs from the packet's before.

    A frame begins with the first packet of its timestamp unless that is visibly a later part (a fragment, or a slice
    that does not start at the first macroblock: the true first packet was lost), and also with an SPS, which some
    senders put behind an access unit delimiter in a packet of its own. A keyframe is an SPS or IDR slice at that place.
    Raises `WireError`: h264_truncated, h264_type (a packet type that mode 1 does not have).
    """
    if end - start < 2:
        raise WireError("h264_truncated")
    indicator = data[start]
    kind = indicator & 0x1F
    discardable = indicator & 0x60 == 0
    if kind == _STAP_A:
        units = _aggregated(data, start + 1, end)
    elif kind == _FU_A:
        if end - start < 3:
            raise WireError("h264_truncated")
        if not data[start + 1] & _FIRST_FRAGMENT:
            return VideoDescriptor(False, False, discardable=discardable)
        kind = data[start + 1] & 0x1F
        units = [(kind, start + 2, end)]
    elif 1 <= kind < _STAP_A:
        units = [(kind, start + 1, end)]
    else:
        raise WireError("h264_type")

    begin = new_timestamp
    keyframe = False
    width = height = 0
    for kind, unit_start, unit_end in units:
        if kind == _SPS:
            begin = keyframe = True
            width, height = frame_size(data, unit_start, unit_end) or (0, 0)
        elif kind in (_SLICE, _IDR):
            # first_mb_in_slice is an Exp-Golomb code: 0 is a single set bit
            if unit_start == unit_end or not data[unit_start] & 0x80:
                begin = begin and keyframe
            elif kind == _IDR:
                keyframe = True
            break
    return VideoDescriptor(begin, begin and keyframe, width=width, height=height, discardable=discardable)


def _aggregated(data: Buffer, position: int, end: int) -> list[tuple[int, int, int]]:
    """NAL units of a STAP-A: (type, start behind the NAL header, end)."""
    units = []
    while position < end:
        if position + 3 > end:
            raise WireError("h264_truncated")
        unit_end = position + 2 + (data[position] << 8 | data[position + 1])
        if unit_end > end or unit_end == position + 2:
            raise WireError("h264_truncated")
        units.append((data[position + 2] & 0x1F, position + 3, unit_end))
        position = unit_end
    return units
