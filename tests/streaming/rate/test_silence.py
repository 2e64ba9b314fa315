"""Viewers that say nothing, and viewers that cannot say much: receiver reports and REMB only."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.rate.arrivals import CEILING_BPS
from streaming.rate.estimator import (
    FIRST_WORD_S,
    FLOOR_BPS,
    RETURN_SHARE,
    SILENCE_HALVE_S,
    SILENCE_HOLD_S,
    SILENCE_STOP_S,
    START_BPS,
    Estimator,
)
from tests.streaming.rate.hall import Hall, Link

# ---------------------------------------------------------------- silence


def settled() -> Hall:
    hall = Hall(Link(2e6))
    hall.run(10.0)
    return hall


def test_silence_holds_then_halves_then_stops() -> None:
    hall = settled()
    hall.rows[0].link.deaf = True
    hall.run(SILENCE_HOLD_S + 0.1)
    held = hall.bps
    assert hall.run(SILENCE_HALVE_S - SILENCE_HOLD_S - 0.1) == held
    assert FLOOR_BPS < hall.run(SILENCE_STOP_S - SILENCE_HALVE_S - 0.1) <= 0.5 * held
    assert hall.run(1.0) == FLOOR_BPS


def test_after_a_silence_a_part_of_what_was_comes_back_at_once() -> None:
    hall = settled()
    before = hall.bps
    hall.rows[0].link.deaf = True
    hall.run(10.0)
    hall.rows[0].link.deaf = False
    hall.run(1.0)
    assert 0.9 * RETURN_SHARE * before <= hall.bps <= before


def test_a_link_that_comes_back_full_of_old_packets_does_not_begin_high() -> None:
    hall = settled()
    before, link = hall.bps, hall.rows[0].link
    link.deaf = True
    hall.run(4.0)
    link.foreign_s = 0.5
    hall.run(1.0)
    link.deaf = False
    hall.run(0.5)
    assert hall.bps < RETURN_SHARE * before


def test_where_nothing_is_sent_nothing_can_be_said() -> None:
    hall = settled()
    before = hall.run(0.8, 0.0)
    assert hall.run(0.5, 0.0) == before
    assert hall.run(30.0, 0.0) <= before


def test_a_newcomer_has_time_for_its_first_word() -> None:
    hall = Hall(Link(deaf=True))
    hall.run(0.2, 0.0)
    assert hall.run(FIRST_WORD_S - 0.3, 200_000) == START_BPS
    assert hall.run(SILENCE_STOP_S + 0.5, 200_000) == FLOOR_BPS


def test_silence_of_one_is_no_silence_of_another() -> None:
    hall = Hall(Link(2e6), Link(2e6))
    hall.run(5.0)
    hall.rows[0].link.deaf = True
    before = float(hall.estimator.estimate_bps[1])
    hall.run(5.0)
    assert hall.bps == FLOOR_BPS
    assert hall.estimator.estimate_bps[1] >= before


# ---------------------------------------------------------------- no transport-wide feedback


class Plain:
    """Row 0 of two sends receiver reports only; row 1 is only there."""

    def __init__(self) -> None:
        self.estimator = Estimator()
        self.estimator.reserve(2)
        self.estimator.connected(0, 1000.0)
        self.now = 1000.0
        self.packets, self.octets = np.zeros(2, np.int64), np.zeros(2, np.int64)

    def run(self, seconds: float, send_bps: float, loss: float = 0.0, limit_bps: int | None = None) -> float:
        for step in range(round(seconds / 0.05)):
            self.now += 0.05
            self.packets[0] += 5
            self.octets[0] += int(send_bps * 0.05 / 8)
            if step % 10 == 0:
                self.estimator.receiver_report(0, loss, 0.1, self.now)
            if step % 10 == 0 and limit_bps is not None:
                self.estimator.remb(0, limit_bps, self.now)
            self.estimator.tick(self.packets, self.octets, self.now)
        assert self.estimator.estimate_bps[1] == START_BPS
        return float(self.estimator.estimate_bps[0])


def test_receiver_reports_count_where_there_is_nothing_better() -> None:
    plain = Plain()
    grown = plain.run(10.0, START_BPS)
    assert grown > START_BPS
    assert plain.run(5.0, START_BPS, loss=0.04) >= grown
    assert plain.run(2.0, START_BPS, loss=0.4) < 0.7 * grown
    assert plain.run(60.0, START_BPS, loss=1.0) == FLOOR_BPS


def test_what_the_receiver_allows_is_not_exceeded() -> None:
    plain = Plain()
    assert plain.run(20.0, 600_000, limit_bps=400_000) <= 1.01 * 400_000
    assert plain.run(20.0, 600_000, limit_bps=150_000) <= 1.01 * 150_000
    assert plain.run(20.0, 150_000, limit_bps=900_000) > 150_000


@pytest.mark.parametrize("limit", [0, 1, 1 << 60, 0x3FFFF << 63])
def test_an_absurd_limit_is_bounded(limit: int) -> None:
    plain = Plain()
    for send_bps in (0.0, 50_000.0, 5e6):
        assert FLOOR_BPS <= plain.run(2.0, send_bps, limit_bps=limit) <= CEILING_BPS


def test_with_transport_wide_feedback_reports_tell_the_round_trip_only() -> None:
    hall = settled()
    before = hall.bps
    hall.estimator.receiver_report(0, 1.0, 0.2, hall.now)
    hall.estimator.receiver_report(0, 1.0, 0.7, hall.now)
    hall.estimator.receiver_report(0, 1.0, 0.0, hall.now)  # not known
    assert 0.2 < hall.estimator.rtt_s[0] < 0.7
    assert hall.run(1.0) >= before


def test_silence_of_reports_is_silence() -> None:
    plain = Plain()
    plain.run(5.0, START_BPS)
    for _ in range(60):
        plain.now += 0.05
        plain.packets[0] += 5
        plain.estimator.tick(plain.packets, plain.octets, plain.now)
    assert plain.estimator.estimate_bps[0] == FLOOR_BPS
