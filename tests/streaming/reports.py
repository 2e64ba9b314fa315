"""Transport-wide feedback with any content: what a client could put on the wire, true or not."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import groupby

from streaming.wire.feedback import MAX_RUN, TICK_US, TICKS_PER_REFERENCE


def report(base: int, span: int, numbers: Sequence[int] = (), arrivals_us: Sequence[int] = ()) -> bytes:
    """The RTCP packet about `span` numbers from `base` on, of which `numbers` (ascending from there) were received.

    Deltas have two bytes; what does not fit is cut off.
    """
    ticks = [arrival // TICK_US for arrival in arrivals_us]
    there = {(number - base) & 0xFFFF for number in numbers}
    assert len(there) == len(numbers) == len(ticks)
    chunks = b""
    for received, places in groupby(range(span), there.__contains__):
        run = len(list(places))
        while run:
            chunks += struct.pack("!H", (2 if received else 0) << 13 | min(run, MAX_RUN))
            run -= min(run, MAX_RUN)
    reference = ticks[0] // TICKS_PER_REFERENCE if ticks else 0
    tick, deltas = reference * TICKS_PER_REFERENCE, b""
    for each in ticks:
        delta = max(-0x8000, min(each - tick, 0x7FFF))
        tick += delta
        deltas += struct.pack("!h", delta)
    return packet(struct.pack("!HHI", base & 0xFFFF, span, (reference & 0xFFFFFF) << 8) + chunks + deltas)


def packet(fci: bytes) -> bytes:
    """The RTCP packet around an FCI, padded to whole words (RFC 3550 section 6.4.1)."""
    padding = -len(fci) % 4
    body = bytes.fromhex("00000001 00000002") + fci + (bytes(padding - 1) + bytes((padding,)) if padding else b"")
    return struct.pack("!BBH", 0x8F | (padding > 0) << 5, 205, len(body) // 4) + body
