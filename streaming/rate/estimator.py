"""How much each viewer's link carries, from transport-wide feedback: one-way delay first, loss second.

Columns by viewer row, time passed in; one call serves all viewers of a room. All rates count headers down to IP.

The queue in front of a viewer is the one-way delay above its long minimum. Too much of it, or some of it together
with more loss than this link always has, is overuse: the estimate falls to what still arrives and the link is drained.
It grows by itself only while it is really used; a probe (`prober`) proves the rest. Random loss alone lowers nothing.
Viewers without transport-wide feedback are judged by their receiver reports and REMB.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.arrivals import ACKED_WINDOW_S, CEILING_BPS, QUEUE_CALM_S, Arrivals
from streaming.rate.feedback import FeedbackBatch

START_BPS: Final = 300_000.0
FLOOR_BPS: Final = 20_000.0

QUEUE_HIGH_S: Final = 0.060
QUEUE_LOSSY_S: Final = 0.030
LOSS_ABOVE_INHERENT: Final = 0.08
LOSS_WEIGHT: Final = 0.5
QUEUE_DRAINED_S: Final = 0.015
QUEUE_BUSY_S: Final = 0.15
"""Above this the link was busy for all of the latest report's time."""
QUEUE_DEEP_S: Final = 0.3
"""A queue that takes so long to drain that the pictures on their way must be given up."""
SLOPE_STEEP: Final = 0.7
"""Seconds per second: the link carries little more than half of what is sent."""

DECREASE: Final = 0.92
DECREASE_MOST: Final = 0.5
DECREASE_MOST_DEEP: Final = 0.3
DECREASE_INTERVAL_S: Final = 0.3
DRAIN_MAX_S: Final = 2.0
DRAIN_SHARE: Final = 0.5
PACKET_BITS: Final = 10_000.0
OWN_PACKET_S: Final = 0.04
"""What a packet's own time may be without being taken off the queue."""
FOREIGN_STAYS: Final = 0.65
FOREIGN_SENT: Final = 0.7
FOREIGN_ACKED: Final = 1.3
"""A queue is not ours where less than the first of these shares of what the link carried is sent, and less than the
second of that arrives."""
CRISIS_SHARE: Final = 0.7
FOREIGN_SWING: Final = 1.3
"""A foreign queue swings up to so many times what was seen of it."""
FOREIGN_PART: Final = 0.5
"""Of what the link carried for us before, to begin with beside a foreign stream."""
SWING_LEAST_S: Final = 0.03
DETOUR_MOST_S: Final = 0.3
"""A queue of up to this that hardly moves is none: the path has become longer."""
TOLERANCE_MOST_S: Final = 2.0
TOLERATED_S: Final = 5.0
"""A foreign queue that was not seen for so long is gone."""
GROWTH_PER_S: Final = 1.08
USED_SHARE: Final = 0.75
UNPROVEN_FACTOR: Final = 1.5
UNPROVEN_FALL_PER_S: Final = 0.96
"""An estimate further above what has ever arrived sinks slowly: nothing speaks for it."""
AHEAD: Final = 1.2
AHEAD_SHARED: Final = 1.6
"""The estimate grows by itself to at most so many times what arrives."""
KNEE_S: Final = 10.0
KNEE_SHARE: Final = 0.96

SILENCE_HOLD_S: Final = 0.5
SILENCE_HALVE_S: Final = 1.0
SILENCE_STOP_S: Final = 1.5
RETURN_SHARE: Final = 0.5
"""After a silence the estimate begins with this share of what it was before."""

FIRST_WORD_S: Final = 2.0
"""Until a newcomer's first feedback is expected."""
PACE_FACTOR: Final = 1.25
PACE_FACTOR_FULL: Final = 1.05
"""Where the estimate is known to be about all the link carries."""
FULL_SHARE: Final = 0.4
CONGESTED_S: Final = 10.0
"""How long overuse speaks against sending beyond the estimate."""

FALL_S: Final = 10.0
REPORT_LOSS_HIGH: Final = 0.10


class Estimator(Arrivals):
    """`estimate_bps`: what the viewer's link carries."""

    estimate_bps: npt.NDArray[np.float64]
    proven_bps: npt.NDArray[np.float64]
    """The most that has arrived with hardly any queue since the last overuse."""
    rtt_s: npt.NDArray[np.float64]
    draining: npt.NDArray[np.bool_]
    overused_s: npt.NDArray[np.float64]
    """When overuse was last seen."""
    company: npt.NDArray[np.bool_]
    """Other viewers are known to be behind the same link: the queue there is theirs and ours."""
    _drain_since_s: npt.NDArray[np.float64]
    _drain_carried_bps: npt.NDArray[np.float64]
    """What the link carried then."""
    _sent_bps: npt.NDArray[np.float64]
    _sent_bytes: npt.NDArray[np.int64]
    _drain_most_s: npt.NDArray[np.float64]
    """The largest queue since."""
    _drain_from_bps: npt.NDArray[np.float64]
    """The estimate before."""
    _tolerance_s: npt.NDArray[np.float64]
    """A foreign queue that we live with."""
    _queued_s: npt.NDArray[np.float64]
    """When there was last a queue to speak of."""
    _decreased_s: npt.NDArray[np.float64]
    _heard_s: npt.NDArray[np.float64]
    _sent_heard: npt.NDArray[np.int64]
    """Packets sent to the viewer when it was last heard."""
    _halved_s: npt.NDArray[np.float64]
    _before_silence_bps: npt.NDArray[np.float64]
    _knee_bps: npt.NDArray[np.float64]
    """What the link carried when it was last too full."""
    _knee_s: npt.NDArray[np.float64]
    """When that was."""
    _limit_bps: npt.NDArray[np.float64]
    """What a receiver without transport-wide feedback allows."""

    def __init__(self) -> None:
        super().__init__(
            {
                "estimate_bps": START_BPS,
                "proven_bps": 0.0,
                "rtt_s": 0.0,
                "draining": False,
                "overused_s": -np.inf,
                "company": False,
                "_drain_since_s": -np.inf,
                "_drain_carried_bps": 0.0,
                "_sent_bps": 0.0,
                "_sent_bytes": 0,
                "_drain_most_s": 0.0,
                "_drain_from_bps": 0.0,
                "_tolerance_s": 0.0,
                "_queued_s": -np.inf,
                "_decreased_s": -np.inf,
                "_heard_s": np.inf,
                "_halved_s": -np.inf,
                "_sent_heard": 0,
                "_before_silence_bps": 0.0,
                "_limit_bps": CEILING_BPS,
                "_knee_bps": np.inf,
                "_knee_s": -np.inf,
            }
        )
        self._ticked_s = -np.inf

    def reset(self, row: int, start_bps: float = START_BPS) -> None:
        """A new viewer took the row."""
        self.clear(row)
        self.estimate_bps[row] = start_bps

    # ------------------------------------------------------------ what viewers say

    def feedback(self, batch: FeedbackBatch, now: float) -> None:
        rows = batch.rows
        returned = now - self._heard_s[rows] > SILENCE_HALVE_S
        self._heard_s[rows] = now
        some = self.measure(batch, returned, now)
        rows, returned = rows[some], returned[some]
        self._judge(rows, now)
        back = rows[returned & (self.queue_s[rows] < QUEUE_LOSSY_S)]
        self.estimate_bps[back] = np.maximum(self.estimate_bps[back], RETURN_SHARE * self._before_silence_bps[back])

    def _judge(self, rows: npt.NDArray[np.int64], now: float) -> None:
        """Overuse, draining and what is proven, for viewers that have just reported."""
        queue = self.queue_s[rows]
        excess = self.loss[rows] - self.inherent_loss[rows]
        tolerated = self._tolerance_s[rows]
        # On a slow link a packet's own time looks like a queue.
        packet_s = np.maximum(PACKET_BITS / self.estimate_bps[rows] - OWN_PACKET_S, 0.0)
        high_s = QUEUE_HIGH_S + packet_s
        overuse = queue > high_s + tolerated
        overuse |= (queue > QUEUE_LOSSY_S) & (excess > LOSS_ABOVE_INHERENT)
        draining = self.draining[rows]
        falling = draining & (self._slope[rows] < 0)
        self._decrease(rows[overuse & ~falling & (now - self._decreased_s[rows] >= DECREASE_INTERVAL_S)], now)
        self.overused_s[rows[overuse]] = now
        self.draining[rows[draining & (queue < QUEUE_DRAINED_S + tolerated)]] = False
        self._drain_most_s[rows] = np.maximum(self._drain_most_s[rows], queue)
        self._queued_s[rows[queue > high_s]] = now
        calm = rows[(queue < QUEUE_CALM_S) & ~overuse]
        self.proven_bps[calm] = np.maximum(self.proven_bps[calm], self.acked_bps[calm])
        shown = np.minimum(self.acked_bps[calm], self._below_knee(now)[calm])
        self.estimate_bps[calm] = np.maximum(self.estimate_bps[calm], shown)

    def _decrease(self, rows: npt.NDArray[np.int64], now: float) -> None:
        """Lower the estimates of rows that overuse their link, and begin to drain it."""
        estimate, recent, queue = self.estimate_bps[rows], self._recent_bps[rows], self.queue_s[rows]
        # With a queue the link is busy: what arrives just now is what it carries, however little was sent before.
        carried = np.where(queue > QUEUE_BUSY_S, recent, np.maximum(self.acked_bps[rows], recent))
        deep = (queue > QUEUE_DEEP_S) | ((queue > QUEUE_BUSY_S) & (self._slope[rows] > SLOPE_STEEP))
        most = np.where(deep, DECREASE_MOST_DEEP, DECREASE_MOST)
        lowered = np.maximum(DECREASE * carried, most * estimate)
        # Beside a foreign stream neither queue nor share tells what could be had: loss does, as for goog_cc.
        shared = (self._tolerance_s[rows] > 0) & (queue <= QUEUE_HIGH_S + self._tolerance_s[rows])
        lowered = np.where(shared, estimate * (1 - LOSS_WEIGHT * self.loss[rows]), lowered)
        self.estimate_bps[rows] = np.clip(lowered, FLOOR_BPS, estimate)
        self.proven_bps[rows] = np.minimum(self.proven_bps[rows], self.estimate_bps[rows])
        self._knee_bps[rows] = np.where(shared, np.inf, carried)
        self._knee_s[rows] = now
        self._decreased_s[rows] = now
        begins = ~self.draining[rows] & ~shared
        starts = rows[begins]
        self.draining[starts] = True
        self._drain_since_s[starts] = now
        self._drain_most_s[starts] = self.queue_s[starts]
        self._drain_carried_bps[starts] = carried[begins]
        self._drain_from_bps[starts] = estimate[begins]

    def proved(self, row: int, rate_bps: float) -> None:
        """A probe has shown that the link carries so much."""
        rate_bps = min(rate_bps, float(self._limit_bps[row]), CEILING_BPS)
        if rate_bps > self._knee_bps[row]:
            self._knee_bps[row] = np.inf
        self.proven_bps[row] = max(self.proven_bps[row], rate_bps)
        self.estimate_bps[row] = max(self.estimate_bps[row], rate_bps)

    def measured(self, row: int, rate_bps: float, now: float) -> None:
        """A probe has filled the link, which carried so much."""
        shown = KNEE_SHARE * min(rate_bps, float(self._limit_bps[row]), CEILING_BPS)
        self.proven_bps[row] = max(self.proven_bps[row], shown)
        self.estimate_bps[row] = max(min(self.estimate_bps[row], rate_bps), shown)
        self._knee_bps[row] = rate_bps
        self._knee_s[row] = now

    def remb(self, row: int, bitrate_bps: int, now: float) -> None:
        """The receiver's own limit, for viewers without transport-wide feedback; an absurd one is bounded."""
        self._limit_bps[row] = min(max(float(bitrate_bps), FLOOR_BPS), CEILING_BPS)
        self._heard_s[row] = now

    def receiver_report(self, row: int, fraction_lost: float, rtt_s: float, now: float) -> None:
        """`rtt_s` 0: not known yet. The loss counts for viewers without transport-wide feedback."""
        if rtt_s > 0:
            previous = self.rtt_s[row]
            self.rtt_s[row] = rtt_s if previous == 0 else 0.8 * previous + 0.2 * rtt_s
        if self.wide[row]:
            return
        self.loss[row] = fraction_lost
        self._heard_s[row] = now
        if fraction_lost > REPORT_LOSS_HIGH:
            self.estimate_bps[row] = max(FLOOR_BPS, self.estimate_bps[row] * (1 - 0.5 * fraction_lost))
            self.overused_s[row] = now

    # ------------------------------------------------------------ time

    def tick(self, sent_packets: npt.NDArray[np.int64], sent_bytes: npt.NDArray[np.int64], now: float) -> None:
        """Growth, silence and the end of drains. `sent_packets`, `sent_bytes`: totals sent to each row."""
        elapsed = min(max(now - self._ticked_s, 0.0), 1.0) if np.isfinite(self._ticked_s) else 0.0
        self._ticked_s = now
        self.turn_base(now)
        if elapsed > 0:
            sent_bps = np.maximum(sent_bytes - self._sent_bytes, 0) * 8 / elapsed
            self._sent_bps += (sent_bps - self._sent_bps) * min(elapsed / ACKED_WINDOW_S, 1.0)
        self._sent_bytes = sent_bytes.copy()
        self._end_drains(now)
        self._judge_without_feedback(sent_bytes, elapsed)
        quiet = sent_packets <= self._sent_heard
        heard_now = self._heard_s >= now
        self._heard_s[quiet] = np.maximum(self._heard_s[quiet], now)  # nothing was sent, so nothing can be said
        self._sent_heard = np.where(heard_now | quiet, sent_packets, self._sent_heard)
        silence = now - self._heard_s
        self._fall_silent(silence, now)
        used = self.acked_bps >= USED_SHARE * self.estimate_bps
        used &= ~self.wide | (now - self._fed_s < SILENCE_HOLD_S)
        may_grow = used & ~self.draining & (silence < SILENCE_HOLD_S)
        may_grow &= self.queue_s < QUEUE_LOSSY_S + self._tolerance_s
        may_grow &= self.loss - self.inherent_loss < LOSS_ABOVE_INHERENT
        ahead = np.where(self._tolerance_s > 0, AHEAD_SHARED, AHEAD)
        ceiling = np.minimum(np.minimum(ahead * self.acked_bps, self._below_knee(now)), CEILING_BPS)
        grown = np.minimum(self.estimate_bps * GROWTH_PER_S**elapsed, np.maximum(ceiling, self.estimate_bps))
        self.estimate_bps = np.where(may_grow, grown, self.estimate_bps)
        proven = np.maximum(UNPROVEN_FACTOR * self.proven_bps, FLOOR_BPS)
        doubtful = self.wide & (self.estimate_bps > proven)
        fallen = np.maximum(self.estimate_bps * UNPROVEN_FALL_PER_S**elapsed, proven)
        self.estimate_bps = np.where(doubtful, fallen, self.estimate_bps)

    def _below_knee(self, now: float) -> npt.NDArray[np.float64]:
        """Not quite what the link carried when it was last too full; only for some time, for links change."""
        fresh = now - self._knee_s < KNEE_S
        return np.where(fresh, KNEE_SHARE * self._knee_bps, np.inf)

    def _end_drains(self, now: float) -> None:
        """A queue of ours empties at the link's rate while we send less. Where no more arrives than is sent and the
        queue stays, somebody else keeps it full, or the path has become longer: then it is tolerated, and loss alone
        tells how much we may have of the link."""
        self._tolerance_s[now - self._queued_s > TOLERATED_S] = 0.0
        late = np.flatnonzero(self.draining & (now - self._drain_since_s > DRAIN_MAX_S))
        if not len(late):
            return
        sent_bps = self._sent_bps[late]
        # On a slow link a packet's own time looks like a queue.
        own_packet_s = PACKET_BITS / np.maximum(self._drain_carried_bps[late], PACKET_BITS / QUEUE_BUSY_S)
        queue = self.queue_s[late]
        stays = (queue - own_packet_s > QUEUE_HIGH_S) & ~self.company[late]
        self.draining[late[queue - own_packet_s <= QUEUE_HIGH_S]] = False
        stays &= queue > FOREIGN_STAYS * self._drain_most_s[late]
        stays &= sent_bps < FOREIGN_SENT * self._drain_carried_bps[late]
        foreign = late[stays & (self.acked_bps[late] < FOREIGN_ACKED * sent_bps)]
        steady = self._drain_most_s[foreign] - self.queue_s[foreign] < SWING_LEAST_S
        longer = foreign[steady & (self.queue_s[foreign] < DETOUR_MOST_S)]
        for base in (self._base_s, self._former_base_s):
            base[longer] += self.queue_s[longer]
        self._tolerance_s[foreign] = np.minimum(FOREIGN_SWING * self._drain_most_s[foreign], TOLERANCE_MOST_S)
        part = FOREIGN_PART * self._drain_from_bps[foreign]
        self.estimate_bps[foreign] = np.maximum(self.estimate_bps[foreign], part)
        self.proven_bps[foreign] = np.maximum(self.proven_bps[foreign], part)
        self._knee_bps[foreign] = np.inf
        self.queue_s[longer] = self._tolerance_s[longer] = 0.0
        self.draining[foreign] = False
        self._drain_since_s[late] = now
        self._drain_most_s[late] = self.queue_s[late]

    def _judge_without_feedback(self, sent_bytes: npt.NDArray[np.int64], elapsed: float) -> None:
        """Rows without transport-wide feedback: what was sent less what was lost arrives; REMB limits."""
        blind = ~self.wide
        if elapsed > 0:
            sent_bps = np.maximum(sent_bytes - self._bytes, 0) * 8 / elapsed
            smooth = 0.1 * sent_bps * (1 - self.loss) + 0.9 * self.acked_bps
            self.acked_bps = np.where(blind, smooth, self.acked_bps)
            self._bytes = np.where(blind, sent_bytes, self._bytes)
            calm = blind & (self.loss < REPORT_LOSS_HIGH)
            self.proven_bps = np.where(calm, np.maximum(self.proven_bps, self.acked_bps), self.proven_bps)
            limited = blind & (self._limit_bps < self.estimate_bps)
            self.estimate_bps = np.where(limited, self._limit_bps, self.estimate_bps)

    def _fall_silent(self, silence: npt.NDArray[np.float64], now: float) -> None:
        spoken = silence < SILENCE_HALVE_S
        self._before_silence_bps = np.where(spoken, self.estimate_bps, self._before_silence_bps)
        halve = ~spoken & (now - self._halved_s >= 0.5)
        if halve.any():
            self.estimate_bps[halve] = np.maximum(self.estimate_bps[halve] * 0.5, FLOOR_BPS)
            self._halved_s[halve] = now
        self.estimate_bps[silence > SILENCE_STOP_S] = FLOOR_BPS

    def connected(self, row: int, now: float) -> None:
        """Packets are about to be sent to the row: from now on silence counts."""
        self._heard_s[row] = now + FIRST_WORD_S

    # ------------------------------------------------------------ what follows

    @property
    def crisis(self) -> npt.NDArray[np.bool_]:
        """Rows with a deep queue: what is on its way comes too late, only the least may follow."""
        return self.draining & (self.queue_s > QUEUE_DEEP_S)

    @property
    def full(self) -> npt.NDArray[np.bool_]:
        """Rows that use much of what their link was found to carry."""
        return self.acked_bps > FULL_SHARE * self._knee_bps

    @property
    def pace_bps(self) -> npt.NDArray[np.float64]:
        """How fast packets may leave: above the estimate, so that a keyframe need not wait for long; less while a link
        is drained."""
        share = np.where(np.isfinite(self._knee_bps), PACE_FACTOR_FULL, PACE_FACTOR)
        share = np.where(self.draining, DRAIN_SHARE, share)
        return np.where(self.crisis, CRISIS_SHARE, share) * self.estimate_bps

    def lost_bps(self, now: float) -> npt.NDArray[np.float64]:
        """What a link carried until a short while ago, and may soon carry again; 0 where there was no such fall."""
        recent = now - self._drain_since_s < FALL_S
        return np.where(recent, self._drain_from_bps, 0.0)

    def calm(self, now: float) -> npt.NDArray[np.bool_]:
        """Rows with hardly a queue and fresh feedback: more may be tried."""
        fresh = now - self._heard_s < SILENCE_HOLD_S
        lossy = self.loss - self.inherent_loss > LOSS_ABOVE_INHERENT
        return self.wide & fresh & ~lossy & ~self.draining & (self.queue_s < QUEUE_CALM_S)

    def unproven(self, now: float) -> npt.NDArray[np.bool_]:
        """Rows that are heard and without a sign of congestion lately: their estimate may be too low for want of
        traffic."""
        return (now - self.overused_s > CONGESTED_S) & (now - self._heard_s < SILENCE_STOP_S)
