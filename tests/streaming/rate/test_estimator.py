"""The estimate on links that are full, lossy, shared, of another length, or measured by an odd clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.rate.arrivals import CEILING_BPS, QUEUE_CALM_S
from streaming.rate.estimator import (
    FLOOR_BPS,
    QUEUE_DEEP_S,
    START_BPS,
    UNPROVEN_FACTOR,
    Estimator,
)
from streaming.rate.feedback import FeedbackBatch
from tests.streaming.rate.hall import Hall, Link

# ---------------------------------------------------------------- growth


def test_a_used_estimate_grows_to_what_the_link_carries_and_hardly_above() -> None:
    hall = Hall(Link(500_000))
    highest = max(hall.run(0.5) for _ in range(40))
    assert highest <= 1.15 * 500_000
    assert hall.bps >= 0.85 * 500_000
    assert hall.worst_queue_s < 0.15


def test_an_unused_estimate_does_not_grow() -> None:
    hall = Hall(Link(5e6))
    assert max(hall.run(0.5, 150_000) for _ in range(20)) <= START_BPS


def test_what_was_never_proven_sinks_to_a_little_above_what_was() -> None:
    hall = Hall(Link(5e6), start_bps=3e6)
    hall.run(80.0, 100_000)
    assert 100_000 <= hall.bps <= UNPROVEN_FACTOR * 100_000 * 1.15


def test_a_probe_that_succeeded_is_believed() -> None:
    hall = Hall(Link(5e6))
    hall.estimator.proved(0, 2e6)
    assert hall.bps == 2e6
    hall.estimator.proved(0, 1e6)
    assert hall.bps == 2e6
    hall.estimator.proved(0, 1e12)
    assert hall.bps == CEILING_BPS


@given(
    st.lists(st.tuples(st.floats(20_000, 3e6), st.floats(50_000, 3e6), st.floats(0.0, 0.3)), min_size=1, max_size=4),
    st.integers(0, 1000),
)
@settings(derandomize=True, deadline=None, max_examples=8)
def test_never_above_what_is_proven_by_much(steps: list[tuple[float, float, float]], seed: int) -> None:
    """After settling; whatever the application sends, the link carries and loses."""
    hall = Hall(Link(), seed=seed)
    for send_bps, rate_bps, loss in steps:
        hall.rows[0].link.rate_bps, hall.rows[0].link.loss = rate_bps, loss
        for _ in range(2):
            hall.run(0.8, send_bps)
            proven = float(hall.estimator.proven_bps[0])
            assert FLOOR_BPS <= hall.bps <= max(UNPROVEN_FACTOR * proven, START_BPS) * 1.001


# ---------------------------------------------------------------- overuse


def test_a_link_that_became_slower_is_found_and_drained() -> None:
    hall = Hall(Link(800_000))
    hall.run(12.0)
    hall.rows[0].link.rate_bps = 200_000
    hall.run(3.0)
    assert hall.bps <= 1.05 * 200_000
    hall.run(3.0)
    assert not hall.estimator.draining[0]
    assert hall.rows[0].link.queue_s(hall.now) < 0.06
    assert hall.bps >= 0.5 * 200_000


def test_loss_together_with_a_queue_is_overuse() -> None:
    link = Link(400_000, buffer_s=0.045)  # too short for the queue alone to tell
    hall = Hall(link, start_bps=600_000)
    hall.run(2.0, 300_000)
    hall.run(2.0, 700_000)
    assert link.dropped > 50
    assert hall.bps <= 1.05 * 400_000


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_random_loss_alone_lowers_nothing_and_is_learnt(loss: float) -> None:
    link = Link(5e6)
    hall = Hall(link)
    hall.run(6.0)
    before, link.loss = hall.bps, loss
    assert min(hall.run(0.5) for _ in range(20)) >= before
    assert link.dropped > 10
    assert hall.estimator.inherent_loss[0] == pytest.approx(loss, rel=0.7)
    assert hall.estimator.overused_s[0] == -np.inf


def test_a_deep_queue_is_a_crisis_until_it_has_drained() -> None:
    hall = Hall(Link(1e6, buffer_s=2.0), start_bps=900_000)
    hall.run(2.0, 800_000)
    hall.rows[0].link.rate_bps = 80_000
    hall.run(0.5, 800_000)
    for _ in range(20):
        hall.run(0.05)
        if hall.estimator.crisis[0]:
            break
    assert hall.estimator.queue_s[0] > QUEUE_DEEP_S
    assert hall.estimator.pace_bps[0] < hall.bps
    hall.run(12.0)
    assert not hall.estimator.crisis[0]
    assert not hall.estimator.draining[0]


# ---------------------------------------------------------------- what is not ours


def test_a_foreign_queue_is_lived_with_and_loss_rules_then() -> None:
    link = Link(2e6, foreign_s=0.0)
    hall = Hall(link)
    hall.run(5.0)
    before = hall.bps
    link.foreign_s = 0.4
    hall.run(1.0)
    assert hall.bps < before
    hall.run(14.0)
    assert not hall.estimator.draining[0]
    assert hall.bps >= 0.4 * before
    shared = hall.bps
    link.loss = 0.4
    hall.run(3.0)
    assert hall.bps < 0.9 * shared
    link.loss = link.foreign_s = 0.0
    hall.run(10.0)
    assert hall.estimator.queue_s[0] < QUEUE_CALM_S


@pytest.mark.parametrize(("before_s", "after_s", "seconds"), [(0.15, 0.05, 1.0), (0.05, 0.15, 75.0)])
def test_the_base_delay_follows_the_path(before_s: float, after_s: float, seconds: float) -> None:
    link = Link(delay_s=before_s)
    hall = Hall(link)
    hall.run(3.0, 60_000)
    link.delay_s = after_s
    hall.run(seconds, 60_000)
    assert hall.estimator.queue_s[0] < QUEUE_CALM_S
    assert not hall.estimator.draining[0]


@pytest.mark.parametrize(("offset_s", "drift"), [(1e6, 0.0), (-900.0, 0.0), (7.0, 1e-4), (7.0, -1e-4)])
def test_the_viewers_clock_does_not_matter(offset_s: float, drift: float) -> None:
    honest, odd = Hall(Link(800_000)), Hall(Link(800_000, offset_s=offset_s, drift=drift))
    assert odd.run(10.0) == pytest.approx(honest.run(10.0), rel=0.15)
    assert odd.estimator.overused_s[0] == honest.estimator.overused_s[0]


# ---------------------------------------------------------------- lies


def lie(arrivals_s: list[float], sizes: list[int], reported: int) -> FeedbackBatch:
    count = len(arrivals_s)
    return FeedbackBatch(
        rows=np.array([0]),
        reported=np.array([reported]),
        lost=np.array([reported - count]),
        first=np.array([0]),
        packet_entry=np.zeros(count, np.int64),
        send_s=np.linspace(999.0, 1000.0, count),
        arrival_s=np.array(arrivals_s),
        size=np.array(sizes, np.int64),
    )


@given(
    st.lists(
        st.tuples(
            st.lists(
                st.tuples(st.floats(-1e9, 1e9, allow_subnormal=False), st.integers(1, 1500)), min_size=0, max_size=6
            ),
            st.integers(0, 2000),
            st.floats(0.0, 40.0),
            st.none() | st.integers(0, 1 << 81),
            st.integers(0, 10**8),
        ),
        max_size=12,
    )
)
@settings(derandomize=True, deadline=None, max_examples=120)
def test_estimates_are_always_numbers_within_bounds(
    steps: list[tuple[list[tuple[float, int]], int, float, int | None, int]],
) -> None:
    """Arrival times that go back or leap, wild losses and limits, long pauses."""
    estimator = Estimator()
    estimator.reserve(2)
    now, packets, octets = 1000.0, np.zeros(2, np.int64), np.zeros(2, np.int64)
    for arrived, reported, pause, limit, sent in steps:
        estimator.feedback(lie([at for at, _ in arrived], [size for _, size in arrived], reported), now)
        if limit is not None:
            estimator.remb(0, limit, now)
        packets, octets = packets + 1, octets + sent
        now += pause
        estimator.tick(packets, octets, now)
        assert FLOOR_BPS <= estimator.estimate_bps[0] <= CEILING_BPS
        assert 0 <= estimator.loss[0] <= 1
        assert 0 <= estimator.inherent_loss[0] <= 1
        assert np.isfinite([estimator.acked_bps[0], estimator.queue_s[0], estimator.pace_bps[0]]).all()


def test_a_new_viewer_begins_anew() -> None:
    hall = Hall(Link(100_000, loss=0.3))
    hall.run(3.0, 600_000)
    hall.estimator.reset(0, 123_000)
    fresh = Estimator()
    fresh.reserve(1)
    fresh.reset(0, 123_000)
    for name in ("estimate_bps", "loss", "inherent_loss", "queue_s", "draining", "proven_bps", "wide", "rtt_s"):
        assert getattr(hall.estimator, name)[0] == getattr(fresh, name)[0]
