"""Probes: when they begin, how far they go, what they send, and what is believed of their answers."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.rate import prober as probing
from streaming.rate.estimator import START_BPS, Estimator
from streaming.rate.prober import AT_ONCE, DURATION_LEAST_S, DURATION_S, INTERVAL_MOST_S, MARGIN, STEP_MOST, Prober
from tests.streaming.rate.hall import Hall, Link


def calm_rows(rows: int, now: float = 1000.0) -> Estimator:
    """Viewers whose links have just been seen to be empty."""
    estimator = Estimator()
    estimator.reserve(rows)
    estimator.wide[:] = True
    for row in range(rows):
        estimator.connected(row, now)
    return estimator


def started(next_bps: float, best_bps: float | None = None, rows: int = 1) -> tuple[Prober, Estimator]:
    estimator, prober = calm_rows(rows), Prober()
    prober.reserve(rows)
    best = next_bps if best_bps is None else best_bps
    prober.start(estimator, np.full(rows, next_bps), np.full(rows, best), np.zeros(rows, np.int64), 1000.0)
    return prober, estimator


# ---------------------------------------------------------------- goal and duration


def test_a_probe_goes_a_little_beyond_the_next_layer() -> None:
    prober, _ = started(350_000)
    assert prober.running[0].goal_bps == pytest.approx(MARGIN * 350_000)


def test_a_first_probe_goes_for_the_best_but_not_far() -> None:
    assert started(350_000, 400_000)[0].running[0].goal_bps == pytest.approx(MARGIN * 400_000)
    assert started(350_000, 5e6)[0].running[0].goal_bps == pytest.approx(STEP_MOST * START_BPS)


def test_what_is_proven_or_has_nothing_better_is_not_probed() -> None:
    assert not started(START_BPS / MARGIN - 1)[0].running
    assert not started(np.nan)[0].running


def test_the_further_the_shorter() -> None:
    near, far = started(310_000)[0].running[0], started(440_000)[0].running[0]
    for probe in (near, far):
        assert DURATION_LEAST_S <= probe.end_s - probe.start_s <= DURATION_S
    assert near.end_s > far.end_s


@pytest.mark.parametrize("reason", ["blind", "silent", "draining", "queue", "overused", "lossy"])
def test_nothing_is_tried_where_the_link_is_not_calm(reason: str) -> None:
    estimator, prober = calm_rows(1), Prober()
    prober.reserve(1)
    now = 1000.0
    if reason == "blind":
        estimator.wide[0] = False
    elif reason == "silent":
        now += 60.0
    elif reason == "draining":
        estimator.draining[0] = True
    elif reason == "queue":
        estimator.queue_s[0] = 0.04
    elif reason == "overused":
        estimator.overused_s[0] = now - 0.1
    else:
        estimator.loss[0] = 0.5
    prober.start(estimator, np.full(1, 400_000.0), np.full(1, 400_000.0), np.zeros(1, np.int64), now)
    assert not prober.running


def test_few_probe_at_once() -> None:
    prober, estimator = started(400_000, rows=3 * AT_ONCE)
    assert len(prober.running) == AT_ONCE
    rows = 3 * AT_ONCE
    prober.expire(1000.0 + 60.0)
    for row in range(rows):
        estimator.connected(row, 1060.0)
    prober.start(estimator, np.full(rows, 4e5), np.full(rows, 4e5), np.zeros(rows, np.int64), 1060.0)
    assert len(prober.running) == AT_ONCE


# ---------------------------------------------------------------- padding


def test_padding_fills_what_was_not_sent_anyway() -> None:
    prober, _ = started(400_000)
    probe = prober.running[0]
    begun, length = probe.start_s, probe.end_s - probe.start_s
    half = probe.goal_bps / 8 * length / 2
    assert prober.missing_bytes(0, 0, begun) == 0
    assert prober.missing_bytes(0, 0, begun + length / 2) == pytest.approx(half, abs=2)
    assert prober.missing_bytes(0, int(half), begun + length / 2) == pytest.approx(0, abs=2)
    assert prober.missing_bytes(0, 10**6, begun + length / 2) < 0  # a keyframe filled it
    assert prober.missing_bytes(0, 0, begun + length) == 0  # it is over


# ---------------------------------------------------------------- outcome


def probed(link: Link, next_bps: float, *, seconds: float = 2.0, send_bps: float = 200_000.0) -> Hall:
    hall = Hall(link)
    hall.run(2.0, send_bps)
    hall.next_bps[0] = next_bps
    hall.run(seconds, send_bps)
    return hall


def test_a_link_with_room_proves_it_in_steps() -> None:
    hall = probed(Link(3e6), 1.2e6, seconds=8.0)
    assert hall.bps >= 0.95 * 1.2e6
    assert (hall.prober.succeeded > 1, hall.prober.failed) == (True, 0)
    assert hall.worst_queue_s < 0.05


def test_a_link_without_room_proves_nothing_and_hardly_notices() -> None:
    hall = probed(Link(330_000), 600_000, seconds=8.0)
    assert hall.prober.failed >= 1
    assert hall.bps <= 1.1 * 330_000
    assert hall.worst_queue_s < 0.2
    assert hall.prober.cautious[0] or hall.prober.succeeded


@pytest.mark.parametrize("goal_share", [1.1, 1.15, 1.3])
def test_what_a_link_does_not_quite_carry_is_no_proof(goal_share: float) -> None:
    rate_bps = 600_000.0
    hall = Hall(Link(rate_bps), start_bps=500_000)
    hall.run(2.0, 400_000)
    hall.next_bps[0] = goal_share * rate_bps / MARGIN
    hall.run(3.0, 400_000)
    assert (hall.prober.succeeded, hall.prober.failed > 0) == (0, True)
    assert hall.bps <= 1.02 * rate_bps


def test_a_probe_that_fills_the_link_measures_it() -> None:
    hall = probed(Link(400_000), 1e6, seconds=1.0, send_bps=250_000)
    assert (hall.prober.succeeded, hall.prober.failed) == (0, 1)
    assert 0.85 * 400_000 < hall.bps < 1.02 * 400_000
    assert hall.estimator.full[0]


def test_loss_that_the_link_always_has_fails_no_probe() -> None:
    hall = Hall(Link(3e6, loss=0.1), seed=3)
    hall.run(8.0, 250_000)
    hall.next_bps[0] = 420_000
    hall.run(12.0, 250_000)
    assert hall.prober.succeeded >= 1


def test_failures_make_probes_rarer_up_to_a_bound_and_success_ends_that() -> None:
    prober, estimator = started(400_000)
    now, pauses = 1000.0, []
    for _ in range(12):
        while not prober.running:
            now += 0.1
            estimator.connected(0, now)
            prober.start(estimator, np.full(1, 4e5), np.full(1, 9e5), np.zeros(1, np.int64), now)
        now += 3.0
        prober.expire(now)
        assert not prober.running
        pauses.append(float(prober.next_s[0]) - now)
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1] == pytest.approx(INTERVAL_MOST_S)
    assert (prober.failed, prober.succeeded) == (12, 0)


def test_after_a_failure_a_probe_goes_for_exactly_the_next_layer() -> None:
    prober, estimator = started(350_000, 400_000)
    prober.expire(1010.0)
    estimator.connected(0, 1020.0)
    prober.start(estimator, np.full(1, 350_000.0), np.full(1, 400_000.0), np.zeros(1, np.int64), 1020.0)
    assert prober.running[0].goal_bps == pytest.approx(MARGIN * 350_000)


def test_a_queue_aborts() -> None:
    hall = Hall(Link(2e6))
    hall.run(1.0, 200_000)
    hall.next_bps[0] = 420_000
    while not hall.prober.running:
        hall.run(0.05, 200_000)
    hall.rows[0].link.foreign_s = probing.QUEUE_ABORT_S + 0.1
    hall.run(0.3, 200_000)
    assert hall.prober.failed == 1


def test_an_unanswered_probe_expires() -> None:
    prober, estimator = started(400_000)
    end = prober.running[0].end_s
    prober.expire(end + probing.ANSWER_S)
    assert prober.running
    prober.expire(end + probing.ANSWER_S + 0.01)
    assert not prober.running
    assert float(estimator.estimate_bps[0]) == START_BPS


def test_who_claims_only_part_proves_nothing() -> None:
    hall = Hall(Link(3e6), seed=1)
    hall.run(1.0, 200_000)
    hall.next_bps[0] = 420_000
    hall.rows[0].link.loss = 0.4
    hall.run(1.0, 200_000)
    assert hall.prober.succeeded == 0


def test_a_row_given_to_another_forgets_its_probe() -> None:
    prober, _ = started(400_000)
    prober.cautious[0], prober.next_s[0] = True, 5000.0
    prober.reset(0)
    assert not prober.running
    assert not prober.cautious[0]
    assert prober.next_s[0] < 0
