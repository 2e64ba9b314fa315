"""The synthetic encoder keeps its rates, its pattern and its promises about keyframes."""

from __future__ import annotations

from collections import defaultdict

import pytest

from bench.abr import payload
from bench.abr.encoder import CAMERA, FRAME_RATE, LAYER_SHARES, SCREEN, Frame, SimulcastEncoder, bursts
from streaming.wire import vp9


def film(encoder: SimulcastEncoder, seconds: float, start: float = 0.0) -> list[list[Frame]]:
    return [encoder.frames(start + tick / FRAME_RATE) for tick in range(round(seconds * FRAME_RATE))]


@pytest.mark.parametrize("seed", range(3))
def test_each_encoding_and_each_layer_keeps_its_rate(seed: int) -> None:
    octets: defaultdict[tuple[int, int], int] = defaultdict(int)
    for frames in film(SimulcastEncoder(CAMERA, seed), 60):
        for frame in frames:
            octets[frame.encoding, frame.temporal] += frame.size
    for index, rendition in enumerate(CAMERA):
        layers = [octets[index, temporal] * 8 / 60 for temporal in range(3)]
        assert sum(layers) == pytest.approx(rendition.natural_bps, rel=0.05)
        assert layers == pytest.approx([share * rendition.natural_bps for share in LAYER_SHARES], rel=0.15)


def test_sizes_vary_and_follow_from_the_seed() -> None:
    films = [film(SimulcastEncoder(CAMERA, seed), 2) for seed in (1, 1, 2)]
    assert films[0] == films[1]
    assert films[0] != films[2]


def test_temporal_pattern_and_references() -> None:
    made = [frames[0] for frames in film(SimulcastEncoder(CAMERA, 1), 1)]
    assert [frame.temporal for frame in made[:9]] == [0, 2, 1, 2, 0, 2, 1, 2, 0]
    assert made[0].keyframe
    assert made[0].back == 0
    for index, frame in enumerate(made[1:], 1):
        reference = made[index - frame.back]
        assert not frame.keyframe
        assert reference.temporal < frame.temporal or frame.temporal == reference.temporal == 0


def test_a_keyframe_asked_of_one_is_made_on_all_and_not_too_often() -> None:
    encoder = SimulcastEncoder(CAMERA, 1)
    film(encoder, 1)
    encoder.request_keyframe()
    first = encoder.frames(1.0)
    assert [frame.keyframe for frame in first] == [True, True, True]
    for frame, rendition in zip(first, CAMERA, strict=True):
        assert 6 <= frame.size / (rendition.natural_bps / 8 / FRAME_RATE) <= 8
    encoder.request_keyframe()
    keyed = [index for index, frames in enumerate(film(encoder, 1, 1 + 1 / FRAME_RATE), 1) if frames[0].keyframe]
    assert keyed == [9]
    assert encoder.keyframes == 3


def test_an_encoding_that_is_off_sends_nothing_and_comes_back_with_a_keyframe_of_all() -> None:
    encoder = SimulcastEncoder(CAMERA, 1)
    film(encoder, 1)
    encoder.configure(0, False, 0, 0)
    assert {frame.encoding for frames in film(encoder, 1, 1.0) for frame in frames} == {1, 2}
    encoder.configure(0, True, 0, 0)
    assert [frame.keyframe for frame in encoder.frames(2.0)] == [True, True, True]


def test_limits_of_rate_and_of_frames_are_obeyed() -> None:
    encoder = SimulcastEncoder(CAMERA, 1)
    encoder.configure(0, True, 500_000, 15)
    top = [frame for frames in film(encoder, 20) for frame in frames if frame.encoding == 0]
    assert sum(frame.size for frame in top) * 8 / 20 == pytest.approx(500_000, rel=0.05)
    assert len(top) == pytest.approx(300, abs=2)


def test_a_shared_screen_is_still_and_then_bursts() -> None:
    encoder = SimulcastEncoder(SCREEN, 1, bursts(1, 0.0, 100.0))
    seconds: defaultdict[int, int] = defaultdict(int)
    for tick, frames in enumerate(film(encoder, 90)):
        seconds[tick // FRAME_RATE] += sum(frame.size * 8 for frame in frames if frame.encoding == 0)
    still = sum(bits < 120_000 for bits in seconds.values())
    busy = sum(bits > 600_000 for bits in seconds.values())
    assert still > 30
    assert busy > 8


@pytest.mark.parametrize("size", [60, 1139, 1140, 1141, 26_000])
@pytest.mark.parametrize(("temporal", "back", "height"), [(0, 0, 720), (0, 4, 0), (2, 1, 0)])
def test_payloads_read_as_the_server_reads_them(size: int, temporal: int, back: int, height: int) -> None:
    payloads = payload.packetise(0x1234, temporal, back, size, 1280, 720)
    assert all(len(each) <= payload.PAYLOAD_MAX for each in payloads)
    assert size <= sum(map(len, payloads)) < size + len(payloads)
    for place, data in enumerate(payloads):
        part = payload.read(data, 0)
        server = vp9.parse(data, 0, len(data), True)
        assert part.picture == server.picture_id == 0x1234
        assert part.temporal == server.temporal_id == temporal
        assert part.first == server.begin_of_frame == (place == 0)
        assert part.last == (place == len(payloads) - 1)
        assert part.back == back
        assert part.height == server.height == (height if place == 0 else 0)
        assert server.keyframe == (place == 0 and back == 0)
