"""Redundant audio (RFC 2198): where the newest frame lies among the repeated ones."""

from __future__ import annotations

from typing import Final

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

BLOCKS_MAX: Final = 16


def primary_start(data: Buffer, start: int, end: int) -> int:
    """Offset of the primary block, which runs to `end`. Raises `WireError("red_truncated")`."""
    position, repeated = start, 0
    for _ in range(BLOCKS_MAX):
        if position >= end:
            break
        if not data[position] & 0x80:
            primary = position + 1 + repeated
            if primary > end:
                break
            return primary
        if position + 4 > end:
            break
        repeated += (data[position + 2] & 0x03) << 8 | data[position + 3]
        position += 4
    raise WireError("red_truncated")
