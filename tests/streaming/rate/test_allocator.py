"""Who gets which layer: sound before pictures, pictures by priority, never more than there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.fanout.downtracks import NONE
from streaming.fanout.selection import TOP_TEMPORAL
from streaming.rate.allocator import (
    BEARABLE,
    HELD_MARGIN,
    HOLD_MOST_S,
    HOLD_S,
    SHORT_S,
    SOUND_FULL_BPS,
    UP_MARGIN,
)
from streaming.rate.redundancy import REPEATED_SHARE, ROOM_SHARE
from streaming.uptrack.encoding import KEYFRAMES
from tests.streaming.rate.seats import LADDER, SOUND, TEMPORALS, Seats, camera

FULL = SOUND[1]
RATES = [rate for _, rate in LADDER]


def fits(index: int) -> float:
    """A budget for full sound and this encoding, and hardly more."""
    return FULL + RATES[index] * UP_MARGIN + 1


# ---------------------------------------------------------------- sound


def test_sound_stays_whatever_there_is() -> None:
    seats = Seats(camera())
    for budget in (5e6, 200_000.0, 30_000.0, 0.0, 5e6):
        seats.target(budget)
        assert seats.heard() != NONE


def test_sound_is_full_where_pictures_have_room_and_saving_where_not() -> None:
    seats = Seats(camera())
    seats.target(5e6)
    assert seats.heard() == 1
    seats.target(0.9 * SOUND_FULL_BPS)
    assert seats.heard() == 0
    seats.target(1.05 * SOUND_FULL_BPS)
    assert seats.heard() == 0  # no to and fro at the border
    seats.target(2 * SOUND_FULL_BPS)
    assert seats.heard() == 1
    seats.target(1.05 * SOUND_FULL_BPS)
    assert seats.heard() == 1


def test_saving_sound_that_does_not_flow_yet_is_asked_for_and_waited_for() -> None:
    seats = Seats(camera())
    assert seats.sound.source is not None
    seats.sound.source.encodings[0].resting = True
    seats.target(60_000.0)
    assert seats.heard() == 1
    assert 0 in seats.sound.desired
    seats.sound.source.encodings[0].resting = False
    seats.target(60_000.0)
    assert seats.heard() == 0
    assert seats.sound.desired == {0}


def test_one_way_of_sound_is_taken_as_it_is() -> None:
    seats = Seats(camera(), sound=(50_000.0,))
    seats.target(20_000.0)
    assert seats.heard() == 0


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize(
    ("budget", "encoding"),
    [(5e6, 2), (fits(2), 2), (fits(2) - 100_000, 1), (fits(1), 1), (fits(0), 0), (0.0, NONE)],
)
def test_the_best_layer_that_fits_behind_sound(budget: float, encoding: int) -> None:
    assert Seats(camera()).target(budget)[0] == encoding


def test_temporal_layers_are_steps_of_the_ladder() -> None:
    seats = Seats(camera(temporals=TEMPORALS))
    assert seats.target(FULL + RATES[0] * 0.7 * UP_MARGIN + 1) == (0, 1)
    assert seats.target(FULL + RATES[0] * UP_MARGIN + 1, pause=30.0) == (0, 2)


@pytest.mark.parametrize(("height", "encoding"), [(0, 2), (1, 0), (180, 0), (181, 1), (361, 2), (9999, 2)])
def test_the_visible_height_bounds_the_resolution(height: int, encoding: int) -> None:
    seats = Seats(camera())
    seats.pictures[0].downtracks.height[:] = height
    assert seats.target(1e7)[0] == encoding


def test_the_picture_of_higher_priority_is_served_first() -> None:
    seats = Seats(camera(), camera())
    seats.target(fits(2) + RATES[0] * UP_MARGIN + 1)
    assert (seats.layer(0)[0], seats.layer(1)[0]) == (2, 0)
    seats.target(fits(0))
    assert (seats.layer(0)[0], seats.layer(1)[0]) == (0, NONE)


def test_a_screen_gets_sharp_before_it_gets_smooth() -> None:
    seats = Seats(camera(temporals=TEMPORALS), sharp=(0,))
    assert seats.target(FULL + RATES[1] * 0.9) == (1, 0)
    assert seats.target(FULL + RATES[2] * 0.5 * UP_MARGIN + 1, pause=30.0) == (2, 0)
    assert seats.target(5e6, pause=30.0) == (2, 2)


def test_who_paused_gets_no_picture_and_pays_for_none() -> None:
    seats = Seats(camera())
    seats.target(5e6)
    seats.pictures[0].set_resumed(seats.rows[0], False)
    assert seats.target(5e6)[0] == NONE
    assert seats.allocation.cost_bps[seats.rows[0]] == FULL


def test_an_encoding_that_stopped_is_left() -> None:
    seats = Seats(camera())
    assert seats.target(5e6)[0] == 2
    source = seats.pictures[0].source
    assert source is not None
    source.encodings[2].last_packet_s = seats.now - 5.0
    seats.allocate(5e6)
    assert seats.layer()[0] == 1


def test_a_newcomer_begins_on_the_lowest_and_rises_with_its_first_picture() -> None:
    seats = Seats(camera(temporals=TEMPORALS))
    seats.pass_time(0.2)
    for _ in range(3):  # however long its keyframe takes
        seats.allocate(5e6)
        assert seats.layer() == (0, 2)
    seats.keyframes()
    seats.allocate(5e6)
    assert seats.layer() == (2, 2)


def test_where_nothing_spoke_against_it_the_first_picture_comes_beyond_the_budget() -> None:
    seats = Seats(camera(((720, 900_000.0),), TEMPORALS), camera(((720, 900_000.0),)))
    seats.pass_time(0.2)
    seats.allocate(300_000.0, unproven=True)
    assert (seats.layer(0), seats.layer(1)[0]) == ((0, 0), NONE)
    seats.allocate(300_000.0, unproven=False)
    assert seats.layer(0)[0] == NONE


# ---------------------------------------------------------------- up and down


def test_down_at_once_and_up_after_a_while() -> None:
    seats = Seats(camera())
    assert seats.target(5e6)[0] == 2
    assert seats.target(fits(1), pause=60.0)[0] == 1
    assert seats.target(fits(2))[0] == 1
    assert seats.target(fits(2), pause=HOLD_S)[0] == 2


def test_up_needs_a_margin_and_staying_does_not() -> None:
    seats = Seats(camera())
    bare = FULL + RATES[2]
    assert seats.target(bare)[0] == 1
    assert seats.target(fits(2), pause=5.0)[0] == 2
    assert seats.target(bare)[0] == 2
    assert seats.target(FULL + RATES[2] / BEARABLE + 1)[0] == 2
    assert seats.target(FULL + RATES[2] / BEARABLE - 1)[0] == 1


def test_steps_up_that_did_not_last_are_tried_less_and_less_often() -> None:
    seats = Seats(camera())
    seats.target(fits(1))
    waits = []
    for _ in range(5):
        waited = 0.0
        while seats.target(fits(2))[0] != 2:
            waited += 0.2
            assert waited < 2 * HOLD_MOST_S
        waits.append(waited)
        assert seats.target(fits(1), pause=SHORT_S / 4)[0] == 1
    assert waits[1:] == sorted(waits[1:])
    assert waits[-1] >= 2 * waits[1]
    assert seats.target(FULL + RATES[2] * HELD_MARGIN + 1, pause=HOLD_S)[0] == 2  # so much room is another matter


def test_another_viewer_of_the_row_has_not_failed() -> None:
    seats = Seats(camera())
    for _ in range(4):
        seats.target(fits(2), pause=HOLD_MOST_S)
        seats.target(fits(1), pause=1.0)
    seats.allocator.forget(seats.rows[0])
    assert seats.target(fits(2))[0] == 2


def test_in_a_crisis_the_least_remains_and_the_rest_ceases_at_once() -> None:
    seats = Seats(camera(temporals=TEMPORALS))
    assert seats.target(5e6) == (2, 2)
    seats.pass_time(0.2)
    seats.allocate(5e6, crisis=True)
    assert seats.layer() == (0, 0)
    assert seats.pictures[0].downtracks.encoding[seats.rows[0]] == NONE
    assert seats.heard() == 1
    seats.keyframes()
    assert seats.target(5e6, pause=HOLD_S + 0.1) == (2, 2)


# ---------------------------------------------------------------- what could be had


def test_the_next_and_the_best_picture_are_told_to_the_prober() -> None:
    seats = Seats(camera(), camera())
    seats.target(fits(1))
    seats.pass_time(30.0)
    seats.allocate(fits(1))
    allocation, row = seats.allocation, seats.rows[0]
    assert allocation.cost_bps[row] == FULL + RATES[1]
    assert allocation.next_bps[row] == pytest.approx(FULL + RATES[2])
    assert allocation.best_bps[row] == pytest.approx(FULL + RATES[2])
    seats.target(1e7, pause=30.0)
    seats.pass_time(30.0)
    seats.allocate(1e7)
    assert np.isnan(seats.allocation.next_bps[row])


def test_a_resting_encoding_is_desired_by_whoever_could_have_it() -> None:
    source = camera()
    source.encodings[2].resting = True
    seats = Seats(source)
    assert seats.target(5e6)[0] == 1  # it does not flow
    seats.target(5e6, pause=2.0)
    assert 2 in seats.pictures[0].desired
    seats.target(fits(0), pause=2.0)
    assert 2 not in seats.pictures[0].desired


# ---------------------------------------------------------------- properties

LADDERS = st.tuples(st.floats(30_000, 300_000), st.floats(1.2, 4), st.floats(1.2, 4)).map(
    lambda each: ((180, each[0]), (360, each[0] * each[1]), (720, each[0] * each[1] * each[2]))
)
SHARES = st.tuples(st.floats(0.3, 1), st.floats(0, 0.5), st.floats(0, 0.5))
BUDGETS = st.lists(st.tuples(st.floats(0, 4e6), st.floats(0.05, 4.0)), min_size=1, max_size=12)


# ---------------------------------------------------------------- still pictures

STILL = 12_000.0
LEAST = SOUND[0] + STILL * UP_MARGIN + 1
"""For saving sound and still pictures."""


def test_still_pictures_come_between_motion_and_sound_alone() -> None:
    seats = Seats(camera(still_bps=STILL))
    assert seats.target(5e6) == (2, TOP_TEMPORAL)
    for budget, layer in ((60_000.0, (0, KEYFRAMES)), (SOUND[0], (NONE, 0)), (LEAST, (0, KEYFRAMES))):
        assert seats.target(budget, pause=2 * HOLD_S) == layer
        assert seats.allocation.patient[seats.rows[0]] == (layer[0] != NONE)
    assert seats.target(FULL + RATES[0] * UP_MARGIN + 1, pause=2 * HOLD_S) == (0, TOP_TEMPORAL)
    assert not seats.allocation.patient[seats.rows[0]]


def test_motion_that_costs_hardly_more_is_preferred_to_still_pictures() -> None:
    seats = Seats(camera(still_bps=0.6 * RATES[0]))
    assert seats.target(SOUND[0] + 0.8 * RATES[0]) == (NONE, 0)


def test_of_the_screen_still_pictures_come_before_those_of_a_camera() -> None:
    seats = Seats(camera(still_bps=3 * STILL), camera(still_bps=STILL), sharp=(0,))
    seats.target(SOUND[0] + 3.5 * STILL)
    assert [seats.layer(index) for index in range(2)] == [(0, KEYFRAMES), (NONE, 0)]
    seats.target(SOUND[0] + 4.5 * STILL)
    assert [seats.layer(index) for index in range(2)] == [(0, KEYFRAMES), (0, KEYFRAMES)]


def test_the_next_thing_to_prove_from_still_pictures_is_motion() -> None:
    seats = Seats(camera(still_bps=STILL))
    seats.target(60_000.0)
    seats.pass_time(SHORT_S)
    seats.allocate(60_000.0)
    row = seats.rows[0]
    assert seats.allocation.cost_bps[row] == pytest.approx(SOUND[0] + STILL, rel=0.01)
    assert seats.allocation.next_bps[row] == pytest.approx(SOUND[0] + RATES[0], rel=0.01)


def test_who_had_motion_is_not_given_it_beyond_the_budget_again() -> None:
    seats = Seats(camera(still_bps=STILL))
    seats.pass_time(1.0)
    seats.allocate(SOUND[0], unproven=True)
    assert seats.layer() == (0, TOP_TEMPORAL)
    seats.pictures[0].downtracks.packets[:] = 100
    seats.target(SOUND[0])
    seats.allocate(SOUND[0], unproven=True)
    assert seats.layer() == (0, KEYFRAMES)
    seats.allocate(SOUND[0], unproven=True, blind=True)  # no probe would ever bring it motion again
    assert seats.layer()[1] > KEYFRAMES


def test_in_a_crisis_what_moves_is_cut_to_its_cheapest_layer_not_to_still_pictures() -> None:
    seats = Seats(camera(temporals=TEMPORALS, still_bps=STILL))
    seats.target(5e6)
    seats.allocate(5e6, crisis=True)
    assert seats.layer() == (0, 0)


# ---------------------------------------------------------------- redundant sound


def test_sound_repeats_itself_where_packets_are_lost_and_there_is_room() -> None:
    seats = Seats(camera())
    steps = ((0.0, False), (0.03, False), (0.05, True), (0.03, True), (0.01, False), (0.03, False), (0.2, True))
    for loss, repeated in steps:
        seats.loss[:] = loss
        seats.target(1e6)
        assert seats.repeated() == repeated
    assert seats.allocation.cost_bps[seats.rows[0]] <= 1e6


def test_sound_does_not_repeat_itself_at_the_cost_of_all_else() -> None:
    seats = Seats(camera())
    seats.loss[:] = 0.1
    once = REPEATED_SHARE * FULL / ROOM_SHARE
    for budget, repeated in ((0.9 * once, False), (1.05 * once, False), (1.3 * once, True), (1.05 * once, True)):
        seats.target(budget)
        assert seats.repeated() == repeated


@given(
    LADDERS, SHARES, BUDGETS, st.lists(st.integers(0, 1100), min_size=3, max_size=3), st.sampled_from([0.0, 0.03, 0.1])
)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_never_above_the_estimate(
    ladder: tuple[tuple[int, float], ...],
    shares: tuple[float, float, float],
    budgets: list[tuple[float, float]],
    heights: list[int],
    loss: float,
) -> None:
    """A step up fits; what is kept or fallen back to is bearable."""
    seats = Seats(*(camera(ladder, shares, STILL) for _ in range(3)), sharp=(1,))
    seats.loss[:] = loss
    for fanout, height in zip(seats.pictures, heights, strict=True):
        fanout.downtracks.height[:] = height
    for budget, pause in budgets:
        seats.pass_time(pause)
        for _ in range(2):
            before = [seats.layer(index) for index in range(3)]
            seats.allocate(budget)
            seats.keyframes()
            check_budget(seats, before, budget)


def check_budget(seats: Seats, before: list[tuple[int, int]], budget: float) -> None:
    left = budget - seats.sound_cost()
    for index, former in enumerate(before):
        cost = seats.cost(index)
        if cost:
            assert cost <= (left if seats.layer(index) > former else BEARABLE * left) + 1
        left -= cost
    assert seats.allocation.cost_bps[seats.rows[0]] <= max(BEARABLE * budget, seats.sound_cost()) + 1


@given(LADDERS, SHARES, BUDGETS, st.booleans())
@settings(derandomize=True, deadline=None, max_examples=40)
def test_sound_never_starves_behind_pictures(
    ladder: tuple[tuple[int, float], ...],
    shares: tuple[float, float, float],
    budgets: list[tuple[float, float]],
    crisis: bool,
) -> None:
    """Pictures get what sound leaves; sound is the same whether there are pictures or not."""
    seats, alone = Seats(camera(ladder, shares), camera(ladder, shares)), Seats()
    for budget, pause in budgets:
        for each in (seats, alone):
            each.pass_time(pause)
            each.allocate(budget, crisis=crisis)
            each.keyframes()
        assert seats.heard() == alone.heard() != NONE
        if budget < seats.sound_cost():
            assert seats.layer(0)[0] == seats.layer(1)[0] == NONE
