from __future__ import annotations

from infra.backoff import DELAYS_S, LOOP_CRASHES, SETTLED_S, Backoff


def test_the_first_restart_is_immediate_and_later_ones_wait_longer() -> None:
    backoff = Backoff()
    assert [backoff.crashed(float(second)) for second in range(7)] == [*DELAYS_S, DELAYS_S[-1], DELAYS_S[-1]]


def test_a_process_that_settled_starts_afresh() -> None:
    backoff = Backoff()
    for second in range(3):
        backoff.crashed(float(second))
    assert backoff.crashed(SETTLED_S + 10) == 0.0


def test_a_crash_loop_is_seen_and_forgotten() -> None:
    backoff = Backoff()
    for second in range(LOOP_CRASHES):
        assert not backoff.is_loop(float(second))
        backoff.crashed(float(second))
    assert backoff.is_loop(float(LOOP_CRASHES))
    assert not backoff.is_loop(SETTLED_S + LOOP_CRASHES)
