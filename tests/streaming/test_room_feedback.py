"""What publishers, viewers and the web process are told, and what viewers may say."""

from __future__ import annotations

from collections import Counter

import pytest

from streaming.control import LinkReport, Slot, Source, SourceChanged
from streaming.fanout.downtracks import NONE
from streaming.net.answer import Extensions
from streaming.publisher import NACK_INTERVAL_S
from streaming.room import SSRCS
from streaming.subscriber import KEYFRAME_INTERVAL_S
from streaming.uptrack.keyframes import MIN_INTERVAL_S
from streaming.wire import rtcp
from streaming.wire.errors import WireError
from streaming.wire.rtp import pack_header
from tests.streaming import packets
from tests.streaming.lesson import (
    FRAME,
    RTX_SSRC,
    SOUND_SSRC,
    TICK_S,
    VIDEO_SSRC,
    Lesson,
    in_slot,
    lesson_in_progress,
    published,
    subscribed,
)
from tests.streaming.packets import Picture, rtp
from tests.streaming.reports import report

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


def test_a_keyframe_is_on_its_way_before_a_newcomer_is_connected() -> None:
    lesson, teacher, _, _ = lesson_in_progress()
    lesson.run(0.5)  # the cached keyframe is too old to begin with
    lesson.show(teacher)
    newcomer = lesson.room.add_subscriber("newcomer", [subscribed(Slot.STAGE_VIDEO)], True, None)
    lesson.rtcp.clear()
    lesson.room.expect(newcomer)
    lesson.run(MIN_INTERVAL_S)
    assert [packet.media_ssrc for packet in lesson.of(rtcp.Pli) if isinstance(packet, rtcp.Pli)] == [VIDEO_SSRC]


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


def test_a_viewers_sender_reports_come_in_one_compound(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson, teacher, _, _ = lesson_in_progress()
    for ssrc, rtp_time in ((VIDEO_SSRC, lesson.frame * FRAME), (SOUND_SSRC, 960)):
        teacher.receive_rtcp([rtcp.SenderReport(ssrc, 5 << 32, rtp_time, 1, 1)], lesson.now)
    sent: list[bytes] = []
    monkeypatch.setattr(lesson.room, "_send_rtcp", lambda peer_id, packet: sent.append(packet))
    lesson.run(1.0)
    reports = [[each for each in rtcp.parse_compound(packet) if isinstance(each, rtcp.SenderReport)] for packet in sent]
    assert [len(each) for each in reports if each] == [2]


def test_sources_flow_and_cease() -> None:
    lesson, _, _, _ = lesson_in_progress()
    changes = [event for event in lesson.events if isinstance(event, SourceChanged)]
    assert {(change.source, change.flowing) for change in changes} == {(Source.CAMERA, True), (Source.MICROPHONE, True)}
    assert changes[-1].codec == "vp8" or changes[-1].codec == "opus"
    assert [180] in [change.heights for change in changes]
    lesson.events.clear()
    lesson.run(2.5)
    last = {change.source: change.flowing for change in lesson.events if isinstance(change, SourceChanged)}
    assert last == {Source.CAMERA: False, Source.MICROPHONE: False}


def test_a_leaving_publishers_sources_cease_at_once() -> None:
    lesson, _, _, _ = lesson_in_progress()
    lesson.events.clear()
    lesson.room.remove_publisher("teacher")
    lesson.room.remove_publisher("teacher")
    changes = [event for event in lesson.events if isinstance(event, SourceChanged)]
    assert Counter(change.source for change in changes) == {Source.CAMERA: 1, Source.MICROPHONE: 1}
    assert not any(change.flowing for change in changes)


def test_links_are_reported() -> None:
    lesson, teacher, subscriber, screen = lesson_in_progress()
    lesson.events.clear()
    before = len(screen.packets)
    for _ in range(120):
        lesson.show(teacher, body=b"x" * 500)
        lesson.hear(subscriber, screen)
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
        rtcp.TransportFeedback(1, foreign, report(0, 65_535)),
        rtcp.ReceiverReport(1, (rtcp.ReportBlock(foreign, 255, -1, 0, 0, 1, 0xFFFF_FFFF),)),
    ]
    lesson.room.receive_feedback(other, hostile, lesson.now, lesson.sink)
    assert (len(screen.packets), len(other_screen.packets)) == counts
    for _ in range(30):
        lesson.hear(subscriber, screen)
        lesson.show(teacher, body=b"x" * 1000)
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
