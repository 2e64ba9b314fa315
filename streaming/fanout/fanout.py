"""FanOut: everything that one UpTrack sends into one slot of a room's viewers.

The data's way: arrivals -> runs of packets of one frame -> chunks of rows -> one block of packets, numbered by whole
columns, handed to the sink. What the pieces are for: `selection` who takes what, `switching` changing that, `runs`,
`chunks`, `blocks` and `sending` the way of the data, `queue` and `retransmission` what goes to one row at a time.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from streaming.fanout.batch import Batch
from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.profiles import WireProfile
from streaming.fanout.queue import Queue
from streaming.fanout.retransmission import Retransmitter
from streaming.fanout.runs import run_end
from streaming.fanout.selection import Selection
from streaming.fanout.sending import Sender
from streaming.fanout.single import SingleSender
from streaming.fanout.sink import PacketSink
from streaming.fanout.timeline import Timeline
from streaming.fanout.viewers import Viewers
from streaming.uptrack.uptrack import Arrival, UpTrack


class FanOut:
    """One slot. `now` in seconds, monotonic; nothing here blocks or reads a clock."""

    def __init__(self, slot: str, audio: bool, ssrc: int, rtx_ssrc: int, viewers: Viewers, sharp: bool = False) -> None:
        self.slot = slot
        self.audio = audio
        self.sharp = sharp
        """Of this slot's pictures resolution counts before motion."""
        self.desired: set[int] = set()
        """Encodings that viewers take or could take, as the allocator found."""
        self.room_bps: npt.NDArray[np.float64] = np.zeros(0)
        """What each row's estimate has left for this picture, as the allocator found; NaN where nothing may be sent."""
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc
        self.viewers = viewers
        self.downtracks = tracks = DownTracks(queued=not audio)
        self.counts: Counter[str] = Counter()
        """Drops by kind."""
        self.retransmitted = 0
        self._selection = Selection(audio, tracks, viewers)
        self._timeline = Timeline(audio)
        single = SingleSender(ssrc, rtx_ssrc, tracks, viewers)
        self._queue = Queue(tracks, viewers, single, self.counts)
        self._retransmitter = Retransmitter(tracks, viewers, single, self.counts)
        self._sender = Sender(ssrc, audio, tracks, viewers, self._queue, self.counts)

    @property
    def source(self) -> UpTrack | None:
        return self._selection.source

    @property
    def switches(self) -> int:
        """Changes of rows to another encoding."""
        return self._selection.switches

    @property
    def fillers(self) -> int:
        """Padding packets sent in the place of late ones."""
        return self._sender.fillers

    # ------------------------------------------------------------ who takes what

    def add(self, row: int, profile: WireProfile, first_sequence: int) -> None:
        """A viewer negotiated this slot; it starts paused."""
        self._selection.add(row, profile, first_sequence)

    def remove(self, row: int) -> None:
        self._selection.remove(row)

    def set_resumed(self, row: int, resumed: bool) -> None:
        self._selection.set_resumed(row, resumed)

    def set_blocked(self, row: int, blocked: bool) -> None:
        self._selection.set_blocked(row, blocked)

    def allowed(self) -> npt.NDArray[np.bool_]:
        """Rows that may be forwarded something."""
        return self.downtracks.allowed()

    def aim(self, row: int, encoding: int, temporal: int) -> None:
        self.aim_rows(np.array([row]), np.array([encoding]), np.array([temporal]))

    def aim_rows(
        self, rows: npt.NDArray[np.int64], encodings: npt.NDArray[np.int64], temporals: npt.NDArray[np.int64]
    ) -> None:
        """Set targets; pausing (NONE) acts at once, all else at the next place where a decoder can follow."""
        self._selection.aim_rows(rows, encodings, temporals)

    def set_redundant(self, wanted: npt.NDArray[np.bool_]) -> None:
        """Which rows get sound with the frame before repeated in each packet (RFC 2198)."""
        self._selection.set_redundant(wanted)

    def abandon(self, rows: npt.NDArray[np.int64]) -> None:
        """Cease to send what these rows have, though what they are to have has not begun yet."""
        self._selection.abandon(rows)

    def set_source(self, source: UpTrack | None) -> None:
        """Feed the slot from another UpTrack; viewers' numbers and timestamps go on."""
        if source is not self.source:
            self._selection.set_source(source)
            self._timeline.restart()

    def keyframes_wanted(self) -> set[int]:
        """Encodings of which some row waits for a keyframe."""
        return set() if self.audio else self._selection.waiting

    def stills(self) -> set[int]:
        """Encodings of which some row is to have keyframes only."""
        return set() if self.audio else self._selection.stills

    # ------------------------------------------------------------ sending

    def forward(self, arrivals: list[Arrival], now: float, sink: PacketSink) -> None:
        """Send new packets to every row that takes them."""
        source, selection, timeline = self.source, self._selection, self._timeline
        if source is None or not arrivals:
            return
        rtp_time = source.cache.rtp_time
        selection.refresh(source)
        if timeline.shift is None:
            timeline.begin(rtp_time[arrivals[0].cell], now)
        if len(source.encodings) > 1:
            arrivals = sorted(arrivals, key=lambda arrival: arrival.encoding)
        if not self.audio:
            selection.catch_up(source, arrivals, self._queue, now)
        batch = self._batch(source, now, sink)
        position = 0
        while position < len(arrivals):
            first = arrivals[position]
            if selection.switching and first.begins_frame and not first.late:
                selection.switch(source, arrivals[position:])
            end = run_end(arrivals, position, selection.switching)
            chunks = selection.chunks(first.encoding, source)
            if chunks:
                if not first.late:
                    timeline.sent(rtp_time[arrivals[end - 1].cell], now)
                self._sender.send(chunks, arrivals[position:end], batch)
            position = end

    def _batch(self, source: UpTrack, now: float, sink: PacketSink) -> Batch:
        return Batch(source, self._timeline.shift or 0, now, sink)

    def queued(self) -> npt.NDArray[np.bool_]:
        """Rows for which packets wait until they have credit."""
        return self._queue.waiting()

    def drain(self, now: float, sink: PacketSink) -> None:
        """Send what waits to rows that have credit again, oldest first; thin out what has waited for too long."""
        if self.source is not None:
            batch = self._batch(self.source, now, sink)
            for row in self._queue.late(now):
                self._selection.thin(row, self._queue, self._queue.delay_s(row, now))
            self._queue.drain(batch)

    def retransmit(self, row: int, sequences: list[int], now: float, sink: PacketSink) -> int:
        """Answer a NACK from the cache (RFC 4588); returns how many packets were sent."""
        if self.source is None:
            return 0
        sent = self._retransmitter.answer(row, sequences, self._batch(self.source, now, sink))
        self.retransmitted += sent
        return sent

    def pad(self, row: int, wanted_bytes: int, now: float, sink: PacketSink) -> int:
        """Send a packet for a probe, of about `wanted_bytes` at most; returns its bytes on the wire, 0: not possible
        here."""
        if self.source is None:
            return 0
        return self._retransmitter.pad(row, wanted_bytes, self._batch(self.source, now, sink))

    # ------------------------------------------------------------ accounts

    def charge(self) -> None:
        """Take what was sent off the viewers' credit; called each tick, so that a packet need not."""
        self._selection.charge()

    def account(self) -> None:
        """Bring the viewers' packet and byte counts up to date."""
        self._selection.account()

    def report(self, row: int) -> tuple[int, int, int, int] | None:
        """(NTP, RTP time, packets, octets) of a sender report for a row (RFC 3550 §6.4.1), None while nothing can be
        said.

        The publisher's own clock pair is passed on, in the timeline this viewer sees, so that lips stay in sync.
        """
        tracks, source, shift = self.downtracks, self.source, self._timeline.shift
        if source is None or row >= tracks.rows or tracks.encoding[row] == NONE or shift is None:
            return None
        clock = source.common_clock()
        if clock is None:
            return None
        ntp, common = clock
        rtp_time = (common + shift) & 0xFFFF_FFFF
        return ntp, rtp_time, int(tracks.packets[row]) & 0xFFFF_FFFF, int(tracks.octets[row]) & 0xFFFF_FFFF
