"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).

Ticks are 250 µs. An FCI is what follows the two SSRCs of the RTCP packet. Few reports are written, and each by itself;
very many are read, and therefore together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

TICK_US = 250
TICKS_PER_REFERENCE = 256  # the reference time counts 64 ms
MAX_RUN = 0x1FFF
HEAD_BYTES: Final = 20
"""Of the RTCP packet, up to its first chunk."""
_FCI_HEAD_BYTES = 8
_MAX_SPAN = 0x8000
_HEAD_WORDS = np.array([[0], [6], [7], [8], [9]])  # of the RTCP packet: flags, base, count, reference and its count

_MISSING, _SMALL, _LARGE, _RESERVED = range(4)
_VECTOR, _RECEIVED = 0x8000, 0x2000
"""Chunks from these values on are vectors, and not runs of missing packets."""
_TOP, _STEP, _MASK = np.array([[13, 13, 13, 12], [0, 0, 1, 2], [3, 3, 1, 3]])
"""Place of the first symbol, from symbol to symbol, and a symbol's bits: by a chunk's upper two bits."""

_HEAD = Struct("!HHI")
_U16 = Struct("!H")

Column: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class Reports(NamedTuple):
    """Many reports at once: one entry for each readable packet, and one for each packet received, report by report.

    A report is about `status_count` numbers from `base_sequence` on; `received` of them had arrived, the others had
    not. `numbers` are 16 bits wide and in sequence order within a report. `arrival_us` is by the clock of the report's
    sender and counts from the zero of its reference time (24 bits of 64 ms: wraps after 12 days); an arrival may lie
    before its predecessor's. All are int64.
    """

    places: Column
    """Of the reports, among the packets that were read."""
    base_sequence: Column
    status_count: Column
    received: Column
    numbers: Column
    arrival_us: Column
    refused: Counter[str]
    """Packets that are none of these reports, by kind: twcc_short, twcc_empty, twcc_truncated (chunks or deltas that
    are longer than the packet), twcc_symbol."""


class _Heads(NamedTuple):
    """The fixed part of each report. `start`, `end` in bytes, without padding; `reference` in ticks."""

    start: Column
    end: Column
    base: Column
    statuses: Column
    reference: Column


class _Chunks(NamedTuple):
    """Packet status chunks of all reports, one entry each."""

    report: Column
    value: Column
    first: Column
    """Statuses of its report before it."""
    statuses: Column
    """Those that mean something: those behind the report's last packet don't."""


class _Refused(Exception):
    """Reports that are not `fine` have the same fault."""

    def __init__(self, kind: str, fine: Mask) -> None:
        self.kind = kind
        self.fine = fine
        super().__init__(kind)


def parse_reports(packets: Sequence[bytes]) -> Reports:
    """Read RTCP packets that are each one transport-wide feedback, whole and with their padding (so whole words).

    All are read together, column by column; the work is bounded by their bytes, and begins anew without the packets
    that have a fault only as often as there are kinds of faults.
    """
    refused: Counter[str] = Counter()
    places = np.arange(len(packets))
    while True:
        try:
            return _parse([packets[place] for place in places.tolist()] if refused else packets, places, refused)
        except _Refused as fault:
            refused[fault.kind] += len(places) - int(np.count_nonzero(fault.fine))
            places = places[fault.fine]


def _require(fine: Mask, kind: str) -> None:
    if not fine.all():
        raise _Refused(kind, fine)


def _parse(packets: Sequence[bytes], places: Column, refused: Counter[str]) -> Reports:
    sizes = np.fromiter(map(len, packets), np.int64, len(packets))
    _require(sizes >= HEAD_BYTES, "twcc_short")
    joined = b"".join(packets)
    data, words = np.frombuffer(joined, np.uint8), np.frombuffer(joined, ">u2").astype(np.int64)
    heads = _read_heads(data, words, sizes)
    chunks = _find_chunks(words, heads)
    deltas = heads.start + HEAD_BYTES + 2 * np.bincount(chunks.report, minlength=len(packets))
    room = heads.end - deltas
    report, place, symbol = _expand(chunks, room)
    received = np.bincount(report, minlength=len(packets))
    first = np.cumsum(received) - received
    before = _sum_before(symbol, first, report)
    _require(np.bincount(report, symbol, len(packets)) <= room, "twcc_truncated")
    delta = _read_deltas(data, deltas[report] + before, symbol)
    arrival = heads.reference[report] + _sum_before(delta, first, report) + delta
    numbers = (heads.base[report] + place) & 0xFFFF
    return Reports(places, heads.base, heads.statuses, received, numbers, arrival * TICK_US, refused)


def _read_heads(data: npt.NDArray[np.uint8], words: Column, sizes: Column) -> _Heads:
    end = np.cumsum(sizes)
    start = end - sizes
    flags, base, count, high, low = words[(start >> 1) + _HEAD_WORDS]
    padded = flags & 0x2000 != 0
    if padded.any():
        end = np.where(padded, end - data[end - 1], end)
        _require(end - start >= HEAD_BYTES, "twcc_short")
    _require(count > 0, "twcc_empty")
    return _Heads(start, end, base, count, (high << 8 | low >> 8) * TICKS_PER_REFERENCE)


def _sum_before(values: Column, first: Column, report: Column) -> Column:
    """Sum of the values before each one within its report, whose first value is at `first`."""
    sums = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=sums[1:])
    return sums[:-1] - sums[first][report]


def _find_chunks(words: Column, heads: _Heads) -> _Chunks:
    """The chunks that hold each report's statuses, among its words.

    Every word is taken for a chunk until so many statuses are spanned: what follows are the deltas.
    """
    start = (heads.start + HEAD_BYTES) >> 1
    lengths = (heads.end >> 1) - start
    report = np.repeat(np.arange(len(lengths)), lengths)
    first = np.cumsum(lengths) - lengths
    value = words[np.arange(len(report)) + (start - first)[report]]
    span = np.where(value < _VECTOR, value & MAX_RUN, 28 - 7 * (value >> 14))
    before = _sum_before(span, first, report)
    left = heads.statuses[report] - before
    used = left > 0
    report, value, statuses = report[used], value[used], np.minimum(span, left)[used]
    _require(np.bincount(report, statuses, len(lengths)) >= heads.statuses, "twcc_truncated")
    return _Chunks(report, value, before[used], statuses)


def _expand(chunks: _Chunks, room: Column) -> tuple[Column, Column, Column]:
    """(report, place in it, symbol) of each packet received; `room`: bytes for each report's deltas, which bounds the
    runs of packets received. Runs of missing packets cost nothing."""
    value, statuses = chunks.value, chunks.statuses
    runs = np.where(value < _VECTOR, value >> 13, 0)
    if runs.any():
        _require(np.bincount(chunks.report, runs == _RESERVED, len(room)) == 0, "twcc_symbol")
        _require(np.bincount(chunks.report, runs * statuses, len(room)) <= room, "twcc_truncated")
    form = value >> 14
    count = np.where(value < _RECEIVED, 0, statuses)
    chunk = np.repeat(np.arange(len(value)), count)
    place = np.arange(len(chunk)) - (np.cumsum(count) - count)[chunk]
    symbol = value[chunk] >> (_TOP[form][chunk] - _STEP[form][chunk] * place) & _MASK[form][chunk]
    if not symbol.all():
        there = symbol > 0
        chunk, place, symbol = chunk[there], place[there], symbol[there]
    report = chunks.report[chunk]
    if len(symbol) and symbol.max() == _RESERVED:
        _require(np.bincount(report, symbol == _RESERVED, len(room)) == 0, "twcc_symbol")
    return report, chunks.first[chunk] + place, symbol


def _read_deltas(data: npt.NDArray[np.uint8], position: Column, symbol: Column) -> Column:
    """A byte, or two with a sign, for each packet received."""
    delta = data[position].astype(np.int64)
    large = np.flatnonzero(symbol == _LARGE)
    if len(large):
        delta[large] = ((delta[large] << 8 | data[position[large] + 1]) ^ 0x8000) - 0x8000
    return delta


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
        if not part.add(missing, tick, max_bytes):
            fcis.append(part.pack())
            part = _Part(sequence, feedback_count + len(fcis))
            part.add(0, tick, max_bytes)
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
        self.bound = _FCI_HEAD_BYTES

    def add(self, missing: int, tick: int, max_bytes: int) -> bool:
        """One arrival after `missing` packets; False, and nothing is added, where the FCI has no room for it."""
        if not self.deltas:
            self.reference = tick // TICKS_PER_REFERENCE
            self.last_tick = self.reference * TICKS_PER_REFERENCE
        delta = tick - self.last_tick
        # At most: a delta, a chunk, and a chunk for each run of missing packets
        bound = self.bound + 4 + 2 * -(-missing // MAX_RUN)
        if self.deltas and (
            bound > max_bytes or not -0x8000 <= delta <= 0x7FFF or len(self.symbols) + missing >= _MAX_SPAN
        ):
            return False
        self.last_tick, self.bound = tick, bound
        self.symbols += bytes(missing)
        if 0 <= delta <= 0xFF:
            self.symbols.append(_SMALL)
            self.deltas.append(delta)
        else:
            self.symbols.append(_LARGE)
            self.deltas += delta.to_bytes(2, "big", signed=True)
        return True

    def pack(self) -> bytes:
        head = _HEAD.pack(
            self.base_sequence & 0xFFFF,
            len(self.symbols),
            (self.reference & 0xFFFFFF) << 8 | self.feedback_count & 0xFF,
        )
        return head + _chunks(bytes(self.symbols)) + self.deltas


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
