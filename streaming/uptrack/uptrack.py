"""UpTrack: the server's receiving end of one published Track, up to three Encodings of it.

What all viewers share is done here once: the packet cache, loss and keyframe requests, and *one common timeline*.
Timestamps
of all encodings are shifted onto it (sender reports, else arrival times), and picture ids are re-based at every
keyframe so that they only ever rise: a viewer that changes the encoding at a keyframe sees both go on without a break.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from streaming.uptrack.cache import PAYLOAD_MAX_BYTES, PacketCache
from streaming.uptrack.encoding import KEYFRAMES, SKIPPED, TEMPORAL_LAYERS, Encoding
from streaming.uptrack.keyframes import STILL_INTERVAL_S, KeyframeRequests
from streaming.uptrack.loss import LossList
from streaming.wire import codecs
from streaming.wire.descriptor import VideoDescriptor, rewrite_picture_id
from streaming.wire.errors import WireError
from streaming.wire.rtp import RtpHeader
from streaming.wire.sequence import diff32

VIDEO_CELLS: Final = 1024
AUDIO_CELLS: Final = 128
ENCODINGS_MAX: Final = 3
VIDEO_CLOCK: Final = 90_000
AUDIO_CLOCK: Final = 48_000
RTP_MASK: Final = 0xFFFF_FFFF
PICTURE_MASK: Final = 0x7FFF
REALIGN_S: Final = 0.005
"""Timestamps of an encoding that are further off the sender reports than this are put right at its next keyframe."""
OVERLAP_S: Final = 1.0
"""A keyframe not later than what other encodings have shown is moved behind it by up to this much."""
_PARSERS: Final = {name.lower(): parse for name, parse in codecs.CODECS.items()}
_SOUND: Final = VideoDescriptor(begin_of_frame=True, keyframe=True)
"""A decoder can start at any packet of sound."""
_new: Final = tuple.__new__  # a NamedTuple's own constructor is a Python function, and this is made for each packet


class Arrival(NamedTuple):
    """One new packet, ready to be forwarded."""

    encoding: int
    number: int
    temporal: int
    cell: int
    begins_frame: bool
    keyframe: bool
    switching_up: bool
    late: bool


@dataclass(slots=True)
class SenderClock:
    """The latest sender report of one encoding: NTP (32.32) and RTP time of the same instant."""

    ntp: int
    rtp_time: int
    received_s: float


class UpTrack:
    """Sans-IO. `codec` is the SDP's name in lower case ("vp9", "opus", …), `profile` as the SDP's parameters tell
    it."""

    def __init__(self, track_id: str, codec: str, profile: str = "") -> None:
        self.track_id = track_id
        self.audio = codec in {"opus", "red"}
        self.codec = codec
        self.profile = profile
        self.clock_rate = AUDIO_CLOCK if self.audio else VIDEO_CLOCK
        self.cache = PacketCache(AUDIO_CELLS if self.audio else VIDEO_CELLS)
        self.encodings: list[Encoding] = []
        self.losses: list[LossList] = []
        self.clocks: list[SenderClock | None] = []
        self.keyframes = KeyframeRequests()
        self.fresh: list[Arrival] = []
        """Arrivals since the owner last forwarded them; the owner clears it."""
        self.errors: Counter[str] = Counter()
        self.muted = False
        self.picture_top = 0
        """Highest picture id given out so far (15 bits, rising)."""
        self.tl0_top = 0
        self._latest: tuple[float, int] | None = None  # (arrival, common time) of the newest packet

    def encoding_for(self, rid: str, ssrc: int) -> Encoding | None:
        """The encoding of a rid ("" for a single stream), made when it is new; a new SSRC restarts it. None: too
        many."""
        for encoding in self.encodings:
            if encoding.rid == rid:
                if encoding.ssrc != ssrc:
                    encoding.restart(ssrc)
                    self.losses[encoding.index].clear()
                    self.clocks[encoding.index] = None
                return encoding
        if len(self.encodings) >= ENCODINGS_MAX:
            return None
        encoding = Encoding(len(self.encodings), rid, ssrc)
        self.encodings.append(encoding)
        self.losses.append(LossList())
        self.clocks.append(None)
        return encoding

    def set_muted(self, muted: bool) -> None:
        """While muted, packets take numbers that no viewer sees; afterwards pictures begin with a keyframe."""
        if self.muted and not muted and not self.audio:
            for encoding in self.encodings:
                encoding.restart(encoding.ssrc)
                self.losses[encoding.index].clear()
                self.keyframes.ask(encoding.index)
        self.muted = muted

    def renew_still(self, index: int, now: float) -> None:
        """Viewers see nothing but keyframes of an encoding: ask for another unless the latest is recent enough."""
        encoding = self.encodings[index]
        if encoding.flowing(now) and now - encoding.keyframe_s >= STILL_INTERVAL_S:
            self.keyframes.ask(index)

    def change_codec(self, codec: str, profile: str) -> None:
        """The publisher's payload type now means another codec: viewers wait for its keyframe."""
        self.codec, self.profile = codec, profile
        for encoding in self.encodings:
            encoding.restart(encoding.ssrc)

    def receive(self, encoding: Encoding, header: RtpHeader, sequence: int, packet: memoryview, now: float) -> None:
        """Take one decrypted RTP packet of an encoding; `sequence` is its own number (for RTX the original one)."""
        start, end = header.payload_start, header.payload_end
        size = end - start
        if size <= 0:
            self._receive_padding(encoding, header.timestamp, sequence, now)
            return
        if size > PAYLOAD_MAX_BYTES:
            self.errors["payload_too_large"] += 1
            return
        restarts = encoding.restarts
        number = encoding.unwrap(sequence)
        if encoding.restarts != restarts:
            self.losses[encoding.index].clear()
        in_order = number == encoding.highest + 1
        if not in_order and encoding.known(number):
            self.errors["duplicate"] += 1
            return
        timestamp = header.timestamp
        descriptor, temporal = _SOUND, 0
        parse = _PARSERS.get(self.codec)
        if parse is not None:
            try:
                descriptor = parse(packet, start, end, timestamp != encoding.last_rtp_time)
            except WireError as error:
                self.errors[error.kind] += 1
                return
            temporal = min(descriptor.temporal_id, TEMPORAL_LAYERS - 1)
        if not in_order:
            self._note_loss(encoding, number, now)
        begin, keyframe = descriptor.begin_of_frame, descriptor.keyframe
        if self.muted:
            encoding.count(now, temporal, size)
            self._leave_out(encoding, timestamp, number)
            return
        if not self.audio:
            if keyframe and number > encoding.highest:
                encoding.begin_group(number, timestamp, now)
            if encoding.in_keyframe(number, timestamp):
                temporal = KEYFRAMES
        encoding.count(now, temporal, size)
        rtp_time = self._align(encoding, timestamp, number, now)
        if not self.audio:
            self._picture(encoding, descriptor, number, packet)
        index = encoding.index
        cell = self.cache.store(packet[start:end], index, number, rtp_time, header.marker, temporal)
        late = encoding.insert(number, temporal, cell)
        if not late:
            encoding.last_rtp_time = timestamp
        up = descriptor.switching_up
        self.fresh.append(_new(Arrival, (index, number, temporal, cell, begin, keyframe, up, late)))

    def _note_loss(self, encoding: Encoding, number: int, now: float) -> None:
        losses = self.losses[encoding.index]
        if number <= encoding.highest:
            losses.arrived(number)
        elif encoding.highest >= 0 and number > encoding.highest + 1:
            losses.gap(encoding.highest + 1, number, now)

    def _receive_padding(self, encoding: Encoding, timestamp: int, sequence: int, now: float) -> None:
        """A padding-only packet takes a number but is not forwarded: viewers' numbers close over it."""
        if encoding.highest < 0:
            return
        number = encoding.unwrap(sequence)
        if encoding.known(number):
            return
        self._note_loss(encoding, number, now)
        self._leave_out(encoding, timestamp, number)
        encoding.packets += 1

    def _leave_out(self, encoding: Encoding, timestamp: int, number: int) -> None:
        """Record a packet that no viewer gets. One that is late has left a gap already, which the fan-out fills."""
        if not encoding.insert(number, TEMPORAL_LAYERS, SKIPPED):
            return
        rtp_time = (timestamp + encoding.shifts(number)[0]) & RTP_MASK
        cell = self.cache.store(memoryview(b""), encoding.index, number, rtp_time, False, TEMPORAL_LAYERS)
        self.fresh.append(Arrival(encoding.index, number, TEMPORAL_LAYERS, cell, False, False, False, True))

    def _align(self, encoding: Encoding, timestamp: int, number: int, now: float) -> int:
        """Timestamp on the common timeline (32 bits)."""
        if encoding.rtp_shift is None or number == encoding.keyframe_at:
            self._begin_timeline(encoding, timestamp, number, now)
        rtp_time = (timestamp + encoding.shifts(number)[0]) & RTP_MASK
        if number > encoding.highest and (self._latest is None or diff32(rtp_time, self._latest[1]) >= 0):
            self._latest = (now, rtp_time)
        return rtp_time

    def _begin_timeline(self, encoding: Encoding, timestamp: int, number: int, now: float) -> None:
        """Where the common timeline is for an encoding, at its first packet and at each keyframe."""
        if encoding.rtp_shift is None:
            encoding.rtp_shift = self._shift(encoding, timestamp, now)
        elif number == encoding.keyframe_at:
            wanted = self._reported_shift(encoding)
            if wanted is not None and abs(diff32(wanted, encoding.rtp_shift)) > REALIGN_S * self.clock_rate:
                encoding.rtp_shift = wanted
        if number == encoding.keyframe_at and self._latest is not None:
            # Viewers come here from other encodings, whose frame of the same instant they may have had.
            behind = diff32(self._latest[1], timestamp + encoding.rtp_shift)
            if 0 <= behind < OVERLAP_S * self.clock_rate:
                encoding.rtp_shift = (encoding.rtp_shift + behind + 1) & RTP_MASK

    def _shift(self, encoding: Encoding, timestamp: int, now: float) -> int:
        """First shift of an encoding: from sender reports where both are there, else from arrival times."""
        if self._latest is None:
            return 0
        reported = self._reported_shift(encoding)
        if reported is not None:
            return reported
        arrival, common = self._latest
        return (common + int((now - arrival) * self.clock_rate) - timestamp) & RTP_MASK

    def _reported_shift(self, encoding: Encoding) -> int | None:
        """Shift by sender reports relative to another aligned encoding; None while a report is missing."""
        own = self.clocks[encoding.index]
        if own is None:
            return None
        for other in self.encodings:
            clock = self.clocks[other.index]
            if other is encoding or clock is None or other.rtp_shift is None or other.index > encoding.index:
                continue
            elapsed = (own.ntp - clock.ntp) * self.clock_rate / 2**32
            return (clock.rtp_time + other.rtp_shift + round(elapsed) - own.rtp_time) & RTP_MASK
        return None

    def sender_report(self, encoding: Encoding, ntp: int, rtp_time: int, now: float) -> None:
        """Keep the publisher's latest report of one encoding."""
        self.clocks[encoding.index] = SenderClock(ntp, rtp_time, now)

    def latest_clock(self) -> SenderClock | None:
        """The latest report of any encoding, its `rtp_time` on the common timeline."""
        best: SenderClock | None = None
        for encoding, clock in zip(self.encodings, self.clocks, strict=True):
            later = clock is not None and (best is None or clock.received_s > best.received_s)
            if clock is not None and later and encoding.rtp_shift is not None:
                best = SenderClock(clock.ntp, (clock.rtp_time + encoding.rtp_shift) & RTP_MASK, clock.received_s)
        return best

    def common_clock(self) -> tuple[int, int] | None:
        """(NTP, time on the common timeline) of the latest report: what viewers are told, so that lips stay in sync."""
        best = self.latest_clock()
        return None if best is None else (best.ntp, best.rtp_time)

    def _picture(self, encoding: Encoding, descriptor: VideoDescriptor, number: int, packet: memoryview) -> None:
        """Re-base picture ids at keyframes and write the shifted ids into the packet."""
        if descriptor.width:
            encoding.width, encoding.height = descriptor.width, descriptor.height
        if number == encoding.keyframe_at and descriptor.keyframe:
            self.keyframes.arrived(encoding.index)
            if descriptor.picture_id >= 0:
                encoding.picture_shift = self.picture_top + 1 - descriptor.picture_id
            if descriptor.tl0picidx >= 0:
                encoding.tl0_shift = self.tl0_top + 1 - descriptor.tl0picidx
        if descriptor.picture_id < 0:
            return
        _, picture_shift, tl0_shift = encoding.shifts(number)
        picture = self.picture_top + _step(descriptor.picture_id + picture_shift, self.picture_top, descriptor)
        if picture > self.picture_top:
            self.picture_top = picture & PICTURE_MASK
        tl0 = -1
        if descriptor.tl0picidx >= 0:
            tl0 = (descriptor.tl0picidx + tl0_shift) & 0xFF
            if (tl0 - self.tl0_top) & 0xFF < 0x80:
                self.tl0_top = tl0
        rewrite_picture_id(packet, descriptor, picture, tl0)

    def continue_from(self, picture_top: int, tl0_top: int) -> None:
        """Picture ids of the next keyframe follow these as well, which another Track has given to the same viewers.

        Both only ever rise (modulo their width), so that viewers who have been here all along see no step back.
        """
        if (picture_top - self.picture_top) & PICTURE_MASK < 0x4000:
            self.picture_top = picture_top
        if (tl0_top - self.tl0_top) & 0xFF < 0x80:
            self.tl0_top = tl0_top


def _step(picture: int, top: int, descriptor: VideoDescriptor) -> int:
    """How far a picture id of 7 or 15 bits is ahead of `top`, the short way round."""
    half = 1 << (descriptor.picture_id_bits - 1)
    return ((picture - top + half) & (2 * half - 1)) - half
