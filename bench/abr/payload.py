"""VP9 payloads as the bench sends and reads them: flexible mode with true references (RFC 9628 section 4.2)."""

from __future__ import annotations

from typing import Final, NamedTuple

PAYLOAD_MAX: Final = 1150


class Part(NamedTuple):
    """What a receiver reads of one packet; `back` 0: predicted from nothing; `height` 0: not told here."""

    picture: int
    temporal: int
    back: int
    first: bool
    last: bool
    height: int


def packetise(picture: int, temporal: int, back: int, size: int, width: int, height: int) -> list[bytes]:
    """A frame of `size` bytes as payloads of about equal length."""
    count = max(1, -(-size // (PAYLOAD_MAX - 10)))
    share = -(-size // count)
    return [
        _payload(picture, temporal, back, place == 0, place == count - 1, width, height, share)
        for place in range(count)
    ]


def _payload(
    picture: int, temporal: int, back: int, first: bool, last: bool, width: int, height: int, size: int
) -> bytes:
    flags = 0x80 | (0x40 if back else 0) | 0x20 | 0x10 | first << 3 | last << 2
    body = bytes((flags, 0x80 | picture >> 8 & 0x7F, picture & 0xFF, temporal << 5))
    if back:
        body += bytes((back << 1,))
    if first:
        body += b"\x86\x00\x00\x00" if back else _frame_header(width, height)
    return body.ljust(size, b"\x5a")


def _frame_header(width: int, height: int) -> bytes:
    """uncompressed_header() of a keyframe (VP9 bitstream specification section 6.2): colour space 1, then the size,
    which begins four bits into a byte."""
    bits = 1 << 33 | (width - 1) << 16 | height - 1  # 3 bits of colour space, 1 of range, 16 + 16
    return b"\x82\x49\x83\x42" + (bits << 4).to_bytes(5, "big")


def read(data: bytes, start: int) -> Part:
    """The descriptor at `start`, as `packetise` writes it (the forwarding unit may have changed the picture id)."""
    flags = data[start]
    picture = (data[start + 1] & 0x7F) << 8 | data[start + 2]
    temporal = data[start + 3] >> 5
    position = start + 4
    back = 0
    if flags & 0x40:
        back = data[position] >> 1
        position += 1
    first = bool(flags & 0x08)
    height = 0
    if first and not back:
        bits = int.from_bytes(data[position + 4 : position + 9], "big") >> 4
        height = (bits & 0xFFFF) + 1
    return Part(picture, temporal, back, first, bool(flags & 0x04), height)
