"""What networks, clocks and people do to a recording: it stays truthful, in order and playable."""

from __future__ import annotations

from itertools import pairwise

import pytest

from archive.media import Init
from streaming.control import Slot
from streaming.tap_records import ClockRecord, PacketRecord, Record, RecordingState
from tests.recorder import encoded, lesson
from tests.recorder.lesson import FPS, Network, Publisher, Script
from tests.recorder.payloads import red
from tests.recorder.watching import Seen, assemble, beeps, check_order, gaps, inits, pictures, samples, segments

SIZES = ((160, 90), (320, 180))
LONGEST_S = 9.0


def in_step(heard: list[Seen], seen: list[Seen], at_most_s: float = 0.04) -> None:
    """Lips: the beep of second k with picture k · FPS."""
    shown = {each.number: each.at for each in seen}
    pairs = [(beep.at, shown[beep.number * FPS]) for beep in heard if beep.number * FPS in shown]
    assert len(pairs) >= 3
    assert [sound - picture for sound, picture in pairs] == pytest.approx([0] * len(pairs), abs=at_most_s)


def rising(seen: list[Seen]) -> bool:
    return all(a.at < b.at and a.number < b.number for a, b in pairwise(seen))


# ------------------------------------------------------------ the network


def test_late_packets_lose_nothing() -> None:
    made = assemble(lesson.plain(14, SIZES, network=Network(jitter_s=0.03, late=lambda n: n % 13 == 5, late_s=0.7)))
    check_order(made, LONGEST_S)
    for encoding in (0, 1):
        assert [each.number for each in pictures(made, encoding=encoding)] == list(range(14 * FPS))
    assert not gaps(made, "teacher_video")


def test_a_loss_is_told_and_ends_with_the_next_keyframe() -> None:
    """All packets of 2 s are lost in both encodings, then pictures come that need what is lost."""
    script, teacher = Script(), Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, SIZES, 0.0, 14)
    script.microphone(2, teacher, 0.0, 14)
    script.state(14.1, RecordingState.ENDED)
    records = [each for each in script.records() if not (2 < each.t < 4 and getattr(each, "track", 0) == 1)]
    made = assemble(records)
    check_order(made, LONGEST_S)
    for encoding in (0, 1):
        seen = pictures(made, encoding=encoding)
        assert rising(seen)
        assert {each.number for each in seen} >= {*range(29), *range(6 * FPS, 14 * FPS)}
        assert not {each.number for each in seen} & {*range(31, 6 * FPS)}
    (gap,) = gaps(made, "teacher_video")
    assert (gap.start_s, gap.start_s + gap.duration_s) == pytest.approx((2.0, 6.0), abs=0.15)
    assert gap.reason == "loss"
    assert [each.number for each in beeps(made)] == list(range(1, 14))


def test_a_loss_up_to_the_end_is_told() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    once = Network(drop=lambda n: n == 60)
    script.camera(1, Publisher(), ((160, 90),), 0.0, 9, codec="h264", key_every_s=100, network=once)
    script.end(1, 9.1)
    script.state(9.2, RecordingState.ENDED)
    made = assemble(script.records())
    assert len(pictures(made)) in (58, 59, 60)
    (gap,) = gaps(made, "teacher_video")
    assert (gap.start_s, gap.duration_s) == pytest.approx((4, 5), abs=0.3)


def test_a_loss_in_one_encoding_is_no_gap() -> None:
    records = lesson.plain(14, SIZES)
    made = assemble(
        each for each in records if not (2 < each.t < 3 and getattr(each, "track", 0) == 1 and _encoding(each) == 1)
    )
    assert [each.number for each in pictures(made)] == list(range(14 * FPS))
    assert not gaps(made, "teacher_video")
    starts = [[each.start_s for each in segments(made, "teacher_video", encoding)] for encoding in (0, 1)]
    assert starts[0] == [each for each in starts[1] if each in starts[0]]


def _encoding(record: Record) -> int:
    return getattr(record, "encoding", -1)


def test_bursts_of_loss_leave_segments_of_the_right_length() -> None:
    made = assemble(lesson.plain(30, SIZES, network=Network(drop=lambda n: n % 200 > 185)))
    check_order(made, LONGEST_S)
    for encoding in (0, 1):
        assert rising(pictures(made, encoding=encoding))
    for gap in gaps(made, "teacher_video"):
        assert gap.duration_s > 0.1


@pytest.mark.parametrize("rtp_base", [0, 2**32 - 1, 2**32 - 90_000 * 5, 2**31 - 7])
@pytest.mark.parametrize("number_base", [0, 2**32 - 20])
def test_times_and_numbers_wrap(rtp_base: int, number_base: int) -> None:
    made = assemble(lesson.plain(8, rtp_base=rtp_base, number_base=number_base))
    assert [each.number for each in pictures(made)] == list(range(8 * FPS))
    in_step(beeps(made), pictures(made))


def test_repetitions_in_red_stand_in_for_lost_sound() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    script.microphone(1, Publisher(), 0.0, 8, wrap=red, network=Network(drop=lambda n: n % 5 in (1, 2)))
    script.state(8.1, RecordingState.ENDED)
    made = assemble(script.records())
    assert [each.number for each in beeps(made)] == list(range(1, 8))
    assert not gaps(made, "teacher_audio")
    sent = sum(map(len, encoded.sound(8)))
    assert sum(each.media_bytes for each in segments(made, "teacher_audio")) == pytest.approx(sent, abs=400)


# ------------------------------------------------------------ clocks


@pytest.mark.parametrize("ppm", [-300.0, 300.0])
def test_a_clock_that_runs_wrong_is_followed(ppm: float) -> None:
    made = assemble(lesson.plain(60, publisher=Publisher(ppm=ppm)))
    check_order(made, LONGEST_S)
    in_step(beeps(made), pictures(made))


@pytest.mark.parametrize("step_s", [-86_400.0, -5.0, -1.0, 1.0, 5.0, 86_400.0])
def test_a_publishers_clock_may_be_set(step_s: float) -> None:
    script, teacher = Script(), Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, ((160, 90),), 0.0, 26)
    script.microphone(2, teacher, 0.0, 26)
    script.state(26.1, RecordingState.ENDED)
    stepped = [
        each._replace(ntp=each.ntp + round(step_s * 2**32)) if isinstance(each, ClockRecord) and each.t > 12.4 else each
        for each in script.records()
    ]
    made = assemble(stepped)
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert [each.number for each in seen] == list(range(26 * FPS))
    in_step(beeps(made), seen)
    assert seen[-1].at - seen[0].at == pytest.approx(26, abs=0.2)


def test_without_reports_arrival_times_serve() -> None:
    made = assemble(lesson.plain(14, publisher=Publisher(reports=False), network=Network(jitter_s=0.03)))
    assert [each.number for each in pictures(made)] == list(range(14 * FPS))
    in_step(beeps(made), pictures(made), at_most_s=0.05)


def test_a_slow_first_report_is_put_right_smoothly() -> None:
    script, teacher = Script(), Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, ((160, 90),), 0.0, 20, encode_s=0.08)
    script.microphone(2, teacher, 0.0, 20)
    script.state(20.1, RecordingState.ENDED)
    made = assemble(each for each in script.records() if not (isinstance(each, ClockRecord) and each.t < 8))
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert rising(seen)
    late = [each for each in beeps(made) if each.at > 14]
    in_step(late, seen)


def test_rtp_time_may_jump() -> None:
    """The same publisher counts anew: nothing goes back, nothing gets longer."""
    script, teacher = Script(), Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, ((160, 90),), 0.0, 8)
    script.camera(1, teacher, ((160, 90),), 8.0, 8, rtp_base=2**31 + 5, first=8 * FPS, number_base=5000, told=False)
    script.state(16.1, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert rising(seen)
    assert [each.number for each in seen] == list(range(16 * FPS))
    assert seen[-1].at == pytest.approx(16, abs=0.3)


# ------------------------------------------------------------ what people do


def test_a_pause_is_cut_out() -> None:
    script, teacher = Script(), Publisher()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, SIZES, 0.0, 30)
    script.microphone(2, teacher, 0.0, 30)
    script.state(7.0, RecordingState.PAUSED)
    script.state(18.0, RecordingState.RUNNING)
    script.state(30.1, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    seen = pictures(made)
    numbers = {each.number for each in seen}
    assert numbers >= {*range(7 * FPS - 2), *range(18 * FPS, 30 * FPS)}
    assert not numbers & {*range(7 * FPS + 1, 18 * FPS)}
    assert seen[-1].at == pytest.approx(30 - 11, abs=0.2)
    assert [each.number for each in beeps(made)] == [*range(1, 7), *range(18, 30)]
    assert not gaps(made, "teacher_video")
    sound = segments(made, "teacher_audio")
    assert sound[-1].start_s + sound[-1].duration_s == pytest.approx(19.1, abs=0.03)
    walls = [each.wall - lesson.WALL - each.start_s for each in segments(made, "teacher_video")]
    assert walls == pytest.approx([0, 0, 11, 11], abs=0.2)


def test_a_paused_layer_has_no_segments_and_others_go_on() -> None:
    records = lesson.plain(30, SIZES, off=lambda encoding, second: encoding == 1 and 8 <= second < 20.5)
    made = assemble(records)
    check_order(made, LONGEST_S)
    assert [each.number for each in pictures(made)] == list(range(30 * FPS))
    upper = {each.number for each in pictures(made, encoding=1)}
    assert upper == {*range(8 * FPS), *range(308, 30 * FPS)}
    assert not gaps(made, "teacher_video")
    low, high = (segments(made, "teacher_video", encoding) for encoding in (0, 1))
    ends = {round(each.start_s + each.duration_s, 6) for each in low}
    assert {round(each.start_s + each.duration_s, 6) for each in high[2:]} <= ends
    assert len(inits(made, "teacher_video", 1)) == 2


def test_a_new_publisher_or_size_or_codec_is_a_new_run() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, Publisher(), ((160, 90),), 0.0, 7)
    script.camera(2, Publisher("other", seed=3), ((160, 90),), 7.5, 7, first=200)
    other, large = Publisher("other", seed=3), ((320, 180),)
    script.camera(2, other, large, 14.5, 7, first=305, told=False, rtp_base=630_000, number_base=9_000)
    script.camera(2, other, large, 21.5, 7, first=410, codec="h264", number_base=19_000)
    script.end(1, 7.2)
    script.state(28.6, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert rising(seen)
    assert [each.number for each in seen] == [*range(105), *range(200, 515)]
    runs = inits(made, "teacher_video")
    assert [(each.run, each.codecs[:5], each.width) for each in runs] == [
        (0, "vp09.", 160),
        (1, "vp09.", 160),
        (2, "vp09.", 320),
        (3, "avc1.", 320),
    ]


def test_a_hundred_reconnects_are_one_recording() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    for count in range(100):
        begin = count * 1.5
        script.camera(1 + count, Publisher(f"p{count}"), ((160, 90),), begin, 1)
        script.end(1 + count, begin + 1.1)
    script.state(150.1, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    assert [each.number for each in pictures(made)] == [*range(FPS)] * 100
    assert [each.run for each in inits(made, "teacher_video")] == list(range(100))


def test_a_new_media_process_goes_on_by_the_wall_clock() -> None:
    script = Script()
    script.state(50.0, RecordingState.RUNNING, wall=lesson.WALL)
    script.camera(1, Publisher(), ((160, 90),), 50.0, 10)
    script.microphone(2, Publisher(), 50.0, 10)
    again = Script("epoch-2")
    again.state(3.0, RecordingState.RUNNING, wall=lesson.WALL + 14)
    again.camera(1, Publisher(seed=4), ((160, 90),), 3.0, 8, first=14 * FPS)
    again.microphone(2, Publisher(seed=4), 3.0, 8)
    again.state(11.1, RecordingState.ENDED, wall=lesson.WALL + 22.1)
    made = assemble([*script.records(), *again.records()])
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert [each.number for each in seen] == [*range(150), *range(210, 330)]
    assert seen[150].at == pytest.approx(14.04, abs=0.1)
    assert [gap.reason for gap in gaps(made, "teacher_video")] == ["restart"]
    assert gaps(made, "teacher_video")[0].duration_s == pytest.approx(4, abs=0.1)
    sound = segments(made, "teacher_audio")
    assert {each.run for each in sound} == {0}
    assert sound[-1].start_s + sound[-1].duration_s == pytest.approx(22.1, abs=0.03)


@pytest.mark.parametrize("step_s", [-86_400.0, 86_400.0])
def test_the_servers_wall_clock_may_be_set(step_s: float) -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, Publisher(), ((160, 90),), 0.0, 8)
    script.state(8.0, RecordingState.PAUSED, wall=lesson.WALL + 8 + step_s)
    script.state(9.0, RecordingState.RUNNING, wall=lesson.WALL + 9 + step_s)
    script.camera(1, Publisher(), ((160, 90),), 9.0, 8, told=False, number_base=3000, rtp_base=90_000 * 9)
    again = Script("epoch-2")
    again.state(1.0, RecordingState.RUNNING, wall=lesson.WALL + 20 + step_s / 2)
    again.state(2.0, RecordingState.ENDED, wall=lesson.WALL + 21 + step_s / 2)
    made = assemble([*script.records(), *again.records()])
    check_order(made, LONGEST_S)
    assert len(pictures(made)) == 16 * FPS


# ------------------------------------------------------------ sound


def test_silence_fills_the_teachers_sound_from_beginning_to_end() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    script.microphone(1, Publisher(), 3.0, 10, silent=lambda second: 4.2 < second < 6.8)
    script.end(1, 13.1)
    script.state(20.0, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    sound = segments(made, "teacher_audio")
    assert sound[0].start_s == 0
    assert sound[-1].start_s + sound[-1].duration_s == pytest.approx(20.0, abs=0.021)
    assert {each.run for each in sound} == {0}
    assert len(samples(made)) == pytest.approx(20 * 48_000, abs=1_100)
    assert [each.number for each in beeps(made)] == [1, 2, 3, 4, 7, 8, 9]
    assert [each.at - each.number for each in beeps(made)] == pytest.approx([3.04] * 7, abs=0.03)
    assert not gaps(made, "teacher_audio")


def test_ten_minutes_of_mute() -> None:
    script, teacher = Script(), Publisher(ppm=300)
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, teacher, ((160, 90),), 0.0, 7)
    script.microphone(2, teacher, 0.0, 7)
    script.camera(1, teacher, ((160, 90),), 607.0, 7, told=False, number_base=105, first=300, rtp_base=54_646_389)
    script.microphone(2, teacher, 607.0, 7, told=False, rtp_base=29_144_741)
    records = script.records()
    for place, record in enumerate(records):
        if isinstance(record, PacketRecord) and record.track == 2 and record.t > 600:
            records[place] = record._replace(number=record.number + 350)
    made = assemble(records)
    check_order(made, LONGEST_S)
    seen = pictures(made)
    assert [each.number for each in seen] == [*range(105), *range(300, 405)]
    assert not gaps(made, "teacher_video")
    sound = segments(made, "teacher_audio")
    assert sound[-1].start_s + sound[-1].duration_s == pytest.approx(614, abs=0.1)
    late = beeps(piece for piece in made if isinstance(piece, Init) or getattr(piece, "start_s", 0) > 600)
    assert [each.number for each in late] == list(range(1, 7))
    for beep in late:
        picture = next(each.at for each in seen if each.number == 300 + beep.number * FPS)
        assert beep.at - picture == pytest.approx(0, abs=0.04)


def test_lost_sound_is_a_gap_and_dtx_is_none() -> None:
    script = Script()
    script.state(0.0, RecordingState.RUNNING)
    script.microphone(1, Publisher(), 0.0, 10, network=Network(drop=lambda n: 200 <= n < 240))
    script.state(10.1, RecordingState.ENDED)
    (gap,) = gaps(assemble(script.records()), "teacher_audio")
    assert (gap.start_s, gap.duration_s) == pytest.approx((4.04, 0.8), abs=0.05)


def test_a_class_that_has_the_floor_is_heard_only_then() -> None:
    script, guest = Script(), Publisher("class", ppm=-200)
    script.state(0.0, RecordingState.RUNNING)
    script.camera(1, guest, ((160, 90),), 5.0, 9, slot=Slot.FLOOR_VIDEO)
    script.microphone(2, guest, 5.0, 9, slot=Slot.FLOOR_AUDIO)
    script.end(1, 14.2)
    script.end(2, 14.2)
    script.state(20.0, RecordingState.ENDED)
    made = assemble(script.records())
    check_order(made, LONGEST_S)
    sound = segments(made, "floor_audio")
    assert sound[0].start_s == pytest.approx(5.04, abs=0.05)
    assert sound[-1].start_s + sound[-1].duration_s == pytest.approx(14.05, abs=0.1)
    in_step(beeps(made, "floor_audio"), pictures(made, "floor_video"))
    cuts = [each.start_s for each in segments(made, "floor_video")][1:]
    assert [each.start_s for each in sound][1:] == pytest.approx(cuts, abs=0.02)


def test_encodings_whose_times_were_moved_apart_are_cut_together() -> None:
    """The UpTrack moves a keyframe behind what was shown already, by a frame or so."""
    records = [
        each._replace(rtp_time=each.rtp_time + 2_500)
        if isinstance(each, PacketRecord) and each.track == 1 and each.encoding == 1 and each.rtp_time >= 6 * 90_000
        else each
        for each in lesson.plain(14, SIZES)
    ]
    made = assemble(records)
    low, high = (segments(made, "teacher_video", encoding) for encoding in (0, 1))
    assert [(each.start_s, each.run) for each in low] == [(each.start_s, each.run) for each in high]
    shown = [pictures(made, encoding=encoding) for encoding in (0, 1)]
    assert [each.number for each in shown[1]] == list(range(14 * FPS))
    assert [each.at for each in shown[1]] == pytest.approx([each.at for each in shown[0]], abs=0.034)
