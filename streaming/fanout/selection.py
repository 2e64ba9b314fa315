"""Who takes what of one slot: permissions, targets, who waits for what, and the chunks that follow from them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout import switching
from streaming.fanout.catch_up import catch_up
from streaming.fanout.chunks import Chunk, chunks_of
from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.profiles import WireProfile
from streaming.fanout.queue import Queue
from streaming.fanout.viewers import Viewers
from streaming.uptrack.encoding import KEYFRAMES, TEMPORAL_LAYERS
from streaming.uptrack.keyframes import STILL_INTERVAL_S
from streaming.uptrack.uptrack import Arrival, UpTrack

TOP_TEMPORAL: Final = TEMPORAL_LAYERS - 1
HOPELESS_S: Final = 0.8
"""Pictures that have waited for so long are of no use any more."""


class Selection:
    """Sends nothing. Rows change layers at `switch` only, where a decoder can follow."""

    def __init__(self, audio: bool, downtracks: DownTracks, viewers: Viewers) -> None:
        self.source: UpTrack | None = None
        self.switches = 0
        self.waiting: set[int] = set()
        """Encodings of which some row waits for a keyframe."""
        self.stills: set[int] = set()
        """Encodings of which some row is to have keyframes only."""
        self.switching = False
        """Some row waits for an encoding or a temporal layer."""
        self._audio = audio
        self._downtracks = downtracks
        self._viewers = viewers
        self._temporal_waiting: set[int] = set()
        self._picture_tops = (0, 0)
        self._restarts: list[int] = []
        self._generation = -1
        self._chunks: dict[int, list[Chunk]] = {}

    # ------------------------------------------------------------ permissions and targets

    def add(self, row: int, profile: WireProfile, first_sequence: int) -> None:
        self._downtracks.reserve(self._viewers.rows)
        self._downtracks.add(row, profile, first_sequence)

    def remove(self, row: int) -> None:
        self._downtracks.remove(row)
        self._changed()

    def set_resumed(self, row: int, resumed: bool) -> None:
        self._downtracks.resumed[row] = resumed
        self._apply_permission(row)

    def set_blocked(self, row: int, blocked: bool) -> None:
        self._downtracks.blocked[row] = blocked
        self._apply_permission(row)

    def _apply_permission(self, row: int) -> None:
        tracks = self._downtracks
        if tracks.present[row] and tracks.resumed[row] and not tracks.blocked[row]:
            if self._audio and self.source is not None:
                self._aim(row, self._fullest(), TOP_TEMPORAL)
        else:
            self._aim(row, NONE, 0)

    def _fullest(self) -> int:
        """Of sound: its encoding of full quality, the last."""
        return max(0, len(self.source.encodings) - 1) if self.source is not None else 0

    def _aim(self, row: int, encoding: int, temporal: int) -> None:
        self.aim_rows(np.array([row]), np.array([encoding]), np.array([temporal]))

    def aim_rows(
        self, rows: npt.NDArray[np.int64], encodings: npt.NDArray[np.int64], temporals: npt.NDArray[np.int64]
    ) -> None:
        """Set targets; pausing (NONE) acts at once, all else at the next place where a decoder can follow."""
        tracks = self._downtracks
        changed = (tracks.target_encoding[rows] != encodings) | (tracks.target_temporal[rows] != temporals)
        if not changed.any():
            return
        rows, encodings = rows[changed], encodings[changed]
        tracks.target_encoding[rows] = encodings
        tracks.target_temporal[rows] = temporals[changed]
        self._leave(rows[(encodings == NONE) & (tracks.encoding[rows] != NONE)])
        self._changed()

    def set_redundant(self, wanted: npt.NDArray[np.bool_]) -> None:
        """Which rows get sound with the frame before repeated in each packet."""
        redundant = self._downtracks.redundant
        if (redundant[: len(wanted)] != wanted).any():
            redundant[: len(wanted)] = wanted
            self._changed()

    def abandon(self, rows: npt.NDArray[np.int64]) -> None:
        """Cease to forward what these rows have, though what they are to have has not begun yet."""
        rows = rows[self._downtracks.encoding[rows] != NONE]
        if len(rows):
            self._leave(rows)
            self._changed()

    def set_source(self, source: UpTrack | None) -> None:
        """Feed the slot from another UpTrack; viewers' numbers and picture ids go on."""
        tracks = self._downtracks
        self._leave(np.flatnonzero(tracks.encoding != NONE))
        tracks.target_encoding[:] = NONE
        tracks.queue_head[:] = tracks.queue_tail
        if self.source is not None:
            self._picture_tops = (self.source.picture_top, self.source.tl0_top)
        if source is not None:
            source.continue_from(*self._picture_tops)
        self.source = source
        self._restarts = []
        if source is not None and self._audio:
            for row in np.flatnonzero(tracks.allowed()).tolist():
                self._aim(row, self._fullest(), TOP_TEMPORAL)
        self._changed()

    def _leave(self, rows: npt.NDArray[np.int64]) -> None:
        """Stop forwarding to rows, between two calls of `forward`."""
        unsent = self.source.fresh if self.source is not None else []
        for row in rows.tolist():
            switching.leave(self._downtracks, row, self.source, unsent)

    def _changed(self) -> None:
        """Chunks and the lists of who waits for what are stale."""
        self.account()
        self._chunks.clear()
        tracks = self._downtracks
        differs = tracks.target_encoding != tracks.encoding
        connected = self._viewers.connected[: tracks.rows]
        wanted = connected & (tracks.target_encoding != NONE)
        still = tracks.target_temporal == KEYFRAMES
        rising = (tracks.temporal == KEYFRAMES) & ~still
        self.waiting = set(np.unique(tracks.target_encoding[wanted & (differs | rising)]).tolist())
        self.stills = set(np.unique(tracks.target_encoding[wanted & still]).tolist())
        same = (tracks.target_encoding == tracks.encoding) & (tracks.encoding != NONE)
        same &= tracks.target_temporal != tracks.temporal
        self._temporal_waiting = set(np.unique(tracks.encoding[same]).tolist())
        self.switching = bool(self.waiting or self._temporal_waiting)

    # ------------------------------------------------------------ while forwarding

    def refresh(self, source: UpTrack) -> None:
        """Notice what has happened to the source and to the viewers' connections; before anything is forwarded."""
        self._notice_restarts(source)
        if self._generation != self._viewers.generation:
            self._generation = self._viewers.generation
            self._downtracks.reserve(self._viewers.rows)
            self._changed()

    def _notice_restarts(self, source: UpTrack) -> None:
        """After a restart of an encoding its viewers' decoders need a keyframe before anything else."""
        restarts = [encoding.restarts for encoding in source.encodings]
        if restarts == self._restarts:
            return
        for index, count in enumerate(restarts):
            if index < len(self._restarts) and self._restarts[index] != count and not self._audio:
                self._leave(np.flatnonzero(self._downtracks.encoding == index))
        self._restarts = restarts
        self._changed()

    def catch_up(self, source: UpTrack, unsent: list[Arrival], queue: Queue, now: float) -> None:
        """Let newcomers begin with what the cache still holds."""
        begun = catch_up(self._downtracks, self._viewers, queue, source, unsent, now) if self.waiting else 0
        if begun:
            self.switches += begun
            self._changed()

    def switch(self, source: UpTrack, unsent: list[Arrival]) -> None:
        """Let the rows change over that wait for the very packet that is the first of `unsent`."""
        tracks, arrival = self._downtracks, unsent[0]
        changed = False
        if arrival.encoding in self.waiting and arrival.keyframe:
            switched = switching.switch_encoding(tracks, self._viewers, source, unsent)
            self.switches += switched
            changed = switched > 0
        if arrival.encoding in self._temporal_waiting:
            changed |= switching.switch_temporal(tracks, arrival, source)
        if changed:
            self._changed()

    def chunks(self, encoding: int, source: UpTrack) -> list[Chunk]:
        """All rows that are forwarded an encoding now; good until the next change."""
        found = self._chunks.get(encoding)
        if found is None:
            found = self._chunks[encoding] = chunks_of(self._downtracks, self._viewers, encoding, source)
        return found

    def thin(self, row: int, queue: Queue, delay_s: float) -> None:
        """A row's packets have waited for too long: leave out its highest temporal layer, or, where there is none,
        everything up to the next keyframe. A still picture may take as long as until the next one."""
        if self.source is None:
            return
        hopeless_s = STILL_INTERVAL_S if self._downtracks.temporal[row] == KEYFRAMES else HOPELESS_S
        if queue.thin(row, self.source):
            self._changed()
        elif delay_s > hopeless_s:
            switching.leave(self._downtracks, row, self.source, [])
            self._changed()

    # ------------------------------------------------------------ accounts

    def charge(self) -> None:
        """Take what was sent off the viewers' credit."""
        for chunks in self._chunks.values():
            for chunk in chunks:
                chunk.charge(self._viewers)

    def account(self) -> None:
        """Bring the viewers' packet and byte counts up to date."""
        for chunks in self._chunks.values():
            for chunk in chunks:
                chunk.account(self._downtracks, self._viewers)
