"""AV1 from RTP to MP4: OBUs with their sizes restored, the sequence header in av1C (AV1 RTP payload format section 4.4,
AV1 Codec ISO Media File Format Binding)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from recorder import fmp4
from recorder.configuration import Configuration
from streaming.wire.bits import BitReader

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _TILE_LIST, _PADDING = 1, 2, 8, 15
_LEFT_OUT: Final = frozenset((_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING))
_HAS_EXTENSION, _HAS_SIZE = 0x04, 0x02
_SELECT: Final = 2
"""SELECT_SCREEN_CONTENT_TOOLS: each frame tells."""


def sample(payloads: Sequence[bytes]) -> bytes:
    """Of a frame's packets: its OBUs with sizes."""
    return b"".join(sized for unit in _units(payloads) if (sized := _sized(unit)))


def configuration(payloads: Sequence[bytes]) -> Configuration | None:
    """Of a keyframe's packets; None where they bring no sequence header that can be read."""
    for unit in _units(payloads):
        if unit and unit[0] >> 3 & 0x0F == _SEQUENCE_HEADER:
            sized = _sized(unit)
            start = 2 if unit[0] & _HAS_EXTENSION else 1
            if unit[0] & _HAS_SIZE:
                _, start = _leb128(unit, start)
            return _configuration(unit[start:], sized)
    return None


def _units(payloads: Sequence[bytes]) -> Iterator[bytes]:
    """OBUs as they were sent, fragments joined."""
    fragments: list[bytes] = []
    for payload in payloads:
        elements = list(_elements(payload))
        for index, element in enumerate(elements):
            if index or not payload[0] & 0x80:  # Z: the first element continues the last one before
                fragments = []
            fragments.append(element)
            if index < len(elements) - 1 or not payload[0] & 0x40:  # Y: the last element goes on in the next packet
                yield b"".join(fragments)
                fragments = []


def _elements(payload: bytes) -> Iterator[bytes]:
    count, position, index = payload[0] >> 4 & 3, 1, 0
    while position < len(payload):
        index += 1
        if index == count:
            yield payload[position:]
            return
        length, position = _leb128(payload, position)
        yield payload[position : position + length]
        position += length


def _sized(unit: bytes) -> bytes:
    """The OBU with its size; b"" for one that a file does not take."""
    if not unit or unit[0] >> 3 & 0x0F in _LEFT_OUT:
        return b""
    if unit[0] & _HAS_SIZE:
        return unit
    start = 2 if unit[0] & _HAS_EXTENSION else 1
    return bytes((unit[0] | _HAS_SIZE,)) + unit[1:start] + _to_leb128(len(unit) - start) + unit[start:]


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    """(number, position behind it)."""
    value = 0
    for index, byte in enumerate(data[position : position + 8]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    return 0, len(data)


def _to_leb128(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _configuration(header: bytes, unit: bytes) -> Configuration | None:
    """From sequence_header_obu() (AV1 bitstream specification section 5.5)."""
    bits = BitReader(header, 0, len(header))
    profile = bits.read(3)
    bits.read(1)  # still_picture
    if bits.read(1):  # reduced_still_picture_header: nothing that a camera sends
        return None
    level, tier = _operating_points(bits)
    if level < 0:
        return None
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    width, height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    _skip_tools(bits)
    high_depth = bits.read(1)
    twelve = bits.read(1) if profile == 2 and high_depth else 0
    mono = bits.read(1) if profile != 1 else 0
    if bits.overrun or profile > 2:
        return None
    depth = 12 if twelve else 10 if high_depth else 8
    subsampling = 0 if profile == 1 else 3  # 4:2:0, but for profile 1; profile 2 is never negotiated
    flags = tier << 7 | high_depth << 6 | twelve << 5 | mono << 4 | subsampling << 2
    record = bytes((0x81, profile << 5 | level, flags, 0)) + unit
    entry = fmp4.video_entry(b"av01", width, height, fmp4.box(b"av1C", record))
    return Configuration(f"av01.{profile}.{level:02}{'H' if tier else 'M'}.{depth:02}", width, height, entry.hex())


def _operating_points(bits: BitReader) -> tuple[int, int]:
    """(level, tier) of the first operating point, which is the whole stream; level -1 where timing is told."""
    if bits.read(1):  # timing_info_present_flag: no real-time encoder does
        return -1, 0
    delays_told = bits.read(1)
    points = []
    for _ in range(bits.read(5) + 1):
        bits.read(12)  # operating_point_idc
        level = bits.read(5)
        points.append((level, bits.read(1) if level > 7 else 0))
        if delays_told and bits.read(1):
            bits.read(4)
    return points[0]


def _skip_tools(bits: BitReader) -> None:
    """From frame_id_numbers_present_flag up to color_config()."""
    if bits.read(1):
        bits.read(7)
    bits.read(3)  # 128x128 superblocks, filter intra, intra edge filter
    bits.read(4)  # interintra, masked, warped, dual filter
    order_hint = bits.read(1)
    if order_hint:
        bits.read(2)
    screen_content = _SELECT if bits.read(1) else bits.read(1)
    if screen_content and not bits.read(1):
        bits.read(1)  # seq_force_integer_mv
    if order_hint:
        bits.read(3)
    bits.read(3)  # superres, cdef, restoration
