"""Layers by estimate, visible height and history; and the pacer's credit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.fanout.viewers import Viewers
from streaming.rate import pacer
from streaming.rate.allocator import HOLD_S, PACKET_OVERHEAD, SOUND_MIN_BPS, UP_MARGIN, Allocator, options
from streaming.uptrack.uptrack import UpTrack

PROFILE = WireProfile((("vp8", "", 96, 97), ("opus", "", 111, -1)))
LADDER = ((180, 150_000.0), (360, 500_000.0), (720, 1_500_000.0))


def flowing(heights: tuple[tuple[int, float], ...], now: float, temporals: tuple[float, float, float]) -> UpTrack:
    """A camera whose encodings cost these rates, split over temporal layers."""
    track = UpTrack("camera", "vp8")
    for index, (height, rate) in enumerate(heights):
        encoding = track.encoding_for(f"r{index}", index)
        assert encoding is not None
        encoding.height, encoding.width = height, height * 16 // 9
        encoding.bitrate_bps = [rate * share for share in temporals]
        encoding.last_packet_s = now
    return track


class Hall:
    """One viewer before a camera and a microphone."""

    def __init__(self, temporals: tuple[float, float, float] = (1.0, 0.0, 0.0), sound_bps: float = 32_000.0) -> None:
        self.now = 100.0
        self.viewers = Viewers()
        self.row = self.viewers.add()
        self.picture = FanOut("stage_video", False, 1, 2, self.viewers)
        self.sound = FanOut("teacher_audio", True, 3, 0, self.viewers)
        self.camera = flowing(LADDER, self.now, temporals)
        self.microphone = UpTrack("microphone", "opus")
        encoding = self.microphone.encoding_for("", 9)
        assert encoding is not None
        encoding.bitrate_bps = [sound_bps, 0.0, 0.0]
        for fanout, source in ((self.picture, self.camera), (self.sound, self.microphone)):
            fanout.add(self.row, PROFILE, 0)
            fanout.set_source(source)
            fanout.set_resumed(self.row, True)
        self.allocator = Allocator()

    def target(self, estimate_bps: float, *, height: int = 0, pause: float = 0.2) -> tuple[int, int]:
        self.now += pause
        for track in (self.camera, self.microphone):
            for encoding in track.encodings:
                encoding.last_packet_s = self.now
        self.picture.downtracks.height[self.row] = height
        self.settle([self.picture], estimate_bps)
        tracks = self.picture.downtracks
        return int(tracks.target_encoding[self.row]), int(tracks.target_temporal[self.row])

    def settle(self, pictures: list[FanOut], estimate_bps: float) -> None:
        """Allocate until the keyframes of the targets have come: a newcomer begins on the lowest encoding."""
        estimates = np.full(self.viewers.rows, estimate_bps)
        for _ in range(2):
            self.allocator.allocate([self.sound, *pictures], estimates, self.now)
            for fanout in pictures:
                fanout.downtracks.encoding[:] = fanout.downtracks.target_encoding


def cost(index: int) -> float:
    return LADDER[index][1] * PACKET_OVERHEAD


@pytest.mark.parametrize(
    ("estimate", "encoding"),
    [
        (5e6, 2),
        (SOUND_MIN_BPS + cost(2) * UP_MARGIN - 1, 1),
        (SOUND_MIN_BPS + cost(1) * UP_MARGIN + 1, 1),
        (SOUND_MIN_BPS + cost(0) * UP_MARGIN + 1, 0),
        (SOUND_MIN_BPS + cost(0) - 1, NONE),
        (0.0, NONE),
    ],
)
def test_the_best_layer_that_fits_behind_sound(estimate: float, encoding: int) -> None:
    hall = Hall()
    assert hall.target(estimate)[0] == encoding
    assert hall.sound.downtracks.target_encoding[hall.row] == 0  # sound stays whatever there is


@pytest.mark.parametrize(("height", "encoding"), [(0, 2), (1, 0), (180, 0), (181, 1), (361, 2), (9999, 2)])
def test_the_visible_height_bounds_the_encoding(height: int, encoding: int) -> None:
    assert Hall().target(1e7, height=height)[0] == encoding


def test_temporal_layers_are_steps_of_the_ladder() -> None:
    hall = Hall(temporals=(0.5, 0.2, 0.3))
    assert [(o.encoding, o.temporal) for o in options(hall.camera, hall.now)] == [
        (encoding, temporal) for encoding in range(3) for temporal in range(3)
    ]
    assert hall.target(SOUND_MIN_BPS + cost(0) * 0.75 * UP_MARGIN) == (0, 1)


def test_going_down_is_immediate_and_going_up_waits() -> None:
    hall = Hall()
    assert hall.target(5e6)[0] == 2
    assert hall.target(600_000.0)[0] == 1
    assert hall.target(5e6)[0] == 1
    assert hall.target(5e6, pause=HOLD_S - 0.3)[0] == 1
    assert hall.target(5e6, pause=0.2)[0] == 2


def test_going_up_needs_a_margin_and_staying_none() -> None:
    hall = Hall()
    bare = SOUND_MIN_BPS + cost(2) + 1
    assert hall.target(bare)[0] == 1
    assert hall.target(SOUND_MIN_BPS + cost(2) * UP_MARGIN + 1, pause=5.0)[0] == 2
    assert hall.target(bare)[0] == 2
    assert hall.target(bare - 2)[0] == 1


def test_a_layer_that_stopped_is_left() -> None:
    hall = Hall()
    assert hall.target(5e6)[0] == 2
    hall.camera.encodings[2].last_packet_s = hall.now - 5
    hall.settle([hall.picture], 5e6)
    assert hall.picture.downtracks.target_encoding[hall.row] == 1


def test_a_newcomer_begins_on_the_lowest_encoding_and_rises_with_its_first_picture() -> None:
    hall = Hall(temporals=(0.5, 0.2, 0.3))
    tracks, estimates = hall.picture.downtracks, np.full(hall.viewers.rows, 5e6)
    for _ in range(2):  # however long its keyframe takes
        hall.allocator.allocate([hall.sound, hall.picture], estimates, hall.now)
        assert (tracks.target_encoding[hall.row], tracks.target_temporal[hall.row]) == (0, 2)
    tracks.encoding[hall.row] = 0
    hall.allocator.allocate([hall.sound, hall.picture], estimates, hall.now)
    assert tracks.target_encoding[hall.row] == 2


def test_an_encoding_dearer_than_a_larger_one_is_no_choice() -> None:
    heights = ((180, 900_000.0), (360, 500_000.0))
    assert [o.encoding for o in options(flowing(heights, 1.0, (1, 0, 0)), 1.0)] == [1]


def test_who_paused_gets_no_layer_and_costs_nothing() -> None:
    hall = Hall()
    hall.target(5e6)
    hall.picture.set_resumed(hall.row, False)
    assert hall.target(5e6)[0] == NONE


def test_the_picture_of_higher_priority_is_served_first() -> None:
    hall = Hall()
    second = FanOut("floor_video", False, 5, 6, hall.viewers)
    second.add(hall.row, PROFILE, 0)
    second.set_source(flowing(LADDER, hall.now, (1, 0, 0)))
    second.set_resumed(hall.row, True)
    hall.settle([hall.picture, second], SOUND_MIN_BPS + cost(2) * UP_MARGIN + cost(0) * UP_MARGIN)
    assert hall.picture.downtracks.target_encoding[hall.row] == 2
    assert second.downtracks.target_encoding[hall.row] == 0


@given(
    st.lists(st.tuples(st.floats(0, 1e7), st.integers(0, 1100), st.floats(0.05, 3.0)), min_size=1, max_size=30),
    st.tuples(st.floats(0.1, 1), st.floats(0, 1), st.floats(0, 1)),
)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_never_above_the_estimate(steps: list[tuple[float, int, float]], temporals: tuple[float, float, float]) -> None:
    hall = Hall(temporals)
    for estimate, height, pause in steps:
        encoding, temporal = hall.target(estimate, height=height, pause=pause)
        if encoding != NONE:
            rate = sum(hall.camera.encodings[encoding].bitrate_bps[: temporal + 1]) * PACKET_OVERHEAD
            assert rate <= estimate - SOUND_MIN_BPS + 1


# ---------------------------------------------------------------- pacer


def test_credit_follows_the_estimate_up_to_a_burst() -> None:
    viewers = Viewers()
    row = viewers.add()
    estimates = np.full(viewers.rows, 8e6)
    pacer.refill(viewers, estimates, 0.005)
    assert viewers.credit[row] == pytest.approx(1e6 * pacer.FACTOR * 0.005)
    pacer.refill(viewers, estimates, 60.0)
    assert viewers.credit[row] == pytest.approx(1e6 * pacer.FACTOR * pacer.BURST_S)
    pacer.refill(viewers, np.full(viewers.rows, 30_000.0), 60.0)
    assert viewers.credit[row] == pacer.BURST_MIN_BYTES


def test_slow_are_those_without_credit_or_with_a_queue() -> None:
    viewers = Viewers()
    rows = [viewers.add() for _ in range(3)]
    viewers.credit[rows] = [-1, 10, 10]
    waiting = np.zeros(viewers.rows, np.bool_)
    waiting[rows[1]] = waiting[rows[2] + 1] = True
    pacer.decide_slow(viewers, waiting)
    assert viewers.slow[: len(rows) + 1].tolist() == [True, True, False, False]
    assert viewers.any_slow
