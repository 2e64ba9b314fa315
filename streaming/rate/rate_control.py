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
from streaming.rate.load import LinkLoad
from streaming.rate.prober import Prober
from streaming.rate.sharing import Sharing

FEEDBACK_INTERVAL_S: Final = 0.05
ESTIMATE_INTERVAL_S: Final = 0.1
ALLOCATE_INTERVAL_S: Final = 0.2
ALLOCATE_RESTING_S: Final = 0.5
"""While for REST_S everybody has had the best there is. Pressure, newcomers and whatever else is shown don't wait."""
REST_S: Final = 3.0
STILL_PACE: Final = 0.8
"""Of the estimate, where all pictures are still ones: their keyframes need not fill a queue."""


class RateControl:
    """`fanouts` come in order of priority. Time passed in; to be called as often as `pacer` says."""

    def __init__(self, viewers: Viewers, fanouts: list[FanOut]) -> None:
        self.estimator = Estimator()
        self.feedback = FeedbackLog()
        self.prober = Prober()
        self.sharing = Sharing()
        self._load = LinkLoad()
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
        self._wanting_s = 0.0  # when there was last more to give, or something new to decide

    # ------------------------------------------------------------ who is here

    def _reserve(self) -> None:
        rows = self._viewers.rows
        for columns in (self.estimator, self.prober, self.sharing):
            if columns.rows < rows:
                columns.reserve(rows)
        nothing = np.zeros(rows)
        self._allocation = Allocation(nothing, np.full(rows, np.nan), np.full(rows, np.nan), np.zeros(rows, np.bool_))
        self._short = np.zeros(rows, np.bool_)
        self._rate = pacer.pace(np.full(rows, START_BPS), self.estimator.full, self._allocation.patient)

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
        self._load.forget(row)
        self.sharing.leave(row)

    def load(self, row: int, goal_bps: float, now: float) -> None:
        """Fill the row's link with padding up to `goal_bps`, to see what it carries; 0: no more."""
        for fanout in self._fanouts:
            fanout.account()
        self._load.set(row, goal_bps, int(self._viewers.bytes[row]), now)
        self.allocate_soon()

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
        return self._viewers.any_slow or bool(self.prober.running) or bool(self._load.running)

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
            if not self._next_allocation_s:
                self._wanting_s = now
            self._allocate(now)
            resting = now - self._wanting_s >= REST_S
            self._next_allocation_s = now + (ALLOCATE_RESTING_S if resting else ALLOCATE_INTERVAL_S)

    def _pace(self, now: float, sink: PacketSink) -> None:
        elapsed, self._paced_s = now - self._paced_s, now
        active = [fanout for fanout in self._fanouts if fanout.source is not None]
        for fanout in active:
            fanout.charge()
        pacer.refill(self._viewers, self._rate, min(elapsed, 1.0))
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
        if self.prober.running or self._load.running:
            self._pad(now, sink)

    def _pad(self, now: float, sink: PacketSink) -> None:
        """What running probes and loads want beside what was sent anyway."""
        for fanout in self._fanouts:
            fanout.account()
        prober, load = self.prober, self._load
        for row in prober.running.keys() | load.running.keys():
            sent_bytes = int(self._viewers.bytes[row])
            missing = prober.missing_bytes(row, sent_bytes, now) if row in prober.running else 0
            if row in load.running:
                missing = max(missing, load.missing_bytes(row, sent_bytes, self.estimator, now))
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
        patient = STILL_PACE * self.estimator.estimate_bps
        pace = np.where(self._allocation.patient, np.minimum(pace, patient), pace)
        for row, probe in self.prober.running.items():
            if now < probe.end_s:
                pace[row] = max(pace[row], probe.goal_bps)
        self._rate = pacer.pace(pace, self.estimator.full, self._allocation.patient)

    def _allocate(self, now: float) -> None:
        estimator = self.estimator
        self._allocation = self._allocator.allocate(
            self._fanouts,
            estimator.estimate_bps,
            now,
            estimator.unproven(now),
            estimator.crisis,
            estimator.inherent_loss,
            ~estimator.wide,
        )
        self._load.wish(self._allocation)
        self._short = self._short_of_cost()
        if self._short.any() or not np.isnan(self._allocation.next_bps).all():
            self._wanting_s = now
        self._choose_pace(now)
