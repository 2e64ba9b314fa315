"""Transport-wide feedback of all viewers of a room, gathered between ticks and joined with what was sent in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.viewers import HISTORY, Viewers
from streaming.wire.feedback import Feedback

REPORTS_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class FeedbackBatch:
    """One entry per report: viewer's row, packets reported on, packets received, their bytes; and per received packet
    its report, send time (s, ours) and arrival (us, the viewer's clock)."""

    rows: npt.NDArray[np.int64]
    reported: npt.NDArray[np.int64]
    received: npt.NDArray[np.int64]
    received_bytes: npt.NDArray[np.int64]
    packet_report: npt.NDArray[np.int64]
    send_time: npt.NDArray[np.float64]
    arrival_us: npt.NDArray[np.int64]


class FeedbackLog:
    """Bounded; reports beyond the bound are dropped and counted."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._reported: list[int] = []
        self._received: list[int] = []
        self._numbers: list[int] = []
        self._arrivals: list[int] = []
        self.dropped = 0

    def add(self, row: int, feedback: Feedback) -> None:
        if len(self._rows) >= REPORTS_MAX:
            self.dropped += 1
            return
        self._rows.append(row)
        self._reported.append(feedback.status_count)
        self._received.append(len(feedback.received))
        self._numbers += feedback.received
        self._arrivals += feedback.arrival_us

    def take(self, viewers: Viewers) -> FeedbackBatch | None:
        """Everything since the last call, joined with the viewers' send history; None when there was nothing."""
        if not self._rows:
            return None
        rows = np.array(self._rows, np.int64)
        received = np.array(self._received, np.int64)
        packet_report = np.repeat(np.arange(len(rows)), received)
        numbers = np.array(self._numbers, np.int64)
        sends = viewers.history[rows[packet_report], numbers & (HISTORY - 1)]
        sizes = viewers.send_size[sends]
        batch = FeedbackBatch(
            rows=rows,
            reported=np.array(self._reported, np.int64),
            received=received,
            received_bytes=np.bincount(packet_report, sizes, len(rows)).astype(np.int64),
            packet_report=packet_report,
            send_time=viewers.send_time[sends],
            arrival_us=np.array(self._arrivals, np.int64),
        )
        self._rows, self._reported, self._received, self._numbers, self._arrivals = [], [], [], [], []
        return batch
