"""A room with a clock of its own: real publishers' packets in, real packets to viewers out, no network."""

from __future__ import annotations

from collections import Counter

from streaming.control import Event, Slot, Source
from streaming.net.answer import Extensions
from streaming.net.negotiation import PublishedCodec, PublishedSection, SubscribedCodec, SubscribedSection
from streaming.publisher import Publisher
from streaming.room import SSRCS, Room
from streaming.subscriber import Subscriber
from streaming.wire import rtcp
from tests.streaming import packets
from tests.streaming.fanout.recorder import NUMBER_ID, SEND_TIME_ID, Received, Recorder, Screen
from tests.streaming.packets import Picture, rtp
from tests.streaming.reports import report

VIDEO_SSRC, SOUND_SSRC, RTX_SSRC, LOW_SSRC = 1000, 2000, 1001, 3000
FRAME = 3000
TICK_S = 0.005


def published(source: Source, *, rids: tuple[str, ...] = (), ids: Extensions | None = None) -> PublishedSection:
    audio = source in {Source.MICROPHONE, Source.MICROPHONE_LOW, Source.SCREEN_SOUND}
    codecs = {111: PublishedCodec("opus", 48000)}
    if not audio:
        codecs = {96: PublishedCodec("vp8", 90000), 97: PublishedCodec("rtx", 90000, rtx_of=96)}
    return PublishedSection(
        mid=source.value,
        kind="audio" if audio else "video",
        source=source,
        codecs=codecs,
        extensions=ids or Extensions(),
        rids=rids,
        ssrcs={LOW_SSRC if source is Source.MICROPHONE_LOW else SOUND_SSRC: None}
        if audio
        else {}
        if rids
        else {VIDEO_SSRC: RTX_SSRC},
        transport_cc=False,
        remb=False,
        nack=not audio,
    )


def subscribed(slot: Slot) -> SubscribedSection:
    codec = SubscribedCodec("vp8", "", 96, 97, 90000)
    if slot.is_audio:
        codec = SubscribedCodec("opus", "", 111, None, 48000)
    ids = Extensions(transport_cc=NUMBER_ID, abs_send_time=SEND_TIME_ID)
    return SubscribedSection(slot.value, slot, SSRCS[slot], "teacher", (codec,), ids, True, False)


class Lesson:
    """A room with a clock of its own."""

    def __init__(self, lesson_id: str = "lesson", max_subscribers: int = 10) -> None:
        self.events: list[Event] = []
        self.rtcp: list[tuple[str, rtcp.RtcpPacket]] = []
        self.room = Room(lesson_id, max_subscribers, self._sent, self.events.append)
        self.sink = Recorder()
        self.now = 1000.0
        self.sequence: Counter[int] = Counter()
        self.frame = 0
        self.run(TICK_S)

    def _sent(self, peer_id: str, packet: bytes) -> None:
        self.rtcp += [(peer_id, parsed) for parsed in rtcp.parse_compound(packet)]

    def teacher(self, peer_id: str = "teacher") -> Publisher:
        return self.room.add_publisher(peer_id, [published(Source.MICROPHONE), published(Source.CAMERA)])

    def class_room(self, peer_id: str, *slots: Slot, not_from: str | None = None) -> tuple[Subscriber, Screen]:
        wanted = slots or (Slot.TEACHER_AUDIO, Slot.STAGE_VIDEO)
        subscriber = self.room.add_subscriber(peer_id, [subscribed(slot) for slot in wanted], True, not_from)
        screen = Screen(bytes([subscriber.row]) * 28)
        self.room.connect(subscriber, screen, screen.address, None)
        return subscriber, screen

    def feed_teacher(self, peer_id: str = "teacher") -> None:
        self.room.feed(Slot.TEACHER_AUDIO, peer_id, Source.MICROPHONE)
        self.room.feed(Slot.STAGE_VIDEO, peer_id, Source.CAMERA)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            self.now += TICK_S
            self.room.tick(self.now, self.sink)

    def send(self, publisher: Publisher, packet: bytearray) -> None:
        if self.room.receive_rtp(publisher, memoryview(packet), len(packet), self.now):
            self.room.forward(self.now, self.sink)

    def speak(self, publisher: Publisher, words: bytes = b"opus") -> None:
        number = self.next(SOUND_SSRC)
        self.send(publisher, rtp(words, number, 960 * number, ssrc=SOUND_SSRC, pt=111))

    def next(self, ssrc: int) -> int:
        self.sequence[ssrc] += 1
        return self.sequence[ssrc]

    def show(self, publisher: Publisher, *, keyframe: bool = False, body: bytes = b"picture") -> None:
        self.frame += 1
        payload = packets.vp8(Picture(self.frame, self.frame, keyframe=keyframe), body)
        self.send(publisher, rtp(payload, self.next(VIDEO_SSRC), self.frame * FRAME, ssrc=VIDEO_SSRC, marker=True))
        self.run(1 / 30)

    def hear(self, subscriber: Subscriber, screen: Screen) -> None:
        """The viewer reports all it has got so far; the way took no time."""
        packets = [packet for packet in screen.packets if packet.number is not None and packet.send_time is not None]
        if not packets:
            return
        arrivals = {packet.number: self._sent_s(packet.send_time or 0) for packet in packets}
        numbers = list(arrivals)[-500:]
        first, last = numbers[0] or 0, numbers[-1] or 0
        told = report(first, last - first + 1, [n or 0 for n in numbers], [arrivals[n] for n in numbers])
        self.room.receive_feedback(subscriber, [rtcp.TransportFeedback(1, 2, told)], self.now, self.sink)

    def _sent_s(self, send_time: int) -> int:
        """Microseconds by our clock of an abs-send-time of the last minute."""
        age = (int(self.now * (1 << 18)) - send_time) & 0xFF_FFFF
        return int((self.now - age / (1 << 18)) * 1e6)

    def of(self, kind: type[rtcp.RtcpPacket]) -> list[rtcp.RtcpPacket]:
        return [packet for _, packet in self.rtcp if isinstance(packet, kind)]


def in_slot(screen: Screen, slot: Slot) -> list[Received]:
    return [packet for packet in screen.packets if packet.header.ssrc == SSRCS[slot].ssrc]


def lesson_in_progress() -> tuple[Lesson, Publisher, Subscriber, Screen]:
    """Teacher is seen and heard by one class."""
    lesson = Lesson()
    teacher = lesson.teacher()
    lesson.feed_teacher()
    subscriber, screen = lesson.class_room("class")
    for frame in range(12):
        lesson.show(teacher, keyframe=frame % 4 == 0)
        lesson.speak(teacher)
    assert in_slot(screen, Slot.STAGE_VIDEO)
    assert in_slot(screen, Slot.TEACHER_AUDIO)
    return lesson, teacher, subscriber, screen
