"""The fullest half second of what a publisher sends."""

from __future__ import annotations

import pytest

from streaming.publisher import PeakRate

STEP_S = 0.1


def watch(peak: PeakRate, rates_bps: list[int]) -> None:
    """Looks every 0.1 s; each rate holds for one step."""
    total = 0
    for step, rate in enumerate(rates_bps):
        total += int(rate * STEP_S / 8)
        peak.look(total, step * STEP_S)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([400_000] * 10, 400_000),
        ([100_000] * 5 + [400_000] * 6 + [50_000] * 9, 400_000),
        ([0] * 8 + [1_000_000] + [0] * 8, 200_000),  # a burst of a tenth of a second is spread over half of one
        ([0] * 20, 0),
        ([400_000] * 3, 0),  # not long enough to say anything
    ],
)
def test_the_fullest_half_second(rates: list[int], expected: int) -> None:
    peak = PeakRate()
    watch(peak, rates)
    assert peak.take() == pytest.approx(expected, rel=0.01)


def test_each_is_told_once() -> None:
    peak = PeakRate()
    watch(peak, [400_000] * 10)
    assert peak.take() > 0
    assert peak.take() == 0


def test_looks_at_uneven_times() -> None:
    peak = PeakRate()
    for at_s in (0.0, 0.13, 0.21, 0.55, 0.61, 1.3):
        peak.look(int(at_s * 50_000), at_s)
    assert peak.take() == pytest.approx(400_000, rel=0.01)
