"""The real room between the simulated browsers: everybody does what the others rely on."""

from __future__ import annotations

import pytest

from bench.abr.encoder import CAMERA, SimulcastEncoder
from bench.abr.lesson import SimulatedLesson
from bench.abr.viewer import ViewerClient
from bench.link.model import LinkConditions
from streaming.control import EncodingsWanted, EncodingWanted, Source
from streaming.wire import rtcp
from streaming.wire.feedback import parse_reports

WIDE = LinkConditions(rate_bps=20e6, delay_s=0.02)


def lesson_with(down: LinkConditions, uplink: LinkConditions | None = None) -> tuple[SimulatedLesson, ViewerClient]:
    lesson = SimulatedLesson(1, uplink=uplink) if uplink else SimulatedLesson(1)
    lesson.begin(Source.CAMERA)
    lesson.run(1.0)
    return lesson, lesson.join("class", lesson.path(down), lesson.path(LinkConditions(delay_s=down.delay_s)))


def test_over_a_wide_link_everything_is_heard_and_seen() -> None:
    lesson, viewer = lesson_with(WIDE)
    lesson.run(15.0)
    viewer.finish()
    assert viewer.sound.concealed_share < 0.02
    assert viewer.picture.freezes == []
    late = [frame for frame in viewer.picture.shown if frame.at > lesson.clock.now - 3]
    assert len(late) == pytest.approx(90, abs=4)
    assert {frame.height for frame in late} == {720}


def test_feedback_tells_truly_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    lesson, viewer = lesson_with(LinkConditions(rate_bps=5e6, delay_s=0.02, loss=0.05))
    told: list[bytes] = []
    send = viewer._to_server

    def listen(data: bytes) -> None:
        told.extend(each.packet for each in rtcp.parse_compound(data) if isinstance(each, rtcp.TransportFeedback))
        send(data)

    monkeypatch.setattr(viewer, "_to_server", listen)
    lesson.run(10.0)
    counters = viewer.down.model.counters
    reports = parse_reports(told)
    reported, received = int(reports.status_count.sum()), len(reports.numbers)
    assert counters.dropped_loss > 20
    assert reported - received == pytest.approx(counters.dropped_loss, rel=0.1)
    ends = (reports.base_sequence + reports.status_count) & 0xFFFF
    assert reports.base_sequence[1:].tolist() == ends[:-1].tolist()


def test_the_publisher_repairs_what_its_uplink_loses() -> None:
    lesson, _ = lesson_with(WIDE, LinkConditions(rate_bps=100e6, delay_s=0.005, loss=0.03))
    lesson.run(6.0)
    losses = lesson.room.publishers["teacher"].tracks[Source.CAMERA].losses
    assert lesson.teacher.uplink.model.counters.dropped_loss > 20
    assert sum(loss.recovered for loss in losses) > 15
    assert sum(loss.lost for loss in losses) <= 1


def test_a_viewers_loss_indication_makes_a_keyframe() -> None:
    lesson, viewer = lesson_with(WIDE)
    lesson.run(5.0)
    before = lesson.encoders[Source.CAMERA].keyframes
    viewer.picture._send_pli()
    lesson.run(5.3)
    assert lesson.encoders[Source.CAMERA].keyframes == before + 1


def test_the_publisher_obeys_what_the_server_wants() -> None:
    lesson = SimulatedLesson(1)
    lesson.begin(Source.CAMERA)
    lesson.run(1.0)
    camera = [EncodingWanted(index=0, active=False), EncodingWanted(index=1, active=True, max_bitrate_bps=200_000)]
    lesson.teacher.told(EncodingsWanted(lesson_id="", peer_id="", source=Source.CAMERA, encodings=camera))
    sound = [EncodingWanted(index=0, active=True), EncodingWanted(index=1, active=False)]
    lesson.teacher.told(EncodingsWanted(lesson_id="", peer_id="", source=Source.MICROPHONE, encodings=sound))
    lesson.run(1.2)
    streams = lesson.encoders[Source.CAMERA].streams
    assert [stream.active for stream in streams] == [False, True, True]
    assert streams[1].target_bps == 200_000
    assert lesson.teacher.speaking == {Source.MICROPHONE_LOW: True, Source.MICROPHONE: False}


def test_a_viewer_who_leaves_is_sent_nothing_more() -> None:
    lesson, viewer = lesson_with(WIDE)
    lesson.run(3.0)
    lesson.leave("class")
    lesson.run(4.0)
    before = viewer.received_bytes
    lesson.run(6.0)
    assert viewer.received_bytes == before
    viewer.forget()
    assert not viewer.arrivals


def test_the_same_seed_gives_the_same_lesson() -> None:
    runs = []
    for seed in (1, 1, 2):
        lesson = SimulatedLesson(seed, {Source.CAMERA: SimulcastEncoder(CAMERA, seed)})
        lesson.begin(Source.CAMERA)
        viewer = lesson.join("class", lesson.path(LinkConditions(rate_bps=6e5, loss=0.01)), lesson.path(WIDE))
        lesson.run(5.0)
        runs.append([size for _, size in viewer.arrivals])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
