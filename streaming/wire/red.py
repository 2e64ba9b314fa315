"""Redundant audio (RFC 2198): a frame together with the one before it, and where the newest frame lies."""

from __future__ import annotations

from typing import Final

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

BLOCKS_MAX: Final = 16
AGE_MAX: Final = (1 << 14) - 1
"""Timestamp units that a repeated frame may be older than the newest."""
LENGTH_MAX: Final = (1 << 10) - 1


def pack(payload_type: int, repeated: Buffer, age: int, newest: Buffer) -> bytes:
    """A payload of `newest` and, unless it is empty, one `repeated` frame of at most LENGTH_MAX bytes that is `age`
    (1 … AGE_MAX) older; both of the same payload type."""
    head = (0x80 | payload_type) << 24 | age << 10 | len(repeated)
    return (head.to_bytes(4, "big") if len(repeated) else b"") + bytes((payload_type,)) + repeated + newest


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
