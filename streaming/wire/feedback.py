"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

Ticks are 250 µs. An FCI is what follows the two SSRCs of the RTCP packet.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from struct import Struct, unpack_from
from typing import NamedTuple

from streaming.wire.buffer import Buffer
from streaming.wire.errors import WireError

TICK_US = 250
TICKS_PER_REFERENCE = 256  # the reference time counts 64 ms
MAX_RUN = 0x1FFF
_HEAD_BYTES = 8
_MAX_SPAN = 0x8000

_MISSING, _SMALL, _LARGE, _RESERVED = range(4)
_FORMATS = ("", "B", "h", "")

_HEAD = Struct("!HHI")
_U16 = Struct("!H")
_unpack_head = _HEAD.unpack_from
_unpack_u16 = _U16.unpack_from


class Feedback(NamedTuple):
    """One FCI. `received` and `arrival_us` match item by item.

    It is about `status_count` packets from `base_sequence` on; `received` are 16-bit numbers in sequence order, those
    missing among them had not been received. `arrival_us` is by the clock of the feedback's sender and counts from the
    same zero as `reference_time` (24 bits of 64 ms: wraps after 12 days); an arrival may lie before its predecessor's.
    """

    base_sequence: int
    status_count: int
    reference_time: int
    feedback_count: int
    received: list[int]
    arrival_us: list[int]


class _Vector(NamedTuple):
    """What a status vector chunk says: places of the packets received, their deltas as a `struct` format."""

    places: tuple[int, ...]
    formats: str
    delta_bytes: int


@cache
def _vector(chunk: int) -> _Vector:
    """Of a chunk's low 15 bits: a bit for the symbol size, then fourteen one-bit or seven two-bit symbols.

    Filled as chunks are met: 2**15 entries at most, of which a sane peer uses some dozens.
    """
    if chunk & 0x4000:
        symbols = [chunk >> shift & 3 for shift in range(12, -1, -2)]
    else:
        symbols = [chunk >> shift & 1 for shift in range(13, -1, -1)]
    if _RESERVED in symbols:
        raise WireError("twcc_symbol")
    formats = "".join(_FORMATS[symbol] for symbol in symbols)
    places = tuple(place for place, symbol in enumerate(symbols) if symbol)
    return _Vector(places, formats, len(formats) + formats.count("h"))


def parse_fci(data: Buffer, start: int, end: int) -> Feedback:
    """Parse `data[start:end]`; padding behind the last delta is left alone.

    Raises `WireError`: twcc_short, twcc_empty, twcc_truncated (chunks or deltas longer than the packet), twcc_symbol.
    """
    if end - start < _HEAD_BYTES:
        raise WireError("twcc_short")
    base, count, reference = _unpack_head(data, start)
    if count == 0:
        raise WireError("twcc_empty")
    position = start + _HEAD_BYTES
    received: list[int] = []
    formats = ""
    delta_bytes = 0
    sequence = base
    left = count
    while left > 0:
        if position + 2 > end:
            raise WireError("twcc_truncated")
        chunk = _unpack_u16(data, position)[0]
        position += 2
        if chunk & 0x8000:
            span = 7 if chunk & 0x4000 else 14
            if left < span:  # symbols behind the last packet mean nothing
                chunk &= -1 << (14 - left * (14 // span))
            places, vector_formats, vector_bytes = _vector(chunk & 0x7FFF)
            received += map(sequence.__add__, places)
            formats += vector_formats
            delta_bytes += vector_bytes
        else:
            symbol = chunk >> 13
            span = chunk & MAX_RUN if chunk & MAX_RUN < left else left
            if symbol == _RESERVED:
                raise WireError("twcc_symbol")
            if symbol:
                delta_bytes += span * symbol
                if delta_bytes > end - position:
                    raise WireError("twcc_truncated")
                received += range(sequence, sequence + span)
                formats += _FORMATS[symbol] * span
        sequence += span
        left -= span
    if position + delta_bytes > end:
        raise WireError("twcc_truncated")
    if delta_bytes == len(received):
        deltas: Iterable[int] = data[position : position + delta_bytes]
    else:
        deltas = unpack_from("!" + formats, data, position)
    arrival_us = []
    tick = (reference >> 8) * TICKS_PER_REFERENCE
    for delta in deltas:
        tick += delta
        arrival_us.append(tick * TICK_US)
    if sequence > 0x10000:
        received = [number & 0xFFFF for number in received]
    return Feedback(base, count, reference >> 8, reference & 0xFF, received, arrival_us)


def build_fcis(
    base_sequence: int, feedback_count: int, arrivals: Iterable[tuple[int, int]], max_bytes: int
) -> list[bytes]:
    """FCIs, each within `max_bytes`, that report `arrivals`: (sequence number, arrival in ticks of any clock).

    Sequence numbers ascend modulo 2**16 from `base_sequence` (packets before the first arrival are reported missing);
    arrivals need not ascend. A new FCI, with the next feedback count, begins where a delta exceeds 16 bits (8 s), 2**15
    packets are spanned or the size could be exceeded. Raises `ValueError` on numbers that do not ascend.
    """
    fcis: list[bytes] = []
    part = _Part(base_sequence, feedback_count)
    expected = base_sequence
    for sequence, tick in arrivals:
        missing = (sequence - expected) & 0xFFFF
        if missing >= _MAX_SPAN:
            raise ValueError("arrivals must ascend from the base sequence")
        if part.deltas and not part.fits(missing, tick, max_bytes):
            fcis.append(part.pack())
            part = _Part(sequence, feedback_count + len(fcis))
            missing = 0
        part.add(missing, tick)
        expected = sequence + 1
    if part.deltas:
        fcis.append(part.pack())
    return fcis


class _Part:
    """One FCI in the making."""

    def __init__(self, base_sequence: int, feedback_count: int) -> None:
        self.base_sequence = base_sequence
        self.feedback_count = feedback_count
        self.reference = 0
        self.last_tick = 0
        self.symbols = bytearray()
        self.deltas = bytearray()
        self.bound = _HEAD_BYTES

    def fits(self, missing: int, tick: int, max_bytes: int) -> bool:
        return (
            -0x8000 <= tick - self.last_tick <= 0x7FFF
            and len(self.symbols) + missing < _MAX_SPAN
            and self.bound + _bound(missing) <= max_bytes
        )

    def add(self, missing: int, tick: int) -> None:
        if not self.deltas:
            self.reference = tick // TICKS_PER_REFERENCE
            self.last_tick = self.reference * TICKS_PER_REFERENCE
        delta = tick - self.last_tick
        self.last_tick = tick
        small = 0 <= delta <= 0xFF
        self.symbols += bytes(missing)
        self.symbols.append(_SMALL if small else _LARGE)
        self.deltas += delta.to_bytes(1 if small else 2, "big", signed=not small)
        self.bound += _bound(missing)

    def pack(self) -> bytes:
        head = _HEAD.pack(
            self.base_sequence & 0xFFFF,
            len(self.symbols),
            (self.reference & 0xFFFFFF) << 8 | self.feedback_count & 0xFF,
        )
        return head + _chunks(bytes(self.symbols)) + self.deltas


def _bound(missing: int) -> int:
    """Bytes that one more arrival can take at most: a delta, a chunk, and a chunk per run of missing packets."""
    return 4 + 2 * -(-missing // MAX_RUN)


def _chunks(symbols: bytes) -> bytes:
    """Packet status chunks: long runs as run lengths, the rest as vectors of the smallest symbols that do."""
    chunks = bytearray()
    position = 0
    while position < len(symbols):
        symbol = symbols[position]
        rest = symbols[position : position + MAX_RUN]
        run = len(rest) - len(rest.lstrip(rest[:1]))
        if run >= 14 or (run >= 7 and _LARGE in rest[:14]):
            chunk = symbol << 13 | run
        elif _LARGE in rest[:14]:
            run = 7
            chunk = 0xC000 | _join(rest[:7].ljust(7, b"\x00"), 2)
        else:
            run = 14
            chunk = 0x8000 | _join(rest[:14].ljust(14, b"\x00"), 1)
        chunks += _U16.pack(chunk)
        position += run
    return bytes(chunks)


def _join(symbols: bytes, width: int) -> int:
    value = 0
    for symbol in symbols:
        value = value << width | symbol
    return value
