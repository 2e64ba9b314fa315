"""The best ladder for an audience: tables, and what holds for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.rate.ladder import FIT, STEP_LEAST, best_rates, rung

RUNGS = [rung(320, 180), rung(640, 360), rung(1280, 720)]
rooms_of = st.lists(st.floats(0, 3e6), min_size=1, max_size=40)
budgets = st.floats(0, 3e6)


def ladder(rooms: list[float], most: list[int] | None = None, budget: float = float("inf")) -> list[float]:
    return best_rates(RUNGS, np.array(rooms), np.array(most or [2] * len(rooms)), budget)


def got(rates: list[float], room: float, most: int = 2) -> float:
    return max((rate for rate in rates[: most + 1] if 0 < rate <= FIT * room), default=0.0)


@pytest.mark.parametrize(
    ("rooms", "shares"),
    [
        ([330e3], [0.85]),
        ([900e3], [0.85]),
        ([540e3] * 25 + [190e3], [0.85] * 25 + [0.8]),
        ([2e6] * 3 + [330e3], [0.5] * 3 + [0.85]),
        ([150e3, 400e3, 1e6], [0.85] * 3),
        ([100e3], [0.85]),
    ],
)
def test_rooms_are_used(rooms: list[float], shares: list[float]) -> None:
    rates = ladder(rooms)
    for room, share in zip(rooms, shares, strict=True):
        assert got(rates, room) >= share * min(room, RUNGS[2].ceiling_bps)


def test_what_nobody_takes_is_the_next_step_up() -> None:
    rates = ladder([330e3])
    assert rates[2] <= 1.15 * max(RUNGS[2].floor_bps, STEP_LEAST * rates[1])


def test_a_page_that_shows_less_does_not_count_for_more() -> None:
    rates = ladder([2e6] * 5, most=[1] * 5)
    assert rates[1] == pytest.approx(RUNGS[1].ceiling_bps)


@given(rooms_of)
def test_rates_keep_their_bounds_and_their_distance(rooms: list[float]) -> None:
    rates = ladder(rooms)
    for rate, each in zip(rates, RUNGS, strict=True):
        assert each.floor_bps - 1 <= rate <= each.ceiling_bps + 1
    assert rates[1] >= STEP_LEAST * rates[0] - 1
    assert rates[2] >= STEP_LEAST * rates[1] - 1


@given(st.floats(RUNGS[0].floor_bps / FIT, 3e6), st.floats(1.0, 3.0))
def test_more_room_never_gives_less(room: float, factor: float) -> None:
    less, more = ladder([room]), ladder([factor * room])
    assert got(more, factor * room) >= got(less, room) - 1


@given(rooms_of, budgets)
def test_what_is_taken_keeps_within_the_uplink(rooms: list[float], budget: float) -> None:
    rates = ladder(rooms, budget=budget)
    taken = {rates[0]} | {got(rates, room) for room in rooms}
    assert sum(taken) <= max(budget, RUNGS[0].floor_bps) + 1


@given(rooms_of)
def test_an_ample_uplink_changes_nothing(rooms: list[float]) -> None:
    assert ladder(rooms, budget=1e9) == ladder(rooms)
