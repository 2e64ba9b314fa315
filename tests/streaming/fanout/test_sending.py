"""What is sent once, later or again, byte by byte; and what is told about it."""

from __future__ import annotations

import pytest

from streaming.fanout.downtracks import NONE, QUEUE
from streaming.fanout.fanout import FanOut
from streaming.fanout.retransmission import NACK_MAX
from streaming.fanout.runs import EQUALISE_MAX_BYTES
from streaming.fanout.viewers import HISTORY
from streaming.rate import pacer
from streaming.uptrack.cache import OVERHEAD_BYTES, PAYLOAD_MAX_BYTES
from streaming.uptrack.uptrack import AUDIO_CLOCK, VIDEO_CELLS, VIDEO_CLOCK, UpTrack
from streaming.wire.sequence import diff32
from tests.streaming.fanout.recorder import Recorder
from tests.streaming.fanout.stage import (
    BARE,
    PLAIN,
    RTX_SSRC,
    SSRC,
    Camera,
    Stage,
    stamps,
    watched,
)
from tests.streaming.packets import give, rtp

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


def test_between_two_ticks_no_more_leaves_than_there_is_credit_for() -> None:
    stage, row = watched()
    stage.show(keyframe=True)
    packet_bytes = len(stage.screen(row).packets[-1].payload) + OVERHEAD_BYTES
    stage.fanout.charge()
    stage.viewers.credit[row] = 3.5 * packet_bytes
    pacer.decide_slow(stage.viewers, stage.fanout.queued())
    before = len(stage.screen(row).packets)
    for _ in range(10):
        stage.show()
    assert len(stage.screen(row).packets) - before == 3
    assert stage.fanout.queued()[row]


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
    stage.viewers.repair_credit[row] = -1
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
    assert stage.viewers.send_size[send] == len(stage.screen(row).packets[-1].payload) + OVERHEAD_BYTES


def test_bytes_are_booked_to_those_who_got_them() -> None:
    stage, row = watched()
    idle = stage.join()
    stage.show(size=500)
    stage.fanout.account()
    assert stage.viewers.bytes[row] == sum(len(packet.payload) + OVERHEAD_BYTES for packet in stage.screen(row).packets)
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
