"""RTP packets as publishers send them, each with a stamp at its end by which it is known again."""

from __future__ import annotations

from typing import Final, NamedTuple

from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.rtp import pack_header, parse_header

KEYFRAME_HEAD: Final = bytes.fromhex("100000 9d012a 4001 b400")  # 320 x 180
DELTA_HEAD: Final = bytes.fromhex("110000")


class Picture(NamedTuple):
    """Fields of a VP8 or VP9 descriptor; `bits` of the picture id are 7 or 15."""

    picture_id: int = 0
    tl0picidx: int = 0
    temporal: int = 0
    keyframe: bool = False
    begin: bool = True
    sync: bool = False
    bits: int = 15


def vp8(picture: Picture, stamp: bytes = b"") -> bytes:
    """A VP8 payload (RFC 7741)."""
    flags = 0x80 | (0x10 if picture.begin else 0)
    descriptor = bytes((flags, 0xE0)) + _picture_id(picture) + bytes((picture.tl0picidx & 0xFF,))
    descriptor += bytes((picture.temporal << 6 | picture.sync << 5,))
    return descriptor + (KEYFRAME_HEAD if picture.keyframe else DELTA_HEAD) + stamp


def vp9(picture: Picture, stamp: bytes = b"") -> bytes:
    """A VP9 payload in non-flexible mode (RFC 9628)."""
    flags = 0xA0 | (0 if picture.keyframe else 0x40) | (0x08 if picture.begin else 0)
    descriptor = bytes((flags,)) + _picture_id(picture)
    descriptor += bytes((picture.temporal << 5 | picture.sync << 4, picture.tl0picidx & 0xFF))
    return descriptor + b"\x86\x00" + stamp


def h264(keyframe: bool, begin: bool, stamp: bytes = b"") -> bytes:
    """A slice, or a later fragment of one (RFC 6184)."""
    if not begin:
        return b"\x7c\x05" + stamp
    return (b"\x65\x88" if keyframe else b"\x41\x9a") + stamp


def _picture_id(picture: Picture) -> bytes:
    if picture.bits == 15:
        return (0x8000 | picture.picture_id & 0x7FFF).to_bytes(2, "big")
    return bytes((picture.picture_id & 0x7F,))


def rtp(
    payload: bytes, sequence: int, timestamp: int, *, ssrc: int = 1, pt: int = 96, marker: bool = False
) -> bytearray:
    return bytearray(pack_header(pt, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc, marker=marker) + payload)


def padding(sequence: int, timestamp: int, *, ssrc: int = 1, pt: int = 96) -> bytearray:
    """A packet of nothing but padding."""
    header = pack_header(pt, sequence & 0xFFFF, timestamp & 0xFFFF_FFFF, ssrc, padded=True)
    return bytearray(header + bytes(7) + b"\x08")


def give(track: UpTrack, encoding: Encoding, packet: bytearray, now: float) -> None:
    """Hand one packet to its UpTrack as its publisher's connection does."""
    view = memoryview(packet)
    header = parse_header(view, len(packet))
    track.receive(encoding, header, header.sequence, view, now)
