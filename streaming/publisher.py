"""Publisher: one client's sending connection, from decrypted packets to its UpTracks, and the feedback it is owed."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from streaming.control import Source
from streaming.net.negotiation import PublishedSection
from streaming.rate.uplink import Uplink
from streaming.uptrack.cache import OUTSIDE_BYTES
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.feedback import ArrivalLog
from streaming.uptrack.uptrack import UpTrack
from streaming.wire import extensions, rtcp, rtp
from streaming.wire.errors import WireError

OWN_SSRC: Final = 1
SSRCS_MAX: Final = 32
LOW_RID: Final = "low"
"""Names the encoding that `Source.MICROPHONE_LOW` brings; no rid on the wire."""
NACK_INTERVAL_S: Final = 0.02
REPORT_INTERVAL_S: Final = 1.0
PEAK_WINDOW_S: Final = 0.5
ROUND_TRIP_S: Final = 0.1
"""Assumed for repeating NACKs: a receiver learns no round trip from sender reports."""
REMB_BPS: Final = 2_500_000
"""Allowed to publishers that heed only REMB."""


@dataclass(slots=True)
class Route:
    """Where packets of one SSRC go. `repairs`: they are retransmissions (RFC 4588)."""

    section: PublishedSection
    track: UpTrack
    encoding: Encoding
    repairs: bool
    reported_highest: int = -1
    reported_packets: int = 0
    lost: int = 0
    jitter: float = 0.0
    transit: float = 0.0


class PeakRate:
    """The highest rate over `PEAK_WINDOW_S`, of a total that is looked at some times in each."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque()
        self._peak_bps = 0.0

    def look(self, total_bytes: int, now: float) -> None:
        looks = self._looks
        looks.append((now, total_bytes))
        while len(looks) > 1 and now - looks[1][0] >= PEAK_WINDOW_S:
            looks.popleft()
        since, before = looks[0]
        if now - since >= PEAK_WINDOW_S:
            self._peak_bps = max(self._peak_bps, (total_bytes - before) * 8 / (now - since))

    def take(self) -> int:
        """The peak since it was last taken."""
        peak, self._peak_bps = self._peak_bps, 0.0
        return int(peak)


class Publisher:
    """Sans-IO. `appeared(publisher, source, track)` is called when a source's first packet makes its UpTrack."""

    def __init__(
        self,
        peer_id: str,
        sections: Sequence[PublishedSection],
        appeared: Callable[[Publisher, Source, UpTrack], None],
    ) -> None:
        self.peer_id = peer_id
        self.tracks: dict[Source, UpTrack] = {}
        self.errors: Counter[str] = Counter()
        self.received_bytes = 0
        """On the wire, headers down to IP included."""
        self.peak = PeakRate()
        self.uplink = Uplink()
        self._sections = {section.mid: section for section in sections}
        self._by_payload_type: dict[int, PublishedSection | None] = {}
        for section in sections:
            for payload_type in section.codecs:
                shared = payload_type in self._by_payload_type
                self._by_payload_type[payload_type] = None if shared else section
        self._appeared = appeared
        self._routes: dict[int, Route] = {}
        ids = [section.extensions for section in sections]
        self._mid_id = next((each.mid for each in ids if each.mid), 0)
        self._rid_id = next((each.rid for each in ids if each.rid), 0)
        self._repaired_id = next((each.repaired_rid for each in ids if each.repaired_rid), 0)
        self._number_id = next((each.transport_cc for each in ids if each.transport_cc), 0)
        self._send_time_id = next((each.abs_send_time for each in ids if each.abs_send_time), 0)
        self._remb = any(section.remb for section in sections)
        self._arrivals = ArrivalLog()
        self._next_nack_s = 0.0
        self._next_report_s = 0.0

    # ------------------------------------------------------------ packets in

    def receive_rtp(self, packet: memoryview, length: int, now: float) -> UpTrack | None:
        """One decrypted packet in the first `length` bytes; returns the UpTrack that took it. Raises WireError."""
        header = rtp.parse_header(packet, length)
        self.received_bytes += length + OUTSIDE_BYTES
        send_time = None
        if header.extension_profile:
            place = extensions.find_one(packet, header, self._number_id)
            if place is not None:
                self._arrivals.arrived(extensions.read_u16(packet, *place), now)
            place = extensions.find_one(packet, header, self._send_time_id) if self._send_time_id else None
            if place is not None:
                send_time = extensions.read_u24(packet, *place)
        self.uplink.arrived(send_time, length, now)
        route = self._routes.get(header.ssrc)
        if route is None:
            route = self._resolve(packet, header)
            if route is None:
                self.errors["unknown_ssrc"] += 1
                return None
        codec = route.section.codecs.get(header.payload_type)
        if codec is None:
            self.errors["unknown_payload_type"] += 1
            return None
        sequence, track = header.sequence, route.track
        if route.repairs or codec.rtx_of is not None:
            original = rtp.original_sequence(packet, header)
            if original is None:
                return None
            if not route.encoding.repairable(original):
                self.errors["rtx_stale"] += 1
                return None
            sequence = original
            header = header._replace(payload_start=header.payload_start + 2)
        elif codec.name != track.codec:
            track.change_codec(codec.name, codec.profile)
        elif header.payload_end > header.payload_start:
            # Interarrival jitter (RFC 3550 appendix A.8)
            transit = now * track.clock_rate - header.timestamp
            step = abs(transit - route.transit)
            route.transit = transit
            if step < track.clock_rate:
                route.jitter += (step - route.jitter) / 16
        track.receive(route.encoding, header, sequence, packet, now)
        return track

    def _resolve(self, packet: memoryview, header: rtp.RtpHeader) -> Route | None:
        """Learn what an SSRC is: by mid and rid extensions, by the SDP's ssrc lines, else by its payload type."""
        elements = extensions.find(packet, header)

        def text(element_id: int) -> str:
            return extensions.read_text(packet, *elements[element_id]) if element_id and element_id in elements else ""

        if len(self._routes) >= SSRCS_MAX:
            self.errors["too_many_ssrcs"] += 1
            return None
        section = self._sections.get(text(self._mid_id)) or self._announced(header.ssrc)
        if section is None:
            section = self._by_payload_type.get(header.payload_type)
        if section is None or header.payload_type not in section.codecs:
            return None
        rid, repaired = text(self._rid_id), text(self._repaired_id)
        if (rid or repaired) and (rid or repaired) not in section.rids:
            return None
        if section.rids and not (rid or repaired):
            return None
        codec = section.codecs[header.payload_type]
        repairs = bool(repaired) or codec.rtx_of is not None
        track = self._track(section, header.payload_type)
        encoding = self._encoding(section, track, rid or repaired, header.ssrc, repairs)
        if encoding is None:
            return None
        route = Route(section, track, encoding, repairs)
        self._routes[header.ssrc] = route
        return route

    def _announced(self, ssrc: int) -> PublishedSection | None:
        for section in self._sections.values():
            if ssrc in section.ssrcs or ssrc in section.ssrcs.values():
                return section
        return None

    def _track(self, section: PublishedSection, payload_type: int) -> UpTrack:
        source = Source.MICROPHONE if section.source is Source.MICROPHONE_LOW else section.source
        track = self.tracks.get(source)
        if track is None:
            codec = section.codecs[payload_type]
            if codec.rtx_of is not None:
                codec = section.codecs[codec.rtx_of]
            track = UpTrack(f"{self.peer_id}/{source}", codec.name, codec.profile)
            self.tracks[source] = track
            self._appeared(self, source, track)
        return track

    def _encoding(
        self, section: PublishedSection, track: UpTrack, rid: str, ssrc: int, repairs: bool
    ) -> Encoding | None:
        if track.audio:
            rid = LOW_RID if section.source is Source.MICROPHONE_LOW else ""
        if not track.encodings:  # in the offer's order, so that an index means the same in every run
            for name in self._sound_rids(section) if track.audio else section.rids or ("",):
                track.encoding_for(name, 0)
            track.encodings[0].resting = track.audio and len(track.encodings) > 1
        if not repairs:
            return track.encoding_for(rid, ssrc)
        encoding = next((each for each in track.encodings if each.rid == rid), None)
        if encoding is not None:
            encoding.rtx_ssrc = ssrc
        return encoding

    def _sound_rids(self, section: PublishedSection) -> tuple[str, ...]:
        """A microphone may come twice, the saving way as the first encoding."""
        low = any(each.source is Source.MICROPHONE_LOW for each in self._sections.values())
        return (LOW_RID, "") if low and section.source is not Source.SCREEN_SOUND else ("",)

    def receive_rtcp(self, packets: Sequence[rtcp.RtcpPacket], now: float) -> None:
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport):
                route = self._routes.get(packet.ssrc)
                if route is not None and not route.repairs:
                    route.track.sender_report(route.encoding, packet.ntp, packet.rtp_time, now)

    # ------------------------------------------------------------ feedback out

    def feedback(self, now: float) -> list[bytes]:
        """RTCP owed to the publisher now."""
        packets: list[bytes] = []
        arrivals = self._arrivals.due(now)
        if arrivals:
            count = self._arrivals.count
            made = rtcp.transport_feedback(OWN_SSRC, self._media_ssrc(), arrivals[0][0], count, arrivals)
            self._arrivals.count = (count + len(made)) & 0xFF
            packets += made
        for track in self.tracks.values():
            for index in track.keyframes.due(now):
                if index < len(track.encodings) and track.encodings[index].ssrc:
                    packets.append(rtcp.pli(OWN_SSRC, track.encodings[index].ssrc))
        if now >= self._next_nack_s:
            self._next_nack_s = now + NACK_INTERVAL_S
            packets += self._nacks(now)
        if now >= self._next_report_s and self._routes:
            self._next_report_s = now + REPORT_INTERVAL_S
            packets.append(self._receiver_report())
            if self._remb:
                packets.append(rtcp.remb(OWN_SSRC, REMB_BPS, [s for s, r in self._routes.items() if not r.repairs]))
        return packets

    def _media_ssrc(self) -> int:
        return next(iter(self._routes), 0)

    def _nacks(self, now: float) -> list[bytes]:
        packets = []
        for route in self._routes.values():
            if route.repairs or not route.section.nack:
                continue
            missing = route.track.losses[route.encoding.index].due(now, ROUND_TRIP_S)
            if missing:
                sequences = [route.encoding.sequence(number) for number in missing]
                packets.append(rtcp.nack(OWN_SSRC, route.encoding.ssrc, sequences))
        return packets

    def _receiver_report(self) -> bytes:
        blocks = []
        for ssrc, route in self._routes.items():
            if route.repairs or route.encoding.ssrc != ssrc:
                continue
            encoding = route.encoding
            expected = encoding.highest - route.reported_highest
            lost = max(0, expected - (encoding.packets - route.reported_packets))
            route.lost += lost
            route.reported_highest, route.reported_packets = encoding.highest, encoding.packets
            blocks.append(
                rtcp.ReportBlock(
                    ssrc=ssrc,
                    fraction_lost=min(255, lost * 256 // expected) if expected > 0 else 0,
                    cumulative_lost=route.lost,
                    highest_sequence=encoding.sequence(encoding.highest),
                    jitter=int(route.jitter),
                    last_sr=0,
                    delay_since_last_sr=0,
                )
            )
        return rtcp.receiver_report(OWN_SSRC, blocks[:31])


def read_rtcp(data: bytes, errors: Counter[str]) -> list[rtcp.RtcpPacket]:
    """The packets of a compound; none, and counted, where it cannot be parsed."""
    try:
        return rtcp.parse_compound(data)
    except WireError as error:
        errors[error.kind] += 1
        return []
