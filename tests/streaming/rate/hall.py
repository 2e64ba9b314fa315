"""Viewers behind modelled links: what is sent to them comes back as transport-wide feedback, joined by the real log."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.viewers import HISTORY, Viewers
from streaming.rate.estimator import START_BPS, Estimator
from streaming.rate.feedback import FeedbackLog
from streaming.rate.prober import Prober
from streaming.rate.sharing import Sharing
from streaming.uptrack.cache import OVERHEAD_BYTES
from tests.streaming.reports import report

STEP_S: Final = 0.01
REPORT_S: Final = 0.05
PACKET_BYTES: Final = 500
"""On the wire, all headers included."""


@dataclass
class Link:
    """`rate_bps` empties a buffer of `buffer_s`; `delay_s` is one way. The viewer's clock is `offset_s` ahead and gains
    `drift`. `foreign_s`: queue that others keep there."""

    rate_bps: float = 1e6
    delay_s: float = 0.05
    buffer_s: float = 1.0
    loss: float = 0.0
    offset_s: float = 0.0
    drift: float = 0.0
    foreign_s: float = 0.0
    deaf: bool = False
    """Nothing comes back."""
    free_s: float = 0.0
    dropped: int = 0

    def arrival(self, now: float, size: int, chance: random.Random) -> float | None:
        """When a packet of `size` bytes that is sent now arrives, by our clock; None: it is lost."""
        start = max(now, self.free_s)
        if start - now > self.buffer_s:
            self.dropped += 1
            return None
        self.free_s = start + size * 8 / self.rate_bps
        if chance.random() < self.loss:
            self.dropped += 1
            return None
        return self.free_s + self.delay_s + self.foreign_s

    def clock(self, now: float) -> float:
        return self.offset_s + now * (1 + self.drift)

    def queue_s(self, now: float) -> float:
        """What is in the buffer, as time."""
        return max(0.0, self.free_s - now)


@dataclass
class Viewer:
    """One row. `sends(now)`: wire rate wanted; None: as much as the estimate allows."""

    row: int
    link: Link
    sends: Callable[[float], float] | None = None
    owed: float = 0.0
    reported: int = 1
    flying: list[tuple[float, int]] = field(default_factory=list)
    reports: list[tuple[float, bytes]] = field(default_factory=list)
    received_bytes: int = 0


class Hall:
    """One viewer for each link; time is `now`."""

    def __init__(self, *links: Link, seed: int = 1, start_bps: float = START_BPS) -> None:
        self.viewers = Viewers()
        self.estimator, self.prober, self.sharing, self.log = Estimator(), Prober(), Sharing(), FeedbackLog()
        for columns in (self.estimator, self.prober, self.sharing):
            columns.reserve(self.viewers.rows)
        self.now = 1000.0
        self.next_bps: npt.NDArray[np.float64] = np.full(self.viewers.rows, np.nan)
        """What each row's next better layer would cost in all; probed for where it is a number."""
        self.chance = random.Random(seed)
        self.rows = [Viewer(self.viewers.add(), link) for link in links]
        self.worst_queue_s = 0.0
        """Of the first row, since it was last set to 0."""
        for viewer in self.rows:
            self.estimator.reset(viewer.row, start_bps)
            self.estimator.connected(viewer.row, self.now)
        self._next_report_s = 0.0
        self._allowed_bps = self.estimator.estimate_bps

    @property
    def bps(self) -> float:
        """The first viewer's estimate."""
        return float(self.estimator.estimate_bps[0])

    def run(self, seconds: float, send_bps: float | None = None) -> float:
        """`send_bps` to every row without its own `sends`; None: what the estimate allows. Returns the first's
        estimate."""
        end = self.now + seconds
        while self.now < end - STEP_S / 2:
            self.now += STEP_S
            reporting = self.now >= self._next_report_s
            if reporting:
                self._next_report_s = self.now + REPORT_S
            for viewer in self.rows:
                self._send(viewer, send_bps)
                self._come_back(viewer, reporting)
            self.worst_queue_s = max(self.worst_queue_s, self.rows[0].link.queue_s(self.now))
            if reporting:
                self._tick()
        return self.bps

    def _tick(self) -> None:
        batch = self.log.take(self.viewers)
        if batch is not None:
            self.estimator.feedback(batch, self.now)
            self.prober.feedback(batch, self.estimator, self.now)
        self.prober.expire(self.now)
        self.estimator.tick(self.viewers.packets, self.viewers.bytes, self.now)
        self.sharing.share(self.estimator, self.now)
        self.prober.start(self.estimator, self.next_bps, self.next_bps, self.viewers.bytes, self.now)
        estimator = self.estimator
        self._allowed_bps = np.where(estimator.draining, estimator.pace_bps, estimator.estimate_bps)

    def _send(self, viewer: Viewer, send_bps: float | None) -> None:
        row = viewer.row
        wanted = viewer.sends(self.now) if viewer.sends is not None else send_bps
        viewer.owed += (float(self._allowed_bps[row]) if wanted is None else wanted) * STEP_S / 8
        while viewer.owed >= PACKET_BYTES:
            viewer.owed -= PACKET_BYTES
            self.send(viewer, PACKET_BYTES)
        if row in self.prober.running:
            while self.prober.missing_bytes(row, int(self.viewers.bytes[row]), self.now) > 0:
                self.send(viewer, 300)

    def send(self, viewer: Viewer, size: int) -> None:
        """One packet of `size` bytes on the wire."""
        viewers, row = self.viewers, viewer.row
        number = int(viewers.number[row])
        viewers.number[row] = (number + 1) & 0xFFFF
        viewers.history[row, number & (HISTORY - 1)] = viewers.record([size - OVERHEAD_BYTES], self.now)
        viewers.packets[row] += 1
        viewers.bytes[row] += size
        arrival = viewer.link.arrival(self.now, size, self.chance)
        if arrival is not None:
            viewer.flying.append((arrival, number))
            viewer.received_bytes += size

    def _come_back(self, viewer: Viewer, reporting: bool) -> None:
        link = viewer.link
        here = [each for each in viewer.flying if each[0] <= self.now] if reporting else []
        if here:
            viewer.flying = [each for each in viewer.flying if each[0] > self.now]
            here.sort(key=lambda each: (each[1] - viewer.reported) & 0xFFFF)
            span = ((here[-1][1] - viewer.reported) & 0xFFFF) + 1
            arrivals = [math.floor(link.clock(at) * 4000) * 250 for at, _ in here]
            told = report(viewer.reported, span, [number for _, number in here], arrivals)
            viewer.reported = (here[-1][1] + 1) & 0xFFFF
            if not link.deaf:
                viewer.reports.append((self.now + link.delay_s, told))
        while viewer.reports and viewer.reports[0][0] <= self.now:
            self.log.add(viewer.row, viewer.reports.pop(0)[1])
