"""RTP packets (RFC 3550 section 5.1) and retransmissions (RFC 4588)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

HEADER_BYTES = 12

_FIXED = Struct("!BBHII")
_EXTENSION = Struct("!HH")
_U16 = Struct("!H")
_unpack_fixed = _FIXED.unpack_from
_unpack_extension = _EXTENSION.unpack_from
_unpack_u16 = _U16.unpack_from
_new = tuple.__new__  # a NamedTuple's own constructor is a Python function, and this is made for each packet


class RtpHeader(NamedTuple):
    """Where things are in one packet; all positions count from the packet's first byte.

    `extension_start … extension_end` are the extension elements without the four bytes of profile and length (equal,
    and `extension_profile` 0, when there is none). `payload_end` leaves out `padding` bytes of padding; a probe of
    nothing but padding has `payload_start == payload_end`.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    extension_profile: int
    extension_start: int
    extension_end: int
    payload_start: int
    payload_end: int
    padding: int


def parse_header(data: Buffer, length: int) -> RtpHeader:
    """Header of the packet in the first `length` bytes of `data` (`length` is ours: at most `len(data)`).

    Raises `WireError`: rtp_short, rtp_version, rtp_truncated (CSRC list or extension longer than the packet) or
    rtp_padding.
    """
    if length < HEADER_BYTES:
        raise WireError("rtp_short")
    first, second, sequence, timestamp, ssrc = _unpack_fixed(data)
    if first >> 6 != 2:
        raise WireError("rtp_version")
    profile = padding = 0
    extension_start = payload_start = HEADER_BYTES + ((first & 0x0F) << 2)
    if first & 0x10:
        extension_start += 4
        if extension_start > length:
            raise WireError("rtp_truncated")
        profile, words = _unpack_extension(data, payload_start)
        payload_start = extension_start + (words << 2)
    if payload_start > length:
        raise WireError("rtp_truncated")
    if first & 0x20:
        padding = data[length - 1]
        if padding == 0 or padding > length - payload_start:
            raise WireError("rtp_padding")
    return _new(
        RtpHeader,
        (
            second & 0x7F,
            second > 0x7F,
            sequence,
            timestamp,
            ssrc,
            profile,
            extension_start,
            payload_start,
            payload_start,
            length - padding,
            padding,
        ),
    )


def original_sequence(data: Buffer, header: RtpHeader) -> int | None:
    """Sequence number of the packet that an RTX packet repeats; its payload begins two bytes further on.

    None for a probe, which is an RTX packet of nothing but padding. Raises `WireError("rtx_short")`.
    """
    carried = header.payload_end - header.payload_start
    if carried == 0:
        return None
    if carried < 2:
        raise WireError("rtx_short")
    sequence: int = _unpack_u16(data, header.payload_start)[0]
    return sequence


def pack_header(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    *,
    marker: bool = False,
    padded: bool = False,
    csrcs: Sequence[int] = (),
    extension_profile: int = 0,
    extension: bytes = b"",
) -> bytes:
    """A header to put before a payload; `extension` (whole 32-bit words) is left out where the profile is 0.

    `padded` sets the bit only: the caller appends the padding.
    """
    if len(extension) % 4:
        raise ValueError("an RTP header extension is whole 32-bit words")
    first = 0x80 | padded << 5 | (extension_profile != 0) << 4 | len(csrcs)
    header = _FIXED.pack(first, marker << 7 | payload_type, sequence, timestamp, ssrc)
    header += b"".join(csrc.to_bytes(4, "big") for csrc in csrcs)
    if extension_profile:
        header += _EXTENSION.pack(extension_profile, len(extension) // 4) + extension
    return header
