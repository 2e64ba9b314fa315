"""What waits for rows that are out of credit: at most QUEUE packets each, as places in the cache, oldest first."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from streaming.fanout.batch import Batch
from streaming.fanout.chunks import Chunk
from streaming.fanout.downtracks import QUEUE, DownTracks
from streaming.fanout.single import SingleSender
from streaming.fanout.viewers import Viewers
from streaming.uptrack.uptrack import Arrival


class Queue:
    """`counts`: drops by kind."""

    def __init__(self, downtracks: DownTracks, viewers: Viewers, single: SingleSender, counts: Counter[str]) -> None:
        self._downtracks = downtracks
        self._viewers = viewers
        self._single = single
        self._counts = counts

    def put(self, chunk: Chunk, slow: npt.NDArray[np.bool_], arrivals: list[Arrival], numbers: list[int]) -> None:
        """Keep packets for the rows of a chunk that are `slow`; a full queue drops its oldest."""
        tracks = self._downtracks
        rows = chunk.rows[slow]
        base = chunk.base[slow, 0]
        for arrival, number in zip(arrivals, numbers, strict=True):
            place = tracks.queue_tail[rows] % QUEUE
            tracks.queue_cell[rows, place] = arrival.cell
            tracks.queue_number[rows, place] = _identity(arrival.encoding, arrival.number)
            tracks.queue_sequence[rows, place] = base + np.uint16(number)
            tracks.queue_tail[rows] += 1
        overfull = tracks.queue_tail[rows] - tracks.queue_head[rows] > QUEUE
        if overfull.any():
            full = rows[overfull]
            self._counts["queue_dropped"] += int((tracks.queue_tail[full] - tracks.queue_head[full] - QUEUE).sum())
            tracks.queue_head[full] = tracks.queue_tail[full] - QUEUE

    def waiting(self) -> npt.NDArray[np.bool_]:
        """Rows for which something waits."""
        return self._downtracks.queue_tail > self._downtracks.queue_head

    def drain(self, batch: Batch) -> None:
        """Send what waits to rows that have credit again, oldest first."""
        tracks, credit = self._downtracks, self._viewers.credit
        cache = batch.source.cache
        for row in np.flatnonzero(self.waiting() & (credit[: tracks.rows] > 0)).tolist():
            head, tail = int(tracks.queue_head[row]), int(tracks.queue_tail[row])
            while head < tail and credit[row] > 0:
                place = head % QUEUE
                cell = int(tracks.queue_cell[row, place])
                head += 1
                if _identity(cache.encoding[cell], cache.sequence[cell]) == tracks.queue_number[row, place]:
                    self._single.send(row, cell, int(tracks.queue_sequence[row, place]), batch)
                else:
                    self._counts["queue_expired"] += 1
            tracks.queue_head[row] = head


def _identity(encoding: int, number: int) -> int:
    """Tells a cached packet from any other that later lies in its cell."""
    return number << 2 | encoding
