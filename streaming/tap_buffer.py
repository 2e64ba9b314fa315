"""TapBuffer: records of a media process's recordings, kept until the recorder has them on its disk.

Sans-IO and bounded. Records lie in *blocks*, in the bytes that are sent. While the recorder is away blocks pile up;
when all together take more than `max_bytes`, the oldest of the largest stream are dropped, and the recorder is told
with a `LostRecord`, followed by the state and the tracks that hold there.
"""

from __future__ import annotations

import secrets
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from streaming.tap_chunks import BLOCK_BYTES, Chunk, Positions
from streaming.tap_records import FRAME, LostRecord, encode, frame

MAX_BYTES: Final = 64 * 1024 * 1024
"""Thirty seconds of a hundred lessons at 150 kbit/s, or of eight at 2 Mbit/s."""
DROPPED_AT_ONCE: Final = 64
"""So many records at least are dropped together: the places of what is told instead."""
_BLOCK_COST_BYTES: Final = 200
"""What a block costs beside its data."""


@dataclass(slots=True)
class Block:
    """Records in a row; `headers` are the framed records of state and tracks that hold before the first."""

    first: int
    began_s: float
    headers: tuple[bytes, ...]
    count: int = 0
    data: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        return self.first + self.count

    @property
    def cost(self) -> int:
        return len(self.data) + _BLOCK_COST_BYTES


class Stream:
    """One recording's records. `headers` is kept by whoever writes."""

    def __init__(self, recording_id: str, buffer: TapBuffer) -> None:
        self.recording_id = recording_id
        self.epoch = secrets.token_hex(8)
        self.headers: tuple[bytes, ...] = ()
        self.closed = False
        """Nothing more will come; forgotten once everything is acknowledged."""
        self.next = 0
        self.cursor = 0
        """Position that is sent next."""
        self.bytes = 0
        self.sent: deque[Block] = deque()
        self.unsent: deque[Block] = deque()
        self._buffer = buffer
        self._open: Block | None = None

    def put(self, body: bytes, now: float) -> None:
        """Append a record by its body."""
        block = self._open
        if block is None:
            block = self._open = Block(self.next, now, self.headers)
            self.unsent.append(block)
            self._account(_BLOCK_COST_BYTES)
        block.data += FRAME.pack(len(body), zlib.crc32(body))
        block.data += body
        block.count += 1
        self.next += 1
        self._account(len(body) + FRAME.size)
        if len(block.data) >= BLOCK_BYTES:
            self._open = None
        if self._buffer.bytes > self._buffer.max_bytes:
            self._buffer.shrink()

    def _account(self, octets: int) -> None:
        self.bytes += octets
        self._buffer.bytes += octets

    def rewind(self, position: int) -> None:
        """Send from `position` on: a recorder has connected that has everything before it."""
        self.acknowledge(position)
        self.unsent.extendleft(reversed(self.sent))
        self.sent.clear()
        self.cursor = position

    def acknowledge(self, position: int) -> None:
        while self.sent and self.sent[0].end <= position:
            self._account(-self.sent.popleft().cost)
        while not self.sent and self.unsent and self.unsent[0].end <= position:
            self._forget_unsent()

    def _forget_unsent(self) -> int:
        block = self.unsent.popleft()
        if block is self._open:
            self._open = None
        self._account(-block.cost)
        return block.count

    def drop_oldest(self) -> int:
        """Give up some of the oldest records; returns how many."""
        dropped = 0
        while dropped < DROPPED_AT_ONCE and (self.sent or self.unsent):
            if self.sent:
                block = self.sent.popleft()
                self._account(-block.cost)
                dropped += block.count
            else:
                dropped += self._forget_unsent()
        return dropped

    def take(self) -> Chunk | None:
        """What is to be sent next."""
        if not self.unsent:
            return None
        block = self.unsent[0]
        if self.cursor < block.first:
            return self._lost(block)
        self.unsent.popleft()
        if block is self._open:
            self._open = None
        self.sent.append(block)
        self.cursor = block.end
        # A recorder that has a part of a block already skips it.
        return Chunk(self.recording_id, self.epoch, block.first, block.count, block.data)

    def _lost(self, block: Block) -> Chunk:
        """In the place of records that were dropped before `block`."""
        lost = block.first - self.cursor
        told: Sequence[bytes] = (frame(encode(LostRecord(lost, block.began_s))), *block.headers)
        if len(told) > lost:
            told = told[:1]
        self.cursor = block.first
        return Chunk(self.recording_id, self.epoch, block.first - len(told), len(told), b"".join(told))

    def waiting_since(self) -> float | None:
        """When the oldest record came that is not on the recorder's disk; None: everything is."""
        oldest = self.sent or self.unsent
        return oldest[0].began_s if oldest else None


class TapBuffer:
    """`counts`: drops by kind."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.counts: Counter[str] = Counter()
        self.streams: dict[str, Stream] = {}

    def open(self, recording_id: str) -> Stream:
        """The recording's stream: the one that is still here, or a new one with an epoch of its own."""
        stream = self.streams.get(recording_id)
        if stream is None:
            stream = self.streams[recording_id] = Stream(recording_id, self)
        stream.closed = False
        return stream

    def shrink(self) -> None:
        """Drop until there is room again."""
        while self.bytes > self.max_bytes:
            largest = max(self.streams.values(), key=lambda stream: stream.bytes)
            dropped = largest.drop_oldest()
            if not dropped:
                return
            self.counts["tap_dropped"] += dropped

    def resume(self, positions: Positions) -> None:
        """A recorder has connected and says what it has; what it does not name is sent from the beginning."""
        for stream in self.streams.values():
            stream.rewind(positions.positions.get(stream.epoch, 0))
        self._forget()

    def acknowledge(self, positions: Positions) -> None:
        for stream in self.streams.values():
            stream.acknowledge(positions.positions.get(stream.epoch, 0))
        self._forget()

    def _forget(self) -> None:
        done = [s.recording_id for s in self.streams.values() if s.closed and s.waiting_since() is None]
        for recording_id in done:
            del self.streams[recording_id]

    def chunks(self) -> Iterable[Chunk]:
        """What can be sent, each recording in turn; ends when nothing waits. Take only what is really sent."""
        waiting = list(self.streams.values())
        while waiting:
            rest = []
            for stream in waiting:
                chunk = stream.take()
                if chunk is not None:
                    yield chunk
                    rest.append(stream)
            waiting = rest
