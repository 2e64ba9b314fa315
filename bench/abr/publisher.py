"""The teacher's browser: camera, microphone and screen as RTP over an uplink of its own.

It makes keyframes when asked, sends again what is missing, and obeys what the server tells its page about encodings.
"""

from __future__ import annotations

import random
import struct
from collections import OrderedDict
from functools import partial
from typing import Final

from bench.abr import opus
from bench.abr.clock import Clock, Path
from bench.abr.encoder import FRAME_RATE, SimulcastEncoder
from bench.abr.payload import packetise
from bench.link.model import LinkConditions
from streaming.control import EncodingsWanted, Source
from streaming.net.answer import Extensions
from streaming.net.negotiation import PublishedCodec, PublishedSection
from streaming.peer import Peer
from streaming.wire import rtcp, rtp

TRANSPORT_ID, MID_ID, RID_ID, REPAIRED_ID = 1, 2, 3, 4
IDS: Final = Extensions(transport_cc=TRANSPORT_ID, mid=MID_ID, rid=RID_ID, repaired_rid=REPAIRED_ID)
VIDEO_TYPE, VIDEO_RTX_TYPE, SOUND_TYPE = 98, 99, 111
SOUND_SSRCS: Final = {Source.MICROPHONE_LOW: 0x2000, Source.MICROPHONE: 0x2001}
"""In the order in which `EncodingsWanted` counts them."""
VIDEO_SSRCS: Final = {Source.CAMERA: 0x3000, Source.SCREEN: 0x4000}
RTX_OFFSET: Final = 0x100
NAMED_PACKETS: Final = 200
"""Packets of each SSRC that name their section and encoding; browsers cease after the first receiver report."""
REMEMBERED: Final = 2000
SRTP_TAG_BYTES: Final = 16
LOCAL: Final = LinkConditions(rate_bps=100e6, delay_s=0.005)
PACE_BPS: Final = 4e6
"""A browser paces pictures, not sound: a frame takes a few milliseconds, a keyframe some hundred."""
SOUNDS: Final = {Source.MICROPHONE_LOW: (14_000, opus.LONG_S), Source.MICROPHONE: (32_000, opus.SHORT_S)}
"""Bits a second, and seconds in a packet."""
SIGNALLING_S: Final = 0.1
NTP_UNIX: Final = 2_208_988_800


def sections(sources: dict[Source, SimulcastEncoder]) -> list[PublishedSection]:
    video = {
        VIDEO_TYPE: PublishedCodec("vp9", 90000),
        VIDEO_RTX_TYPE: PublishedCodec("rtx", 90000, rtx_of=VIDEO_TYPE),
    }
    sound = {SOUND_TYPE: PublishedCodec("opus", 48000)}
    made = [
        PublishedSection(_mid(source), "audio", source, sound, IDS, (), {ssrc: None}, True, False, False)
        for source, ssrc in SOUND_SSRCS.items()
    ]
    for source, encoder in sources.items():
        rids = tuple(stream.rendition.rid for stream in encoder.streams)
        made.append(PublishedSection(_mid(source), "video", source, video, IDS, rids, {}, True, False, True))
    return made


class PublisherClient:
    """`begin` starts a source. Implements `clock.Receiver` for its own uplink."""

    def __init__(
        self, clock: Clock, encoders: dict[Source, SimulcastEncoder], uplink: LinkConditions, seed: int
    ) -> None:
        self.encoders = encoders
        self.uplink = Path(clock, uplink, seed)
        self.sent_bytes = 0
        self.heeds_rates = True
        """False: encodings go on and off as told, but at the rates that this browser chose itself."""
        self.speaking = {Source.MICROPHONE_LOW: False, Source.MICROPHONE: True}
        self._clock = clock
        self._random = random.Random(seed)
        self._peer: Peer | None = None
        self._number = 0
        self._sequence: dict[int, int] = {}
        self._pictures: dict[int, int] = {}
        self._counts: dict[int, tuple[int, int]] = {}
        self._kept: OrderedDict[tuple[int, int], tuple[int, bytes, bool]] = OrderedDict()
        self._sources: dict[int, tuple[Source, int]] = {}
        self._start = clock.now
        self._paced_until_s = clock.now

    def connect(self, peer: Peer) -> None:
        self._peer = peer
        self._clock.every(1.0, self._report, self._clock.now + 0.3)

    def speak(self) -> None:
        """Begin to send sound."""
        for source, (_, packet_s) in SOUNDS.items():
            self._clock.every(packet_s, partial(self._sound, source), self._clock.now)

    def show(self, source: Source) -> None:
        """Begin to send a picture."""
        base = VIDEO_SSRCS[source]
        for index in range(len(self.encoders[source].streams)):
            self._sources[base + index] = (source, index)
        self._clock.every(1 / FRAME_RATE, lambda: self._picture(source), self._clock.now)

    # ------------------------------------------------------------ media out

    def _sound(self, source: Source) -> None:
        if not self.speaking[source]:
            return
        rate_bps, packet_s = SOUNDS[source]
        size = int(rate_bps / 8 * packet_s * self._random.uniform(0.85, 1.15))
        data = opus.head(packet_s).ljust(size, b"\x78")
        self._send(SOUND_SSRCS[source], SOUND_TYPE, self._rtp_time(48_000), data, True, _mid(source), "")

    def _picture(self, source: Source) -> None:
        rtp_time = self._rtp_time(90_000)
        encoder = self.encoders[source]
        for frame in encoder.frames(self._clock.now):
            rendition = encoder.streams[frame.encoding].rendition
            ssrc = VIDEO_SSRCS[source] + frame.encoding
            picture = self._pictures[ssrc] = self._pictures.get(ssrc, 0) + 1
            payloads = packetise(
                picture & 0x7FFF, frame.temporal, frame.back, frame.size, rendition.width, rendition.height
            )
            for place, payload in enumerate(payloads):
                last = place == len(payloads) - 1
                self._send(ssrc, VIDEO_TYPE, rtp_time, payload, last, _mid(source), rendition.rid)

    def _rtp_time(self, rate: int) -> int:
        return int((self._clock.now - self._start) * rate + 12_345) & 0xFFFF_FFFF

    def _send(
        self, ssrc: int, payload_type: int, rtp_time: int, payload: bytes, marker: bool, mid: str, rid: str
    ) -> None:
        sequence = self._sequence[ssrc] = (self._sequence.get(ssrc, 0xFF00) + 1) & 0xFFFF
        packets, octets = self._counts.get(ssrc, (0, 0))
        self._counts[ssrc] = (packets + 1, octets + len(payload))
        names = {MID_ID: mid, RID_ID: rid} if packets < NAMED_PACKETS else {}
        self._kept[(ssrc, sequence)] = (rtp_time, payload, marker)
        if len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        transmit = partial(self._transmit, payload_type, sequence, rtp_time, ssrc, marker, names, payload)
        if ssrc in SOUND_SSRCS.values():
            transmit()
        else:
            self._paced_until_s = max(self._paced_until_s, self._clock.now)
            self._clock.at(self._paced_until_s, transmit)
            self._paced_until_s += len(payload) * 8 / PACE_BPS

    def _transmit(
        self,
        payload_type: int,
        sequence: int,
        rtp_time: int,
        ssrc: int,
        marker: bool,
        names: dict[int, str],
        data: bytes,
    ) -> None:
        self._number = (self._number + 1) & 0xFFFF
        extension = struct.pack("!BH", TRANSPORT_ID << 4 | 1, self._number)
        for element, name in names.items():
            if name:
                extension += bytes((element << 4 | len(name) - 1,)) + name.encode()
        extension += bytes(-len(extension) % 4)
        packet = rtp.pack_header(
            payload_type, sequence, rtp_time, ssrc, marker=marker, extension_profile=0xBEDE, extension=extension
        )
        packet += data
        self.sent_bytes += len(packet)
        self.uplink.send(self, packet, len(packet) + SRTP_TAG_BYTES)

    def receive(self, data: bytes, at: float) -> None:
        """The uplink's far end: the server reads the packet."""
        if self._peer is not None:
            buffer = bytearray(data)
            self._peer.receive_rtp(memoryview(buffer), len(buffer), self._clock.now)

    def _report(self) -> None:
        """Sender reports; they need no link of their own to be believed."""
        now = self._clock.now
        ntp = int((now + NTP_UNIX) * 2**32)
        for ssrc, (packets, octets) in self._counts.items():
            rate = 48_000 if ssrc in SOUND_SSRCS.values() else 90_000
            made = rtcp.SenderReport(ssrc, ntp, self._rtp_time(rate), packets, octets & 0xFFFF_FFFF, ())
            if self._peer is not None:
                self._peer.receive_rtcp(rtcp.sender_report(made, "teacher"), now)

    # ------------------------------------------------------------ feedback in

    def receive_rtcp(self, data: bytes) -> None:
        for packet in rtcp.parse_compound(data):
            if isinstance(packet, rtcp.Pli) and packet.media_ssrc in self._sources:
                self.encoders[self._sources[packet.media_ssrc][0]].request_keyframe()
            elif isinstance(packet, rtcp.Nack):
                for sequence in packet.sequences:
                    self._send_again(packet.media_ssrc, sequence)

    def _send_again(self, ssrc: int, sequence: int) -> None:
        kept = self._kept.get((ssrc, sequence))
        if kept is None or ssrc not in self._sources:
            return
        source, index = self._sources[ssrc]
        rtp_time, payload, marker = kept
        names = {MID_ID: _mid(source), REPAIRED_ID: self.encoders[source].streams[index].rendition.rid}
        rtx_ssrc = ssrc + RTX_OFFSET
        again = self._sequence[rtx_ssrc] = (self._sequence.get(rtx_ssrc, 0) + 1) & 0xFFFF
        self._transmit(VIDEO_RTX_TYPE, again, rtp_time, rtx_ssrc, marker, names, sequence.to_bytes(2, "big") + payload)

    def told(self, event: EncodingsWanted) -> None:
        """The event reaches the page, which sets it on its senders."""
        self._clock.at(self._clock.now + SIGNALLING_S, partial(self._configure, event))

    def _configure(self, event: EncodingsWanted) -> None:
        encoder = self.encoders.get(event.source)
        for wanted in event.encodings:
            if event.source is Source.MICROPHONE:
                self.speaking[list(SOUNDS)[wanted.index]] = wanted.active
            elif encoder is not None:
                limit_bps = wanted.max_bitrate_bps if self.heeds_rates else 0
                encoder.configure(wanted.index, wanted.active, limit_bps, wanted.max_framerate)


def _mid(source: Source) -> str:
    """One letter: `m`, `l`, `c`, `s`."""
    return "l" if source is Source.MICROPHONE_LOW else source.value[0]
