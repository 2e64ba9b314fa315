"""AV1 payloads: the aggregation header (AV1 RTP payload format, section 4.4) and the size in a sequence header."""

from __future__ import annotations

from streaming.wire.bits import BitReader
from streaming.wire.buffer import Buffer
from streaming.wire.descriptor import VideoDescriptor
from streaming.wire.errors import WireError

_CONTINUATION, _NEW_SEQUENCE = 0x80, 0x08
_SEQUENCE_HEADER = 1
_MAX_SEQUENCE_HEADER_BYTES = 128


def parse(data: Buffer, start: int, end: int, new_timestamp: bool) -> VideoDescriptor:
    """Descriptor of the payload `data[start:end]`; `new_timestamp`: its timestamp differs from the packet's before.

    A frame begins with the first packet of its timestamp unless that continues an OBU (the true first packet was
    lost); a keyframe is such a packet that starts a coded video sequence (N). Layers are told for every packet by the
    dependency descriptor only, which is not read: everything is temporal layer 0.
    Raises `WireError`: av1_truncated, av1_header (a sequence that begins with a continuation).
    """
    if end - start < 2:
        raise WireError("av1_truncated")
    header = data[start]
    if header & _CONTINUATION:
        if header & _NEW_SEQUENCE:
            raise WireError("av1_header")
        return VideoDescriptor(False, False)
    if not (new_timestamp and header & _NEW_SEQUENCE):
        return VideoDescriptor(new_timestamp, False)
    width, height = _first_element_size(data, start, end) or (0, 0)
    return VideoDescriptor(True, True, width=width, height=height)


def _first_element_size(data: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Frame size where the payload's first OBU is a sequence header; None where it is not, or cannot be read."""
    position = start + 1
    if data[start] & 0x30 != 0x10:  # W: a single element has no length before it
        position, length = _leb128(data, position, end)
        end = min(end, position + length)
    if position >= end or data[position] >> 3 & 0x0F != _SEQUENCE_HEADER:
        return None
    header = data[position]
    position += 2 if header & 0x04 else 1
    if header & 0x02:
        position, _ = _leb128(data, position, end)
    return _sequence_header_size(data, position, min(end, position + _MAX_SEQUENCE_HEADER_BYTES))


def _leb128(data: Buffer, position: int, end: int) -> tuple[int, int]:
    """(position behind the number, number); a number that never ends counts as 0."""
    value = 0
    for index, place in enumerate(range(position, min(end, position + 8))):
        byte = data[place]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return place + 1, value
    return end, 0


def _sequence_header_size(data: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Largest frame size of sequence_header_obu() (AV1 bitstream specification, section 5.5)."""
    bits = BitReader(data, start, end)
    bits.read(4)  # seq_profile, still_picture
    if bits.read(1):  # reduced_still_picture_header
        bits.read(5)
    elif not _skip_operating_points(bits):
        return None
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    return None if bits.overrun else (width, height)


def _skip_operating_points(bits: BitReader) -> bool:
    """False where timing is told: no real-time encoder does, and its fields need a parser of their own."""
    if bits.read(1):  # timing_info_present_flag
        return False
    delays_told = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)  # operating_point_idc
        if bits.read(5) > 7:  # seq_level_idx
            bits.read(1)  # seq_tier
        if delays_told and bits.read(1):
            bits.read(4)
    return True
