"""One common timeline and rising picture ids, whatever the encodings do."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from streaming.uptrack.cache import HEADER_BYTES, PAYLOAD_MAX_BYTES
from streaming.uptrack.encoding import TEMPORAL_LAYERS, Encoding
from streaming.uptrack.uptrack import ENCODINGS_MAX, VIDEO_CLOCK, Arrival, UpTrack
from streaming.wire import codecs
from streaming.wire.sequence import diff32
from streaming.wire.slab import PACKET_BYTES
from tests.streaming import packets
from tests.streaming.packets import Picture, give, padding, rtp

FRAME = VIDEO_CLOCK // 30
STARTS = (0, 127, 32767, 65534, 65535)


def video(codec: str = "vp8", encodings: int = 1) -> tuple[UpTrack, list[Encoding]]:
    track = UpTrack("peer/camera", codec)
    made = [track.encoding_for(f"r{index}", 100 + index) for index in range(encodings)]
    return track, [encoding for encoding in made if encoding is not None]


def content(track: UpTrack, arrival: Arrival) -> bytes:
    start = arrival.cell * PACKET_BYTES + HEADER_BYTES
    return bytes(track.cache.view[start : start + track.cache.length[arrival.cell]])


def time_of(track: UpTrack, arrival: Arrival) -> int:
    return track.cache.rtp_time[arrival.cell]


def take(track: UpTrack) -> list[Arrival]:
    taken = list(track.fresh)
    track.fresh.clear()
    return taken


def ids(track: UpTrack, arrival: Arrival) -> tuple[int, int]:
    data = content(track, arrival)
    descriptor = codecs.CODECS[track.codec.upper()](data, 0, len(data), True)
    return descriptor.picture_id, descriptor.tl0picidx


# ---------------------------------------------------------------- encodings


def test_encodings_are_told_by_rid_and_restart_with_another_ssrc() -> None:
    track, encodings = video(encodings=ENCODINGS_MAX)
    assert track.encoding_for("r1", 101) is encodings[1]
    assert encodings[1].restarts == 0
    track.sender_report(encodings[1], 1, 2, 3.0)
    assert track.encoding_for("r1", 999) is encodings[1]
    assert (encodings[1].restarts, encodings[1].ssrc, track.clocks[1]) == (1, 999, None)
    assert track.encoding_for("r9", 5) is None


# ---------------------------------------------------------------- timeline


def ntp(seconds: float) -> int:
    return int(seconds * 2**32)


@pytest.mark.parametrize("offsets", [(0, 5), (2**32 - 10, 2**31), (4_000_000_000, 17)])
def test_sender_reports_bring_encodings_onto_one_timeline(offsets: tuple[int, int]) -> None:
    track, (low, high) = video(encodings=2)
    give(track, low, rtp(packets.vp8(Picture(keyframe=True)), 1, offsets[0]), 50.0)
    track.sender_report(low, ntp(1000.0), offsets[0], 50.0)
    track.sender_report(high, ntp(1002.0), offsets[1] + 2 * VIDEO_CLOCK, 50.1)
    # the same instant as the first frame, but it took 0.7 s longer on its way
    give(track, high, rtp(packets.vp8(Picture(keyframe=True)), 1, offsets[1]), 50.7)
    first, second = take(track)
    assert diff32(time_of(track, second), time_of(track, first)) == 1  # right behind the other picture of this instant


def test_without_reports_the_arrival_tells_and_the_next_keyframe_corrects() -> None:
    track, (low, high) = video(encodings=2)
    give(track, low, rtp(packets.vp8(Picture(keyframe=True)), 1, 1000), 50.0)
    give(track, high, rtp(packets.vp8(Picture(keyframe=True)), 1, 777_000), 50.1)
    first, second = take(track)
    assert diff32(time_of(track, second), time_of(track, first)) == VIDEO_CLOCK // 10
    track.sender_report(low, ntp(1000.0), 1000, 51.0)
    track.sender_report(high, ntp(1000.0), 777_000, 51.0)
    give(track, high, rtp(packets.vp8(Picture(1)), 2, 777_000 + FRAME), 50.11)
    give(track, low, rtp(packets.vp8(Picture(9)), 2, 1000 + 9 * FRAME), 50.3)
    give(track, high, rtp(packets.vp8(Picture(9, keyframe=True)), 3, 777_000 + 10 * FRAME), 50.4)
    delta, _, corrected = take(track)
    assert diff32(time_of(track, delta), time_of(track, first)) == FRAME + VIDEO_CLOCK // 10
    assert diff32(time_of(track, corrected), time_of(track, first)) == 10 * FRAME


def test_a_small_error_of_the_reports_moves_nothing() -> None:
    track, (low, high) = video(encodings=2)
    for encoding in (low, high):
        give(track, encoding, rtp(packets.vp8(Picture(keyframe=True)), 1, 1000), 50.0)
        track.sender_report(encoding, ntp(1000.0) + encoding.index * ntp(0.004), 1000, 50.0)
    shift = high.rtp_shift
    give(track, high, rtp(packets.vp8(Picture(5, keyframe=True)), 2, 1000 + 5 * FRAME), 50.2)
    assert high.rtp_shift == shift


def test_keyframes_of_one_instant_have_rising_times_in_any_order() -> None:
    track, encodings = video(encodings=3)
    shuffle = random.Random(7)
    previous: int | None = None
    for frame in range(60):
        order = list(encodings)
        shuffle.shuffle(order)
        for encoding in order:
            keyframe = frame % 5 == 0
            packet = rtp(packets.vp8(Picture(frame, keyframe=keyframe)), frame, 5000 * encoding.index + frame * FRAME)
            give(track, encoding, packet, 50 + frame / 30)
            (arrival,) = take(track)
            if keyframe:
                assert previous is None or diff32(time_of(track, arrival), previous) > 0
                assert previous is None or diff32(time_of(track, arrival), previous) <= 5 * FRAME + 100
            previous = time_of(track, arrival)


def test_a_restart_goes_on_in_time_even_when_the_clock_is_fast() -> None:
    track, (encoding,) = video()
    give(track, encoding, rtp(packets.vp8(Picture(keyframe=True)), 1, 0), 50.0)
    give(track, encoding, rtp(packets.vp8(Picture(1)), 2, 100 * VIDEO_CLOCK), 60.0)  # ten times too fast
    track.encoding_for("r0", 200)
    give(track, encoding, rtp(packets.vp8(Picture(7, keyframe=True)), 900, 123), 60.5)
    _, last, renewed = take(track)
    assert diff32(time_of(track, renewed), time_of(track, last)) == VIDEO_CLOCK // 2


def test_viewers_are_told_the_latest_clock_on_the_common_timeline() -> None:
    track, (low, high) = video(encodings=2)
    assert track.common_clock() is None
    give(track, low, rtp(packets.vp8(Picture(keyframe=True)), 1, 1000), 50.0)
    track.sender_report(high, ntp(5.0), 99, 50.1)
    assert track.common_clock() is None  # not aligned yet: its times mean nothing
    track.sender_report(low, ntp(4.0), 1000, 50.0)
    assert track.common_clock() == (ntp(4.0), 1000)
    give(track, high, rtp(packets.vp8(Picture(keyframe=True)), 1, 99), 50.2)
    track.sender_report(high, ntp(6.0), 99 + VIDEO_CLOCK, 50.3)
    told = track.common_clock()
    assert told is not None
    assert told[0] == ntp(6.0)
    assert diff32(told[1], 1000 + 2 * VIDEO_CLOCK) == 0


# ---------------------------------------------------------------- picture ids


@pytest.mark.parametrize("build", [packets.vp8, packets.vp9])
@pytest.mark.parametrize("bits", [7, 15])
@pytest.mark.parametrize("start", [0, 100, 126, 127, 32700, 32766, 32767])
def test_picture_ids_rise_by_one_over_keyframe_switches(
    build: Callable[[Picture], bytes], bits: int, start: int
) -> None:
    """A viewer that changes the encoding at each of its keyframes sees ids go on; 600 frames wrap 7 bits often."""
    codec = "vp8" if build is packets.vp8 else "vp9"
    track, encodings = video(codec, 3)
    chance = random.Random(start * bits)
    watched = encodings[0]
    seen: list[tuple[int, int]] = []
    circle = 1 << bits
    switches = 0
    for frame in range(600):
        target = chance.choice(encodings)
        for encoding in encodings:
            keyframe = frame == 0 or (encoding is target and frame % 11 == 0)
            picture = Picture(start + 31 * encoding.index + frame, frame, keyframe=keyframe, bits=bits)
            give(track, encoding, rtp(build(picture), frame, frame * FRAME), 50 + frame / 30)
            (arrival,) = take(track)
            if keyframe and encoding is target and encoding is not watched:
                watched = encoding
                switches += 1
            if encoding is watched:
                seen.append(ids(track, arrival))
    assert switches > 20
    for (picture_id, tl0), (next_id, next_tl0) in itertools.pairwise(seen):
        assert 1 <= (next_id - picture_id) % circle <= 4
        assert 1 <= (next_tl0 - tl0) % 256 <= 4


def test_a_late_packet_keeps_the_ids_and_time_of_its_own_frame() -> None:
    track, (low, high) = video(encodings=2)
    for encoding in (low, high):
        give(track, encoding, rtp(packets.vp8(Picture(0, keyframe=True)), 0, 0), 50.0)
    give(track, low, rtp(packets.vp8(Picture(1)), 1, FRAME), 50.03)
    give(track, high, rtp(packets.vp8(Picture(1)), 1, FRAME), 50.03)
    give(track, high, rtp(packets.vp8(Picture(2, keyframe=True)), 2, 2 * FRAME), 50.06)
    take(track)
    give(track, low, rtp(packets.vp8(Picture(2)), 2, 2 * FRAME), 50.06)
    give(track, low, rtp(packets.vp8(Picture(3, keyframe=True)), 4, 3 * FRAME), 50.1)  # 3 is still missing
    begun, rebased = take(track)
    give(track, low, rtp(packets.vp8(Picture(2, begin=False)), 3, 2 * FRAME), 50.1)
    (late,) = take(track)
    assert late.late
    assert ids(track, late) == ids(track, begun)
    assert time_of(track, late) == time_of(track, begun)
    assert ids(track, rebased)[0] == ids(track, begun)[0] + 2


@pytest.mark.parametrize(
    ("own", "former", "then"),
    [(5000, 100, 5000), (100, 5000, 5000), (32_000, 10, 10), (10, 32_000, 10), (100, 20_000, 100)],
)
def test_a_replacing_track_never_steps_back(own: int, former: int, then: int) -> None:
    track, _ = video()
    track.picture_top = own
    track.tl0_top = 200
    track.continue_from(former, 250)
    assert (track.picture_top, track.tl0_top) == (then, 250)
    assert (then - own) % 0x8000 < 0x4000
    assert (then - former) % 0x8000 < 0x4000


# ---------------------------------------------------------------- odd packets


@pytest.mark.parametrize("start", STARTS)
def test_padding_takes_a_number_that_viewers_do_not_see(start: int) -> None:
    track, (encoding,) = video()
    give(track, encoding, padding(start - 1, 0), 49.9)  # before anything: not even a number
    give(track, encoding, rtp(packets.vp8(Picture(keyframe=True)), start, 0), 50.0)
    give(track, encoding, padding(start + 1, 0), 50.0)
    give(track, encoding, padding(start + 1, 0), 50.0)
    give(track, encoding, rtp(packets.vp8(Picture(1)), start + 2, FRAME), 50.1)
    assert [arrival.number for arrival in take(track)] == [0, 2]
    assert [encoding.above(2, temporal) for temporal in range(TEMPORAL_LAYERS)] == [1, 1, 1]
    assert track.losses[0].due(51.0, 0.1) == []
    assert encoding.packets == 3


def test_late_padding_is_announced_so_that_its_gap_can_be_closed() -> None:
    track, (encoding,) = video()
    give(track, encoding, rtp(packets.vp8(Picture(keyframe=True)), 0, 0), 50.0)
    give(track, encoding, rtp(packets.vp8(Picture(1)), 2, FRAME), 50.1)
    give(track, encoding, padding(1, 0), 50.1)
    arrival = take(track)[-1]
    assert (arrival.number, arrival.temporal, arrival.late) == (1, TEMPORAL_LAYERS, True)
    assert content(track, arrival) == b""


def test_what_does_not_fit_a_cell_is_counted() -> None:
    track, (encoding,) = video()
    largest = packets.vp8(Picture(keyframe=True))
    largest += bytes(PAYLOAD_MAX_BYTES - len(largest))
    give(track, encoding, rtp(largest, 0, 0), 50.0)
    give(track, encoding, rtp(largest + b"x", 1, 0), 50.0)
    assert len(take(track)) == 1
    assert track.errors == {"payload_too_large": 1}


def test_bad_descriptors_and_duplicates_are_counted() -> None:
    track, (encoding,) = video("h264")
    give(track, encoding, rtp(packets.h264(True, True), 0, 0), 50.0)
    give(track, encoding, rtp(packets.h264(True, True), 0, 0), 50.0)
    give(track, encoding, rtp(b"\x7d\x00\x00", 1, 0), 50.0)
    assert len(take(track)) == 1
    assert track.errors == {"duplicate": 1, "h264_type": 1}


def test_a_muted_track_forwards_nothing_and_leaves_no_gap() -> None:
    track, (encoding,) = video()
    give(track, encoding, rtp(packets.vp8(Picture(0, keyframe=True)), 0, 0), 50.0)
    track.set_muted(True)
    for frame in range(1, 30):
        give(track, encoding, rtp(packets.vp8(Picture(frame)), frame, frame * FRAME), 50 + frame / 30)
    assert len(take(track)) == 1
    assert encoding.flowing(51.0)
    track.set_muted(False)
    assert track.keyframes.due(51.0) == [0]
    give(track, encoding, rtp(packets.vp8(Picture(30, keyframe=True)), 30, 30 * FRAME), 51.0)
    (arrival,) = take(track)
    assert arrival.number - encoding.above(arrival.number, 0) == 1
    assert encoding.restarts == 1


def test_muting_sound_keeps_its_timeline() -> None:
    track = UpTrack("peer/microphone", "opus")
    encoding = track.encoding_for("", 1)
    assert encoding is not None
    for packet in range(10):
        track.set_muted(3 <= packet < 7)
        give(track, encoding, rtp(b"opus", packet, 1000 + 960 * packet), 50 + packet / 50)
    arrivals = take(track)
    assert [time_of(track, arrival) for arrival in arrivals] == [1000 + 960 * n for n in (0, 1, 2, 7, 8, 9)]
    assert [arrival.number - encoding.above(arrival.number, 0) for arrival in arrivals] == list(range(6))
    assert encoding.restarts == 0


def test_another_codec_waits_for_its_keyframe() -> None:
    track, (encoding,) = video("vp8")
    give(track, encoding, rtp(packets.vp8(Picture(keyframe=True)), 0, 0), 50.0)
    track.change_codec("h264", "constrained-baseline")
    give(track, encoding, rtp(packets.h264(True, True), 1, FRAME), 50.1)
    assert (track.codec, encoding.restarts) == ("h264", 1)
    assert [arrival.keyframe for arrival in take(track)] == [True, True]


@pytest.mark.parametrize("start", STARTS)
def test_gaps_are_asked_for_and_restored_packets_end_it(start: int) -> None:
    track, (encoding,) = video()
    for number in (0, 1, 4):
        give(track, encoding, rtp(packets.vp8(Picture(number, keyframe=not number)), start + number, number), 50.0)
    missing = track.losses[0].due(50.1, 0.1)
    assert [encoding.sequence(number) for number in missing] == [(start + 2) & 0xFFFF, (start + 3) & 0xFFFF]
    give(track, encoding, rtp(packets.vp8(Picture(2)), start + 2, 2), 50.1)
    assert take(track)[-1].late
    assert track.losses[0].recovered == 1
