"""How packets must look for a viewer: its payload types and extension ids. Viewers with the same browser share one."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Final

from streaming.wire.extensions import ONE_BYTE_PROFILE, send_time

HEADER: Final = struct.Struct(">BBHIIHHBBHI")
"""RTP header with one extension block of two words: RFC 3550 §5.1, RFC 8285 §4.2. Fields that differ from viewer to
viewer (sequence number, transport-wide number) lie at even offsets."""
SEQUENCE_WORD: Final = 1
NUMBER_WORD: Final = 9
PADDING_BIT: Final = 0x20
MARKER_BIT: Final = 0x80


@dataclass(frozen=True, slots=True)
class WireProfile:
    """`codecs`: (name, profile, payload type, payload type of its retransmissions or -1), best first. Extension ids
    0: not negotiated."""

    codecs: tuple[tuple[str, str, int, int], ...]
    number_id: int = 0
    """transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01)"""
    send_time_id: int = 0
    """abs-send-time"""

    def takes(self, name: str) -> bool:
        return any(codec[0] == name for codec in self.codecs)

    def codec(self, name: str, profile: str) -> tuple[int, int]:
        """Payload types for a publisher's codec: of the same profile, else the first of that name. Raises KeyError."""
        return _payload_types(self.codecs, name, profile)

    def pack(
        self, target: memoryview, offset: int, pt: int, marker: bool, rtp_time: int, ssrc: int, now: float
    ) -> None:
        """Write the 24-byte header with zero sequence and transport-wide numbers."""
        target[offset : offset + HEADER.size] = self.header(pt, marker, rtp_time, ssrc, now)

    def header(self, pt: int, marker: bool, rtp_time: int, ssrc: int, now: float) -> bytes:
        """What `pack` writes."""
        return HEADER.pack(
            0x90,
            pt | (MARKER_BIT if marker else 0),
            0,
            rtp_time,
            ssrc,
            ONE_BYTE_PROFILE,
            2,
            0,
            (self.number_id << 4 | 1) if self.number_id else 0,
            0,
            (self.send_time_id << 28 | 2 << 24 | send_time(now)) if self.send_time_id else 0,
        )


@cache
def _payload_types(codecs: tuple[tuple[str, str, int, int], ...], name: str, profile: str) -> tuple[int, int]:
    same = [codec for codec in codecs if codec[0] == name]
    if not same:
        raise KeyError(name)
    best = next((codec for codec in same if codec[1] == profile), same[0])
    return best[2], best[3]
