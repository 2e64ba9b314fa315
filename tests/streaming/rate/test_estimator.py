"""The estimator's safe rule, also against viewers that lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.fanout.viewers import Viewers
from streaming.rate.estimator import CEILING_BPS, FLOOR_BPS, HEADROOM_BPS, LIMIT_WINDOWS, START_BPS, Estimator
from streaming.rate.feedback import REPORTS_MAX, FeedbackBatch, FeedbackLog
from streaming.wire.feedback import Feedback

STEP_S = 0.5


def batch(row: int, reported: int, received: int, received_bytes: int) -> FeedbackBatch:
    none = np.zeros(0, np.int64)
    return FeedbackBatch(
        rows=np.array([row]),
        reported=np.array([reported]),
        received=np.array([received]),
        received_bytes=np.array([received_bytes]),
        packet_report=none,
        send_time=np.zeros(0),
        arrival_us=none,
    )


class Link:
    """Row 0 of two is sent `send_bps`; its feedback reports `loss`. Row 1 is only there."""

    def __init__(self) -> None:
        self.estimator = Estimator()
        self.estimator.reserve(2)
        self.now = 100.0
        self.sent = np.zeros(2, np.int64)
        self.estimator.tick(self.sent, self.now)

    def run(self, seconds: float, send_bps: float, loss: float = 0.0, feedback: bool = True) -> float:
        for _ in range(round(seconds / STEP_S)):
            size = int(send_bps * STEP_S / 8)
            self.sent[0] += size
            self.now += STEP_S
            if feedback:
                self.estimator.feedback(batch(0, 100, round(100 * (1 - loss)), int(size * (1 - loss))), self.now)
            assert self.estimator.tick(self.sent, self.now)
        return self.bps

    @property
    def bps(self) -> float:
        return float(self.estimator.estimate_bps[0])


def test_a_used_estimate_grows_slowly() -> None:
    link = Link()
    after = link.run(1.0, START_BPS)
    assert START_BPS < after <= START_BPS * 1.18
    assert link.run(60.0, 15e6) == CEILING_BPS


def test_an_unused_estimate_stops_growing() -> None:
    link = Link()
    assert link.run(120.0, 500_000.0) == pytest.approx(2 * 500_000 + HEADROOM_BPS, rel=0.01)
    assert link.run(10.0, 100_000.0) == pytest.approx(2 * 500_000 + HEADROOM_BPS, rel=0.01)  # but does not fall either


@pytest.mark.parametrize("loss", [0.15, 0.3, 0.6, 1.0])
def test_loss_shrinks(loss: float) -> None:
    link = Link()
    assert link.run(STEP_S, START_BPS, loss) == pytest.approx(START_BPS * (1 - loss / 2), rel=0.01)
    assert link.run(30.0, START_BPS, loss) == pytest.approx(FLOOR_BPS)
    assert link.estimator.loss[0] == pytest.approx(loss)


def test_a_little_loss_holds() -> None:
    assert Link().run(10.0, START_BPS, 0.05) == START_BPS


def test_silence_halves_and_the_other_rows_stay() -> None:
    link = Link()
    link.run(STEP_S, START_BPS)
    before = link.bps
    link.run(1.5, START_BPS, feedback=False)
    assert link.bps == before
    assert link.run(2.0, START_BPS, feedback=False) == pytest.approx(before * 0.25, rel=0.01)
    assert link.estimator.estimate_bps[1] == START_BPS  # never heard: not connected yet


def test_the_receivers_own_limit_holds_what_is_really_sent() -> None:
    link = Link()
    link.run(5.0, 1_000_000)
    link.estimator.remb(0, 300_000, link.now)
    assert link.run(STEP_S, 1_000_000) > 300_000  # it may only be late
    assert link.run((LIMIT_WINDOWS - 1) * STEP_S, 1_000_000) == 300_000
    assert not link.estimator.unproven(link.now)[0]


def test_a_limit_far_above_what_is_sent_says_nothing() -> None:
    link = Link()
    link.estimator.remb(0, 900_000, link.now)
    assert link.run(2.0, 100_000) >= START_BPS


@pytest.mark.parametrize("limit", [0, 1, 1 << 60, 0x3FFFF << 63])
def test_an_absurd_limit_is_bounded(limit: int) -> None:
    link = Link()
    link.estimator.remb(0, limit, link.now)
    for send_bps in (0.0, 50_000.0, 5e6):
        assert FLOOR_BPS <= link.run(2.0, send_bps) <= CEILING_BPS


def test_receiver_reports_count_where_there_is_nothing_better() -> None:
    link = Link()
    link.estimator.receiver_report(0, 0.5, 0.2, link.now)
    assert link.bps == START_BPS * 0.75
    assert link.estimator.rtt_s[0] == 0.2
    link.estimator.receiver_report(0, 0.0, 0.7, link.now)
    assert link.estimator.rtt_s[0] == pytest.approx(0.3)
    link.estimator.receiver_report(0, 0.0, 0.0, link.now)  # not known
    assert link.estimator.rtt_s[0] == pytest.approx(0.3)


def test_claims_of_more_than_was_sent_gain_nothing() -> None:
    link = Link()
    for _ in range(100):
        link.estimator.feedback(batch(0, 1000, 1000, 50_000_000), link.now)
        link.run(STEP_S, 100_000, feedback=False)
    assert link.bps <= max(START_BPS, 2 * 100_000 + HEADROOM_BPS) * 1.01


def test_a_new_viewer_begins_anew() -> None:
    link = Link()
    link.run(20.0, START_BPS, 0.5)
    link.estimator.remb(0, 40_000, link.now)
    link.estimator.reset(0)
    link.sent[0] = 0
    assert link.run(1.0, START_BPS) > START_BPS
    assert link.estimator.loss[0] == 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 65535),
            st.integers(0, 65535),
            st.integers(0, 10**9),
            st.integers(0, 10**8),
            st.floats(0.0, 40.0),
            st.none() | st.integers(0, 2**81),
        ),
        max_size=40,
    )
)
@settings(derandomize=True, deadline=None, max_examples=200)
def test_estimates_are_always_numbers_within_bounds(
    steps: list[tuple[int, int, int, int, float, int | None]],
) -> None:
    estimator = Estimator()
    estimator.reserve(1)
    now, sent = 100.0, np.zeros(1, np.int64)
    for reported, received, received_bytes, sent_bytes, pause, limit in steps:
        estimator.feedback(batch(0, reported, min(received, reported), received_bytes), now)
        if limit is not None:
            estimator.remb(0, limit, now)
        sent = sent + sent_bytes
        now += pause
        estimator.tick(sent, now)
        assert FLOOR_BPS <= estimator.estimate_bps[0] <= CEILING_BPS
        assert 0 <= estimator.loss[0] <= 1
        assert np.isfinite(estimator.received_bps).all()


# ---------------------------------------------------------------- feedback joined with what was sent


def viewers_with_sends() -> tuple[Viewers, int]:
    viewers = Viewers()
    viewers.add()
    row = viewers.add()
    for number in range(1, 11):
        viewers.history[row, number] = viewers.record([100 * number], 50.0 + number)
    return viewers, row


def test_feedback_is_joined_with_the_history() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    assert log.take(viewers) is None
    log.add(row, Feedback(3, 4, 0, 0, [3, 4, 6], [1000, 2000, 1500]))
    log.add(row, Feedback(7, 1, 0, 1, [7], [9000]))
    joined = log.take(viewers)
    assert joined is not None
    assert joined.rows.tolist() == [row, row]
    assert (joined.reported.tolist(), joined.received.tolist()) == ([4, 1], [3, 1])
    assert joined.received_bytes.tolist() == [1300, 700]
    assert joined.send_time.tolist() == [53.0, 54.0, 56.0, 57.0]
    assert joined.packet_report.tolist() == [0, 0, 0, 1]
    assert joined.arrival_us.tolist() == [1000, 2000, 1500, 9000]
    assert log.take(viewers) is None


def test_numbers_never_sent_and_nothing_received_are_harmless() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    log.add(row, Feedback(0, 65535, 0, 0, [], []))
    log.add(row, Feedback(60_000, 2, 0, 0, [60_000, 65_535], [-5, 2**40]))
    joined = log.take(viewers)
    assert joined is not None
    assert joined.received_bytes[0] == 0
    assert len(joined.send_time) == 2


def test_the_log_is_bounded() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    for _ in range(REPORTS_MAX + 3):
        log.add(row, Feedback(1, 1, 0, 0, [1], [0]))
    joined = log.take(viewers)
    assert joined is not None
    assert len(joined.rows) == REPORTS_MAX
    assert log.dropped == 3
