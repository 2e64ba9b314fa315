"""The rates of a room's viewers: feedback in, estimates, probes, layers, and the pace of packets out."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.fanout import FanOut
from streaming.fanout.sink import PacketSink
from streaming.fanout.viewers import Viewers
from streaming.rate import pacer
from streaming.rate.allocator import Allocation, Allocator
from streaming.rate.estimator import START_BPS, Estimator
from streaming.rate.feedback import FeedbackLog
from streaming.rate.prober import Prober
from streaming.rate.sharing import Sharing

FEEDBACK_INTERVAL_S: Final = 0.05
ESTIMATE_INTERVAL_S: Final = 0.1
ALLOCATE_INTERVAL_S: Final = 0.2


class RateControl:
    """`fanouts` come in order of priority. Time passed in; to be called as often as `pacer` says."""

    def __init__(self, viewers: Viewers, fanouts: list[FanOut]) -> None:
        self.estimator = Estimator()
        self.feedback = FeedbackLog()
        self.prober = Prober()
        self.sharing = Sharing()
        self._viewers = viewers
        self._fanouts = fanouts
        self._pictures = [fanout for fanout in fanouts if not fanout.audio]
        self._allocator = Allocator()
        self._reserve()
        self._newcomers: list[int] = []
        self._paced_s = 0.0
        self._next_pace_s = 0.0
        self._next_feedback_s = 0.0
        self._next_estimate_s = 0.0
        self._next_allocation_s = 0.0

    # ------------------------------------------------------------ who is here

    def _reserve(self) -> None:
        rows = self._viewers.rows
        for columns in (self.estimator, self.prober, self.sharing):
            if columns.rows < rows:
                columns.reserve(rows)
        nothing = np.zeros(rows)
        self._allocation = Allocation(nothing, np.full(rows, np.nan), np.full(rows, np.nan))
        self._short = np.zeros(rows, np.bool_)
        self._pace_bps: npt.NDArray[np.float64] = np.full(rows, START_BPS)

    def add(self, row: int, link: str, start_bps: float) -> None:
        """A viewer takes the row. `link`: the same for viewers behind one link, "" where that is unknown."""
        if self.estimator.rows < self._viewers.rows:
            self._reserve()
        self.sharing.join(row, link)
        companions = self.sharing.companions(row)
        if len(companions):  # who comes to a link that is in use may expect what the others have
            start_bps = min(start_bps, float(self.estimator.estimate_bps[companions].mean()))
        self.estimator.reset(row, start_bps)
        self.prober.reset(row)
        self._allocator.forget(row)
        self.allocate_soon()

    def remove(self, row: int) -> None:
        self.prober.reset(row)
        self.sharing.leave(row)

    def connected(self, row: int, now: float) -> None:
        """Packets may be sent to the row for the first time."""
        self.estimator.connected(row, now)
        self._newcomers.append(row)
        self.allocate_soon()

    def allocate_soon(self) -> None:
        """Something else is shown or sent: choose layers anew at the next tick."""
        self._next_allocation_s = 0.0

    # ------------------------------------------------------------ time

    @property
    def busy(self) -> bool:
        """Wants ticks every `pacer.TICK_S`."""
        return self._viewers.any_slow or bool(self.prober.running)

    def tick(self, now: float, sink: PacketSink) -> None:
        if self.busy or now >= self._next_pace_s:
            self._next_pace_s = now + pacer.IDLE_PACE_S
            self._pace(now, sink)
        if now >= self._next_feedback_s:
            self._next_feedback_s = now + FEEDBACK_INTERVAL_S
            self._take_feedback(now)
        if now >= self._next_estimate_s:
            self._next_estimate_s = now + ESTIMATE_INTERVAL_S
            self._estimate(now)
        if now >= self._next_allocation_s:
            self._next_allocation_s = now + ALLOCATE_INTERVAL_S
            self._allocate(now)

    def _pace(self, now: float, sink: PacketSink) -> None:
        elapsed, self._paced_s = now - self._paced_s, now
        active = [fanout for fanout in self._fanouts if fanout.source is not None]
        for fanout in active:
            fanout.charge()
        pacer.refill(self._viewers, self._pace_bps, self.estimator.full, min(elapsed, 1.0))
        for row in self._newcomers:
            self._viewers.credit[row] = pacer.START_CREDIT_BYTES
        self._newcomers.clear()
        waiting = None
        if self._viewers.any_slow:
            waiting = np.zeros(self._viewers.rows, np.bool_)
            for fanout in active:
                if not fanout.audio:
                    fanout.drain(now, sink)
                    queued = fanout.queued()
                    waiting[: len(queued)] |= queued
        pacer.decide_slow(self._viewers, waiting)
        if self.prober.running:
            self._pad(now, sink)

    def _pad(self, now: float, sink: PacketSink) -> None:
        """What running probes want beside what was sent anyway."""
        for fanout in self._fanouts:
            fanout.account()
        for row in list(self.prober.running):
            missing = self.prober.missing_bytes(row, int(self._viewers.bytes[row]), now)
            while missing > 0:
                sent = next((sent for fanout in self._pictures if (sent := fanout.pad(row, missing, now, sink))), 0)
                if not sent:
                    break
                missing -= sent

    def _take_feedback(self, now: float) -> None:
        batch = self.feedback.take(self._viewers)
        if batch is None:
            return
        estimator = self.estimator
        estimator.feedback(batch, now)
        self.prober.feedback(batch, estimator, now)
        self._choose_pace(now)
        self._allocate_if_pressed(now)

    def _estimate(self, now: float) -> None:
        viewers, estimator = self._viewers, self.estimator
        for fanout in self._fanouts:
            fanout.account()
        self.prober.expire(now)
        estimator.tick(viewers.packets, viewers.bytes, now)
        self.sharing.share(estimator, now)
        self.prober.start(estimator, self._allocation.next_bps, self._allocation.best_bps, viewers.bytes, now)
        self._choose_pace(now)
        self._allocate_if_pressed(now)

    def _allocate_if_pressed(self, now: float) -> None:
        """Stepping down must not wait."""
        if (self._short_of_cost() & ~self._short).any():
            self._next_allocation_s = now

    def _short_of_cost(self) -> npt.NDArray[np.bool_]:
        """Rows whose estimate does not carry what they are given."""
        return (self.estimator.estimate_bps < self._allocation.cost_bps) | self.estimator.crisis

    def _choose_pace(self, now: float) -> None:
        pace = self.estimator.pace_bps
        pace = np.where(self.estimator.draining, pace, np.maximum(pace, self._allocation.cost_bps))
        for row, probe in self.prober.running.items():
            if now < probe.end_s:
                pace[row] = max(pace[row], probe.goal_bps)
        self._pace_bps = pace

    def _allocate(self, now: float) -> None:
        estimator = self.estimator
        self._allocation = self._allocator.allocate(
            self._fanouts, estimator.estimate_bps, now, estimator.unproven(now), estimator.crisis
        )
        self._short = self._short_of_cost()
        self._choose_pace(now)
