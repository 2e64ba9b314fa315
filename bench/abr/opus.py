"""The one byte of an Opus packet that tells how long it plays (RFC 6716 section 3.1)."""

from __future__ import annotations

from typing import Final

SHORT: Final = bytes((15 << 3,))
"""Hybrid, 20 ms."""
LONG: Final = bytes((11 << 3,))
"""Wideband SILK, 60 ms."""
SHORT_S: Final = 0.02
LONG_S: Final = 0.06


def head(packet_s: float) -> bytes:
    """The first byte of a packet of that length."""
    return LONG if packet_s == LONG_S else SHORT


def duration_s(first: int) -> float:
    """Of a packet that begins with this byte."""
    return LONG_S if first >> 3 == LONG[0] >> 3 else SHORT_S
