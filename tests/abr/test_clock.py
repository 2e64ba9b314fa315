"""Virtual time and links in it."""

from __future__ import annotations

import pytest

from bench.abr.clock import Clock, Path
from bench.link.model import UDP_IP_HEADER_BYTES, LinkConditions


class Far:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, float]] = []

    def receive(self, data: bytes, at: float) -> None:
        self.got.append((data, at))


def test_calls_come_in_order_of_time_and_then_of_asking() -> None:
    clock = Clock(10.0)
    said: list[str] = []
    clock.at(12.0, lambda: said.append("third"))
    clock.at(11.0, lambda: said.append("first"))
    clock.at(11.0, lambda: said.append("second"))
    clock.at(20.0, lambda: said.append("never"))
    clock.run(12.0)
    assert said == ["first", "second", "third"]
    assert clock.now == 12.0


def test_what_is_due_in_the_past_happens_now() -> None:
    clock = Clock(10.0)
    at: list[float] = []
    clock.at(1.0, lambda: at.append(clock.now))
    clock.run(11.0)
    assert at == [10.0]


def test_a_timer_keeps_its_beat_until_it_is_stopped() -> None:
    clock = Clock(0.0)
    at: list[float] = []
    timer = clock.every(0.5, lambda: at.append(clock.now), 1.0)
    clock.run(2.6)
    timer.stop()
    clock.run(5.0)
    assert at == [1.0, 1.5, 2.0, 2.5]


def test_a_path_delivers_after_serialisation_and_delay() -> None:
    clock, far = Clock(0.0), Far()
    path = Path(clock, LinkConditions(rate_bps=80_000, delay_s=0.1), 1)
    size = 100 - UDP_IP_HEADER_BYTES
    assert path.send(far, b"one", size)
    assert path.send(far, b"two", size)
    clock.run(1.0)
    assert [data for data, _ in far.got] == [b"one", b"two"]
    assert [at for _, at in far.got] == pytest.approx([0.11, 0.12])


def test_a_path_that_becomes_slower_is_late_at_once_and_one_that_stands_delivers_when_it_goes_on() -> None:
    clock, far = Clock(0.0), Far()
    path = Path(clock, LinkConditions(rate_bps=80_000), 1)
    size = 100 - UDP_IP_HEADER_BYTES
    path.send(far, b"one", size)
    clock.at(0.005, lambda: path.set(LinkConditions(rate_bps=40_000)))
    clock.at(1.0, lambda: path.set(LinkConditions(rate_bps=0)))
    clock.at(1.1, lambda: path.send(far, b"two", size))
    clock.at(2.0, lambda: path.set(LinkConditions(rate_bps=80_000)))
    clock.run(3.0)
    assert [at for _, at in far.got] == pytest.approx([0.015, 2.01])


def test_flows_share_a_path() -> None:
    clock, near, other = Clock(0.0), Far(), Far()
    path = Path(clock, LinkConditions(rate_bps=80_000), 1)
    for _ in range(5):
        path.send(near, b"near", 72)
        path.send(other, b"other", 72)
    clock.run(1.0)
    assert [at for _, at in near.got] == pytest.approx([0.01, 0.03, 0.05, 0.07, 0.09])
    assert [at for _, at in other.got] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.10])
