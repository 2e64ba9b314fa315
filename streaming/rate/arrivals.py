"""What viewers' transport-wide feedback tells of their links: queue, loss, and the rate that arrives.

Columns by viewer row, time passed in; measures, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.columns import Columns
from streaming.rate.feedback import FeedbackBatch

CEILING_BPS: Final = 20_000_000.0
QUEUE_CALM_S: Final = 0.020
BASE_WINDOW_S: Final = 30.0
"""The least delay is that of this window and the one before: clocks drift, routes change."""
ACKED_WINDOW_S: Final = 0.5
RECENT_LEAST_S: Final = 0.05
RING: Final = 16
"""Reports remembered for the rate that arrives."""
LOSS_WINDOW_S: Final = 1.0
INHERENT_WINDOW_S: Final = 5.0
LOSS_MIN_PACKETS: Final = 8.0

_COLUMNS: Final[dict[str, float | int | bool]] = {
    "acked_bps": 0.0,
    "queue_s": 0.0,
    "loss": 0.0,
    "inherent_loss": 0.0,
    "wide": False,
    "_base_s": np.inf,
    "_former_base_s": np.inf,
    "_slope": 0.0,
    "_calm_s": 0.0,
    "_fed_s": -np.inf,
    "_reported": 0.0,
    "_lost": 0.0,
    "_recent_bps": 0.0,
    "_bytes": 0,
}


class Arrivals(Columns):
    """All rates count headers down to IP."""

    acked_bps: npt.NDArray[np.float64]
    """What arrives, over the last half second."""
    queue_s: npt.NDArray[np.float64]
    loss: npt.NDArray[np.float64]
    """Share of packets lost in about the last second."""
    inherent_loss: npt.NDArray[np.float64]
    """Loss this link has without any queue."""
    wide: npt.NDArray[np.bool_]
    """Sends transport-wide feedback."""
    _base_s: npt.NDArray[np.float64]
    """Least delay of this window and, next, of the one before; of the two clocks' difference and the way itself."""
    _former_base_s: npt.NDArray[np.float64]
    _slope: npt.NDArray[np.float64]
    """How fast the queue grows, seconds per second, smoothed."""
    _calm_s: npt.NDArray[np.float64]
    """Time without a queue so far: what the inherent loss rests on."""
    _fed_s: npt.NDArray[np.float64]
    _reported: npt.NDArray[np.float64]
    _lost: npt.NDArray[np.float64]
    """Packets of about the last second."""
    _recent_bps: npt.NDArray[np.float64]
    """What has arrived since the report before."""
    _bytes: npt.NDArray[np.int64]
    """Arrived in all; for viewers without transport-wide feedback: sent."""

    def __init__(self, columns: Mapping[str, float | int | bool]) -> None:
        """`columns`: more of them, by their initial values."""
        super().__init__(_COLUMNS | dict(columns))
        self._ring_s = np.full((0, RING), -np.inf)
        self._ring_bytes = np.zeros((0, RING), np.int64)
        self._ring_place = np.zeros(0, np.int64)
        self._base_turn_s = -np.inf

    def reserve(self, rows: int) -> None:
        added = rows - self.rows
        super().reserve(rows)
        self._ring_s = np.concatenate([self._ring_s, np.full((added, RING), -np.inf)])
        self._ring_bytes = np.concatenate([self._ring_bytes, np.zeros((added, RING), np.int64)])
        self._ring_place = np.concatenate([self._ring_place, np.zeros(added, np.int64)])

    def clear(self, row: int) -> None:
        super().clear(row)
        self._ring_s[row] = -np.inf
        self._ring_bytes[row] = self._ring_place[row] = 0

    def measure(self, batch: FeedbackBatch, returned: npt.NDArray[np.bool_], now: float) -> npt.NDArray[np.bool_]:
        """Take a batch in; `returned`: entries of viewers that had been silent. Returns the entries for which anything
        arrived."""
        rows = batch.rows
        self.wide[rows] = True
        elapsed = np.clip(now - self._fed_s[rows], 0.0, 1.0)
        self._fed_s[rows] = now
        self._count_loss(batch, elapsed)
        some = np.diff(np.append(batch.first, len(batch.packet_entry))) > 0
        if some.any():
            rows, first = rows[some], batch.first[some]
            delay_s = np.minimum.reduceat(batch.arrival_s - batch.send_s, first)
            self._measure_queue(rows, delay_s, elapsed[some], returned[some])
            self._measure_rate(rows, np.maximum.reduceat(batch.arrival_s, first), np.add.reduceat(batch.size, first))
        return some

    def _count_loss(self, batch: FeedbackBatch, elapsed: npt.NDArray[np.float64]) -> None:
        rows = batch.rows
        kept = np.exp(-elapsed / LOSS_WINDOW_S)
        self._reported[rows] = self._reported[rows] * kept + batch.reported
        self._lost[rows] = np.maximum(self._lost[rows] * kept + batch.lost, 0.0)
        loss = np.clip(self._lost[rows] / np.maximum(self._reported[rows], LOSS_MIN_PACKETS), 0.0, 1.0)
        self.loss[rows] = loss
        calm = self.queue_s[rows] < QUEUE_CALM_S
        self._calm_s[rows] += np.where(calm, elapsed, 0.0)
        window = np.clip(self._calm_s[rows], LOSS_WINDOW_S, INHERENT_WINDOW_S)
        step = np.minimum(elapsed / window, 1.0)
        inherent = self.inherent_loss[rows]
        self.inherent_loss[rows] = np.where(calm, inherent + (loss - inherent) * step, inherent)

    def _measure_queue(
        self,
        rows: npt.NDArray[np.int64],
        delay_s: npt.NDArray[np.float64],
        elapsed: npt.NDArray[np.float64],
        returned: npt.NDArray[np.bool_],
    ) -> None:
        self._base_s[rows] = np.minimum(self._base_s[rows], delay_s)
        queue = delay_s - np.minimum(self._base_s[rows], self._former_base_s[rows])
        slope = np.clip((queue - self.queue_s[rows]) / np.maximum(elapsed, 0.02), -2.0, 2.0)
        self._slope[rows] = np.where(returned, 0.0, 0.5 * self._slope[rows] + 0.5 * slope)
        self.queue_s[rows] = queue

    def _measure_rate(
        self, rows: npt.NDArray[np.int64], last_s: npt.NDArray[np.float64], size: npt.NDArray[np.int64]
    ) -> None:
        """Bytes that arrived in about the last half second by the viewer's clock."""
        self._bytes[rows] += size
        total = self._bytes[rows]
        age = last_s[:, None] - self._ring_s[rows]
        valid = np.isfinite(age) & (age > 0)
        enough = np.where(valid & (age >= ACKED_WINDOW_S), age, np.inf)
        longest = np.where(valid, age, -np.inf)
        chosen = np.where(np.isfinite(enough).any(1), enough.argmin(1), longest.argmax(1))
        span = age[np.arange(len(rows)), chosen]
        known = valid[np.arange(len(rows)), chosen] & (span >= 0.1)
        rate = (total - self._ring_bytes[rows, chosen]) * 8 / np.where(known, span, 1.0)
        self.acked_bps[rows] = np.where(known, np.minimum(rate, CEILING_BPS), self.acked_bps[rows])
        place = self._ring_place[rows]
        since = last_s - self._ring_s[rows, place - 1]
        recent = size * 8 / np.clip(since, RECENT_LEAST_S, None)
        self._recent_bps[rows] = np.minimum(recent, CEILING_BPS)
        self._ring_s[rows, place] = last_s
        self._ring_bytes[rows, place] = total
        self._ring_place[rows] = (place + 1) % RING

    def turn_base(self, now: float) -> None:
        """Begin a new window of the least delay when it is time."""
        if now - self._base_turn_s >= BASE_WINDOW_S:
            self._base_turn_s = now
            self._former_base_s = self._base_s.copy()
            self._base_s[:] = np.inf

    def base_s(self, row: int) -> float:
        """The least one-way delay of about the last minute, of the two clocks' difference and the way itself."""
        return float(min(self._base_s[row], self._former_base_s[row]))
