"""Newcomers begin with a keyframe a moment old, out of the cache, instead of asking the publisher for another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from streaming.fanout.downtracks import NONE, QUEUE, DownTracks
from streaming.fanout.queue import Queue
from streaming.fanout.switching import begin, next_number
from streaming.fanout.viewers import Viewers
from streaming.uptrack.encoding import TEMPORAL_LAYERS, Encoding
from streaming.uptrack.uptrack import VIDEO_CLOCK, Arrival, UpTrack

AGE_MAX_S: Final = 0.8
PACKETS_MAX: Final = QUEUE // 4
"""The rest of a row's queue is for what arrives meanwhile."""


def catch_up(
    tracks: DownTracks, viewers: Viewers, queue: Queue, source: UpTrack, unsent: Sequence[Arrival], now: float
) -> int:
    """Put what was sent since the latest keyframe into the queues of rows that have had nothing yet; how many
    have begun. Picture ids only rise for those: whoever saw a picture before waits for a new keyframe."""
    waiting = (tracks.encoding == NONE) & (tracks.target_encoding != NONE) & (tracks.packets == 0)
    rows = np.flatnonzero(waiting & viewers.connected[: tracks.rows])
    begun = 0
    for row in rows.tolist():
        encoding = source.encodings[int(tracks.target_encoding[row])]
        cells = _since_keyframe(encoding, source, next_number(encoding, unsent))
        if cells:
            begin(tracks, row, encoding, encoding.keyframe_at)
            queue.fill(row, encoding, cells, source, now)
            viewers.slow[row] = viewers.any_slow = True
            begun += 1
    return begun


def _since_keyframe(encoding: Encoding, source: UpTrack, end: int) -> list[int]:
    """Cells of all packets from the latest keyframe up to number `end`; none when one is missing, or it is too old."""
    first, top = encoding.keyframe_at, TEMPORAL_LAYERS - 1
    if first < 0 or not 0 < end - first <= PACKETS_MAX:
        return []
    cache = source.cache
    cells = [encoding.cell(number - encoding.above(number, top), top) for number in range(first, end)]
    for number, cell in zip(range(first, end), cells, strict=True):
        if cell < 0 or cache.encoding[cell] != encoding.index or cache.sequence[cell] != number:
            return []
    age = (cache.rtp_time[cells[-1]] - cache.rtp_time[cells[0]]) & 0xFFFF_FFFF
    return cells if age <= AGE_MAX_S * VIDEO_CLOCK else []
