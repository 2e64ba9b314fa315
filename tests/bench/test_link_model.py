"""The link as properties: no rate is exceeded, delays are exact, losses are what was asked for, order is kept."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.link.model import LEAST_BUFFER_BYTES, BurstLoss, Delivery, LinkConditions, LinkModel

STEADY = settings(derandomize=True, deadline=None)
RATE_BPS = 300_000.0
SLOW = LinkConditions(rate_bps=RATE_BPS, delay_s=0.1, buffer_s=2.0)


def play(link: LinkModel[int], arrivals: list[tuple[float, int]], until: float = 1e6) -> list[Delivery[int]]:
    """Push numbered packets of (time, size); everything that comes out."""
    for number, (now, size) in enumerate(arrivals):
        link.push(number, size, now)
    return link.pop_due(until)


def steady(count: int, gap_s: float, size: int = 1_000) -> list[tuple[float, int]]:
    return [(number * gap_s, size) for number in range(count)]


def random_arrivals(seed: int, count: int, mean_gap_s: float) -> list[tuple[float, int]]:
    dice = random.Random(seed)
    now = 0.0
    found = []
    for _ in range(count):
        now += dice.expovariate(1 / mean_gap_s)
        found.append((now, dice.randint(60, 1_250)))
    return found


def test_lone_packet_takes_its_sending_time_and_the_delay() -> None:
    (delivery,) = play(LinkModel(SLOW, 1), [(5.0, 1_500)])
    assert delivery.queued_s == pytest.approx(0.04)
    assert delivery.at == pytest.approx(5.0 + 0.04 + 0.1)


def test_unlimited_link_only_delays() -> None:
    deliveries = play(LinkModel(LinkConditions(delay_s=0.25), 1), steady(100, 0.001))
    assert [delivery.at for delivery in deliveries] == pytest.approx([number * 0.001 + 0.25 for number in range(100)])


@pytest.mark.parametrize("seed", range(8))
def test_rate_is_never_exceeded_in_any_window_and_order_is_kept(seed: int) -> None:
    arrivals = random_arrivals(seed, 2_000, 0.01)  # offers some 520 kbit/s
    deliveries = play(LinkModel(SLOW, seed), arrivals)
    sent = [(delivery.at, arrivals[delivery.item][1] * 8) for delivery in deliveries]
    assert [delivery.item for delivery in deliveries] == sorted(delivery.item for delivery in deliveries)
    totals = [0.0]
    for _, bits in sent:
        totals.append(totals[-1] + bits)
    for begin in range(0, len(sent), 37):
        for end in range(begin + 1, len(sent), 41):
            window_s = sent[end][0] - sent[begin][0]
            assert totals[end + 1] - totals[begin + 1] <= RATE_BPS * window_s * (1 + 1e-9) + 1e-6


def test_overloaded_link_is_used_wholly() -> None:
    link = LinkModel[int](SLOW, 1)
    arrivals = steady(6_000, 0.01)  # 800 kbit/s for a minute
    for number, (now, size) in enumerate(arrivals):
        link.push(number, size, now)
    link.pop_due(60.0)
    assert link.counters.delivered_bytes * 8 == pytest.approx(RATE_BPS * 59.9, rel=0.01)
    assert link.counters.dropped_tail > 3_000
    assert link.counters.max_queue_s == pytest.approx(2.0, abs=0.05)


@STEADY
@given(
    seed=st.integers(0, 1_000),
    buffer_s=st.floats(0.05, 3),
    buffer_bytes=st.integers(2_500, 100_000),
    buffer_packets=st.integers(1, 50),
)
def test_buffer_never_holds_more_than_its_least_limit(
    seed: int, buffer_s: float, buffer_bytes: int, buffer_packets: int
) -> None:
    conditions = replace(SLOW, buffer_s=buffer_s, buffer_bytes=buffer_bytes, buffer_packets=buffer_packets)
    link = LinkModel[int](conditions, seed)
    play(link, random_arrivals(seed, 300, 0.004))
    seconds_bytes = max(buffer_s * RATE_BPS / 8, LEAST_BUFFER_BYTES)
    assert link.counters.max_queue_bytes <= min(buffer_bytes, seconds_bytes, buffer_packets * 1_250)
    assert link.counters.dropped_tail > 0


@STEADY
@given(seed=st.integers(0, 10_000), polls=st.lists(st.floats(0, 8), max_size=30))
def test_asking_often_or_seldom_changes_nothing(seed: int, polls: list[float]) -> None:
    conditions = replace(SLOW, loss=0.1, jitter_s=0.05, buffer_s=0.3)
    arrivals = random_arrivals(seed, 200, 0.02)
    once = play(LinkModel(conditions, seed), arrivals)
    link = LinkModel[int](conditions, seed)
    found: list[Delivery[int]] = []
    events = [(now, 0, number, size) for number, (now, size) in enumerate(arrivals)]
    events += [(now, 1, 0, 0) for now in polls]
    for now, is_poll, number, size in sorted(events):
        if is_poll:
            found += link.pop_due(now)
            link.queue_s(now)
        else:
            link.push(number, size, now)
    assert found + link.pop_due(1e6) == once


@pytest.mark.parametrize("loss", [0.02, 0.1, 0.5])
def test_share_lost_at_random_is_binomial(loss: float) -> None:
    count = 20_000
    link = LinkModel[int](LinkConditions(loss=loss), 3)
    delivered = len(play(link, steady(count, 0.001)))
    deviation = math.sqrt(count * loss * (1 - loss))
    assert abs(link.counters.dropped_loss - count * loss) < 4 * deviation
    assert delivered + link.counters.dropped_loss == count


def test_burst_loss_has_the_mean_and_the_length_asked_for() -> None:
    burst = BurstLoss(turns_bad=0.01, turns_good=0.2)
    count = 100_000
    deliveries = play(LinkModel(LinkConditions(burst_loss=burst), 5), steady(count, 0.001))
    got = [delivery.item for delivery in deliveries]
    gaps = [after - before - 1 for before, after in pairwise(got) if after - before > 1]
    assert sum(gaps) / count == pytest.approx(0.01 / 0.21, rel=0.1)
    assert sum(gaps) / len(gaps) == pytest.approx(1 / 0.2, rel=0.1)


def test_lost_packets_have_used_the_link() -> None:
    lossless, lossy = (play(LinkModel(replace(SLOW, loss=loss), 1), steady(500, 0.02)) for loss in (0.0, 0.3))
    times = {delivery.item: delivery.at for delivery in lossless}
    assert len(lossy) < 450
    assert all(delivery.at == times[delivery.item] for delivery in lossy)


def test_jitter_delays_within_its_bound_and_keeps_order() -> None:
    conditions = LinkConditions(delay_s=0.1, jitter_s=0.05)
    deliveries = play(LinkModel(conditions, 2), steady(1_000, 0.01))
    late = [delivery.at - delivery.item * 0.01 - 0.1 for delivery in deliveries]
    assert all(earlier.at <= later.at for earlier, later in pairwise(deliveries))
    assert -1e-9 <= min(late) < 0.005
    assert 0.045 < max(late) <= 0.05 + 1e-9


def test_new_rate_serves_what_is_queued_already() -> None:
    link = LinkModel[int](LinkConditions(rate_bps=80_000, buffer_s=10), 1)
    for number in range(2):
        link.push(number, 1_000, 0.0)  # 0.1 s each
    link.set(LinkConditions(rate_bps=8_000, buffer_s=10), 0.05)  # half of the first is through
    assert link.queue_s(0.05) == pytest.approx(0.5 + 1.0)
    link.set(LinkConditions(rate_bps=16_000, buffer_s=10), 0.55)
    assert [delivery.at for delivery in link.pop_due(2.0)] == pytest.approx([0.55, 1.05])


def test_stopped_link_keeps_its_queue_and_goes_on() -> None:
    link = LinkModel[int](LinkConditions(rate_bps=80_000, buffer_s=1), 1)
    link.push(0, 1_000, 0.0)
    link.set(LinkConditions(rate_bps=0, buffer_s=1), 0.05)
    assert link.next_time() is None
    assert link.pop_due(9.0) == []
    assert link.queue_s(9.0) == pytest.approx(0.05)
    assert [link.push(number, 1_000, 9.0) for number in range(1, 12)] == [True] * 9 + [False] * 2
    link.set(LinkConditions(rate_bps=80_000, buffer_s=1), 10.0)
    assert [delivery.at for delivery in link.pop_due(10.2)] == pytest.approx([10.05, 10.15])


def test_shorter_delay_does_not_overtake() -> None:
    link = LinkModel[int](LinkConditions(delay_s=1.0), 1)
    link.push(0, 100, 0.0)
    link.set(LinkConditions(delay_s=0.1), 0.2)
    link.push(1, 100, 0.2)
    assert [(delivery.item, delivery.at) for delivery in link.pop_due(5.0)] == [(0, 1.0), (1, 1.0)]


def test_next_time_leads_through_everything() -> None:
    link = LinkModel[int](replace(SLOW, loss=0.2), 4)
    for number, (now, size) in enumerate(steady(50, 0.0)):
        link.push(number, size, now)
    found = []
    while (now_or_none := link.next_time()) is not None:
        found += link.pop_due(now_or_none)
        assert link.next_time() != now_or_none
    assert len(found) == link.counters.delivered == 50 - link.counters.dropped_loss
