"""Feedback joined with what was sent: nobody can claim what was not."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.fanout.viewers import HISTORY, NOT_SENT, Viewers
from streaming.rate.feedback import REPORTS_MAX, FeedbackBatch, FeedbackLog
from streaming.uptrack.cache import OVERHEAD_BYTES
from tests.streaming.reports import report


def viewers_with_sends(last: int = 10, rows: int = 2) -> tuple[Viewers, int]:
    """The last of `rows` rows has been sent numbers 1 … `last`, of 100 bytes times their number, a second apart."""
    viewers = Viewers()
    row = [viewers.add() for _ in range(rows)][-1]
    for number in range(1, last + 1):
        viewers.history[row, number & (HISTORY - 1)] = viewers.record([100 * number], 50.0 + number)
    viewers.number[row] = (last + 1) & 0xFFFF
    return viewers, row


def take(log: FeedbackLog, viewers: Viewers) -> FeedbackBatch:
    batch = log.take(viewers)
    assert batch is not None
    return batch


def wire(*sizes: int) -> list[int]:
    return [size + OVERHEAD_BYTES for size in sizes]


def test_several_reports_of_a_tick_are_one_entry() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    assert log.take(viewers) is None
    log.add(row, report(1, 4, [1, 2, 4], [1000, 2000, 1500]))
    log.add(row, report(5, 3, [5, 7], [9000, 8000]))
    batch = take(log, viewers)
    assert (batch.rows.tolist(), batch.reported.tolist(), batch.lost.tolist()) == ([row], [7], [2])
    assert batch.send_s.tolist() == [51.0, 52.0, 54.0, 55.0, 57.0]
    assert batch.arrival_s.tolist() == [0.001, 0.002, 0.0015, 0.009, 0.008]
    assert batch.size.tolist() == wire(100, 200, 400, 500, 700)
    assert (batch.first.tolist(), batch.packet_entry.tolist()) == ([0], [0] * 5)
    assert log.take(viewers) is None


def test_viewers_reports_mixed_come_apart() -> None:
    viewers, second = viewers_with_sends()
    viewers.history[0, 1] = viewers.record([40], 70.0)
    viewers.number[0] = 2
    log = FeedbackLog()
    log.add(second, report(1, 1, [1], [5]))
    log.add(0, report(1, 1, [1], [6]))
    log.add(second, report(2, 1, [2], [7]))
    batch = take(log, viewers)
    assert batch.rows.tolist() == [0, second]
    assert batch.packet_entry.tolist() == [0, 1, 1]
    assert batch.first.tolist() == [0, 1]
    assert batch.send_s.tolist() == [70.0, 51.0, 52.0]


def test_each_number_counts_once() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    log.add(row, report(1, 2, [1, 2], [10, 20]))
    log.add(row, report(1, 2, [1, 2], [10, 20]))
    batch = take(log, viewers)
    assert (batch.size.tolist(), batch.reported.tolist()) == (wire(100, 200), [2])
    log.add(row, report(1, 2, [1, 2], [10, 20]))
    batch = take(log, viewers)
    assert (batch.size.tolist(), batch.reported.tolist(), batch.lost.tolist()) == ([], [0], [0])
    assert log.counts["feedback_unknown"] == 4


def test_what_cannot_be_read_is_counted_and_costs_the_others_nothing() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    log.add(0, report(1, 0))
    assert log.take(viewers) is None
    log.add(0, report(1, 1, [1], [5])[:16])
    log.add(row, report(1, 2, [1, 2], [1000, 2000]))
    batch = take(log, viewers)
    assert (batch.rows.tolist(), batch.arrival_s.tolist()) == ([row], [0.001, 0.002])
    assert log.counts == {"twcc_empty": 1, "twcc_short": 1}


def test_what_comes_after_all_is_not_lost_any_more() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    log.add(row, report(1, 4, [1, 4], [1, 2]))
    assert take(log, viewers).lost.tolist() == [2]
    log.add(row, report(2, 2, [2, 3], [3, 4]))
    assert take(log, viewers).lost.tolist() == [-2]


def test_numbers_never_sent_count_for_nothing() -> None:
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    for told in (
        report(11, 200, list(range(11, 211)), [0] * 200),  # not sent yet
        report(60_000, 2, [60_000, 60_001], [-5, 2**40]),
        report(0, 65_535),
        report(0, 1, [0], [0]),
    ):
        log.add(row, told)
    batch = take(log, viewers)
    assert (batch.size.tolist(), batch.send_s.tolist()) == ([], [])
    assert batch.reported[0] <= 10
    assert log.counts["feedback_unknown"] == 203


def test_numbers_of_a_former_round_of_the_history_are_unknown() -> None:
    viewers, row = viewers_with_sends(HISTORY + 5)
    log = FeedbackLog()
    log.add(row, report(1, 5, [1, 2, 3, 4, 5], [1] * 5))
    assert take(log, viewers).size.tolist() == []
    log.add(row, report(HISTORY, 2, [HISTORY, HISTORY + 1], [1, 2]))
    assert take(log, viewers).size.tolist() == wire(100 * HISTORY, 100 * (HISTORY + 1))


def test_the_wrap_is_no_border() -> None:
    viewers, row = viewers_with_sends(3)
    for number in (65_534, 65_535, 0, 1):
        viewers.history[row, number & (HISTORY - 1)] = viewers.record([10], 60.0)
    viewers.number[row], viewers.reported[row] = 2, 65_534
    log = FeedbackLog()
    log.add(row, report(65_534, 4, [65_534, 65_535, 0, 1], [1, 2, 3, 4]))
    batch = take(log, viewers)
    assert (batch.reported.tolist(), batch.lost.tolist(), len(batch.size)) == ([4], [0], 4)
    assert viewers.reported[row] == 2


def test_the_log_is_bounded() -> None:
    _, row = viewers_with_sends()
    log = FeedbackLog()
    for _ in range(REPORTS_MAX + 3):
        log.add(row, report(1, 1, [1], [0]))
    assert log.counts["feedback_dropped"] >= 3


def test_a_flood_of_reports_costs_little() -> None:
    """One viewer's reports of one tick, as many as the log takes; others wait for them."""
    viewers, row = viewers_with_sends()
    log = FeedbackLog()
    for _ in range(REPORTS_MAX):
        log.add(row, report(1, 1, [1], [0]))
    began = time.process_time()
    assert take(log, viewers).size.tolist() == wire(100)
    assert time.process_time() - began < 1.0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 65_535),
            st.integers(1, 65_535),
            st.lists(st.tuples(st.integers(0, 65_535), st.integers(-(2**40), 2**40)), max_size=12),
        ),
        max_size=12,
    ),
    st.integers(1, 3000),
)
@settings(derandomize=True, deadline=None, max_examples=100)
def test_whatever_is_claimed_is_bounded_by_what_was_sent(
    reports: list[tuple[int, int, int, list[tuple[int, int]]]], last: int
) -> None:
    viewers, row = viewers_with_sends(last, 3)
    log = FeedbackLog()
    counted = 0
    for index, (who, base, span, received) in enumerate(reports):
        places = sorted({place % span: arrival for place, arrival in received}.items())
        numbers = [(base + place) & 0xFFFF for place, _ in places]
        log.add(who, report(base, span, numbers, [arrival for _, arrival in places]))
        if index % 3 == 2 or index == len(reports) - 1:
            batch = take(log, viewers)
            counted += len(batch.size)
            assert (batch.reported >= 0).all()
            assert set(batch.packet_entry.tolist()) <= {at for at, who in enumerate(batch.rows) if who == row}
            assert np.isfinite(batch.arrival_s).all()
    assert counted <= min(last, HISTORY)
    assert np.count_nonzero(viewers.history[row] != NOT_SENT) == min(last, HISTORY) - counted or counted == 0
