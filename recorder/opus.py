"""Opus packets: how long they last (RFC 6716 section 3.1), silence, and what RED wraps around them (RFC 2198)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from streaming.wire.buffer import Buffer
from streaming.wire.red import primary_start

CLOCK: Final = 48_000
SILENCE: Final = b"\xf8\xff\xfe"
SILENCE_TICKS: Final = 960
PACKET_MAX_TICKS: Final = 5760
_SILK: Final = (480, 960, 1920, 2880)
_HYBRID: Final = (480, 960)
_CELT: Final = (120, 240, 480, 960)


def duration(packet: Buffer) -> int:
    """Ticks of 1/48000 s that a packet lasts; 0 for what is no Opus packet."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        frame = _SILK[config & 3]
    elif config < 16:
        frame = _HYBRID[config & 1]
    else:
        frame = _CELT[config & 3]
    if code < 3:
        count = 1 if code == 0 else 2
    elif len(packet) < 2:
        return 0
    else:
        count = packet[1] & 0x3F
    ticks = frame * count
    return ticks if ticks <= PACKET_MAX_TICKS else 0


def primary_offset(payload: Buffer) -> int:
    """Where the newest packet begins in a RED payload. Raises `WireError`."""
    return primary_start(payload, 0, len(payload))


def redundant(payload: Buffer) -> Iterator[tuple[int, int, int]]:
    """Repeated packets of a RED payload that `primary_offset` accepts, oldest first: (ticks back, start, end)."""
    heads = []
    position = 0
    while payload[position] & 0x80:
        word = int.from_bytes(payload[position : position + 4], "big")
        heads.append((word >> 10 & 0x3FFF, word & 0x3FF))
        position += 4
    start = position + 1
    for back, length in heads:
        if length:
            yield back, start, start + length
        start += length
