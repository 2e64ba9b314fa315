"""What waits for rows that are out of credit: at most QUEUE packets each, as places in the cache, oldest first."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.batch import Batch
from streaming.fanout.chunks import Chunk
from streaming.fanout.downtracks import QUEUE, DownTracks
from streaming.fanout.single import SingleSender
from streaming.fanout.viewers import Viewers
from streaming.uptrack.cache import PacketCache
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import Arrival, UpTrack

LATE_S: Final = 0.25
"""What has waited for so long must become less."""


class Queue:
    """`counts`: drops by kind."""

    def __init__(self, downtracks: DownTracks, viewers: Viewers, single: SingleSender, counts: Counter[str]) -> None:
        self._downtracks = downtracks
        self._viewers = viewers
        self._single = single
        self._counts = counts

    def put(
        self, chunk: Chunk, slow: npt.NDArray[np.bool_], arrivals: list[Arrival], numbers: list[int], now: float
    ) -> None:
        """Keep packets for the rows of a chunk that are `slow`; a full queue drops its oldest."""
        tracks = self._downtracks
        rows = chunk.rows[slow]
        base = chunk.base[slow, 0]
        for arrival, number in zip(arrivals, numbers, strict=True):
            place = tracks.queue_tail[rows] % QUEUE
            tracks.queue_cell[rows, place] = arrival.cell
            tracks.queue_number[rows, place] = _identity(arrival.encoding, arrival.number)
            tracks.queue_sequence[rows, place] = base + np.uint16(number)
            tracks.queue_since_s[rows, place] = now
            tracks.queue_tail[rows] += 1
        overfull = tracks.queue_tail[rows] - tracks.queue_head[rows] > QUEUE
        if overfull.any():
            full = rows[overfull]
            self._counts["queue_dropped"] += int((tracks.queue_tail[full] - tracks.queue_head[full] - QUEUE).sum())
            tracks.queue_head[full] = tracks.queue_tail[full] - QUEUE

    def fill(self, row: int, encoding: Encoding, cells: list[int], source: UpTrack, now: float) -> None:
        """Put cached packets of an encoding that a row has just begun into its empty queue."""
        tracks, cache = self._downtracks, source.cache
        temporal, base = int(tracks.temporal[row]), int(tracks.base[row])
        for cell in cells:
            if cache.temporal[cell] <= temporal:
                place, number = int(tracks.queue_tail[row]) % QUEUE, cache.sequence[cell]
                tracks.queue_cell[row, place] = cell
                tracks.queue_number[row, place] = _identity(encoding.index, number)
                tracks.queue_sequence[row, place] = (number - encoding.above(number, temporal) + base) & 0xFFFF
                tracks.queue_since_s[row, place] = now
                tracks.queue_tail[row] += 1

    def waiting(self) -> npt.NDArray[np.bool_]:
        """Rows for which something waits."""
        return self._downtracks.queue_tail > self._downtracks.queue_head

    def delay_s(self, row: int, now: float) -> float:
        """How long the oldest packet for a row has waited."""
        tracks = self._downtracks
        head = int(tracks.queue_head[row])
        return 0.0 if head == tracks.queue_tail[row] else now - float(tracks.queue_since_s[row, head % QUEUE])

    def late(self, now: float) -> list[int]:
        """Rows whose oldest packet has waited longer than LATE_S."""
        tracks = self._downtracks
        rows = np.flatnonzero(self.waiting())
        since = tracks.queue_since_s[rows, tracks.queue_head[rows] % QUEUE]
        late: list[int] = rows[now - since > LATE_S].tolist()
        return late

    def thin(self, row: int, source: UpTrack) -> bool:
        """Take the highest temporal layer out of what waits for a row, from the next frame on; its numbers go on
        without a gap. False when that is not possible."""
        tracks, cache = self._downtracks, source.cache
        encoding, current = tracks.forwarded(row, source), int(tracks.temporal[row])
        if encoding is None or current <= 0:
            return False
        head, tail = int(tracks.queue_head[row]), int(tracks.queue_tail[row])
        oldest = _identity(encoding.index, int(tracks.start[row]))
        frames = (at for at in range(head + 1, tail) if self._begins_frame(row, at, cache))
        first = next((at for at in frames if tracks.queue_number[row, at % QUEUE] >= oldest), None)
        if first is None or tracks.queue_number[row, first % QUEUE] & 3 != encoding.index:
            return False
        lower = current - 1
        number = int(tracks.queue_number[row, first % QUEUE]) >> 2
        tracks.former_temporal[row], tracks.former_base[row] = current, tracks.base[row]
        tracks.former_start[row] = tracks.start[row]
        tracks.base[row] += encoding.above(number, lower) - encoding.above(number, current)
        tracks.start[row] = number
        tracks.temporal[row] = lower
        tracks.target_temporal[row] = min(int(tracks.target_temporal[row]), lower)
        kept = first
        for at in range(first, tail):
            place, cell = at % QUEUE, int(tracks.queue_cell[row, at % QUEUE])
            number = int(tracks.queue_number[row, place]) >> 2
            if cache.temporal[cell] > lower and self._there(row, place, cache):
                self._counts["thinned"] += 1
                continue
            target = kept % QUEUE
            tracks.queue_cell[row, target] = cell
            tracks.queue_number[row, target] = tracks.queue_number[row, place]
            tracks.queue_since_s[row, target] = tracks.queue_since_s[row, place]
            outgoing = number - encoding.above(number, lower) + int(tracks.base[row])
            tracks.queue_sequence[row, target] = outgoing & 0xFFFF
            kept += 1
        tracks.queue_tail[row] = kept
        return True

    def _begins_frame(self, row: int, at: int, cache: PacketCache) -> bool:
        """Whether the packet at a place of the queue has another timestamp than the one before it."""
        tracks = self._downtracks
        here, before = at % QUEUE, (at - 1) % QUEUE
        if not (self._there(row, here, cache) and self._there(row, before, cache)):
            return False
        times = cache.rtp_time
        return times[int(tracks.queue_cell[row, here])] != times[int(tracks.queue_cell[row, before])]

    def _there(self, row: int, place: int, cache: PacketCache) -> bool:
        """Whether the cell still holds what the queue means."""
        cell = int(self._downtracks.queue_cell[row, place])
        return _identity(cache.encoding[cell], cache.sequence[cell]) == int(self._downtracks.queue_number[row, place])

    def drain(self, batch: Batch) -> None:
        """Send what waits to rows that have credit again, oldest first."""
        tracks, credit = self._downtracks, self._viewers.credit
        cache = batch.source.cache
        for row in np.flatnonzero(self.waiting() & (credit[: tracks.rows] > 0)).tolist():
            head, tail = int(tracks.queue_head[row]), int(tracks.queue_tail[row])
            while head < tail and credit[row] > 0:
                place = head % QUEUE
                head += 1
                if self._there(row, place, cache):
                    cell, sequence = int(tracks.queue_cell[row, place]), int(tracks.queue_sequence[row, place])
                    self._single.send(row, cell, sequence, batch)
                else:
                    self._counts["queue_expired"] += 1
            tracks.queue_head[row] = head


def _identity(encoding: int, number: int) -> int:
    """Tells a cached packet from any other that later lies in its cell."""
    return number << 2 | encoding
