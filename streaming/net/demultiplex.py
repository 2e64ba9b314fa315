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


_BY_FIRST: Final = (
    *(PacketKind.STUN,) * 4,
    *(PacketKind.UNKNOWN,) * 16,
    *(PacketKind.DTLS,) * 44,
    *(PacketKind.UNKNOWN,) * 64,
    *(PacketKind.RTP,) * 64,
    *(PacketKind.UNKNOWN,) * 64,
)
_RTP: Final = PacketKind.RTP
_RTCP: Final = PacketKind.RTCP


def kind_of(datagram: bytes | bytearray | memoryview) -> PacketKind:
    """UNKNOWN for an empty datagram and for every range that WebRTC does not use."""
    if len(datagram) < 2:
        return PacketKind.UNKNOWN
    kind = _BY_FIRST[datagram[0]]
    return _RTCP if kind is _RTP and 192 <= datagram[1] <= 223 else kind
