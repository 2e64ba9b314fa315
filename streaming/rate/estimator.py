"""How much each viewer's link carries: a safe rule on loss, for all viewers of a room at once.

Grow slowly while little is lost and the estimate is really used, shrink with loss, halve in silence; never above what a
receiver itself allows (REMB). It has no view of delay, so it fills a deep buffer before it notices.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.rate.feedback import FeedbackBatch

START_BPS: Final = 600_000.0
FLOOR_BPS: Final = 30_000.0
CEILING_BPS: Final = 20_000_000.0
WINDOW_S: Final = 0.5
PACKETS_MIN: Final = 8
LOSS_LOW: Final = 0.02
LOSS_HIGH: Final = 0.10
GROWTH_PER_S: Final = 0.16
HEADROOM_BPS: Final = 300_000.0
"""Growth stops at twice what arrives plus this: an estimate that is not used proves nothing."""
SILENCE_S: Final = 1.5
LIMIT_SHARE: Final = 0.9
"""Receivers that see congestion allow 0.85 times what arrives (draft-ietf-rmcat-gcc), others about all of it."""
LIMIT_WINDOWS: Final = 3
"""A receiver's limit follows what arrives with some delay: it counts when it stays below for this long."""
CONGESTED_S: Final = 10.0
"""How long a sign of congestion speaks against sending beyond the estimate."""


class Estimator:
    """Columns by viewer row; time passed in."""

    def __init__(self) -> None:
        self.rows = 0
        self.estimate_bps: npt.NDArray[np.float64] = np.zeros(0)
        self.loss: npt.NDArray[np.float64] = np.zeros(0)
        """Share of packets lost in the latest window."""
        self.received_bps: npt.NDArray[np.float64] = np.zeros(0)
        self.rtt_s: npt.NDArray[np.float64] = np.zeros(0)
        self._limit_bps: npt.NDArray[np.float64] = np.zeros(0)
        self._heard_s: npt.NDArray[np.float64] = np.zeros(0)
        self._reported: npt.NDArray[np.float64] = np.zeros(0)
        self._received: npt.NDArray[np.float64] = np.zeros(0)
        self._bytes: npt.NDArray[np.float64] = np.zeros(0)
        self._limit_windows: npt.NDArray[np.float64] = np.zeros(0)
        self._congested_s: npt.NDArray[np.float64] = np.zeros(0)
        self._sent_bytes: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._sent_bps: npt.NDArray[np.float64] = np.zeros(0)
        self._window_start_s = 0.0

    def reserve(self, rows: int) -> None:
        for name, value in (
            ("estimate_bps", START_BPS),
            ("loss", 0.0),
            ("received_bps", 0.0),
            ("rtt_s", 0.0),
            ("_limit_bps", CEILING_BPS),
            ("_heard_s", np.inf),
            ("_reported", 0.0),
            ("_received", 0.0),
            ("_bytes", 0.0),
            ("_congested_s", -np.inf),
            ("_sent_bps", 0.0),
            ("_limit_windows", 0.0),
        ):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full(rows - self.rows, value)]))
        self._sent_bytes = np.concatenate([self._sent_bytes, np.zeros(rows - self.rows, np.int64)])
        self.rows = rows

    def reset(self, row: int) -> None:
        """A new viewer took the row."""
        self.estimate_bps[row] = START_BPS
        self.loss[row] = self.received_bps[row] = self.rtt_s[row] = 0.0
        self._limit_bps[row] = CEILING_BPS
        self._heard_s[row] = np.inf
        self._reported[row] = self._received[row] = self._bytes[row] = self._sent_bps[row] = 0.0
        self._congested_s[row] = -np.inf
        self._limit_windows[row] = 0
        self._sent_bytes[row] = 0

    def feedback(self, batch: FeedbackBatch, now: float) -> None:
        np.add.at(self._reported, batch.rows, batch.reported)
        np.add.at(self._received, batch.rows, batch.received)
        np.add.at(self._bytes, batch.rows, batch.received_bytes)
        self._heard_s[batch.rows] = now

    def remb(self, row: int, bitrate_bps: int, now: float) -> None:
        """The receiver's own limit; an absurd one is bounded like any estimate.

        Receivers report about 1.5 times what arrives, so a limit well above what is sent says nothing about the link.
        """
        self._limit_bps[row] = min(max(float(bitrate_bps), FLOOR_BPS), CEILING_BPS)
        self._heard_s[row] = now

    def receiver_report(self, row: int, fraction_lost: float, rtt_s: float, now: float) -> None:
        """For viewers without transport-wide feedback the report's loss counts; `rtt_s` 0: not known yet."""
        if rtt_s > 0:
            previous = self.rtt_s[row]
            self.rtt_s[row] = rtt_s if previous == 0 else 0.8 * previous + 0.2 * rtt_s
        if self._reported[row] == 0:
            self.loss[row] = fraction_lost
            if fraction_lost > LOSS_HIGH:
                self.estimate_bps[row] = max(FLOOR_BPS, self.estimate_bps[row] * (1 - 0.5 * fraction_lost))
        self._heard_s[row] = now

    def unproven(self, now: float) -> npt.NDArray[np.bool_]:
        """Rows without a sign of congestion lately: their estimate may be too low for want of traffic."""
        return now - self._congested_s > CONGESTED_S

    def tick(self, sent_bytes: npt.NDArray[np.int64], now: float) -> bool:
        """Renew all estimates once per window; True when they were renewed. `sent_bytes`: total sent to each row."""
        elapsed = now - self._window_start_s
        if elapsed < WINDOW_S:
            return False
        self._window_start_s = now
        sent_bps = np.maximum(sent_bytes - self._sent_bytes, 0) * 8 / elapsed
        self._sent_bytes = sent_bytes.copy()
        reported = self._reported >= PACKETS_MIN
        loss = np.where(reported, 1 - self._received / np.maximum(self._reported, 1), self.loss)
        self.loss = np.clip(loss, 0, 1)
        # Nobody receives more than was sent, in this window or (feedback takes a while) in the one before.
        plausible = np.minimum(self._bytes * 8 / elapsed, np.maximum(sent_bps, self._sent_bps))
        self.received_bps = np.where(reported, plausible, sent_bps * (1 - self.loss))
        self._sent_bps = sent_bps
        below = self._limit_bps < LIMIT_SHARE * sent_bps
        self._limit_windows = np.where(below, self._limit_windows + 1, 0)
        limited = self._limit_windows >= LIMIT_WINDOWS
        may_grow = (reported | (self._limit_bps < CEILING_BPS)) & (self.loss < LOSS_LOW) & ~limited
        estimate = self.estimate_bps
        grown = np.minimum(
            estimate * (1 + GROWTH_PER_S * min(elapsed, 1.0)),
            np.maximum(estimate, 2 * self.received_bps + HEADROOM_BPS),
        )
        estimate = np.where(may_grow, grown, estimate)
        estimate = np.where(reported & (loss > LOSS_HIGH), estimate * (1 - 0.5 * self.loss), estimate)
        estimate = np.where(limited, np.minimum(estimate, self._limit_bps), estimate)
        silent = now - self._heard_s > SILENCE_S
        estimate = np.where(silent, estimate * 0.5 ** min(elapsed, 1.0), estimate)
        self._congested_s[(self.loss > LOSS_HIGH) | limited | silent] = now
        self.estimate_bps = np.clip(estimate, FLOOR_BPS, CEILING_BPS)
        self._reported[:] = self._received[:] = self._bytes[:] = 0.0
        return True
