"""A class's browser: takes what comes down its link, plays it, and reports as Chromium does."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bench.abr import opus, payload
from bench.abr.clock import Clock, Path, Timer
from bench.abr.picture import PictureReceiver
from bench.abr.publisher import SRTP_TAG_BYTES
from bench.abr.sound import SoundReceiver
from bench.link.model import UDP_IP_HEADER_BYTES
from streaming.control import Slot
from streaming.net.answer import Extensions
from streaming.net.negotiation import SubscribedCodec, SubscribedSection
from streaming.peer import Peer
from streaming.room import SSRCS
from streaming.wire import extensions, red, rtcp, rtp
from streaming.wire.feedback import TICK_US
from streaming.wire.sequence import Unwrapper16

NUMBER_ID, SEND_TIME_ID = 3, 2
IDS: Final = Extensions(transport_cc=NUMBER_ID, abs_send_time=SEND_TIME_ID)
VIDEO_TYPE, VIDEO_RTX_TYPE, SOUND_TYPE, RED_TYPE = 98, 99, 111, 63
FEEDBACK_S: Final = 0.062
"""Measured with Chromium."""
NACK_STEP_S: Final = 0.02
CHECK_S: Final = 0.2
REPORT_S: Final = 1.0
SRTCP_TAG_BYTES: Final = 20
OWN_SSRC: Final = 7
CLOCK_OFFSET_S: Final = 4_321.0
"""The viewer's clock has nothing to do with the server's."""


def subscribed(slots: Sequence[Slot]) -> list[SubscribedSection]:
    sound = (
        SubscribedCodec("opus", "", SOUND_TYPE, None, 48_000),
        SubscribedCodec("red", "", RED_TYPE, None, 48_000),
    )
    video = (SubscribedCodec("vp9", "", VIDEO_TYPE, VIDEO_RTX_TYPE, 90_000),)
    return [
        SubscribedSection(slot.value, slot, SSRCS[slot], "teacher", sound if slot.is_audio else video, IDS, True, False)
        for slot in slots
    ]


@dataclass(slots=True)
class _Reported:
    """What a receiver report tells of one SSRC (RFC 3550 section 6.4.1)."""

    numbers: Unwrapper16
    first: int = -1
    highest: int = -1
    received: int = 0
    expected_before: int = 0
    received_before: int = 0
    last_sr: int = 0
    sr_at: float = 0.0

    def block(self, ssrc: int, now: float) -> rtcp.ReportBlock:
        expected = self.highest - self.first + 1
        span = expected - self.expected_before
        lost = max(0, span - (self.received - self.received_before))
        self.expected_before, self.received_before = expected, self.received
        return rtcp.ReportBlock(
            ssrc=ssrc,
            fraction_lost=min(255, lost * 256 // span) if span > 0 else 0,
            cumulative_lost=max(0, expected - self.received),
            highest_sequence=self.highest & 0xFFFF_FFFF,
            jitter=0,
            last_sr=self.last_sr,
            delay_since_last_sr=int((now - self.sr_at) * 65536) if self.last_sr else 0,
        )


class _Server:
    """The far end of a viewer's uplink."""

    def __init__(self, clock: Clock) -> None:
        self.peer: Peer | None = None
        self._clock = clock

    def receive(self, data: bytes, at: float) -> None:
        if self.peer is not None:
            self.peer.receive_rtcp(data, self._clock.now)


class ViewerClient:
    """Stands for its SRTP session as well: what the room sends under it goes down `down`. Implements
    `clock.Receiver`."""

    def __init__(self, clock: Clock, slots: Sequence[Slot], down: Path, up: Path) -> None:
        self.down = down
        self.up = up
        self.joined_s = clock.now
        self.received_bytes = 0
        """As IP packets, of everything: media, repairs, probes."""
        self.repair_bytes = 0
        self.padding_bytes = 0
        self.arrivals: list[tuple[float, int]] = []
        """(when, bytes of everything until then, as IP packets)"""
        self.feedback = True
        """False: this client reports nothing at all."""
        self.pictures = {
            slot: PictureReceiver(clock, partial(self._nack, slot), partial(self._pli, slot))
            for slot in slots
            if not slot.is_audio
        }
        self.sounds = {slot: SoundReceiver() for slot in slots if slot.is_audio}
        self._clock = clock
        self._server = _Server(clock)
        self._timers: list[Timer] = []
        self._slots = {SSRCS[slot].ssrc: slot for slot in slots}
        self._repairs = {SSRCS[slot].rtx_ssrc: slot for slot in slots if not slot.is_audio}
        self._reported: dict[int, _Reported] = {}
        self._numbers = Unwrapper16()
        self._next_number = -1
        self._arrived: dict[int, int] = {}
        self._feedback_count = 0

    def connect(self, peer: Peer) -> None:
        self._server.peer = peer
        for interval_s, call in (
            (FEEDBACK_S, self._report_arrivals),
            (REPORT_S, self._report),
            (NACK_STEP_S, self._ask),
            (CHECK_S, self._check),
        ):
            self._timers.append(self._clock.every(interval_s, call, self._clock.now + interval_s))

    def leave(self) -> None:
        for timer in self._timers:
            timer.stop()

    def forget(self) -> None:
        """Let go of what has been recorded, so that a long lesson needs no more memory than a short one."""
        self.arrivals.clear()
        for picture in self.pictures.values():
            picture.shown.clear()
            picture.freezes.clear()
        for sound in self.sounds.values():
            sound.concealments.clear()

    @property
    def picture(self) -> PictureReceiver:
        """The only, or the first one."""
        return next(iter(self.pictures.values()))

    @property
    def sound(self) -> SoundReceiver:
        return next(iter(self.sounds.values()))

    def received_between(self, start: float, end: float) -> int:
        """Bytes of IP packets that arrived in [start, end)."""
        before, until = (bisect.bisect_left(self.arrivals, (at, 0)) for at in (start, end))
        total = [self.arrivals[index - 1][1] if index else 0 for index in (before, until)]
        return total[1] - total[0]

    def finish(self) -> None:
        for sound in self.sounds.values():
            sound.advance(self._clock.now)
        for picture in self.pictures.values():
            picture.finish()

    # ------------------------------------------------------------ from the server

    def send(self, data: bytes) -> None:
        """The server sends a packet to this viewer."""
        self.down.send(self, data, len(data) + (SRTCP_TAG_BYTES if _is_rtcp(data) else SRTP_TAG_BYTES))

    def receive(self, data: bytes, at: float) -> None:
        self.received_bytes += len(data) + SRTP_TAG_BYTES + UDP_IP_HEADER_BYTES
        self.arrivals.append((at, self.received_bytes))
        if _is_rtcp(data):
            self._receive_rtcp(data, at)
            return
        header = rtp.parse_header(data, len(data))
        element = extensions.find(data, header).get(NUMBER_ID)
        if element is not None:
            number = self._numbers.unwrap(extensions.read_u16(data, *element))
            if self._next_number < 0:
                self._next_number = number
            self._arrived.setdefault(number, int((at + CLOCK_OFFSET_S) * 1e6 / TICK_US))
        slot = self._repairs.get(header.ssrc)
        if slot is not None:
            self._repaired(slot, data, header)
            return
        slot = self._slots.get(header.ssrc)
        if slot is not None:
            self._count(header)
            if slot.is_audio and header.payload_type == RED_TYPE:
                self._redundant_sound(slot, header, data, at)
                return
            self._media(slot, header.sequence, header.timestamp, data, header.payload_start, header.payload_end, at)

    def _repaired(self, slot: Slot, data: bytes, header: rtp.RtpHeader) -> None:
        original = rtp.original_sequence(data, header)
        if original is None:
            self.padding_bytes += len(data)
            return
        self.repair_bytes += len(data)
        start, end = header.payload_start + 2, header.payload_end
        self._media(slot, original, header.timestamp, data, start, end, self._clock.now)

    def _media(self, slot: Slot, sequence: int, rtp_time: int, data: bytes, start: int, end: int, at: float) -> None:
        if slot.is_audio:
            if end > start:
                self.sounds[slot].receive(rtp_time, opus.duration_s(data[start]), at)
        else:
            part = payload.read(data, start) if end > start else None
            if part is None:
                self.padding_bytes += len(data)
            self.pictures[slot].receive(sequence, rtp_time, part, end - start)

    def _redundant_sound(self, slot: Slot, header: rtp.RtpHeader, data: bytes, at: float) -> None:
        """RFC 2198, with at most one repeated frame."""
        sound, start, end = self.sounds[slot], header.payload_start, header.payload_end
        newest = red.primary_start(data, start, end)
        if data[start] & 0x80:
            age = (data[start + 1] << 8 | data[start + 2]) >> 2
            sound.repeat((header.timestamp - age) & 0xFFFF_FFFF, opus.duration_s(data[start + 5]), at)
        sound.receive(header.timestamp, opus.duration_s(data[newest]), at)

    def _count(self, header: rtp.RtpHeader) -> None:
        reported = self._reported.setdefault(header.ssrc, _Reported(Unwrapper16()))
        number = reported.numbers.unwrap(header.sequence)
        if reported.first < 0:
            reported.first = number
        reported.highest = max(reported.highest, number)
        reported.received += 1

    def _receive_rtcp(self, data: bytes, at: float) -> None:
        for packet in rtcp.parse_compound(data):
            if isinstance(packet, rtcp.SenderReport) and packet.ssrc in self._reported:
                reported = self._reported[packet.ssrc]
                reported.last_sr, reported.sr_at = packet.ntp >> 16 & 0xFFFF_FFFF, at

    # ------------------------------------------------------------ to the server

    def _to_server(self, data: bytes) -> None:
        if self.feedback:
            self.up.send(self._server, data, len(data) + SRTCP_TAG_BYTES)

    def _report_arrivals(self) -> None:
        if not self._arrived:
            return
        numbers = sorted(self._arrived)
        first = min(self._next_number, numbers[0])
        arrivals = [(number & 0xFFFF, self._arrived[number]) for number in numbers]
        made = rtcp.transport_feedback(OWN_SSRC, OWN_SSRC, first & 0xFFFF, self._feedback_count, arrivals)
        self._next_number = max(self._next_number, numbers[-1] + 1)
        self._feedback_count = (self._feedback_count + len(made)) & 0xFF
        self._arrived.clear()
        for packet in made:
            self._to_server(packet)

    def _report(self) -> None:
        blocks = [reported.block(ssrc, self._clock.now) for ssrc, reported in self._reported.items()]
        if blocks:
            self._to_server(rtcp.receiver_report(OWN_SSRC, blocks))

    def _nack(self, slot: Slot, sequences: list[int]) -> None:
        self._to_server(rtcp.nack(OWN_SSRC, SSRCS[slot].ssrc, sequences))

    def _pli(self, slot: Slot) -> None:
        self._to_server(rtcp.pli(OWN_SSRC, SSRCS[slot].ssrc))

    def _ask(self) -> None:
        for picture in self.pictures.values():
            picture.ask()

    def _check(self) -> None:
        for picture in self.pictures.values():
            picture.check()


def _is_rtcp(data: bytes) -> bool:
    """RFC 5761 section 4."""
    return 192 <= data[1] <= 223
