"""What a datagram is, by its first bytes (RFC 7983, RFC 5761): one port carries everything."""

from __future__ import annotations

from enum import Enum
from typing import Final


class PacketKind(Enum):
    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    UNKNOWN = "unknown"


_MEDIA: Final = range(128, 192)
_RTCP_TYPES: Final = range(192, 224)
_CONTROL: Final = tuple(
    PacketKind.STUN if first <= 3 else PacketKind.DTLS if 20 <= first <= 63 else PacketKind.UNKNOWN
    for first in range(256)
)


def kind_of(datagram: bytes | bytearray | memoryview) -> PacketKind:
    """UNKNOWN for an empty datagram and for every range that WebRTC does not use."""
    if len(datagram) < 2:
        return PacketKind.UNKNOWN
    if datagram[0] in _MEDIA:
        return PacketKind.RTCP if datagram[1] in _RTCP_TYPES else PacketKind.RTP
    return _CONTROL[datagram[0]]
