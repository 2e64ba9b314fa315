"""A link test's load: a viewer's link is filled with padding, and what it carries comes out."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Final

import pytest

from streaming.fanout.viewers import HISTORY, NOT_SENT
from streaming.rate import pacer
from streaming.rate.estimator import START_BPS
from streaming.rate.rate_control import RateControl
from tests.streaming.fanout.stage import Camera, Stage
from tests.streaming.rate.hall import Link
from tests.streaming.reports import report

GOAL: Final = 2_500_000
FRAME_BYTES: Final = 600
"""At 15 Hz: about 80 kbit/s on the wire."""
REPORT_TICKS: Final = 10
FRAME_TICKS: Final = 13


class Visitor:
    """One viewer behind a link, before a small camera; what is sent comes back as feedback."""

    def __init__(self, link: Link, seed: int) -> None:
        self.link = link
        self.chance = random.Random(seed)
        self.stage = Stage(Camera(1))
        self.stage.now = 1000.0
        self.control = RateControl(self.stage.viewers, [self.stage.fanout])
        self.row = self.stage.join(connected=False)
        self.control.add(self.row, "", START_BPS)
        self.stage.connect(self.row)
        self.control.connected(self.row, self.stage.now)
        self.ticks = 0
        self.taken = 0
        self.next_number = 1
        self.flying: list[tuple[float, int]] = []
        self.reports: list[tuple[float, bytes]] = []
        self.arrived_bytes = 0
        self.worst_queue_s = 0.0

    def run(self, seconds: float) -> None:
        stage = self.stage
        for _ in range(round(seconds / pacer.TICK_S)):
            self.ticks += 1
            stage.now += pacer.TICK_S
            self.control.tick(stage.now, stage.sink)
            if self.ticks % FRAME_TICKS == 0:
                self.show()
            self.pass_on()
            if self.ticks % REPORT_TICKS == 0:
                self.report()
            while self.reports and self.reports[0][0] <= stage.now:
                self.control.feedback.add(self.row, self.reports.pop(0)[1])
            self.worst_queue_s = max(self.worst_queue_s, self.link.queue_s(stage.now))

    def show(self) -> None:
        now = self.stage.now
        wanted = bool(self.stage.fanout.keyframes_wanted()) or self.stage.camera.frame == 0
        self.stage.camera.send_frame(now, keyframe=wanted, size=FRAME_BYTES)
        self.stage.camera.encodings[0].height = 180
        self.stage.forward()
        self.stage.now = now

    def pass_on(self) -> None:
        """Put what was sent since the last time into the link."""
        packets = self.stage.screen(self.row).packets
        viewers = self.stage.viewers
        for packet in packets[self.taken :]:
            number = packet.number or 0
            send = viewers.history[self.row, number & (HISTORY - 1)]
            assert send != NOT_SENT
            size = int(viewers.send_size[send])
            arrival = self.link.arrival(self.stage.now, size, self.chance)
            if arrival is not None:
                self.flying.append((arrival, number))
                self.arrived_bytes += size
        self.taken = len(packets)

    def report(self) -> None:
        here = [each for each in self.flying if each[0] <= self.stage.now]
        if not here:
            return
        self.flying = [each for each in self.flying if each[0] > self.stage.now]
        here.sort(key=lambda each: (each[1] - self.next_number) & 0xFFFF)
        span = ((here[-1][1] - self.next_number) & 0xFFFF) + 1
        arrivals = [math.floor(at * 4000) * 250 for at, _ in here]
        told = report(self.next_number, span, [number for _, number in here], arrivals)
        self.next_number = (here[-1][1] + 1) & 0xFFFF
        self.reports.append((self.stage.now + self.link.delay_s, told))

    @property
    def bps(self) -> float:
        return float(self.control.estimator.estimate_bps[self.row])

    def arrives_bps(self, seconds: float) -> float:
        before = self.arrived_bytes
        self.run(seconds)
        return (self.arrived_bytes - before) * 8 / seconds


LINKS: Final = {
    "100 kbit/s": (Link(100e3, 0.05), 100e3),
    "300 kbit/s": (Link(300e3, 0.04), 300e3),
    "300 kbit/s, deep buffer": (Link(300e3, 0.1, buffer_s=3.0), 300e3),
    "800 kbit/s": (Link(800e3, 0.03), 800e3),
    "1 Mbit/s, 5 % lost": (Link(1e6, 0.05, loss=0.05), 0.95e6),
    "2 Mbit/s, shallow buffer": (Link(2e6, 0.02, buffer_s=0.1), 2e6),
    "satellite": (Link(1.5e6, 0.3), 1.5e6),
    "more than the goal": (Link(20e6, 0.01), GOAL),
}
"""With what arrives when the link is full."""


def visit(name: str) -> tuple[Visitor, float]:
    link, carries = LINKS[name]
    visitor = Visitor(replace(link), seed=1)
    visitor.run(3.0)
    return visitor, carries


@pytest.mark.parametrize("name", LINKS)
def test_what_a_link_carries_comes_out(name: str) -> None:
    visitor, carries = visit(name)
    assert visitor.arrives_bps(1.0) < 100_000  # a small picture only
    visitor.control.load(visitor.row, GOAL, visitor.stage.now)
    visitor.run(5.0)
    windows = [visitor.arrives_bps(2.0) for _ in range(4)]
    assert carries * 0.85 < max(windows) < carries * 1.1
    assert carries * 0.85 < min(visitor.bps, GOAL) < carries * 1.1


@pytest.mark.parametrize("name", ["300 kbit/s, deep buffer", "2 Mbit/s, shallow buffer"])
def test_a_load_is_no_flood(name: str) -> None:
    visitor, _ = visit(name)
    visitor.control.load(visitor.row, GOAL, visitor.stage.now)
    visitor.run(12.0)
    assert visitor.worst_queue_s < 0.2
    assert visitor.link.dropped < 50


def test_it_ends_when_it_is_told_to() -> None:
    visitor, _ = visit("800 kbit/s")
    visitor.control.load(visitor.row, GOAL, visitor.stage.now)
    visitor.run(5.0)
    assert visitor.control.busy
    visitor.control.load(visitor.row, 0, visitor.stage.now)
    visitor.run(1.0)
    assert visitor.arrives_bps(2.0) < 100_000
    assert not visitor.control.busy


def test_a_viewer_that_leaves_takes_its_load_along() -> None:
    visitor, _ = visit("800 kbit/s")
    visitor.control.load(visitor.row, GOAL, visitor.stage.now)
    visitor.run(1.0)
    visitor.stage.fanout.remove(visitor.row)
    visitor.stage.viewers.remove(visitor.row)
    visitor.control.remove(visitor.row)
    for later_s in (0.5, 2.0, 2.5):  # a probe may be under way
        visitor.control.tick(visitor.stage.now + later_s, visitor.stage.sink)
    assert not visitor.control.busy
