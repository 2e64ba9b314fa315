"""RTP header extensions (RFC 8285) and the few that a forwarding unit reads or writes.

An element of the wrong length is the peer's mistake (`WireError`), not an absent element: who negotiated the extension
must write it as its specification says.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError
from streaming.wire.rtp import RtpHeader

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
TRANSPORT_WIDE_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000  # the low four bits are for the application

_unpack_u16 = Struct("!H").unpack_from


def find(data: Buffer, header: RtpHeader) -> dict[int, tuple[int, int]]:
    """Element id -> (offset in the packet, length); of a repeated id the last counts.

    Empty for a profile that is neither form of RFC 8285. Raises `WireError("extension_truncated")`.
    """
    profile = header.extension_profile
    if profile == ONE_BYTE_PROFILE:
        return _find_one_byte(data, header.extension_start, header.extension_end)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _find_two_byte(data, header.extension_start, header.extension_end)
    return {}


def find_one(data: Buffer, header: RtpHeader, element_id: int) -> tuple[int, int] | None:
    """What `find` has for one id, but of a repeated id the first counts, and nothing behind it is looked at.

    Raises `WireError("extension_truncated")`.
    """
    if header.extension_profile != ONE_BYTE_PROFILE:
        return find(data, header).get(element_id)
    position, end = header.extension_start, header.extension_end
    while position < end:
        byte = data[position]
        position += 1
        if byte == 0:
            continue
        if byte < 0x10 or byte >= 0xF0:  # as in `find`, the end of the block
            return None
        start = position
        position += (byte & 0x0F) + 1
        if byte >> 4 == element_id and position <= end:
            return start, position - start
    if position > end:
        raise WireError("extension_truncated")
    return None


def _find_one_byte(data: Buffer, position: int, end: int) -> dict[int, tuple[int, int]]:
    elements = {}
    while position < end:
        byte = data[position]
        position += 1
        if byte == 0:
            continue
        element_id = byte >> 4
        if element_id in (0, 15):  # section 4.2: 15 ends the block, as does an id 0 that pretends to have a length
            break
        length = (byte & 0x0F) + 1
        elements[element_id] = (position, length)
        position += length
    if position > end:
        raise WireError("extension_truncated")
    return elements


def _find_two_byte(data: Buffer, position: int, end: int) -> dict[int, tuple[int, int]]:
    elements = {}
    while position < end:
        element_id = data[position]
        position += 1
        if element_id == 0:
            continue
        if position == end:
            raise WireError("extension_truncated")
        length = data[position]
        position += 1
        elements[element_id] = (position, length)
        position += length
    if position > end:
        raise WireError("extension_truncated")
    return elements


class AudioLevel(NamedTuple):
    """RFC 6464: `level` in -dBov, 0 loudest … 127 silence; `voice` as the sender's own detector says."""

    level: int
    voice: bool


def read_text(data: Buffer, offset: int, length: int) -> str:
    """A mid or rid (RFC 9143, RFC 8852): one or more visible ASCII characters. Raises `WireError("extension_text")`."""
    value = bytes(data[offset : offset + length])
    if not value or not all(0x21 <= byte <= 0x7E for byte in value):
        raise WireError("extension_text")
    return value.decode("ascii")


def read_u16(data: Buffer, offset: int, length: int) -> int:
    """A transport-wide sequence number. Raises `WireError("extension_length")`."""
    if length != 2:
        raise WireError("extension_length")
    value: int = _unpack_u16(data, offset)[0]
    return value


def read_u24(data: Buffer, offset: int, length: int) -> int:
    """An abs-send-time: seconds in 6.18 fixed point, modulo 64 s. Raises `WireError("extension_length")`."""
    if length != 3:
        raise WireError("extension_length")
    return data[offset] << 16 | data[offset + 1] << 8 | data[offset + 2]


def read_audio_level(data: Buffer, offset: int, length: int) -> AudioLevel:
    """Raises `WireError("extension_length")`."""
    if length != 1:
        raise WireError("extension_length")
    byte = data[offset]
    return AudioLevel(byte & 0x7F, byte > 0x7F)


def send_time(now: float) -> int:
    """`now` in seconds of any clock -> the 24 bits of abs-send-time."""
    return int(now * (1 << 18)) & 0xFFFFFF
