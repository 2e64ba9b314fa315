"""A lesson's media without a network: real publishers' packets in, real packets to viewers out."""

from __future__ import annotations

from collections import Counter

import pytest

from streaming.control import Event, LinkReport, RefusalCode, Slot, Source, SourceChanged
from streaming.fanout.downtracks import NONE
from streaming.net.answer import Extensions
from streaming.net.negotiation import PublishedCodec, PublishedSection, SubscribedCodec, SubscribedSection
from streaming.publisher import NACK_INTERVAL_S, Publisher
from streaming.room import SSRCS, Room, RoomError
from streaming.subscriber import KEYFRAME_INTERVAL_S, Subscriber
from streaming.uptrack.keyframes import MIN_INTERVAL_S
from streaming.wire import rtcp
from streaming.wire.errors import WireError
from streaming.wire.feedback import Feedback
from streaming.wire.rtp import pack_header
from streaming.wire.sequence import diff32
from tests.streaming import packets
from tests.streaming.fanout.recorder import NUMBER_ID, SEND_TIME_ID, Received, Recorder, Screen
from tests.streaming.packets import Picture, rtp

VIDEO_SSRC, SOUND_SSRC, RTX_SSRC = 1000, 2000, 1001
FRAME = 3000
TICK_S = 0.005


def published(source: Source, *, rids: tuple[str, ...] = (), ids: Extensions | None = None) -> PublishedSection:
    audio = source in {Source.MICROPHONE, Source.SCREEN_SOUND}
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
        ssrcs={SOUND_SSRC: None} if audio else {} if rids else {VIDEO_SSRC: RTX_SSRC},
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


# ---------------------------------------------------------------- who is seen where


def test_an_empty_room_ticks() -> None:
    lesson = Lesson()
    lesson.run(3.0)
    lesson.teacher()
    lesson.run(3.0)


def test_a_fed_slot_shows_its_source_and_an_emptied_one_nothing() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, None, None)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.show(teacher, keyframe=True)
    lesson.speak(teacher)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_a_feed_may_come_before_its_publisher() -> None:
    lesson = Lesson()
    _, screen = lesson.class_room("class")
    lesson.feed_teacher()
    teacher = lesson.teacher()
    lesson.speak(teacher)
    lesson.show(teacher, keyframe=True)
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.TEACHER_AUDIO)) == 1
    assert in_slot(screen, Slot.STAGE_VIDEO)


def test_the_floor_goes_to_the_next_at_once() -> None:
    """Who has lost the floor is not seen any more, even before the next one publishes."""
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, "absent", Source.CAMERA)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    for _ in range(3):
        lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_sound_does_not_enter_a_picture_slot() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.feed(Slot.STAGE_VIDEO, "teacher", Source.MICROPHONE)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.speak(teacher)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before


def test_own_picture_is_blocked_whoever_has_the_floor() -> None:
    lesson = Lesson()
    klass = lesson.teacher("klass")
    _, own = lesson.class_room("klass-view", not_from="klass")
    _, others = lesson.class_room("others")
    lesson.feed_teacher("klass")
    for _ in range(6):
        lesson.show(klass, keyframe=True)
        lesson.speak(klass)
    assert own.packets == []
    assert others.packets
    lesson.feed_teacher("teacher")
    teacher = lesson.teacher()
    for _ in range(6):
        lesson.show(teacher, keyframe=True)
        lesson.speak(teacher)
    assert own.packets
    before = len(own.packets)
    lesson.feed_teacher("klass")
    for _ in range(6):
        lesson.show(klass, keyframe=True)
        lesson.speak(klass)
    assert len(own.packets) == before


def test_a_muted_source_is_not_forwarded_whatever_its_browser_does() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.mute("teacher", Source.MICROPHONE, True)
    before = len(in_slot(screen, Slot.TEACHER_AUDIO))
    for _ in range(5):
        lesson.speak(teacher, b"secret")
    assert len(in_slot(screen, Slot.TEACHER_AUDIO)) == before
    lesson.room.mute("teacher", Source.MICROPHONE, False)
    lesson.speak(teacher, b"public")
    heard = in_slot(screen, Slot.TEACHER_AUDIO)
    assert heard[-1].payload == b"public"
    numbers = [packet.header.sequence for packet in heard]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(len(numbers))]


def test_muting_outlives_the_publisher() -> None:
    lesson = Lesson()
    lesson.room.mute("teacher", Source.MICROPHONE, True)
    lesson.feed_teacher()
    _, screen = lesson.class_room("class")
    teacher = lesson.teacher()
    lesson.speak(teacher)
    assert screen.packets == []


def test_pages_pause_and_resume() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.room.view("class", Slot.STAGE_VIDEO, True, 0)
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before
    lesson.room.view("class", Slot.STAGE_VIDEO, False, 0)
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before + 1
    for peer_id, slot in (("nobody", Slot.STAGE_VIDEO), ("class", Slot.SCREEN_VIDEO)):
        with pytest.raises(RoomError):
            lesson.room.view(peer_id, slot, False, 0)


# ---------------------------------------------------------------- coming and going


def test_capacity() -> None:
    lesson = Lesson(max_subscribers=2)
    for number in range(2):
        lesson.room.check_capacity()
        lesson.class_room(f"class{number}")
    with pytest.raises(RoomError) as caught:
        lesson.room.check_capacity()
    assert caught.value.code is RefusalCode.ROOM_FULL
    lesson.room.remove_subscriber("class0")
    lesson.room.check_capacity()


def test_a_row_is_clean_for_its_next_viewer() -> None:
    lesson, teacher, subscriber, screen = lesson_in_progress()
    row = subscriber.row
    lesson.room.estimator.estimate_bps[row] = 31_000
    lesson.room.remove_subscriber("class")
    assert lesson.room.viewers.session[row] is None
    gone = len(screen.packets)
    newcomer, fresh = lesson.class_room("next")
    assert newcomer.row == row
    assert lesson.room.estimator.estimate_bps[row] > 31_000
    lesson.speak(teacher)
    lesson.show(teacher, keyframe=True)
    lesson.show(teacher, keyframe=True)
    assert len(screen.packets) == gone
    assert fresh.packets[0].number == 1
    assert {packet.header.ssrc for packet in fresh.packets} == {SSRCS[Slot.TEACHER_AUDIO].ssrc, SSRCS[Slot.STAGE_VIDEO].ssrc}


def test_more_viewers_than_rows_at_the_start() -> None:
    lesson, teacher, _, _ = lesson_in_progress()
    lesson.room.max_subscribers = 100
    screens = [lesson.class_room(f"viewer{number}")[1] for number in range(40)]
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    lesson.speak(teacher)
    assert all(len(screen.packets) == 2 for screen in screens)


def test_a_reloaded_teacher_is_seen_on_and_numbers_go_on() -> None:
    lesson, _, _, screen = lesson_in_progress()
    lesson.room.remove_publisher("teacher")
    lesson.run(2.0)
    teacher = lesson.teacher()
    lesson.sequence.clear()
    lesson.frame = 9000
    for _ in range(3):
        lesson.show(teacher, keyframe=True)
        lesson.speak(teacher)
    for slot, rate in ((Slot.STAGE_VIDEO, 90_000), (Slot.TEACHER_AUDIO, 48_000)):
        seen = in_slot(screen, slot)
        steps = [(b.header.sequence - a.header.sequence) & 0xFFFF for a, b in zip(seen, seen[1:], strict=False)]
        assert set(steps) == {1}
        times = [diff32(b.header.timestamp, a.header.timestamp) for a, b in zip(seen, seen[1:], strict=False)]
        assert all(time > 0 for time in times)
        assert max(times) == pytest.approx(2.1 * rate, rel=0.1)


def test_two_lessons_never_mix() -> None:
    lessons = [Lesson("one"), Lesson("two")]
    screens = []
    for lesson in lessons:
        lesson.feed_teacher()
        screens.append(lesson.class_room("class")[1])
    for _ in range(10):
        for lesson in lessons:
            teacher = lesson.room.publishers.get("teacher") or lesson.teacher()
            lesson.show(teacher, keyframe=True, body=lesson.room.lesson_id.encode())
            lesson.speak(teacher, lesson.room.lesson_id.encode())
    for lesson, screen in zip(lessons, screens, strict=True):
        assert len(screen.packets) > 10
        assert all(packet.payload.endswith(lesson.room.lesson_id.encode()) for packet in screen.packets)


# ---------------------------------------------------------------- what publishers are told


def test_keyframe_wishes_of_many_reach_the_publisher_as_few() -> None:
    lesson, teacher, subscriber, _ = lesson_in_progress()
    others = [lesson.class_room(f"viewer{number}")[0] for number in range(5)]
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    lesson.rtcp.clear()
    ssrc = SSRCS[Slot.STAGE_VIDEO].ssrc
    for _ in range(200):  # one second, everybody cries all the time
        for each in (subscriber, *others):
            wishes: list[rtcp.RtcpPacket] = [rtcp.Pli(1, ssrc), rtcp.Fir(1, ((ssrc, 1), (ssrc, 2)))]
            lesson.room.receive_feedback(each, wishes, lesson.now, lesson.sink)
        lesson.run(TICK_S)
    asked = [packet for packet in lesson.of(rtcp.Pli) if isinstance(packet, rtcp.Pli)]
    assert 1 <= len(asked) <= 1 + 1 / MIN_INTERVAL_S
    assert {packet.media_ssrc for packet in asked} == {VIDEO_SSRC}
    assert subscriber.errors["keyframe_too_often"] >= 200 * (1 - KEYFRAME_INTERVAL_S)
    lesson.rtcp.clear()
    lesson.show(teacher, keyframe=True)
    lesson.run(1.0)
    assert lesson.of(rtcp.Pli) == []


def test_lost_packets_are_asked_for_and_restored_ones_reach_viewers() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.frame += 1
    payload = packets.vp8(Picture(lesson.frame), b"late")
    lost = lesson.next(VIDEO_SSRC)
    lesson.show(teacher)
    lesson.run(NACK_INTERVAL_S)
    asked = [packet for packet in lesson.of(rtcp.Nack) if isinstance(packet, rtcp.Nack)]
    assert [(packet.media_ssrc, packet.sequences) for packet in asked] == [(VIDEO_SSRC, [lost])]
    restored = lost.to_bytes(2, "big") + payload
    lesson.send(teacher, rtp(restored, 1, lesson.frame * FRAME, ssrc=RTX_SSRC, pt=97))
    lesson.send(teacher, rtp(b"", 2, 0, ssrc=RTX_SSRC, pt=97))  # a probe
    sent = in_slot(screen, Slot.STAGE_VIDEO)
    assert sent[-1].payload.endswith(b"late")
    numbers = [packet.header.sequence for packet in sent]
    assert numbers[-1] == (numbers[-2] - 1) & 0xFFFF


def test_a_wild_retransmission_restarts_nothing() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.send(teacher, rtp(b"\x75\x30" + packets.vp8(Picture(3)), 1, 0, ssrc=RTX_SSRC, pt=97))
    before = len(in_slot(screen, Slot.STAGE_VIDEO))
    lesson.show(teacher)
    assert len(in_slot(screen, Slot.STAGE_VIDEO)) == before + 1
    assert teacher.errors == {"rtx_stale": 1}


def test_receiver_reports_count_padding_as_received() -> None:
    lesson, teacher, _, _ = lesson_in_progress()
    for _ in range(20):
        lesson.send(teacher, packets.padding(lesson.next(VIDEO_SSRC), lesson.frame * FRAME, ssrc=VIDEO_SSRC))
    lesson.rtcp.clear()
    lesson.run(1.1)
    reports = [packet for packet in lesson.of(rtcp.ReceiverReport) if isinstance(packet, rtcp.ReceiverReport)]
    blocks = {block.ssrc: block for report in reports for block in report.blocks}
    assert blocks[VIDEO_SSRC].fraction_lost == blocks[VIDEO_SSRC].cumulative_lost == 0
    assert blocks[VIDEO_SSRC].highest_sequence == lesson.sequence[VIDEO_SSRC]
    assert set(blocks) == {VIDEO_SSRC, SOUND_SSRC}


def test_rids_are_remembered_and_unknown_ones_refused() -> None:
    lesson = Lesson()
    ids = Extensions(mid=1, rid=2, repaired_rid=3)
    teacher = lesson.room.add_publisher("teacher", [published(Source.CAMERA, rids=("q", "f"), ids=ids)])

    def packet(ssrc: int, elements: bytes, sequence: int) -> bytearray:
        block = elements + bytes(-len(elements) % 4)
        header = pack_header(96, sequence, 0, ssrc, extension_profile=0xBEDE, extension=block)
        return bytearray(header + packets.vp8(Picture(sequence, keyframe=True)))

    lesson.send(teacher, packet(50, b"\x15camera\x20f", 1))
    lesson.send(teacher, packet(50, b"", 2))  # the extensions disappear after the first report
    lesson.send(teacher, packet(51, b"\x15camera\x20x", 1))
    lesson.send(teacher, packet(52, b"", 1))
    with pytest.raises(WireError):
        lesson.send(teacher, packet(53, b"\x2f", 1))
    track = teacher.tracks[Source.CAMERA]
    assert [(each.rid, each.packets) for each in track.encodings] == [("q", 0), ("f", 2)]
    assert teacher.errors == {"unknown_ssrc": 2}


def test_wild_transport_wide_numbers_do_not_stop_the_clock() -> None:
    lesson = Lesson()
    ids = Extensions(transport_cc=4)
    teacher = lesson.room.add_publisher("teacher", [published(Source.MICROPHONE, ids=ids)])
    for number in (0, 35_536, 32_767, 1, 40_000, 65_535, 7):
        block = b"\x41" + number.to_bytes(2, "big") + b"\0"
        header = pack_header(111, number, 0, SOUND_SSRC, extension_profile=0xBEDE, extension=block)
        lesson.send(teacher, bytearray(header + b"opus"))
        lesson.run(0.02)
    lesson.run(0.2)
    assert lesson.of(rtcp.TransportFeedback)


# ---------------------------------------------------------------- what viewers and the web process are told


def test_each_viewer_gets_sender_reports_once_a_second() -> None:
    lesson, teacher, subscriber, _ = lesson_in_progress()
    for ssrc, rtp_time in ((VIDEO_SSRC, lesson.frame * FRAME), (SOUND_SSRC, 960)):
        teacher.receive_rtcp([rtcp.SenderReport(ssrc, 5 << 32, rtp_time, 1, 1)], lesson.now)
    lesson.rtcp.clear()
    lesson.run(3.0)
    reports = [packet for packet in lesson.of(rtcp.SenderReport) if isinstance(packet, rtcp.SenderReport)]
    assert Counter(report.ssrc for report in reports) == {
        SSRCS[Slot.STAGE_VIDEO].ssrc: 3,
        SSRCS[Slot.TEACHER_AUDIO].ssrc: 3,
    }
    assert {peer_id for peer_id, packet in lesson.rtcp if isinstance(packet, rtcp.SenderReport)} == {"class"}
    last_sr = (5 << 32) >> 16 & 0xFFFF_FFFF
    block = rtcp.ReportBlock(reports[0].ssrc, 0, 0, 0, 0, last_sr, 0)
    sent_at = lesson.now
    lesson.now += 0.05
    lesson.room.receive_feedback(subscriber, [rtcp.ReceiverReport(1, (block,))], lesson.now, lesson.sink)
    assert 0.05 <= lesson.room.estimator.rtt_s[subscriber.row] <= 1.1 + lesson.now - sent_at


def test_sources_flow_and_cease() -> None:
    lesson, _, _, _ = lesson_in_progress()
    changes = [event for event in lesson.events if isinstance(event, SourceChanged)]
    assert {(change.source, change.flowing) for change in changes} == {(Source.CAMERA, True), (Source.MICROPHONE, True)}
    assert changes[-1].codec == "vp8" or changes[-1].codec == "opus"
    assert [180] in [change.heights for change in changes]
    lesson.events.clear()
    lesson.run(2.5)
    changes = [event for event in lesson.events if isinstance(event, SourceChanged)]
    assert {(change.source, change.flowing) for change in changes} == {(Source.CAMERA, False), (Source.MICROPHONE, False)}


def test_a_leaving_publishers_sources_cease_at_once() -> None:
    lesson, _, _, _ = lesson_in_progress()
    lesson.events.clear()
    lesson.room.remove_publisher("teacher")
    lesson.room.remove_publisher("teacher")
    changes = [event for event in lesson.events if isinstance(event, SourceChanged)]
    assert Counter(change.source for change in changes) == {Source.CAMERA: 1, Source.MICROPHONE: 1}
    assert not any(change.flowing for change in changes)


def test_links_are_reported() -> None:
    lesson, teacher, _, screen = lesson_in_progress()
    lesson.events.clear()
    before = len(screen.packets)
    for _ in range(60):
        lesson.show(teacher, body=b"x" * 500)
    lesson.run(2.0)
    reports = [event for event in lesson.events if isinstance(event, LinkReport)]
    assert {report.role for report in reports} == {"publisher", "subscriber"}
    own = next(report for report in reports if report.role == "subscriber" and report.bitrate_bps)
    assert own.loss == 0.0
    assert {slot.slot for slot in own.slots} == {Slot.STAGE_VIDEO, Slot.TEACHER_AUDIO}
    assert next(slot for slot in own.slots if slot.slot is Slot.STAGE_VIDEO).encoding == 0
    assert len(screen.packets) > before


# ---------------------------------------------------------------- hostile feedback


def test_feedback_acts_on_its_own_row_only() -> None:
    lesson, teacher, subscriber, screen = lesson_in_progress()
    other, other_screen = lesson.class_room("other", Slot.TEACHER_AUDIO)
    lesson.speak(teacher)
    estimate = float(lesson.room.estimator.estimate_bps[subscriber.row])
    counts = len(screen.packets), len(other_screen.packets)
    foreign = SSRCS[Slot.STAGE_VIDEO].ssrc
    sequence = in_slot(screen, Slot.STAGE_VIDEO)[-1].header.sequence
    hostile: list[rtcp.RtcpPacket] = [
        rtcp.Nack(1, foreign, [sequence]),
        rtcp.Pli(1, foreign),
        rtcp.Remb(1, 0, (foreign,)),
        rtcp.Bye((foreign,)),
        rtcp.TransportFeedback(1, foreign, Feedback(0, 65_535, 0, 0, [], [])),
        rtcp.ReceiverReport(1, (rtcp.ReportBlock(foreign, 255, -1, 0, 0, 1, 0xFFFF_FFFF),)),
    ]
    lesson.room.receive_feedback(other, hostile, lesson.now, lesson.sink)
    assert (len(screen.packets), len(other_screen.packets)) == counts
    lesson.run(1.0)
    assert lesson.room.estimator.estimate_bps[subscriber.row] >= estimate
    assert lesson.room.fanouts[Slot.STAGE_VIDEO].downtracks.encoding[subscriber.row] != NONE
    assert other.errors == {"foreign_ssrc": 2}


def test_a_nack_is_answered_to_its_sender() -> None:
    lesson, teacher, subscriber, screen = lesson_in_progress()
    _, other_screen = lesson.class_room("other")
    lesson.run(0.3)
    lesson.show(teacher, keyframe=True)
    asked = in_slot(screen, Slot.STAGE_VIDEO)[-1]
    count = len(other_screen.packets)
    nack = rtcp.Nack(1, SSRCS[Slot.STAGE_VIDEO].ssrc, [asked.header.sequence])
    lesson.room.receive_feedback(subscriber, [nack], lesson.now, lesson.sink)
    again = screen.packets[-1]
    assert again.header.ssrc == SSRCS[Slot.STAGE_VIDEO].rtx_ssrc
    assert again.payload[2:] == asked.payload
    assert len(other_screen.packets) == count
