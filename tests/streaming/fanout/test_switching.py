"""Where viewers change layers and sources, and that nothing breaks there."""

from __future__ import annotations

import pytest

from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.rate import pacer
from streaming.uptrack.uptrack import VIDEO_CLOCK
from streaming.wire.sequence import diff32
from tests.streaming import packets
from tests.streaming.fanout.stage import (
    BARE,
    FRAME,
    OTHER_CODEC,
    SSRC,
    Camera,
    Stage,
    stamp_of,
    stamps,
    watched,
)
from tests.streaming.packets import Picture, give, rtp

LONG_AGO = 30
"""Frames after which a keyframe is too old to begin with."""


def test_nothing_is_sent_before_the_page_resumes_and_a_keyframe_comes() -> None:
    stage = Stage()
    row = stage.join()
    stage.fanout.set_resumed(row, False)
    stage.show(keyframe=True)
    for _ in range(LONG_AGO):
        stage.show()
    stage.fanout.set_resumed(row, True)
    stage.fanout.aim(row, 1, 2)
    stage.show()
    assert stage.fanout.keyframes_wanted() == {1}
    assert stamps(stage, row) == []
    stage.show(keyframe=True)
    stage.show()
    assert [stamp[:2] for stamp in stamps(stage, row)] == [(1, LONG_AGO + 2), (1, LONG_AGO + 3)]
    assert stage.fanout.keyframes_wanted() == set()


def test_a_newcomer_begins_with_the_keyframe_of_a_moment_ago() -> None:
    stage = Stage()
    stage.show(keyframe=True)
    stage.show(count=2)
    row = stage.join()
    stage.fanout.aim(row, 1, 2)
    stage.show()
    assert stage.fanout.keyframes_wanted() == set()
    stage.fanout.drain(stage.now, stage.sink)
    assert [stamp[:2] for stamp in stamps(stage, row)] == [(1, 0), (1, 1), (1, 1), (1, 2)]
    stage.show()
    stage.fanout.drain(stage.now, stage.sink)
    assert [stamp[:2] for stamp in stamps(stage, row)][4:] == [(1, 3)]


def test_who_has_seen_pictures_before_waits_for_a_new_keyframe() -> None:
    stage, row = watched(1)
    stage.show()
    stage.fanout.account()
    stage.fanout.aim(row, -1, 0)
    stage.fanout.aim(row, 1, 2)
    stage.show()
    assert stage.fanout.keyframes_wanted() == {1}


def test_a_viewer_who_is_not_connected_yet_asks_for_nothing_and_misses_nothing() -> None:
    stage = Stage()
    row = stage.join(connected=False)
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    for _ in range(LONG_AGO):
        stage.show()
    assert stage.fanout.keyframes_wanted() == set()
    stage.connect(row)
    stage.show()
    assert stage.fanout.keyframes_wanted() == {0}
    stage.show(keyframe=True)
    assert [stamp[:2] for stamp in stamps(stage, row)] == [(0, LONG_AGO + 2)]


def test_the_old_encoding_goes_on_until_the_new_ones_keyframe() -> None:
    stage, row = watched(0)
    stage.fanout.aim(row, 2, 2)
    stage.show()
    stage.show(keyframe=True, count=2)
    stage.fanout.aim(row, 1, 2)
    stage.show()
    stage.show(keyframe=True)
    sent = [stamp[:2] for stamp in stamps(stage, row)]
    assert sent == [(0, 1), (0, 2), (0, 3), (0, 3), (2, 3), (2, 3), (2, 4), (1, 5)]
    packets_sent = stage.screen(row).packets
    assert [packet.header.sequence for packet in packets_sent] == list(range(8))


def test_vp8_goes_up_one_layer_at_a_time_at_sync_frames_only() -> None:
    stage, row = watched(temporal=0)
    stage.fanout.aim(row, 0, 2)
    stage.show(temporal=2)
    stage.show(temporal=1)
    stage.show(temporal=0)
    stage.show(temporal=2, sync=True)  # two layers above: not yet
    stage.show(temporal=1, sync=True)
    stage.show(temporal=2)
    stage.show(temporal=2, sync=True)
    stage.show(temporal=1)
    assert [stamp[1] for stamp in stamps(stage, row)] == [1, 4, 6, 8, 9]
    assert [packet.header.sequence for packet in stage.screen(row).packets] == list(range(5))


def test_other_codecs_go_up_at_a_base_layer_frame() -> None:
    stage, row = watched(temporal=0)
    stage.camera.track.codec = "vp9"
    profile = WireProfile((("vp9", "", 98, -1),))
    stage.fanout.downtracks.profiles[row] = profile
    stage.fanout.aim(row, 0, 2)
    encoding = stage.camera.encodings[0]
    before = len(stage.screen(row).packets)
    for frame, temporal in enumerate([2, 1, 0, 2, 1], start=stage.camera.frame):
        payload = packets.vp9(Picture(frame, temporal=temporal), stage.camera.stamp(0, frame, temporal))
        give(stage.camera.track, encoding, rtp(payload, stage.camera.sequence[0], frame * FRAME), stage.now)
        stage.camera.sequence[0] += 1
        stage.forward()
    assert [stamp_of(packet.payload)[3] for packet in stage.screen(row).packets[before:]] == [0, 2, 1]


def test_temporal_layers_are_left_at_any_frame_and_leave_no_gap() -> None:
    stage, row = watched(temporal=2)
    stage.show(temporal=2)
    stage.fanout.aim(row, 0, 0)
    for temporal in (2, 1, 0, 2, 0):
        stage.show(temporal=temporal)
    assert [stamp[3] for stamp in stamps(stage, row)] == [0, 2, 0, 0]
    assert [packet.header.sequence for packet in stage.screen(row).packets] == list(range(4))


def test_late_packets_go_only_to_who_has_the_gap() -> None:
    stage, row = watched()
    late = stage.camera.packet(0, 0, 2, keyframe=False)
    stage.camera.give(0, stage.camera.packet(0, 1, 2, keyframe=False), stage.now)
    stage.forward()
    newcomer = stage.join()
    stage.fanout.aim(newcomer, 0, 2)
    stage.camera.frame += 1
    stage.show(keyframe=True)
    stage.camera.give(0, late, stage.now)
    stage.forward()
    assert [packet.header.sequence for packet in stage.screen(row).packets] == [0, 2, 3, 1]
    assert len(stage.screen(newcomer).packets) == 1


@pytest.mark.parametrize("padded", [False, True])
def test_a_late_packet_that_is_not_taken_closes_its_gap_with_padding(padded: bool) -> None:
    stage, row = watched(temporal=0)
    late = stage.camera.packet(0, 0, 1, keyframe=False, temporal=2)
    if padded:
        late = packets.padding(stage.camera.sequence[0] - 1, 0)
    stage.camera.frame += 1
    stage.show()
    stage.camera.give(0, late, stage.now)
    stage.forward()
    filler = stage.screen(row).packets[-1]
    assert [packet.header.sequence for packet in stage.screen(row).packets] == [0, 2, 1]
    assert (filler.payload, filler.header.padding, filler.header.marker) == (b"", 1, False)
    assert (filler.header.ssrc, filler.header.payload_type) == (SSRC, 96)


def test_a_restarted_encoding_waits_for_its_keyframe_without_a_gap() -> None:
    stage, row = watched()
    stage.camera.encodings[0].restart(77)
    stage.show()
    stage.show(keyframe=True)
    assert [stamp[1] for stamp in stamps(stage, row)] == [1, 3]
    assert [packet.header.sequence for packet in stage.screen(row).packets] == [0, 1]


def test_a_muted_camera_comes_back_with_a_keyframe_and_no_gap() -> None:
    stage, row = watched()
    stage.camera.track.set_muted(True)
    for _ in range(5):
        stage.show()
    stage.camera.track.set_muted(False)
    stage.show()
    stage.show(keyframe=True)
    assert [stamp[1] for stamp in stamps(stage, row)] == [1, 8]
    assert [packet.header.sequence for packet in stage.screen(row).packets] == [0, 1]


def test_who_cannot_take_the_codec_gets_nothing_and_breaks_nothing() -> None:
    stage = Stage()
    row = stage.join(OTHER_CODEC)
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, [0], stage.now, stage.sink) == 0
    assert stage.screen(row).packets == []


def test_a_codec_that_changes_while_packets_wait_breaks_nothing() -> None:
    stage = Stage()
    row = stage.join(BARE)
    stage.fanout.aim(row, 0, 2)
    stage.viewers.credit[row] = -1
    pacer.decide_slow(stage.viewers, stage.fanout.queued())
    stage.show(keyframe=True)
    assert stage.fanout.queued()[row]
    stage.camera.track.change_codec("h264", "")
    stage.viewers.credit[row] = 1e6
    stage.fanout.drain(stage.now, stage.sink)
    assert stage.fanout.retransmit(row, [0], stage.now, stage.sink) == 0
    assert stage.screen(row).packets == []


@pytest.mark.parametrize("between", [True, False])
def test_another_source_goes_on_with_numbers_times_and_pictures(between: bool) -> None:
    stage, row = watched(start=65535)
    stage.show()
    last = stage.screen(row).packets[-1]
    stage.camera = Camera(start=500)
    if between:
        stage.fanout.set_source(None)
        stage.show()
    stage.fanout.set_source(stage.camera.track)
    stage.now += 10.0
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    renewed = stage.screen(row).packets[-1]
    assert (last.header.sequence, renewed.header.sequence) == (0, 1)
    elapsed = diff32(renewed.header.timestamp, last.header.timestamp) / VIDEO_CLOCK
    assert 10.0 < elapsed < 10.2
    picture = [int.from_bytes(packet.payload[2:4], "big") & 0x7FFF for packet in (last, renewed)]
    assert 1 <= picture[1] - picture[0] <= 3


def test_one_track_in_two_slots_steps_back_in_neither() -> None:
    """The stage shows camera, screen, camera; another slot shows the camera all the time."""
    stage, _ = watched()
    other = FanOut("teacher_video", False, 9, 10, stage.viewers)
    other.set_source(stage.camera.track)
    for _ in range(50):
        stage.show()
    top = stage.camera.track.picture_top
    screen = Camera(1, name="screen")
    stage.fanout.set_source(screen.track)
    assert screen.track.picture_top == top
    stage.fanout.set_source(stage.camera.track)
    assert stage.camera.track.picture_top == top
