"""Probing: is there room for a better picture? Padding lifts a viewer's rate to that for a moment.

A probe goes for what a layer would cost, and a little: to prove more is of no use, and what it adds may fill a buffer.
At first as far as half again the estimate; after a failure for exactly the next layer. It is short where it goes far,
is given up when a queue builds, and after failures comes less often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.columns import Columns
from streaming.rate.estimator import Estimator
from streaming.rate.feedback import FeedbackBatch

MARGIN: Final = 1.08
STEP_MOST: Final = 1.5
"""A goal further off than this is approached in steps."""
STEP_BACK: Final = 2.5
BACK_SHARE: Final = 0.85
"""Towards this share of what was lost a moment ago, steps are so large."""
DURATION_S: Final = 0.3
DURATION_LEAST_S: Final = 0.1
PACKETS_LEAST_BYTES: Final = 3_000.0
QUEUE_RISK_S: Final = 0.030
"""The queue a probe may build where it proves too much."""
QUEUE_ABORT_S: Final = 0.045
QUEUE_PROVED_S: Final = 0.002
QUEUE_PROVED_SHARE: Final = 0.04
"""Where the link carries a probe, its end finds hardly a queue: no more than this and such a share of its duration."""
TAIL_SHARE: Final = 1 / 3
"""Of a probe's time: its end, where the queue is looked at."""
RECEIVED_SHARE: Final = 0.93
INTERVAL_S: Final = 1.0
INTERVAL_FACTOR: Final = 1.3
INTERVAL_MOST_S: Final = 2.0
AFTER_SUCCESS_S: Final = 0.05
AFTER_OVERUSE_S: Final = 1.0
SPAN_LEAST_S: Final = 0.05
"""What arrives in less tells no rate."""
ANSWER_S: Final = 1.0
"""How long after its end a probe waits for its feedback."""
AT_ONCE: Final = 32
"""Probes of one room that run at the same time."""


@dataclass(slots=True)
class Probe:
    """`sent_before`: bytes sent to the viewer before it began. `end_s`: of sending."""

    goal_bps: float
    start_s: float
    end_s: float
    sent_before: int
    sent_bytes: int = 0
    received_bytes: int = 0
    first_bytes: int = 0
    """Of what arrived first, at `first_s`."""
    first_s: float = np.inf
    last_s: float = -np.inf
    tail_delay_s: float = np.inf
    """Least one-way delay of what was sent near its end."""
    heard_end: bool = False


class Prober(Columns):
    """`running`: probe of each row that has one. Time passed in."""

    next_s: npt.NDArray[np.float64]
    interval_s: npt.NDArray[np.float64]
    cautious: npt.NDArray[np.bool_]
    """The latest probe has failed."""

    def __init__(self) -> None:
        super().__init__({"next_s": -np.inf, "interval_s": INTERVAL_S, "cautious": False})
        self.running: dict[int, Probe] = {}
        self.succeeded = 0
        self.failed = 0

    def reset(self, row: int) -> None:
        self.clear(row)
        self.running.pop(row, None)

    def start(
        self,
        estimator: Estimator,
        next_bps: npt.NDArray[np.float64],
        best_bps: npt.NDArray[np.float64],
        sent_bytes: npt.NDArray[np.int64],
        now: float,
    ) -> None:
        """Begin probes for rows whose `next_bps` (NaN: there is nothing better) is not proven yet; `best_bps` is more
        than they can make use of."""
        wanted = estimator.estimate_bps < MARGIN * next_bps
        if not wanted.any():
            return
        wanted &= estimator.calm(now) & (now >= self.next_s) & (now - estimator.overused_s >= AFTER_OVERUSE_S)
        lost_bps = estimator.lost_bps(now)
        for row in np.flatnonzero(wanted).tolist():
            if len(self.running) >= AT_ONCE:
                break
            if row not in self.running:
                wished = next_bps[row] if self.cautious[row] else best_bps[row]
                estimate = float(estimator.estimate_bps[row])
                step = STEP_MOST * estimate
                if not self.cautious[row]:
                    step = max(step, min(STEP_BACK * estimate, BACK_SHARE * float(lost_bps[row])))
                self._begin(row, estimate, min(MARGIN * float(wished), step), int(sent_bytes[row]), now)

    def _begin(self, row: int, estimate_bps: float, goal: float, sent_bytes: int, now: float) -> None:
        excess = max(goal - estimate_bps, 1.0)
        duration = min(max(QUEUE_RISK_S * estimate_bps / excess, DURATION_LEAST_S), DURATION_S)
        duration = max(duration, min(PACKETS_LEAST_BYTES * 8 / goal, DURATION_S))
        self.running[row] = Probe(goal, now, now + duration, sent_bytes)

    def missing_bytes(self, row: int, sent_bytes: int, now: float) -> int:
        """Padding that the row's probe wants now; `sent_bytes`: total sent to the row."""
        probe = self.running[row]
        if now >= probe.end_s:
            return 0
        probe.sent_bytes = sent_bytes - probe.sent_before
        return int((now - probe.start_s) * probe.goal_bps / 8) - probe.sent_bytes

    def feedback(self, batch: FeedbackBatch, estimator: Estimator, now: float) -> None:
        """Follow the running probes; successes go to the estimator."""
        if not self.running:
            return
        entries = {int(row): entry for entry, row in enumerate(batch.rows)}
        ends = np.append(batch.first, len(batch.packet_entry))
        for row, probe in list(self.running.items()):
            entry = entries.get(row)
            if entry is not None:
                _gather(probe, batch, slice(int(ends[entry]), int(ends[entry + 1])))
            if estimator.queue_s[row] > QUEUE_ABORT_S:
                self._end(row, now, False)
            elif probe.heard_end:
                self._judge(row, probe, estimator, now)

    def expire(self, now: float) -> None:
        """End probes that were never answered."""
        for row, probe in list(self.running.items()):
            if now > probe.end_s + ANSWER_S:
                self._end(row, now, False)

    def _judge(self, row: int, probe: Probe, estimator: Estimator, now: float) -> None:
        """A probe that the link did not carry has found it full: what arrived is all that it carries."""
        whole = probe.received_bytes >= RECEIVED_SHARE * (1 - estimator.inherent_loss[row]) * probe.sent_bytes
        rate_bps = probe.received_bytes * 8 / max(probe.last_s - probe.first_s, probe.end_s - probe.start_s)
        carried = rate_bps >= RECEIVED_SHARE**2 * probe.goal_bps
        queue_most_s = QUEUE_PROVED_S + QUEUE_PROVED_SHARE * (probe.end_s - probe.start_s)
        carried &= probe.tail_delay_s - estimator.base_s(row) <= queue_most_s
        if whole and carried:
            estimator.proved(row, probe.goal_bps)
        elif whole:
            after_bytes, span_s = probe.received_bytes - probe.first_bytes, probe.last_s - probe.first_s
            if span_s >= SPAN_LEAST_S:
                estimator.measured(row, after_bytes * 8 / span_s, now)
        self._end(row, now, whole and carried)

    def _end(self, row: int, now: float, success: bool) -> None:
        del self.running[row]
        self.cautious[row] = not success
        if success:
            self.succeeded += 1
            self.interval_s[row] = INTERVAL_S
            self.next_s[row] = now + AFTER_SUCCESS_S
        else:
            self.failed += 1
            self.next_s[row] = now + self.interval_s[row]
            self.interval_s[row] = min(self.interval_s[row] * INTERVAL_FACTOR, INTERVAL_MOST_S)


def _gather(probe: Probe, batch: FeedbackBatch, packets: slice) -> None:
    sent = batch.send_s[packets]
    mine = (sent >= probe.start_s) & (sent <= probe.end_s)
    if mine.any():
        arrivals = batch.arrival_s[packets][mine]
        sizes = batch.size[packets][mine]
        probe.received_bytes += int(sizes.sum())
        if arrivals.min() < probe.first_s:
            probe.first_s, probe.first_bytes = float(arrivals.min()), int(sizes[arrivals.argmin()])
        probe.last_s = max(probe.last_s, float(arrivals.max()))
        tail = sent[mine] >= probe.end_s - TAIL_SHARE * (probe.end_s - probe.start_s)
        delays = (arrivals - sent[mine])[tail]
        probe.tail_delay_s = min(probe.tail_delay_s, float(delays.min(initial=np.inf)))
    probe.heard_end |= bool((sent > probe.end_s).any())
