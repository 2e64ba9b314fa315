"""What a Track's publisher need not send, and at which rates it should send the rest."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.rate.audience import Audience
from streaming.rate.encoder_rates import LASTS_S
from streaming.rate.ladder import WIRE, rung
from streaming.rate.track_control import REST_AFTER_S, TrackControl, Wanted
from tests.streaming.rate.seats import LADDER, SOUND, camera, microphone

NOW = 100.0
STEP_S = 0.25
UNLIMITED = float("inf")
PAGE = ((180, 120_000.0 * WIRE), (360, 350_000.0 * WIRE), (720, 1_100_000.0 * WIRE))
"""What a page sends by itself."""


def active(control: TrackControl, desired: set[int], now: float) -> list[bool] | None:
    told = control.update(Audience(desired), now)
    return None if told is None else [wanted.active for wanted in told]


def test_layers_nobody_wants_rest_after_a_while_and_wake_at_once() -> None:
    track = camera()
    control = TrackControl(track, NOW)
    assert active(control, {2}, NOW) is None  # all flow: nothing to say
    assert active(control, {2}, NOW + REST_AFTER_S - 0.1) is None
    assert active(control, {2}, NOW + REST_AFTER_S) == [True, False, True]
    assert [encoding.resting for encoding in track.encodings] == [False, True, False]
    assert active(control, {2}, NOW + REST_AFTER_S + 1) is None  # told once
    assert active(control, {1, 2}, NOW + REST_AFTER_S + 2) == [True, True, True]
    assert not track.encodings[1].resting


@pytest.mark.parametrize("ladder", [LADDER, LADDER[::-1]])
def test_the_smallest_picture_stays_wherever_it_was_offered(ladder: tuple[tuple[int, float], ...]) -> None:
    track = camera(ladder)
    control = TrackControl(track, NOW)
    control.update(Audience(), NOW)
    told = control.update(Audience(), NOW + REST_AFTER_S)
    assert told is not None
    assert [track.encodings[each.index].height for each in told if each.active] == [180]


def test_nothing_rests_while_a_size_is_unknown() -> None:
    track = camera()
    track.encodings[0].height = 0
    control = TrackControl(track, NOW)
    control.update(Audience(), NOW)
    assert active(control, set(), NOW + 10 * REST_AFTER_S) is None


def test_full_sound_stays_and_saving_sound_comes_when_wanted() -> None:
    track = microphone(*SOUND)
    track.encodings[0].resting = True
    control = TrackControl(track, NOW)
    assert active(control, {1}, NOW) is None
    assert active(control, {0}, NOW + 1) == [True, True]
    assert active(control, {0}, NOW + 100) is None
    assert active(control, {1}, NOW + 100 + REST_AFTER_S) == [False, True]


def test_saving_sound_that_is_wanted_from_the_start_is_asked_for() -> None:
    track = microphone(*SOUND)
    track.encodings[0].resting = True
    assert active(TrackControl(track, NOW), {0}, NOW) == [True, True]


def test_a_single_encoding_is_left_alone() -> None:
    control = TrackControl(microphone(50_000.0), NOW)
    assert active(control, set(), NOW + 1000) is None


# ---------------------------------------------------------------- rates


class Picture:
    """A camera, and viewers with this room for it, who take the largest encoding that fits."""

    def __init__(self) -> None:
        self.track = camera(PAGE)
        self.control = TrackControl(self.track, NOW)
        self.now = NOW
        self.told: list[list[Wanted]] = []
        self.sent = [rate for _, rate in PAGE]
        self.heeds = True

    def watched(
        self,
        seconds: float,
        rooms: list[float],
        *,
        limited: bool = True,
        proven: float = 0.0,
        budget: float = UNLIMITED,
        height: int = 0,
    ) -> list[int]:
        """The rates asked for at the end, in bits a second by height; 0: off, -1: none is set."""
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            audience = self.audience(np.array(rooms), limited, proven, height)
            told = self.control.update(audience, self.now, budget)
            if told is not None:
                self.told.append(told)
                for each in told:
                    if each.max_bitrate_bps and self.heeds:
                        self.sent[each.index] = each.max_bitrate_bps * WIRE
        return [self._rate(index) for index in range(len(PAGE))]

    def _rate(self, index: int) -> int:
        if not self.told:
            return -1
        told = self.told[-1][index]
        return (told.max_bitrate_bps or -1) if told.active else 0

    def audience(self, rooms: np.ndarray, limited: bool, proven: float, height: int) -> Audience:
        taken, desired = [], set()
        for room in rooms:
            shown = [index for index, (size, _) in enumerate(PAGE) if not height or size < 2 * height]
            taken.append(max((index for index in shown if self.sent[index] <= room), default=-1))
            desired.add(taken[-1])
        for encoding in self.track.encodings:
            if not encoding.asleep:
                encoding.last_packet_s = self.now
                encoding.bitrate_bps = [self.sent[encoding.index], 0.0, 0.0]
        shape = len(rooms)
        return Audience(
            desired, rooms, rooms * proven, np.full(shape, limited), np.full(shape, height), np.array(taken)
        )


def test_rates_follow_what_one_class_has_room_for() -> None:
    small, middle, _ = Picture().watched(2.0, [330_000.0])
    assert small == -1
    assert 0.8 * 330_000 / WIRE < middle < 330_000 / WIRE


def test_most_get_more_and_nobody_is_left_out() -> None:
    small, middle, large = Picture().watched(12.0, [540_000.0] * 25 + [190_000.0])
    assert 0.8 * 540_000 / WIRE < large < 540_000 / WIRE
    assert 100_000 < max(small, middle) < 190_000 / WIRE


def test_an_estimate_that_nothing_limits_lowers_nothing() -> None:
    picture = Picture()
    assert picture.watched(5.0, [400_000.0], limited=False) == [-1, -1, -1]
    assert picture.watched(5.0, [400_000.0])[1] > 0


def test_who_has_no_room_is_helped_at_once_and_more_is_given_once_proven() -> None:
    picture = Picture()
    before = picture.watched(10.0, [330_000.0])[1]
    lowered = picture.watched(2 * STEP_S + STEP_S, [250_000.0])[1]
    assert lowered < 0.85 * before
    assert picture.watched(LASTS_S / 2, [330_000.0])[1] == lowered
    assert picture.watched(3.0, [330_000.0], proven=1.0)[1] > 1.15 * lowered


def test_what_is_only_believed_is_tried_little_by_little() -> None:
    picture = Picture()
    before = picture.watched(10.0, [220_000.0])[1]
    assert picture.watched(LASTS_S - STEP_S, [400_000.0])[1] == before
    told = len(picture.told)
    while len(picture.told) == told:
        tried = picture.watched(STEP_S, [400_000.0])[1]
    assert before < tried <= 1.16 * before


def test_noisy_estimates_do_not_make_rates_flap() -> None:
    source = np.random.default_rng(7)
    picture = Picture()
    for _ in range(1200):
        rooms = 330_000.0 * source.uniform(0.93, 1.1, 6)
        picture.watched(STEP_S, rooms.tolist(), proven=float(source.uniform(0.9, 1.0)))
    assert len(picture.told) <= 6


def test_a_rate_that_did_not_last_is_tried_ever_less_often() -> None:
    """A link that carries 300 kbit/s while its estimate, for want of traffic, says more."""
    picture = Picture()
    picture.watched(10.0, [290_000.0])
    before = len(picture.told)
    for _ in range(1200):
        too_much = picture.sent[1] > 280_000
        picture.watched(STEP_S, [290_000.0 if too_much else 420_000.0])
    assert len(picture.told) - before <= 24


def test_the_uplink_bounds_what_is_asked_for() -> None:
    picture = Picture()
    picture.watched(2.0, [2e6] * 3, limited=False)
    large = picture.track.encodings[2]
    rates = picture.watched(2.0, [2e6] * 3, limited=False, budget=420_000.0)
    assert (rates[2], large.asleep, large.resting) == (0, True, False)
    assert sum(rate for rate in rates if rate > 0) * WIRE <= 420_000
    picture.watched(12.0, [2e6] * 3, limited=False, budget=3e6, proven=1.0)
    assert large.available(picture.now)
    assert picture.watched(12.0, [2e6] * 3, limited=False, proven=1.0)[2] != 0


def test_who_does_not_heed_rates_is_measured_and_told_no_more() -> None:
    picture = Picture()
    picture.heeds = False
    assert picture.watched(2.0, [250_000.0])[1] > 0
    assert max(picture.watched(20.0, [250_000.0])) <= 0
    assert [each.told_bps for each in picture.track.encodings] == [0, 0, 0]
    assert not picture.track.encodings[0].asleep


def test_a_small_page_asks_for_no_more_than_it_shows() -> None:
    picture = Picture()
    _, middle, large = picture.watched(12.0, [2e6], height=300)
    assert large == 0
    assert middle != 0


@pytest.mark.parametrize(
    ("size", "sharp", "floor", "usual"),
    [
        ((320, 180), False, 60, 120),
        ((640, 360), False, 156, 364),
        ((1280, 720), False, 406, 1084),
        ((960, 540), True, 137, 452),
        ((1920, 1080), True, 356, 1233),
    ],
)
def test_bounds_go_with_the_size(size: tuple[int, int], sharp: bool, floor: int, usual: int) -> None:
    found = rung(*size, sharp=sharp)
    assert found.floor_bps / WIRE / 1e3 == pytest.approx(floor, rel=0.01)
    assert found.usual_bps / WIRE / 1e3 == pytest.approx(usual, rel=0.01)
    assert found.floor_bps <= found.usual_bps <= found.ceiling_bps
