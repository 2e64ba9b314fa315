"""Tap: what of a room is recorded, as records for the recorder. Sans-IO; it takes what the room's UpTracks have just
got, like a fan-out, and touches no disk.

Recorded is what feeds the room's slots, every encoding of it, from people who may be recorded. The saving microphone
and the stage are left out: they repeat others. A decoder must be able to follow, so an encoding begins with a keyframe,
and again after each restart of its numbering.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from streaming.control import Slot, Source
from streaming.tap_buffer import Stream, TapBuffer
from streaming.tap_records import (
    KEYFRAME,
    LATE,
    MARKER,
    ClockRecord,
    EndedRecord,
    RecordingState,
    StateRecord,
    TrackRecord,
    encode,
    encode_packet,
    frame,
)
from streaming.uptrack.cache import HEADER_BYTES
from streaming.uptrack.encoding import TEMPORAL_LAYERS
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.errors import WireError
from streaming.wire.red import primary_start
from streaming.wire.slab import PACKET_BYTES

LOW_RID: Final = "low"
KEYFRAME_INTERVAL_S: Final = 6.0
POOR_BPS: Final = 300_000
VERY_POOR_BPS: Final = 150_000
"""On a link below these a keyframe of the smallest picture takes a tenth of a second and more."""
WAITING_MAX_S: Final = 4.0
"""Records are on the recorder's disk within two seconds; after twice as long somebody should know."""
_TRACKS: Final = 1 << 16


@dataclass(slots=True)
class Tapped:
    """One slot's track in the recording. `ranks`: by the UpTrack's encodings, what they are called here; -1: left
    out."""

    slot: Slot
    peer_id: str
    source: Source
    track: UpTrack
    number: int = -1
    """-1 until its first packet."""
    codec: tuple[str, str] = ("", "")
    header: bytes = b""
    ranks: list[int] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    """Of each encoding, as its last keyframe found it; -1: none was seen yet."""
    clock_s: float = -math.inf


class Tap:
    """One recording in one room. Times are monotonic seconds; `wall` is Unix time at `now`."""

    def __init__(
        self, lesson_id: str, recording_id: str, buffer: TapBuffer, keyframe_interval_s: float = KEYFRAME_INTERVAL_S
    ) -> None:
        self.lesson_id = lesson_id
        self.recording_id = recording_id
        self.keyframe_interval_s = keyframe_interval_s
        self.paused = True
        self.peers: frozenset[str] = frozenset()
        self._buffer = buffer
        self._stream: Stream | None = None
        self._state = b""
        self._tapped: dict[UpTrack, list[Tapped]] = {}
        self._next_number = 0
        self._keyframe_s = -math.inf
        self._kept = True

    # ------------------------------------------------------------ what is recorded

    def set(self, paused: bool, peers: Collection[str], now: float, wall: float) -> None:
        """What shall be recorded from now on; `show` is to follow."""
        self.peers = frozenset(peers)
        if paused != self.paused:
            self.paused = paused
            if paused:
                self.show({}, now)
            if self._stream is not None or not paused:
                self._put_state(RecordingState.PAUSED if paused else RecordingState.RUNNING, now, wall)

    def end(self, now: float, wall: float) -> None:
        """The recording is over."""
        self._close(RecordingState.ENDED, now, wall)

    def leave(self, now: float, wall: float) -> None:
        """The room goes; the recording may go on in another one."""
        self._close(RecordingState.PAUSED, now, wall)

    def _close(self, state: RecordingState, now: float, wall: float) -> None:
        self.paused = True
        self.show({}, now)
        if self._stream is not None:
            self._put_state(state, now, wall)
            self._stream.closed = True

    def _put_state(self, state: RecordingState, now: float, wall: float) -> None:
        if self._stream is None:
            self._stream = self._buffer.open(self.recording_id)
        record = StateRecord(
            recording_id=self.recording_id,
            lesson_id=self.lesson_id,
            epoch=self._stream.epoch,
            state=state,
            t=now,
            wall=wall,
        )
        body = encode(record)
        self._stream.put(body, now)
        self._state = frame(body)
        self._renew_headers()

    def show(self, fed: Mapping[Slot, tuple[str, Source, UpTrack]], now: float) -> None:
        """What the room's slots show now."""
        wanted: dict[Slot, tuple[str, Source, UpTrack]] = {
            slot: feed
            for slot, feed in fed.items()
            if slot is not Slot.STAGE_VIDEO and not self.paused and feed[0] in self.peers
        }
        kept: dict[UpTrack, list[Tapped]] = {}
        for tapped in [each for group in self._tapped.values() for each in group]:
            if wanted.get(tapped.slot) == (tapped.peer_id, tapped.source, tapped.track):
                kept.setdefault(tapped.track, []).append(tapped)
                del wanted[tapped.slot]
            elif tapped.number >= 0 and self._stream is not None:
                self._stream.put(encode(EndedRecord(tapped.number, now)), now)
        for slot, (peer_id, source, track) in wanted.items():
            kept.setdefault(track, []).append(Tapped(slot, peer_id, source, track))
            self._ask_keyframes(track, now)
        self._tapped = kept
        self._renew_headers()

    def _renew_headers(self) -> None:
        if self._stream is not None:
            tracks = (each.header for group in self._tapped.values() for each in group if each.number >= 0)
            self._stream.headers = (self._state, *tracks)

    def pictures(self) -> list[UpTrack]:
        """Tracks all of whose encodings are recorded, so that their publishers must send them."""
        return [track for track in self._tapped if not track.audio]

    # ------------------------------------------------------------ packets

    def take(self, track: UpTrack, now: float) -> None:
        """Record what is fresh in an UpTrack."""
        for tapped in self._tapped.get(track, ()):
            if self._stream is not None and track.fresh:
                if tapped.codec != (track.codec, track.profile):
                    self._tell(tapped, now)
                self._take(tapped, self._stream, now)

    def _take(self, tapped: Tapped, stream: Stream, now: float) -> None:
        track, ranks = tapped.track, tapped.ranks
        cache, red = track.cache, track.codec == "red"
        for arrival in track.fresh:
            index, cell = arrival.encoding, arrival.cell
            if ranks[index] < 0:
                continue
            encoding = track.encodings[index]
            if tapped.restarts[index] != encoding.restarts:
                if not arrival.keyframe or arrival.late:
                    continue
                tapped.restarts[index] = encoding.restarts
            start = cell * PACKET_BYTES + HEADER_BYTES
            end = start + cache.length[cell]
            if red and end > start:
                try:
                    start = primary_start(cache.view, start, end)
                except WireError as error:
                    track.errors[error.kind] += 1
                    continue
            # Numbers close over packets of nothing but padding, as viewers' do.
            number = arrival.number - encoding.above(arrival.number, TEMPORAL_LAYERS - 1)
            flags = MARKER * cache.marker[cell] | KEYFRAME * arrival.keyframe | LATE * arrival.late
            payload = cache.view[start:end]
            stream.put(
                encode_packet(tapped.number, ranks[index], flags, number, cache.rtp_time[cell], now, payload), now
            )

    def _tell(self, tapped: Tapped, now: float) -> None:
        """A track's first packet has come, or its codec has changed."""
        track, stream = tapped.track, self._stream
        assert stream is not None, "told with its packets"
        if tapped.number < 0:
            tapped.number = self._next_number
            self._next_number = (self._next_number + 1) % _TRACKS
        tapped.codec = (track.codec, track.profile)
        # An offer names what it prefers, the fullest encoding, first (RFC 8853 section 5.2).
        recorded = [encoding for encoding in reversed(track.encodings) if encoding.rid != LOW_RID or not track.audio]
        tapped.ranks = [-1] * len(track.encodings)
        tapped.restarts = [-1] * len(track.encodings)
        for rank, encoding in enumerate(recorded):
            tapped.ranks[encoding.index] = rank
        record = TrackRecord(
            track=tapped.number,
            slot=tapped.slot,
            peer_id=tapped.peer_id,
            source=tapped.source,
            codec="opus" if track.codec == "red" else track.codec,
            profile=track.profile,
            rids=tuple(encoding.rid for encoding in recorded),
            t=now,
        )
        body = encode(record)
        stream.put(body, now)
        tapped.header = frame(body)
        self._renew_headers()

    # ------------------------------------------------------------ time

    def tick(self, poorest_bps: float, now: float) -> None:
        """To be called some times a second: clocks, and keyframes to cut at. `poorest_bps`: the estimate of the
        viewer with the poorest link."""
        if self._stream is None or self.paused:
            return
        for group in self._tapped.values():
            for tapped in group:
                self._put_clock(tapped, self._stream, now)
        if now >= self._keyframe_s + self.keyframe_interval_s * stretch(poorest_bps):
            self._keyframe_s = now
            for track in self.pictures():
                self._ask_keyframes(track, now)

    def _put_clock(self, tapped: Tapped, stream: Stream, now: float) -> None:
        clock = tapped.track.latest_clock()
        if tapped.number >= 0 and clock is not None and clock.received_s > tapped.clock_s:
            tapped.clock_s = clock.received_s
            stream.put(encode(ClockRecord(tapped.number, clock.ntp, clock.rtp_time, clock.received_s)), now)

    def kept_changed(self, now: float) -> bool | None:
        """Whether records reach the recorder's disk in time, where that has changed since the last call."""
        since = self._stream.waiting_since() if self._stream is not None else None
        kept = since is None or now - since < WAITING_MAX_S
        if kept == self._kept:
            return None
        self._kept = kept
        return kept

    def _ask_keyframes(self, track: UpTrack, now: float) -> None:
        """Of all encodings at once, which a publisher makes of one picture."""
        for encoding in () if track.audio else track.encodings:
            if encoding.flowing(now):
                track.keyframes.ask(encoding.index)


def stretch(poorest_bps: float) -> int:
    """How many times less often keyframes are asked for, since they hurt somebody."""
    return 1 if poorest_bps >= POOR_BPS else 2 if poorest_bps >= VERY_POOR_BPS else 4
