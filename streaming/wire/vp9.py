"""VP9 payload descriptor (RFC 9628 section 4.2) and the frame size in a keyframe's own header."""

from __future__ import annotations

from struct import Struct

from streaming.wire.bits import BitReader
from streaming.wire.buffer import Buffer
from streaming.wire.descriptor import VideoDescriptor
from streaming.wire.errors import WireError

_INTER_PREDICTED = 0x40
_BEGIN = 0x08
_FLEXIBLE = 0x10
_SYNC_CODE = 0x498342
_COLOR_SPACE_RGB = 7

_unpack_size = Struct("!HH").unpack_from
_new = tuple.__new__  # a NamedTuple's own constructor is a Python function, and this is made for each packet


def parse(data: Buffer, start: int, end: int, new_timestamp: bool) -> VideoDescriptor:
    """Descriptor of the payload `data[start:end]`; VP9 marks its frames itself, `new_timestamp` is not needed.

    With several spatial layers in one stream, a frame is one layer's, a keyframe the lowest one's, and the size the
    highest one's. Raises `WireError`: vp9_truncated (also when no VP9 data follow), vp9_references (over three).
    """
    picture_id = picture_id_offset = tl0picidx = tl0picidx_offset = -1
    picture_id_bits = temporal_id = spatial_id = width = height = 0
    switching_up = False
    layers = 1
    references: tuple[int, ...] = ()
    try:
        first = data[start]
        position = start + 1
        if first & 0x80:
            picture_id_offset = position
            picture_id = data[position]
            picture_id_bits = 7
            position += 1
            if picture_id & 0x80:
                picture_id = (picture_id & 0x7F) << 8 | data[position]
                picture_id_bits = 15
                position += 1
        if first & 0x20:
            layer = data[position]
            position += 1
            temporal_id = layer >> 5
            switching_up = layer & 0x10 != 0
            spatial_id = (layer >> 1) & 7
            if not first & _FLEXIBLE:
                tl0picidx_offset = position
                tl0picidx = data[position]
                position += 1
        if first & (_FLEXIBLE | _INTER_PREDICTED) == _FLEXIBLE | _INTER_PREDICTED:
            references = _read_references(data, position)
            position += len(references)
        if first & 0x02:
            position, layers, width, height = _read_structure(data, position, end)
    except IndexError:
        raise WireError("vp9_truncated") from None
    if position >= end:
        raise WireError("vp9_truncated")
    begin = first & _BEGIN != 0
    keyframe = first & (_BEGIN | _INTER_PREDICTED) == _BEGIN and spatial_id == 0
    if keyframe and layers == 1:
        width, height = frame_size(data, position, end) or (width, height)
    return _new(
        VideoDescriptor,
        (
            begin,
            keyframe,
            temporal_id,
            spatial_id,
            switching_up,
            picture_id,
            picture_id_offset,
            picture_id_bits,
            tl0picidx,
            tl0picidx_offset,
            width,
            height,
            False,
            position,
            references,
        ),
    )


def _read_references(data: Buffer, position: int) -> tuple[int, ...]:
    """The P_DIFF fields of flexible mode, one byte each, which say whether another follows."""
    first = data[position]
    if not first & 1:
        return (first >> 1,)
    second = data[position + 1]
    if not second & 1:
        return (first >> 1, second >> 1)
    third = data[position + 2]
    if third & 1:
        raise WireError("vp9_references")
    return (first >> 1, second >> 1, third >> 1)


def _read_structure(data: Buffer, position: int, end: int) -> tuple[int, int, int, int]:
    """Scalability structure -> (position behind it, spatial layers, width and height of the highest or 0)."""
    head = data[position]
    position += 1
    layers = (head >> 5) + 1
    width = height = 0
    if head & 0x10:
        position += 4 * layers
        if position > end:
            raise WireError("vp9_truncated")
        width, height = _unpack_size(data, position - 4)
    if head & 0x08:
        pictures = data[position]
        position += 1
        for _ in range(pictures):
            position += 1 + ((data[position] >> 2) & 3)
    return position, layers, width, height


def frame_size(data: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Width and height in a keyframe's uncompressed header (frame_size, VP9 bitstream specification, section 6.2).

    Not render_size(): browsers put the source's size there, whatever the encoding's own. None where the header is not a
    keyframe's or not whole; a decoder judges it, not us.
    """
    bits = BitReader(data, start, min(end, start + 16))
    if bits.read(2) != 2:
        return None
    profile = bits.read(1) | bits.read(1) << 1
    if profile == 3:
        bits.read(1)
    show_existing_frame, non_key_frame = bits.read(1), bits.read(1)
    bits.read(2)  # show_frame, error_resilient_mode
    if show_existing_frame or non_key_frame or bits.read(24) != _SYNC_CODE:
        return None
    if profile >= 2:
        bits.read(1)  # bit depth
    if bits.read(3) == _COLOR_SPACE_RGB:
        bits.read(profile & 1)
    else:
        bits.read(4 if profile & 1 else 1)  # range, and subsampling in profiles 1 and 3
    width, height = bits.read(16) + 1, bits.read(16) + 1
    return None if bits.overrun else (width, height)
