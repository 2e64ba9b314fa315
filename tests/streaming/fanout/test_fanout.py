"""Single rules of the fan-out: where layers change, queues, retransmission, reports, header bytes."""

from __future__ import annotations

import pytest

from streaming.fanout.downtracks import NONE, QUEUE
from streaming.fanout.fanout import EQUALISE_MAX_BYTES, NACK_MAX, FanOut
from streaming.fanout.profiles import WireProfile
from streaming.fanout.viewers import HISTORY
from streaming.rate import pacer
from streaming.uptrack.cache import PAYLOAD_MAX_BYTES
from streaming.uptrack.uptrack import AUDIO_CLOCK, VIDEO_CELLS, VIDEO_CLOCK, UpTrack
from streaming.wire.sequence import diff32
from tests.streaming import packets
from tests.streaming.fanout.recorder import Recorder
from tests.streaming.fanout.stage import BARE, FRAME, OTHER_CODEC, PLAIN, RTX_SSRC, SSRC, Camera, Stage, stamp_of
from tests.streaming.packets import Picture, give, rtp


def watched(encoding: int = 0, temporal: int = 2, start: int = 0) -> tuple[Stage, int]:
    """A viewer that sees an encoding: its keyframe has gone out."""
    stage = Stage()
    row = stage.join(start=start)
    stage.show(keyframe=True)
    stage.fanout.aim(row, encoding, temporal)
    stage.show(keyframe=True)
    return stage, row


def stamps(stage: Stage, row: int) -> list[tuple[int, int, int, int]]:
    return [stamp_of(packet.payload) for packet in stage.screen(row).packets if packet.payload]


# ---------------------------------------------------------------- where layers change


def test_nothing_is_sent_before_the_page_resumes_and_a_keyframe_comes() -> None:
    stage = Stage()
    row = stage.join()
    stage.fanout.set_resumed(row, False)
    stage.show(keyframe=True)
    stage.fanout.set_resumed(row, True)
    stage.fanout.aim(row, 1, 2)
    stage.show()
    assert stage.fanout.keyframes_wanted() == {1}
    assert stamps(stage, row) == []
    stage.show(keyframe=True)
    stage.show()
    assert [stamp[:2] for stamp in stamps(stage, row)] == [(1, 2), (1, 3)]
    assert stage.fanout.keyframes_wanted() == set()


def test_a_viewer_who_is_not_connected_yet_asks_for_nothing_and_misses_nothing() -> None:
    stage = Stage()
    row = stage.join(connected=False)
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    assert stage.fanout.keyframes_wanted() == set()
    stage.connect(row)
    stage.show()
    assert stage.fanout.keyframes_wanted() == {0}
    stage.show(keyframe=True)
    assert [stamp[:2] for stamp in stamps(stage, row)] == [(0, 2)]


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


# ---------------------------------------------------------------- a slot's sources


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
    stage, row = watched()
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


# ---------------------------------------------------------------- credit


def starve(stage: Stage, row: int) -> None:
    stage.viewers.credit[row] = -1
    pacer.decide_slow(stage.viewers, stage.fanout.queued())


def test_without_credit_packets_wait_in_order() -> None:
    stage, row = watched()
    other = stage.join()
    stage.fanout.aim(other, 0, 2)
    stage.show(keyframe=True)
    starve(stage, row)
    for _ in range(5):
        stage.show()
    assert len(stage.screen(row).packets) == 2
    assert len(stage.screen(other).packets) == 6
    stage.viewers.credit[row] = 40  # enough for some
    stage.fanout.drain(stage.now, stage.sink)
    assert 2 < len(stage.screen(row).packets) < 7
    stage.viewers.credit[row] = 1e6
    stage.fanout.drain(stage.now, stage.sink)
    assert [packet.header.sequence for packet in stage.screen(row).packets] == list(range(7))
    assert [packet.number for packet in stage.screen(row).packets] == list(range(1, 8))
    assert not stage.fanout.queued().any()


def test_a_full_queue_loses_its_oldest_which_can_be_asked_for() -> None:
    stage, row = watched()
    starve(stage, row)
    for _ in range(QUEUE + 10):
        stage.show()
    assert stage.fanout.counts == {"queue_dropped": 10}
    stage.viewers.credit[row] = 1e9
    stage.fanout.drain(stage.now, stage.sink)
    assert [packet.header.sequence for packet in stage.screen(row).packets] == [0, *range(11, QUEUE + 11)]
    assert stage.fanout.retransmit(row, list(range(1, 11)), stage.now, stage.sink) == 10


def test_what_left_the_cache_meanwhile_is_not_mistaken_for_another_packet() -> None:
    """Cells come round; the same number of another encoding may lie there."""
    stage = Stage(Camera(2))
    row = stage.join()
    stage.fanout.aim(row, 0, 2)
    starve(stage, row)
    stage.show(keyframe=True)
    camera = stage.camera
    for _ in range(VIDEO_CELLS - 1):  # the other encoding alone, until it reaches the waiting packet's cell
        camera.give(1, camera.packet(1, 0, 1, keyframe=False), stage.now)
    camera.track.cache.sequence[0] = 0
    stage.viewers.credit[row] = 1e6
    stage.fanout.drain(stage.now, stage.sink)
    assert stage.screen(row).packets == []
    assert stage.fanout.counts == {"queue_expired": 1}


# ---------------------------------------------------------------- retransmission


@pytest.mark.parametrize("start", [0, 127, 32767, 65534, 65535])
def test_a_nack_is_answered_with_the_very_packet(start: int) -> None:
    stage, row = watched(start=start)
    for _ in range(4):
        stage.show()
    screen = stage.screen(row)
    sent = list(screen.packets)
    stage.viewers.credit[row] = 1e6
    asked = [sent[2].header.sequence, sent[4].header.sequence]
    assert stage.fanout.retransmit(row, asked, stage.now, stage.sink) == 2
    for original, again, expected in zip((sent[2], sent[4]), screen.packets[-2:], (0, 1), strict=True):
        assert again.payload == original.header.sequence.to_bytes(2, "big") + original.payload
        assert (again.header.ssrc, again.header.payload_type, again.header.sequence) == (RTX_SSRC, 97, expected)
        assert again.header.timestamp == original.header.timestamp
        assert again.header.marker == original.header.marker
    assert [packet.number for packet in screen.packets] == list(range(1, 8))


def test_unknown_numbers_and_lacking_credit_are_missed() -> None:
    stage, row = watched(start=1000)
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, [999, 1001, 40_000], stage.now, stage.sink) == 0
    stage.viewers.credit[row] = -1
    assert stage.fanout.retransmit(row, [1000], stage.now, stage.sink) == 0
    assert stage.fanout.counts == {"nack_missed": 4}


def test_one_nack_has_a_bound() -> None:
    stage, row = watched()
    for _ in range(NACK_MAX + 20):
        stage.show()
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, list(range(NACK_MAX + 20)), stage.now, stage.sink) == NACK_MAX


def test_nothing_of_an_abandoned_encoding_is_sent_again() -> None:
    stage, row = watched(0)
    stage.show()
    stage.fanout.aim(row, 2, 2)
    stage.show(keyframe=True)
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, [0, 1, 2], stage.now, stage.sink) == 0
    assert stage.fanout.retransmit(row, [3], stage.now, stage.sink) == 1
    stage.fanout.set_blocked(row, True)
    assert stage.fanout.retransmit(row, [3], stage.now, stage.sink) == 0


def test_packets_from_before_a_temporal_change_can_still_be_asked_for() -> None:
    stage, row = watched(temporal=2)
    stage.show(temporal=2)
    stage.show(temporal=0)
    stage.fanout.aim(row, 0, 0)
    for temporal in (0, 2, 0):
        stage.show(temporal=temporal)
    sent = list(stage.screen(row).packets)
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, list(range(len(sent))), stage.now, stage.sink) == len(sent)
    again = stage.screen(row).packets[len(sent) :]
    assert [packet.payload[2:] for packet in again] == [packet.payload for packet in sent]


def test_a_reused_row_can_ask_for_nothing_of_its_former_viewer() -> None:
    stage, row = watched()
    stage.fanout.remove(row)
    stage.viewers.remove(row)
    assert stage.join() == row
    stage.viewers.credit[row] = 1e6
    assert stage.fanout.retransmit(row, [0], stage.now, stage.sink) == 0
    assert stage.viewers.packets[row] == 0


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize("spread", [0, 1, EQUALISE_MAX_BYTES, EQUALISE_MAX_BYTES + 1])
def test_packets_of_a_frame_are_equalised_with_valid_padding(spread: int) -> None:
    stage, row = watched()
    before = len(stage.screen(row).packets)
    for index, size in enumerate([1000, 1000 - spread, 1000, 10]):
        stage.camera.give(0, stage.camera.packet(0, index, 4, keyframe=False, size=size), stage.now)
    contents = [stage.content(arrival) for arrival in stage.forward()]
    sent = stage.screen(row).packets[before:]
    assert [packet.payload for packet in sent] == contents
    cheap = 0 <= spread <= EQUALISE_MAX_BYTES
    assert [packet.header.padding for packet in sent] == [0, spread if cheap else 0, 0, 0]
    assert stage.sink.segmented == (1 if cheap else 0)
    assert [packet.header.marker for packet in sent] == [False, False, False, True]


def test_padding_stays_within_the_cell() -> None:
    stage, row = watched()
    full = PAYLOAD_MAX_BYTES - 6 - 3 - 7
    for index, size in enumerate([full, full - EQUALISE_MAX_BYTES, full]):
        stage.camera.give(0, stage.camera.packet(0, index, 3, keyframe=False, size=size), stage.now)
    contents = [stage.content(arrival) for arrival in stage.forward()]
    assert len(contents) == 3
    assert max(map(len, contents)) == PAYLOAD_MAX_BYTES
    assert [packet.payload for packet in stage.screen(row).packets[-3:]] == contents


def test_a_run_over_the_end_of_the_cache_keeps_its_order() -> None:
    stage, row = watched()
    while stage.camera.track.cache.store(memoryview(b"x"), 0, -5, 0, False, 0) != VIDEO_CELLS - 3:
        pass
    for index in range(5):
        stage.camera.give(0, stage.camera.packet(0, index, 5, keyframe=False, size=100), stage.now)
    stage.forward()
    assert [stamp[2] for stamp in stamps(stage, row)[-5:]] == list(range(5))


def test_extensions_that_were_not_negotiated_are_not_written() -> None:
    stage = Stage()
    row = stage.join(BARE)
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    (packet,) = stage.screen(row).packets
    assert (packet.number, packet.send_time, packet.header.payload_type) == (None, None, 120)
    assert stage.viewers.number[row] == 2  # counted all the same: its history serves receiver reports


def test_history_finds_the_send_of_each_number() -> None:
    stage, row = watched()
    stage.now = 200.0
    stage.show(size=300)
    number = stage.screen(row).packets[-1].number
    assert number is not None
    send = int(stage.viewers.history[row, number % HISTORY])
    assert stage.viewers.send_time[send] == 200.0
    assert stage.viewers.send_size[send] == len(stage.screen(row).packets[-1].payload)


def test_bytes_are_booked_to_those_who_got_them() -> None:
    stage, row = watched()
    idle = stage.join()
    stage.show(size=500)
    stage.fanout.account()
    assert stage.viewers.bytes[row] == sum(len(packet.payload) for packet in stage.screen(row).packets)
    assert stage.viewers.packets[row] == 2
    assert stage.viewers.bytes[idle] == 0


# ---------------------------------------------------------------- lips


def ntp(seconds: float) -> int:
    return int(seconds * 2**32)


def test_sound_and_picture_stay_in_sync_through_all_rewriting() -> None:
    """By the reports each stream gets, an instant of the publisher's clock is one instant for the viewer."""
    stage, row = watched(1)
    sound = FanOut("teacher_audio", True, 3, 0, stage.viewers)
    microphone = UpTrack("microphone", "opus")
    sound.add(row, PLAIN, 0)
    sound.set_resumed(row, True)
    sink = Recorder()
    for offset in (0, 3_000_000_000):  # the second time after the teacher's reload, with other clocks
        stage.camera = Camera(start=900)
        microphone = UpTrack("microphone", "opus")
        stage.fanout.set_source(stage.camera.track)
        sound.set_source(microphone)
        stage.now += 5.0
        stage.fanout.aim(row, 1, 2)
        stage.show(keyframe=True)
        encoding = microphone.encoding_for("", 1)
        assert encoding is not None
        give(microphone, encoding, rtp(b"opus", 5, offset), stage.now)
        sound.forward(microphone.fresh, stage.now, sink)
        microphone.fresh.clear()
        # The publisher's clock: at 1000.0 s both streams began.
        stage.camera.track.sender_report(stage.camera.encodings[1], ntp(1002.5), int(2.5 * VIDEO_CLOCK), stage.now)
        microphone.sender_report(encoding, ntp(1003.0), offset + 3 * AUDIO_CLOCK, stage.now)
        picture, voice = stage.fanout.report(row), sound.report(row)
        assert picture is not None
        assert voice is not None
        shown = next(packet for packet in reversed(stage.screen(row).packets) if packet.header.ssrc == SSRC)
        heard = next(packet for packet in reversed(stage.screen(row).packets) if packet.header.ssrc == 3)
        seen_at = picture[0] / 2**32 + diff32(shown.header.timestamp, picture[1]) / VIDEO_CLOCK
        heard_at = voice[0] / 2**32 + diff32(heard.header.timestamp, voice[1]) / AUDIO_CLOCK
        assert seen_at == pytest.approx(1000.0, abs=0.001)
        assert heard_at == pytest.approx(1000.0, abs=0.001)


def test_nothing_is_reported_before_there_is_a_clock_and_a_picture() -> None:
    stage, row = watched()
    assert stage.fanout.report(row) is None
    stage.camera.track.sender_report(stage.camera.encodings[0], ntp(1.0), 0, stage.now)
    assert stage.fanout.report(row) is not None
    stage.fanout.aim(row, NONE, 0)
    assert stage.fanout.report(row) is None
