"""A publisher's uplink: found when it is too thin, kept within, and tried again."""

from __future__ import annotations

import math
import random

import pytest

from streaming.rate.uplink import LEAST_BPS, LOWER_INTERVAL_S, RETRY_S, Uplink

TICK_S = 0.25
PACKET = 1000
OVERHEAD = 44
WANTED = 1_700_000.0


class Link:
    """A queue at a rate before an uplink; the sender's clock has nothing to do with ours."""

    def __init__(self, rate_bps: float, *, seed: int = 1) -> None:
        self.rate_bps = rate_bps
        self.uplink = Uplink()
        self.now = 50.0
        self.wanted_bps = WANTED
        self._free_s = 0.0
        self._on_the_way: list[tuple[float, int]] = []
        self._random = random.Random(seed)

    def send(self, seconds: float, rate_bps: float, *, stamped: bool = True) -> None:
        """A packet's own time and up to 20 ms of jitter come on top of the queue."""
        arrivals = self._on_the_way
        gap = (PACKET + OVERHEAD) * 8 / rate_bps
        end, at = self.now + seconds, self.now
        while at < end:
            self._free_s = max(self._free_s, at) + (PACKET + OVERHEAD) * 8 / self.rate_bps
            arrivals.append((self._free_s + self._random.uniform(0, 0.02), int((at + 4000) * 2**18) & 0xFF_FFFF))
            at += gap
        arrivals.sort()
        while self.now < end:
            self.now += TICK_S
            while arrivals and arrivals[0][0] <= self.now:
                arrived, send_time = arrivals.pop(0)
                self.uplink.arrived(send_time if stamped else None, PACKET, arrived)
            self.uplink.tick(self.wanted_bps, self.now)
            self.wanted_bps = min(WANTED, self.uplink.limit_bps)


def test_an_ample_uplink_has_no_limit() -> None:
    link = Link(5e6)
    link.send(130, WANTED)
    assert math.isinf(link.uplink.limit_bps)
    assert link.uplink.queue_s < 0.06


@pytest.mark.parametrize("carries", [420e3, 800e3, 1.5e6])
def test_while_packets_queue_what_arrives_is_what_it_carries(carries: float) -> None:
    link = Link(carries)
    link.send(1, 0.5 * carries)
    link.send(2, 1.3 * carries)
    assert link.uplink.queue_s > 0.06
    assert 0.75 * carries < link.uplink.limit_bps < carries


def test_a_burst_is_no_limit() -> None:
    link = Link(2e6)
    link.send(2, 1e6)
    for _ in range(20):
        link.send(0.25, 3e6)
        link.send(1.75, 0.6e6)
    assert math.isinf(link.uplink.limit_bps)


def test_the_page_is_believed_when_it_is_short_and_only_for_a_while() -> None:
    link = Link(5e6)
    link.uplink.told(420_000, True, link.now)
    link.send(1, 400e3)
    assert link.uplink.limit_bps == pytest.approx(0.95 * 420_000)
    link.uplink.told(900_000, False, link.now)
    link.send(1, 400e3)
    assert link.uplink.limit_bps == pytest.approx(0.9 * 900_000)


def test_without_send_times_the_page_alone_speaks() -> None:
    link = Link(420e3)
    link.send(5, 800e3, stamped=False)
    assert math.isinf(link.uplink.limit_bps)


def test_it_is_tried_again_and_ever_less_often() -> None:
    link = Link(500e3)
    link.send(3, 800e3)
    changes = [link.uplink.limit_bps]
    for _ in range(2400):
        link.send(TICK_S, min(link.uplink.limit_bps, WANTED))
        if link.uplink.limit_bps != changes[-1]:
            changes.append(link.uplink.limit_bps)
    assert 4 <= len(changes) <= 26  # ten minutes
    assert max(changes) < 800e3


def test_a_link_that_has_become_better_is_used() -> None:
    link = Link(400e3)
    link.send(3, 600e3)
    assert link.uplink.limit_bps < 400e3
    link.rate_bps = 5e6
    link.send(12 * RETRY_S, WANTED)
    assert link.wanted_bps == WANTED


@pytest.mark.parametrize("believed", [0, 1, 1_000_000_000])
def test_whatever_a_page_says_sound_and_a_small_picture_are_sent(believed: int) -> None:
    link = Link(5e6)
    for short in (True, False, True):
        link.uplink.told(believed, short, link.now)
        link.send(LOWER_INTERVAL_S + 1, 300e3)
        assert link.uplink.limit_bps >= LEAST_BPS
