"""Several viewers behind one link get the same of it; whoever has a link of their own is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.rate.estimator import Estimator
from streaming.rate.sharing import Sharing


def sharing(*links: str) -> tuple[Sharing, Estimator]:
    each, estimator = Sharing(), Estimator()
    each.reserve(len(links))
    estimator.reserve(len(links))
    for row, link in enumerate(links):
        each.join(row, link)
    estimator.estimate_bps[:] = 100_000.0 * (1 + np.arange(len(links)))
    return each, estimator


def run(each: Sharing, estimator: Estimator, ticks: int, now: float = 1000.0) -> list[float]:
    for _ in range(ticks):
        each.share(estimator, now)
    return [float(estimate) for estimate in estimator.estimate_bps]


def test_viewers_of_a_full_link_converge_and_nobody_else_is_touched() -> None:
    each, estimator = sharing("school", "", "school", "other", "other", "")
    estimator.overused_s[0] = 999.9
    estimates = run(each, estimator, 40)
    assert estimates[0] == pytest.approx(200_000, rel=0.01)
    assert estimates[2] == pytest.approx(200_000, rel=0.01)
    assert [estimates[row] for row in (1, 3, 4, 5)] == [200_000, 400_000, 500_000, 600_000]


def test_together_they_have_what_they_had() -> None:
    each, estimator = sharing("school", "school", "school")
    estimator.overused_s[:] = 999.9
    assert sum(run(each, estimator, 1)) == pytest.approx(600_000)
    assert sum(run(each, estimator, 50)) == pytest.approx(600_000)


def test_a_link_that_is_not_full_is_not_shared_out() -> None:
    each, estimator = sharing("school", "school")
    assert run(each, estimator, 10) == [100_000, 200_000]
    estimator.overused_s[:] = 900.0  # long ago
    assert run(each, estimator, 10) == [100_000, 200_000]


def test_viewers_without_a_link_share_nothing_with_each_other() -> None:
    each, estimator = sharing("", "", "school")
    estimator.overused_s[:] = 999.9
    assert run(each, estimator, 10) == [100_000, 200_000, 300_000]


def test_who_left_is_not_counted_and_links_do_not_mix() -> None:
    each, estimator = sharing("school", "school", "other")
    estimator.overused_s[:] = 999.9
    each.leave(1)
    each.leave(2)
    each.join(1, "third")
    each.join(2, "school")
    estimates = run(each, estimator, 40)
    assert estimates == pytest.approx([200_000, 200_000, 200_000], rel=0.01)
    each.leave(0)
    each.leave(2)
    each.join(0, "school")
    each.join(2, "other")
    estimator.estimate_bps[:] = [100_000, 200_000, 300_000]
    assert run(each, estimator, 10) == [100_000, 200_000, 300_000]
