"""The DownTracks of one slot as columns: what each viewer takes of the slot, and how its numbers continue.

Outgoing number of a packet for a row: `number - above(number, temporal) + base` modulo 2**16 (see uptrack/encoding.py).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.profiles import WireProfile
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import UpTrack

NONE: Final = -1
QUEUE: Final = 256
"""Packets a viewer out of credit may have waiting in one slot: a keyframe of a shared screen must fit."""

_COLUMNS: Final = {
    "present": np.bool_,
    "resumed": np.bool_,
    "blocked": np.bool_,
    "redundant": np.bool_,
    "encoding": np.int8,
    "temporal": np.int8,
    "target_encoding": np.int8,
    "target_temporal": np.int8,
    "base": np.int64,
    "start": np.int64,
    "next_sequence": np.int64,
    "former_temporal": np.int8,
    "former_base": np.int64,
    "former_start": np.int64,
    "rtx_sequence": np.uint16,
    "packets": np.int64,
    "octets": np.int64,
    "height": np.int32,
    "queue_head": np.int64,
    "queue_tail": np.int64,
}


class DownTracks:
    """Rows are those of `Viewers`. `encoding` is what is forwarded now (NONE: nothing), `target_encoding` what is
    wanted."""

    present: npt.NDArray[np.bool_]
    """The viewer negotiated this slot."""
    resumed: npt.NDArray[np.bool_]
    """The viewer's page wants it; DownTracks start paused."""
    blocked: npt.NDArray[np.bool_]
    """Never forwarded, whatever the page wants (a publisher's own picture, a feed switched off)."""
    redundant: npt.NDArray[np.bool_]
    """Of sound: each packet repeats the frame before (RFC 2198)."""
    encoding: npt.NDArray[np.int8]
    temporal: npt.NDArray[np.int8]
    target_encoding: npt.NDArray[np.int8]
    target_temporal: npt.NDArray[np.int8]
    base: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    """First number forwarded since the row came to this encoding."""
    next_sequence: npt.NDArray[np.int64]
    """Outgoing number to go on with, while `encoding` is NONE."""
    former_temporal: npt.NDArray[np.int8]
    former_base: npt.NDArray[np.int64]
    former_start: npt.NDArray[np.int64]
    """Temporal class, base and first number before the latest change of the temporal layer, for late NACKs."""
    rtx_sequence: npt.NDArray[np.uint16]
    packets: npt.NDArray[np.int64]
    octets: npt.NDArray[np.int64]
    height: npt.NDArray[np.int32]
    """Visible height on the page in device pixels; 0: no limit."""
    queue_head: npt.NDArray[np.int64]
    queue_tail: npt.NDArray[np.int64]

    def __init__(self, queued: bool = True) -> None:
        """`queued`: packets may wait here, as those of pictures do."""
        places = QUEUE if queued else 0
        self.rows = 0
        self.profiles: list[WireProfile | None] = []
        self.queue_cell: npt.NDArray[np.int16] = np.zeros((0, places), np.int16)
        self.queue_number: npt.NDArray[np.int32] = np.zeros((0, places), np.int32)
        self.queue_sequence: npt.NDArray[np.uint16] = np.zeros((0, places), np.uint16)
        self.queue_since_s: npt.NDArray[np.float64] = np.zeros((0, places))
        for name, kind in _COLUMNS.items():
            setattr(self, name, np.zeros(0, kind))

    def reserve(self, rows: int) -> None:
        """Have at least `rows` rows."""
        added = rows - self.rows
        if added <= 0:
            return
        for name in (*_COLUMNS, "queue_cell", "queue_number", "queue_sequence", "queue_since_s"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros((added, *column.shape[1:]), column.dtype)]))
        self.profiles += [None] * added
        self.encoding[self.rows :] = NONE
        self.target_encoding[self.rows :] = NONE
        self.rows = rows

    def add(self, row: int, profile: WireProfile, first_sequence: int) -> None:
        self.reserve(row + 1)
        for name in _COLUMNS:
            getattr(self, name)[row] = 0
        self.present[row] = True
        self.encoding[row] = self.target_encoding[row] = NONE
        self.target_temporal[row] = self.temporal[row] = 0
        self.next_sequence[row] = first_sequence
        self.profiles[row] = profile

    def remove(self, row: int) -> None:
        if row < self.rows:
            self.present[row] = False
            self.encoding[row] = self.target_encoding[row] = NONE
            self.queue_head[row] = self.queue_tail[row] = 0
            self.profiles[row] = None

    def takes(self, codec: str) -> npt.NDArray[np.bool_]:
        """Rows whose viewers have negotiated a codec."""
        return np.array([profile is not None and profile.takes(codec) for profile in self.profiles], np.bool_)

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Rows that may be forwarded something."""
        return self.present & self.resumed & ~self.blocked

    def give_up_queue(self, row: int) -> int | None:
        """Drop what waits for a row; the outgoing number to go on with, None when nothing waited."""
        head = int(self.queue_head[row])
        if head == self.queue_tail[row]:
            return None
        self.queue_head[row] = self.queue_tail[row]
        return int(self.queue_sequence[row, head % QUEUE])

    def forwarded(self, row: int, source: UpTrack | None) -> Encoding | None:
        """What a row is forwarded now of the source; None: nothing."""
        index = int(self.encoding[row])
        if source is None or not 0 <= index < len(source.encodings):
            return None
        return source.encodings[index]
