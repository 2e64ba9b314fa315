"""TCP as it behaves in a drop-tail queue."""

from __future__ import annotations

import pytest

from bench.abr.clock import Clock, Path
from bench.abr.cross_traffic import TcpFlow
from bench.link.model import LinkConditions


@pytest.mark.parametrize("delay_s", [0.01, 0.1])
def test_one_flow_fills_the_link_and_its_queue(delay_s: float) -> None:
    clock = Clock(0.0)
    path = Path(clock, LinkConditions(rate_bps=2e6, delay_s=delay_s, buffer_s=0.3), 1)
    flow = TcpFlow(clock, path, delay_s)
    flow.start()
    clock.run(30)
    assert flow.delivered_bytes * 8 / 30 > 0.85 * 2e6
    assert path.model.counters.dropped_tail > 0
    assert path.model.counters.max_queue_s > 0.25
    assert flow.lost <= path.model.counters.dropped_tail


def test_two_flows_share() -> None:
    clock = Clock(0.0)
    path = Path(clock, LinkConditions(rate_bps=2e6, delay_s=0.05, buffer_s=0.3), 1)
    flows = [TcpFlow(clock, path, 0.05) for _ in range(2)]
    flows[0].start()
    clock.at(5.0, flows[1].start)
    clock.run(65)
    rates = [flow.delivered_bytes for flow in flows]
    assert min(rates) > 0.35 * max(rates)


def test_loss_holds_it_down_and_an_outage_does_not_end_it() -> None:
    clock = Clock(0.0)
    path = Path(clock, LinkConditions(rate_bps=10e6, delay_s=0.05, loss=0.02), 1)
    flow = TcpFlow(clock, path, 0.05)
    flow.start()
    clock.run(20)
    assert 0.2e6 < flow.delivered_bytes * 8 / 20 < 3e6
    clock.at(20, lambda: path.set(LinkConditions(rate_bps=10e6, delay_s=0.05, loss=1.0)))
    clock.at(30, lambda: path.set(LinkConditions(rate_bps=10e6, delay_s=0.05)))
    clock.run(30)
    before = flow.delivered_bytes
    assert flow.timeouts > 0
    clock.run(40)
    assert flow.delivered_bytes - before > 2_000_000


def test_it_stops() -> None:
    clock = Clock(0.0)
    path = Path(clock, LinkConditions(rate_bps=2e6), 1)
    flow = TcpFlow(clock, path, 0.01)
    flow.start()
    clock.at(2.0, flow.stop)
    clock.run(4.0)
    done = flow.delivered_bytes
    clock.run(6.0)
    assert flow.delivered_bytes == done
