"""H264 from RTP to MP4: NAL units behind lengths, parameter sets in avcC (RFC 6184, ISO/IEC 14496-15)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from recorder import fmp4
from recorder.configuration import Configuration
from streaming.wire.h264_sps import frame_size

_SPS, _PPS, _STAP_A, _FU_A = 7, 8, 24, 28
_LEFT_OUT: Final = frozenset((_SPS, _PPS, 9, 10, 11, 12))  # parameter sets; delimiters and filler, which say nothing
_HIGH_PROFILES: Final = frozenset((100, 110, 122, 244))


def sample(payloads: Sequence[bytes]) -> bytes:
    """Of a frame's packets: each NAL unit behind its length in four bytes."""
    units = [unit for unit in nal_units(payloads) if unit[0] & 0x1F not in _LEFT_OUT]
    return b"".join(part for unit in units for part in (struct.pack("!I", len(unit)), unit))


def nal_units(payloads: Sequence[bytes]) -> Iterator[bytes]:
    """The NAL units of a frame's packets: single, STAP-A and FU-A."""
    fragments: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F
        if kind == _FU_A and len(payload) > 2:
            if payload[1] & 0x80:
                fragments = [bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))]
            if fragments:
                fragments.append(payload[2:])
                if payload[1] & 0x40:
                    yield b"".join(fragments)
                    fragments = []
        elif kind == _STAP_A:
            yield from _aggregated(payload)
        elif kind < _STAP_A and payload:
            yield payload


def _aggregated(payload: bytes) -> Iterator[bytes]:
    position = 1
    while position + 2 < len(payload):
        end = position + 2 + int.from_bytes(payload[position : position + 2], "big")
        if end > position + 2:
            yield payload[position + 2 : end]
        position = end


def configuration(payloads: Sequence[bytes]) -> Configuration | None:
    """Of a keyframe's packets; None where they bring no parameter sets."""
    sets: dict[int, bytes] = {}
    for unit in nal_units(payloads):
        if unit[0] & 0x1F in (_SPS, _PPS):
            sets.setdefault(unit[0] & 0x1F, unit)
    sps, pps = sets.get(_SPS, b""), sets.get(_PPS, b"")
    if len(sps) < 4 or not pps:
        return None
    width, height = frame_size(sps, 1, len(sps)) or (0, 0)
    if not width:
        return None
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack("!H", len(sps)) + sps
    record += b"\x01" + struct.pack("!H", len(pps)) + pps
    if sps[1] in _HIGH_PROFILES:
        record += b"\xfd\xf8\xf8\x00"  # 4:2:0, 8 bits: browsers send nothing else
    entry = fmp4.video_entry(b"avc1", width, height, fmp4.box(b"avcC", record))
    return Configuration(f"avc1.{sps[1:4].hex()}", width, height, entry.hex())
