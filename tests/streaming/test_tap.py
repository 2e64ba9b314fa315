"""What of a room is recorded, and what is not."""

from __future__ import annotations

import itertools

import pytest

from streaming.control import EncodingsWanted, Slot, Source
from streaming.net.answer import Extensions
from streaming.publisher import Publisher
from streaming.tap import Tap, stretch
from streaming.tap_buffer import TapBuffer
from streaming.tap_records import (
    KEYFRAME,
    LATE,
    ClockRecord,
    EndedRecord,
    PacketRecord,
    Record,
    RecordingState,
    StateRecord,
    TrackRecord,
)
from streaming.uptrack.uptrack import UpTrack
from streaming.wire import rtcp
from tests.streaming import packets
from tests.streaming.lesson import FRAME, SOUND_SSRC, VIDEO_SSRC, Lesson, published
from tests.streaming.packets import Picture, padding, rtp
from tests.streaming.taps import drained, of

WALL = 1_700_000_000.0


class Recorded:
    """A lesson whose teacher may be recorded."""

    def __init__(self, *peers: str, feed: bool = True) -> None:
        self.lesson = Lesson()
        self.buffer = TapBuffer()
        self.room = self.lesson.room
        self.room.tap = Tap("lesson", "r", self.buffer)
        if feed:
            self.room.feed(Slot.TEACHER_AUDIO, "teacher", Source.MICROPHONE)
            self.room.feed(Slot.TEACHER_VIDEO, "teacher", Source.CAMERA)
            self.room.feed(Slot.STAGE_VIDEO, "teacher", Source.CAMERA)
        self.set(*(peers or ("teacher",)))

    def set(self, *peers: str, paused: bool = False) -> None:
        assert self.room.tap is not None
        self.room.tap.set(paused, peers, self.lesson.now, WALL + self.lesson.now)
        self.room.show_tap()

    def take(self) -> list[tuple[int, Record]]:
        return drained(self.buffer)


def video(records: list[tuple[int, Record]]) -> list[PacketRecord]:
    tracks = {track.track for track in of(records, TrackRecord) if not track.slot.is_audio}
    return [packet for packet in of(records, PacketRecord) if packet.track in tracks]


def test_the_teachers_tracks_are_recorded_as_they_were_sent() -> None:
    recorded = Recorded()
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()
    for frame in range(8):
        lesson.show(teacher, keyframe=frame % 4 == 0, body=b"frame %d" % frame)
        lesson.speak(teacher, b"word %d" % frame)
    told = recorded.take()
    assert [position for position, _ in told] == list(range(len(told)))
    state = told[0][1]
    assert isinstance(state, StateRecord)
    assert (state.recording_id, state.lesson_id, state.state) == ("r", "lesson", RecordingState.RUNNING)
    assert state.wall - state.t == pytest.approx(WALL)
    tracks = {track.slot: track for track in of(told, TrackRecord)}
    assert set(tracks) == {Slot.TEACHER_AUDIO, Slot.TEACHER_VIDEO}  # not the stage, which repeats one
    camera = tracks[Slot.TEACHER_VIDEO]
    assert (camera.peer_id, camera.source, camera.codec, camera.rids) == ("teacher", Source.CAMERA, "vp8", ("",))
    pictures = video(told)
    assert [bytes(packet.payload)[-7:] for packet in pictures] == [b"frame %d" % frame for frame in range(8)]
    assert [bool(packet.flags & KEYFRAME) for packet in pictures] == [frame % 4 == 0 for frame in range(8)]
    assert [packet.number for packet in pictures] == list(range(8))
    assert pictures[7].rtp_time - pictures[0].rtp_time == 7 * FRAME
    sound = [packet for packet in of(told, PacketRecord) if packet.track == tracks[Slot.TEACHER_AUDIO].track]
    assert [bytes(packet.payload) for packet in sound] == [b"word %d" % frame for frame in range(8)]


def test_recording_begins_with_a_keyframe_and_asks_for_one() -> None:
    recorded = Recorded("nobody")
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()
    lesson.show(teacher, keyframe=True)
    lesson.run(2.0)
    lesson.show(teacher)
    lesson.rtcp.clear()
    recorded.set("teacher")
    lesson.run(0.1)
    assert lesson.of(rtcp.Pli)
    lesson.show(teacher)
    lesson.show(teacher, keyframe=True)
    lesson.show(teacher)
    assert [packet.flags & KEYFRAME for packet in video(recorded.take())] == [KEYFRAME, 0]


def test_after_a_silenced_camera_is_allowed_again_a_keyframe_comes_first() -> None:
    recorded = Recorded()
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()
    lesson.show(teacher, keyframe=True, body=b"1")
    recorded.room.mute("teacher", Source.CAMERA, True)
    lesson.show(teacher, body=b"2")
    recorded.room.mute("teacher", Source.CAMERA, False)
    lesson.show(teacher, body=b"3")
    lesson.show(teacher, keyframe=True, body=b"4")
    assert [bytes(packet.payload)[-1:] for packet in video(recorded.take())] == [b"1", b"4"]


def test_nobody_is_recorded_who_is_not_on_the_list_whatever_the_slots_show() -> None:
    recorded = Recorded()
    lesson = recorded.lesson
    klass = lesson.teacher("klass")
    recorded.room.feed(Slot.FLOOR_VIDEO, "klass", Source.CAMERA)
    recorded.room.feed(Slot.FLOOR_AUDIO, "klass", Source.MICROPHONE)
    lesson.show(klass, keyframe=True)
    lesson.speak(klass)
    told = recorded.take()
    assert not of(told, TrackRecord)
    assert not of(told, PacketRecord)

    recorded.set("teacher", "klass")  # the class has agreed
    lesson.show(klass, keyframe=True)
    lesson.speak(klass)
    told = recorded.take()
    assert {track.slot for track in of(told, TrackRecord)} == {Slot.FLOOR_VIDEO, Slot.FLOOR_AUDIO}
    assert len(of(told, PacketRecord)) == 2

    recorded.set("teacher")  # and has thought better of it
    lesson.show(klass, keyframe=True)
    told = recorded.take()
    assert len(of(told, EndedRecord)) == 2
    assert not of(told, PacketRecord)


def test_a_pause_ends_the_tracks_and_going_on_begins_new_ones() -> None:
    recorded = Recorded()
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()
    lesson.show(teacher, keyframe=True)
    recorded.set("teacher", paused=True)
    lesson.show(teacher, keyframe=True)
    recorded.set("teacher")
    lesson.show(teacher, keyframe=True)
    told = recorded.take()
    kinds = [type(record).__name__ for _, record in told]
    assert kinds == [
        *("StateRecord", "TrackRecord", "PacketRecord"),
        *("EndedRecord", "StateRecord", "StateRecord", "TrackRecord", "PacketRecord"),
    ]
    assert [state.state for state in of(told, StateRecord)] == ["running", "paused", "running"]


def test_a_recording_that_is_paused_from_the_beginning_leaves_nothing() -> None:
    recorded = Recorded(feed=False)
    assert recorded.room.tap is not None
    other = Tap("lesson", "other", recorded.buffer)
    other.set(True, ["teacher"], 1.0, WALL)
    other.end(2.0, WALL)
    assert "other" not in recorded.buffer.streams


def test_the_end_is_told_and_the_stream_goes_once_it_is_acknowledged() -> None:
    recorded = Recorded()
    assert recorded.room.tap is not None
    recorded.room.tap.end(recorded.lesson.now, WALL)
    assert of(recorded.take(), StateRecord)[-1].state is RecordingState.ENDED
    assert recorded.buffer.streams["r"].closed


def test_another_publisher_in_the_slot_is_another_track() -> None:
    recorded = Recorded("teacher", "other")
    lesson = recorded.lesson
    lesson.show(lesson.teacher(), keyframe=True)
    recorded.room.feed(Slot.TEACHER_VIDEO, "other", Source.CAMERA)
    other = lesson.teacher("other")
    lesson.show(other, keyframe=True)
    recorded.room.remove_publisher("other")
    told = recorded.take()
    assert [track.peer_id for track in of(told, TrackRecord)] == ["teacher", "other"]
    assert [track.track for track in of(told, TrackRecord)] == [0, 1]
    assert [ended.track for ended in of(told, EndedRecord)] == [0, 1]


def test_numbers_tell_loss_from_padding_and_late_packets_are_marked() -> None:
    recorded = Recorded()
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()

    def send(sequence: int, *, keyframe: bool = False) -> None:
        payload = packets.vp8(Picture(sequence, sequence, keyframe=keyframe), b"%d" % sequence)
        lesson.send(teacher, rtp(payload, sequence, sequence * FRAME, ssrc=VIDEO_SSRC, marker=True))

    send(1, keyframe=True)
    lesson.send(teacher, padding(2, FRAME, ssrc=VIDEO_SSRC))
    send(3)
    send(5)
    send(4)
    send(8)
    lesson.send(teacher, padding(7, 3 * FRAME, ssrc=VIDEO_SSRC))  # late, so its number is taken
    got = video(recorded.take())
    assert [(packet.number, bytes(packet.payload)[-1:]) for packet in got] == [
        *((0, b"1"), (1, b"3"), (3, b"5"), (2, b"4"), (6, b"8"), (5, b"")),
    ]
    assert [bool(packet.flags & LATE) for packet in got] == [False, False, False, True, False, True]


def test_sender_reports_are_told_once() -> None:
    recorded = Recorded()
    lesson, teacher = recorded.lesson, recorded.lesson.teacher()
    lesson.speak(teacher)
    report = rtcp.SenderReport(SOUND_SSRC, 5 << 32, 960, 1, 1, ())
    teacher.receive_rtcp([report], lesson.now)
    lesson.run(1.0)
    clocks = of(recorded.take(), ClockRecord)
    assert len(clocks) == 1
    track = teacher.tracks[Source.MICROPHONE]
    assert (clocks[0].ntp, clocks[0].rtp_time) == (5 << 32, (960 + (track.encodings[0].rtp_shift or 0)) & 0xFFFFFFFF)


def simulcast(recorded: Recorded) -> tuple[Publisher, UpTrack]:
    """A camera with three encodings that all flow."""
    ids = Extensions(rid=5)
    camera = published(Source.CAMERA, rids=("f", "h", "q"), ids=ids)
    teacher = recorded.room.add_publisher("teacher", [camera])
    for index, rid in enumerate(("f", "h", "q")):
        simulcast_packet(recorded, teacher, index, 1, rid=rid, keyframe=True)
    return teacher, teacher.tracks[Source.CAMERA]


def simulcast_packet(
    recorded: Recorded, teacher: Publisher, index: int, sequence: int, *, rid: str = "", keyframe: bool = False
) -> None:
    payload = packets.vp8(Picture(sequence, sequence, keyframe=keyframe), b"fhq"[index : index + 1])
    packet = rtp(payload, sequence, sequence * FRAME, ssrc=7000 + index, marker=True)
    if rid:
        packet[0] |= 0x10
        packet[12:12] = bytes.fromhex("bede0001") + bytes([5 << 4]) + rid.encode() + bytes(2)
    recorded.lesson.send(teacher, packet)


def test_every_encoding_is_recorded_lowest_first_wanted_and_asked_for_keyframes() -> None:
    recorded = Recorded()
    lesson = recorded.lesson
    teacher, track = simulcast(recorded)
    told = recorded.take()
    (camera,) = of(told, TrackRecord)
    assert camera.rids == ("q", "h", "f")
    assert {(p.encoding, bytes(p.payload)[-1:]) for p in video(told)} == {(0, b"q"), (1, b"h"), (2, b"f")}
    for encoding, height in zip(track.encodings, (360, 180, 90), strict=True):
        encoding.height = height
    asked: list[float] = []
    for sequence in range(2, 600):
        for index in range(3):
            simulcast_packet(recorded, teacher, index, sequence, keyframe=bool(lesson.rtcp))
        if lesson.of(rtcp.Pli):
            asked.append(lesson.now)
            assert len(lesson.of(rtcp.Pli)) == 3
        lesson.rtcp.clear()
        lesson.run(1 / 30)
    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps
    assert all(5.9 < gap < 6.5 for gap in gaps)
    wanted = [event for event in lesson.events if isinstance(event, EncodingsWanted)]
    assert all(each.active for event in wanted for each in event.encodings)


def test_keyframes_come_less_often_while_they_hurt_somebody() -> None:
    assert [stretch(bps) for bps in (float("inf"), 1e6, 250_000, 100_000)] == [1, 1, 2, 4]


def test_a_recorder_that_is_away_is_noticed_and_its_coming_back_too() -> None:
    recorded = Recorded()
    lesson, teacher, tap = recorded.lesson, recorded.lesson.teacher(), recorded.room.tap
    assert tap is not None
    lesson.speak(teacher)
    recorded.take()
    assert tap.kept_changed(lesson.now + 3) is None
    assert tap.kept_changed(lesson.now + 5) is False
    assert tap.kept_changed(lesson.now + 6) is None
    recorded.buffer.streams["r"].acknowledge(recorded.buffer.streams["r"].next)
    assert tap.kept_changed(lesson.now + 6) is True
