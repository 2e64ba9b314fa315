"""Room: a lesson's media. Who publishes, who subscribes, and which Track feeds which slot."""

from __future__ import annotations

import math
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Final

from streaming.control import (
    EncodingsWanted,
    EncodingWanted,
    Event,
    LinkReport,
    RefusalCode,
    Slot,
    SlotLink,
    Source,
    SourceChanged,
)
from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import FanOut
from streaming.fanout.sink import PacketSink
from streaming.fanout.viewers import Viewers
from streaming.net.negotiation import PublishedSection, SlotSsrcs, SubscribedSection
from streaming.publisher import Publisher
from streaming.rate.audience import Audience, Seniority
from streaming.rate.estimator import START_BPS, Estimator
from streaming.rate.publisher_control import PublisherControl
from streaming.rate.rate_control import RateControl
from streaming.subscriber import Subscriber, own_blocks
from streaming.tap import Tap
from streaming.uptrack.encoding import KEYFRAMES
from streaming.uptrack.uptrack import UpTrack
from streaming.wire import rtcp

SSRC_BASE: Final = 0x5C100
SSRCS: Final = {
    slot: SlotSsrcs(SSRC_BASE + 2 * index, None if slot.is_audio else SSRC_BASE + 2 * index + 1)
    for index, slot in enumerate(Slot)
}
"""The same in every room: a viewer's keys keep rooms apart, its slots need only differ from each other."""

PRIORITY: Final = (
    Slot.TEACHER_AUDIO,
    Slot.FLOOR_AUDIO,
    Slot.SCREEN_AUDIO,
    Slot.SCREEN_VIDEO,
    Slot.STAGE_VIDEO,
    Slot.TEACHER_VIDEO,
    Slot.FLOOR_VIDEO,
)
FEEDBACK_INTERVAL_S: Final = 0.02
CONTROL_INTERVAL_S: Final = 0.25
SENDER_REPORT_PHASES: Final = 20
SENDER_REPORT_STEP_S: Final = 0.05
LINK_REPORT_PHASES: Final = 20
LINK_REPORT_STEP_S: Final = 0.1
SOURCE_SILENT_S: Final = 2.0
REPORTS_REMEMBERED: Final = 16_384
SOURCES_FLOWING_CHECK_S: Final = 0.1


class RoomError(Exception):
    """A request that cannot be met; `code` goes back to whoever asked."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        self.code = code
        super().__init__(message)


class Room:
    """Sans-IO. `send_rtcp(peer_id, packet)` and `emit(event)` are called from `tick` and the receive methods."""

    def __init__(
        self,
        lesson_id: str,
        max_subscribers: int,
        send_rtcp: Callable[[str, bytes], None],
        emit: Callable[[Event], None],
    ) -> None:
        self.lesson_id = lesson_id
        self.max_subscribers = max_subscribers
        self.viewers = Viewers()
        self.fanouts = {
            slot: FanOut(
                slot.value,
                slot.is_audio,
                SSRCS[slot].ssrc,
                SSRCS[slot].rtx_ssrc or 0,
                self.viewers,
                sharp=slot is Slot.SCREEN_VIDEO,
            )
            for slot in PRIORITY
        }
        self.publishers: dict[str, Publisher] = {}
        self.subscribers: dict[str, Subscriber] = {}
        self.rates = RateControl(self.viewers, list(self.fanouts.values()))
        self.counts: Counter[str] = Counter()
        self.tap: Tap | None = None
        self._controls: dict[str, PublisherControl] = {}
        self._seniority = Seniority()
        self._feeds: dict[Slot, tuple[str, Source]] = {}
        self._muted: set[tuple[str, Source]] = set()
        self._send_rtcp = send_rtcp
        self._emit = emit
        self._fresh: dict[UpTrack, None] = {}
        self._flowing: dict[tuple[str, Source], SourceChanged] = {}
        self._reports_sent: OrderedDict[tuple[int, int], float] = OrderedDict()
        self._next_feedback_s = 0.0
        self._next_control_s = 0.0
        self._next_sender_report_s = 0.0
        self._next_link_report_s = 0.0
        self._link_phase = 0
        self._ticked_s = 0.0
        self._next_flow_check_s = 0.0
        self._phase = 0
        self._counted: dict[str, tuple[float, int]] = {}

    @property
    def estimator(self) -> Estimator:
        return self.rates.estimator

    # ------------------------------------------------------------ who is here

    def add_publisher(self, peer_id: str, sections: Sequence[PublishedSection]) -> Publisher:
        publisher = Publisher(peer_id, sections, self._appeared)
        self.publishers[peer_id] = publisher
        return publisher

    def _appeared(self, publisher: Publisher, source: Source, track: UpTrack) -> None:
        track.set_muted((publisher.peer_id, source) in self._muted)
        self._connect_feeds()

    def remove_publisher(self, peer_id: str) -> None:
        publisher = self.publishers.pop(peer_id, None)
        if publisher is None:
            return
        self._controls.pop(peer_id, None)
        for track in publisher.tracks.values():
            self._fresh.pop(track, None)
        for key in [key for key in self._flowing if key[0] == peer_id]:
            former = self._flowing.pop(key)
            if former.flowing:
                self._emit(former.model_copy(update={"flowing": False}))
        self._counted.pop(peer_id, None)
        self._connect_feeds()

    def check_capacity(self) -> None:
        """Raises RoomError when no further subscriber fits."""
        if len(self.subscribers) >= self.max_subscribers:
            raise RoomError(RefusalCode.ROOM_FULL, f"The lesson has its {self.max_subscribers} viewers already.")

    def add_subscriber(
        self,
        peer_id: str,
        sections: Sequence[SubscribedSection],
        resumed: bool,
        not_from: str | None,
        link: str = "",
        start_bps: float = START_BPS,
    ) -> Subscriber:
        """`link`: the same for viewers behind one link, "" where that is unknown."""
        row = self.viewers.add()
        self.rates.add(row, link, start_bps)
        self._seniority.came(row, self.viewers.rows, math.inf)
        subscriber = Subscriber(peer_id, row, sections, self.fanouts, not_from)
        self.subscribers[peer_id] = subscriber
        for track in subscriber.downtracks.values():
            track.fanout.add(row, track.profile, secrets.randbelow(0x8000))
            track.fanout.set_resumed(row, resumed)
        self._block_own(subscriber)
        return subscriber

    def remove_subscriber(self, peer_id: str) -> None:
        subscriber = self.subscribers.pop(peer_id, None)
        if subscriber is None:
            return
        for track in subscriber.downtracks.values():
            track.fanout.remove(subscriber.row)
        self.viewers.remove(subscriber.row)
        self.rates.remove(subscriber.row)
        self._counted.pop(peer_id, None)

    def expect(self, subscriber: Subscriber) -> None:
        """The subscriber will be there in a moment: have a keyframe of each picture it wants in the cache by then."""
        for track in subscriber.downtracks.values():
            source = track.fanout.source
            if source is None or source.audio:
                continue
            wanted = int(track.fanout.downtracks.target_encoding[subscriber.row])
            if wanted == NONE:  # newcomers begin at the bottom
                wanted = next((each.index for each in source.encodings if each.flowing(self._ticked_s)), NONE)
            if wanted != NONE:
                source.keyframes.ask(wanted)

    def connect(self, subscriber: Subscriber, session: object, address: bytes | None, stream: object) -> None:
        """Where the subscriber's packets go from now on."""
        first = self.viewers.session[subscriber.row] is None
        self.viewers.connect(subscriber.row, session, address, stream)
        if first:
            self.rates.connected(subscriber.row, self._ticked_s)
            self._seniority.came(subscriber.row, self.viewers.rows, self._ticked_s)

    # ------------------------------------------------------------ who is seen where

    def feed(self, slot: Slot, peer_id: str | None, source: Source | None) -> None:
        if peer_id is None or source is None:
            self._feeds.pop(slot, None)
        else:
            self._feeds[slot] = (peer_id, source)
        self._connect_feeds()
        for subscriber in self.subscribers.values():
            self._block_own(subscriber)

    def _connect_feeds(self) -> None:
        for slot, fanout in self.fanouts.items():
            peer_id, source = self._feeds.get(slot, ("", None))
            publisher = self.publishers.get(peer_id)
            track = publisher.tracks.get(source) if publisher is not None and source is not None else None
            if track is not None and track.audio is not fanout.audio:
                track = None
            if track is not fanout.source:
                fanout.set_source(track)
                self.rates.allocate_soon()
        self.show_tap()

    def show_tap(self) -> None:
        """Tell the tap, where there is one, what the slots show."""
        if self.tap is not None:
            sources = {slot: fanout.source for slot, fanout in self.fanouts.items()}
            fed = {slot: (*self._feeds[slot], source) for slot, source in sources.items() if source is not None}
            self.tap.show(fed, self._ticked_s)

    def records(self, peer_id: str) -> bool:
        """Whether this publisher may be recorded."""
        return self.tap is not None and peer_id in self.tap.peers

    def _block_own(self, subscriber: Subscriber) -> None:
        for slot, track in subscriber.downtracks.items():
            own = subscriber.not_from is not None and self._feeds.get(slot, ("",))[0] == subscriber.not_from
            track.fanout.set_blocked(subscriber.row, own)

    def uplink_told(self, peer_id: str, believed_bps: int, short: bool) -> None:
        """What a publisher's page says of its uplink."""
        publisher = self.publishers.get(peer_id)
        if publisher is not None:
            publisher.uplink.told(believed_bps, short, self._ticked_s)

    def mute(self, peer_id: str, source: Source, muted: bool) -> None:
        (self._muted.add if muted else self._muted.discard)((peer_id, source))
        publisher = self.publishers.get(peer_id)
        track = publisher.tracks.get(source) if publisher is not None else None
        if track is not None:
            track.set_muted(muted)

    def view(self, peer_id: str, slot: Slot, paused: bool, height: int) -> None:
        """What a page shows. Raises RoomError for a slot that was not negotiated."""
        subscriber = self.subscribers.get(peer_id)
        track = subscriber.downtracks.get(slot) if subscriber is not None else None
        if subscriber is None or track is None:
            raise RoomError(RefusalCode.NO_PEER, "No such subscriber, or it did not negotiate this slot.")
        track.fanout.downtracks.height[subscriber.row] = height
        track.fanout.set_resumed(subscriber.row, not paused)
        self.rates.allocate_soon()

    def load(self, peer_id: str, bps: int) -> None:
        """Fill a subscriber's link; 0: no more. Raises RoomError."""
        subscriber = self.subscribers.get(peer_id)
        if subscriber is None:
            raise RoomError(RefusalCode.NO_PEER, "No such subscriber.")
        self.rates.load(subscriber.row, bps, self._ticked_s)

    # ------------------------------------------------------------ packets

    def receive_rtp(self, publisher: Publisher, packet: memoryview, length: int, now: float) -> bool:
        """One decrypted packet; True when something is ready for `forward`. Raises WireError."""
        track = publisher.receive_rtp(packet, length, now)
        if track is None or not track.fresh:
            return False
        self._fresh[track] = None
        return True

    def forward(self, now: float, sink: PacketSink) -> None:
        """Send what has arrived since the last call."""
        for track in self._fresh:
            for fanout in self.fanouts.values():
                if fanout.source is track:
                    fanout.forward(track.fresh, now, sink)
            if self.tap is not None:
                self.tap.take(track, now)
            track.fresh.clear()
        self._fresh.clear()

    def receive_feedback(
        self, subscriber: Subscriber, packets: Sequence[rtcp.RtcpPacket], now: float, sink: PacketSink
    ) -> None:
        """RTCP of a viewer. It acts on this viewer's rows only."""
        for packet in packets:
            if isinstance(packet, rtcp.TransportFeedback):
                self.rates.feedback.add(subscriber.row, packet.packet)
            elif isinstance(packet, rtcp.Nack):
                track = subscriber.downtrack(packet.media_ssrc)
                if track is not None:
                    track.fanout.retransmit(subscriber.row, packet.sequences, now, sink)
            elif isinstance(packet, rtcp.Pli):
                self._keyframe(subscriber, packet.media_ssrc, now)
            elif isinstance(packet, rtcp.Fir):
                for ssrc, _ in packet.entries[:8]:
                    self._keyframe(subscriber, ssrc, now)
            elif isinstance(packet, rtcp.Remb):
                self.estimator.remb(subscriber.row, packet.bitrate_bps, now)
            for block in own_blocks(packet):
                self._receiver_report(subscriber, block, now)

    def _keyframe(self, subscriber: Subscriber, ssrc: int, now: float) -> None:
        track = subscriber.keyframe_request(ssrc, now)
        if track is not None:
            fanout = track.fanout
            current, temporal = int(fanout.downtracks.encoding[subscriber.row]), fanout.downtracks.temporal
            # Between still pictures browsers take a picture for lost; the next one comes by itself.
            if fanout.source is not None and current != NONE and temporal[subscriber.row] != KEYFRAMES:
                fanout.source.keyframes.ask(current)

    def _receiver_report(self, subscriber: Subscriber, block: rtcp.ReportBlock, now: float) -> None:
        sent = self._reports_sent.get((subscriber.row, block.last_sr))
        rtt_s = now - sent - block.delay_since_last_sr / 65536 if block.last_sr and sent is not None else 0.0
        row = subscriber.row
        self.estimator.receiver_report(row, block.fraction_lost / 256, max(0.0, rtt_s), now)
        self.viewers.round_trip_s[row] = self.estimator.rtt_s[row]

    # ------------------------------------------------------------ time

    def tick(self, now: float, sink: PacketSink) -> None:
        """To be called every `pacer.TICK_S` while `rates.busy`, else every `pacer.IDLE_TICK_S`."""
        self._ticked_s = now
        if self.subscribers:
            self.rates.tick(now, sink)
        if now >= self._next_control_s:
            self._next_control_s = now + CONTROL_INTERVAL_S
            if self.tap is not None:
                self.tap.tick(self._poorest_bps(), now)
            self._control_publishers(now)
        if now >= self._next_feedback_s:
            self._next_feedback_s = now + FEEDBACK_INTERVAL_S
            self._feedback_out(now)
        if now >= self._next_sender_report_s:
            self._next_sender_report_s = now + SENDER_REPORT_STEP_S
            self._sender_reports(now)
        if now >= self._next_flow_check_s:
            self._next_flow_check_s = now + SOURCES_FLOWING_CHECK_S
            self._check_flow(now)
        if now >= self._next_link_report_s:
            self._next_link_report_s = now + LINK_REPORT_STEP_S
            self._link_reports(now)

    def _poorest_bps(self) -> float:
        """The smallest estimate of a viewer who is here."""
        rows = [each.row for each in self.subscribers.values() if self.viewers.session[each.row] is not None]
        return float(self.estimator.estimate_bps[rows].min()) if rows else float("inf")

    def _control_publishers(self, now: float) -> None:
        """Tell publishers which encodings somebody needs, and how much of them."""
        audiences: dict[UpTrack, Audience] = {}
        for fanout in self.fanouts.values():
            if fanout.source is not None:
                audience = audiences.setdefault(fanout.source, Audience())
                self._seniority.gather(audience, fanout, self.estimator, self.rates.prober, now)
        for track in self.tap.pictures() if self.tap is not None else ():
            audiences.setdefault(track, Audience()).desired |= set(range(len(track.encodings)))
        for peer_id, publisher in self.publishers.items():
            control = self._controls.setdefault(peer_id, PublisherControl())
            publisher.uplink.tick(control.sent_bps(now), now)
            for source, wanted in control.update(publisher.tracks, audiences, publisher.uplink.limit_bps, now):
                encodings = [EncodingWanted(**asdict(each)) for each in wanted]
                self._emit(
                    EncodingsWanted(lesson_id=self.lesson_id, peer_id=peer_id, source=source, encodings=encodings)
                )

    def _feedback_out(self, now: float) -> None:
        for fanout in self.fanouts.values():
            if fanout.source is not None:
                for encoding in fanout.keyframes_wanted():
                    fanout.source.keyframes.ask(encoding)
                for encoding in fanout.stills():
                    fanout.source.renew_still(encoding, now)
        for publisher in self.publishers.values():
            for packet in publisher.feedback(now):
                self._send_rtcp(publisher.peer_id, packet)

    def _sender_reports(self, now: float) -> None:
        """Each viewer's once a second in one compound, spread over the second."""
        self._phase = (self._phase + 1) % SENDER_REPORT_PHASES
        for subscriber in self.subscribers.values():
            if subscriber.row % SENDER_REPORT_PHASES != self._phase or self.viewers.session[subscriber.row] is None:
                continue
            reports = []
            for track in subscriber.downtracks.values():
                report = track.fanout.report(subscriber.row)
                if report is not None:
                    ntp, rtp_time, packets, octets = report
                    self._remember_report(subscriber.row, ntp, now)
                    made = rtcp.SenderReport(track.fanout.ssrc, ntp, rtp_time, packets, octets, ())
                    reports.append(rtcp.sender_report(made, track.section.cname))
            if reports:
                self._send_rtcp(subscriber.peer_id, b"".join(reports))

    def _remember_report(self, row: int, ntp: int, now: float) -> None:
        self._reports_sent[(row, (ntp >> 16) & 0xFFFF_FFFF)] = now
        if len(self._reports_sent) > REPORTS_REMEMBERED:
            self._reports_sent.popitem(last=False)

    def _check_flow(self, now: float) -> None:
        for publisher in self.publishers.values():
            for source, track in publisher.tracks.items():
                last = max((encoding.last_packet_s for encoding in track.encodings), default=float("-inf"))
                flowing = now - last < SOURCE_SILENT_S
                heights = [each.height for each in track.encodings if each.height and each.available(now)]
                known = self._flowing.get((publisher.peer_id, source))
                if known is not None and (known.flowing, known.codec, known.heights) == (flowing, track.codec, heights):
                    continue
                state = SourceChanged(
                    lesson_id=self.lesson_id,
                    peer_id=publisher.peer_id,
                    source=source,
                    flowing=flowing,
                    codec=track.codec,
                    heights=heights,
                )
                self._flowing[(publisher.peer_id, source)] = state
                self._emit(state)

    def flowing(self, peer_id: str) -> list[Source]:
        """The publisher's sources that flow now, as last announced."""
        return [
            source for (publisher, source), state in self._flowing.items() if publisher == peer_id and state.flowing
        ]

    def _link_reports(self, now: float) -> None:
        """Each peer's every 2 s, spread over that time: a thousand at once would delay packets."""
        self._link_phase = (self._link_phase + 1) % LINK_REPORT_PHASES
        for publisher in self.publishers.values():
            publisher.peak.look(publisher.received_bytes, now)
        for publisher in self.publishers.values() if self._link_phase == 0 else ():
            losses = [loss for track in publisher.tracks.values() for loss in track.losses]
            lost = sum(loss.lost for loss in losses)
            received = sum(each.packets for track in publisher.tracks.values() for each in track.encodings)
            bitrate = self._rate(publisher.peer_id, publisher.received_bytes, now)
            limit_bps = publisher.uplink.limit_bps
            self._emit(
                LinkReport(
                    lesson_id=self.lesson_id,
                    peer_id=publisher.peer_id,
                    role="publisher",
                    estimate_bps=int(limit_bps) if math.isfinite(limit_bps) else 0,
                    bitrate_bps=bitrate,
                    loss=lost / max(1, lost + received),
                    rtt_ms=0.0,
                    peak_bps=publisher.peak.take(),
                    queue_ms=max(0.0, publisher.uplink.queue_s) * 1000,
                    short=publisher.peer_id in self._controls
                    and self._controls[publisher.peer_id].short(limit_bps, now),
                )
            )
        for subscriber in self.subscribers.values():
            row = subscriber.row
            if row % LINK_REPORT_PHASES != self._link_phase or self.viewers.session[row] is None:
                continue
            self._emit(
                LinkReport(
                    lesson_id=self.lesson_id,
                    peer_id=subscriber.peer_id,
                    role="subscriber",
                    estimate_bps=int(self.estimator.estimate_bps[row]),
                    bitrate_bps=self._rate(subscriber.peer_id, int(self.viewers.bytes[row]), now),
                    loss=float(self.estimator.loss[row]),
                    rtt_ms=float(self.estimator.rtt_s[row]) * 1000,
                    queue_ms=max(0.0, float(self.estimator.queue_s[row])) * 1000,
                    slots=[
                        self._slot_link(slot, track.fanout, row, now) for slot, track in subscriber.downtracks.items()
                    ],
                )
            )

    def _slot_link(self, slot: Slot, fanout: FanOut, row: int, now: float) -> SlotLink:
        encoding, temporal = int(fanout.downtracks.encoding[row]), int(fanout.downtracks.temporal[row])
        rate = 0.0
        if fanout.source is not None and encoding != NONE and fanout.source.encodings[encoding].flowing(now):
            sent = fanout.source.encodings[encoding]
            rate = sent.still_bps(now) if temporal == KEYFRAMES else sum(sent.bitrate_bps[: temporal + 1])
        return SlotLink(slot=slot, encoding=encoding, temporal=temporal, bitrate_bps=int(rate))

    def _rate(self, peer_id: str, total_bytes: int, now: float) -> int:
        before, counted = self._counted.get(peer_id, (now, total_bytes))
        self._counted[peer_id] = (now, total_bytes)
        return int((total_bytes - counted) * 8 / (now - before)) if now > before else 0
