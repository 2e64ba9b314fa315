"""Transport-wide feedback of all viewers of a room, gathered between ticks and joined with what was sent in one go.

What a viewer says is bounded by what was sent to it: numbers outside its send history count for nothing, and each
number counts as received once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.viewers import HISTORY, NOT_SENT, Viewers
from streaming.wire.feedback import Feedback

REPORTS_MAX: Final = 20_000
REPORTS_PER_VIEWER: Final = 32
"""Between two ticks."""


@dataclass(frozen=True, slots=True)
class FeedbackBatch:
    """One entry per viewer that reported since the last tick, and one per packet received, grouped by viewer.

    `lost`: packets newly reported missing (negative: some of them have come after all). `packet_entry`: the packet's
    entry; `first`: each entry's first packet. Send times in s by our clock, arrivals in s by the viewer's own.
    """

    rows: npt.NDArray[np.int64]
    reported: npt.NDArray[np.int64]
    lost: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    packet_entry: npt.NDArray[np.int64]
    send_s: npt.NDArray[np.float64]
    arrival_s: npt.NDArray[np.float64]
    size: npt.NDArray[np.int64]


class FeedbackLog:
    """Bounded; reports beyond the bound are dropped. `counts`: what was dropped, by kind."""

    def __init__(self) -> None:
        self._rows: list[int] = []
        self._base: list[int] = []
        self._span: list[int] = []
        self._received: list[int] = []
        self._numbers: list[int] = []
        self._arrivals: list[int] = []
        self._told: Counter[int] = Counter()
        self.counts: Counter[str] = Counter()

    def add(self, row: int, feedback: Feedback) -> None:
        self._told[row] += 1
        if len(self._rows) >= REPORTS_MAX or self._told[row] > REPORTS_PER_VIEWER:
            self.counts["feedback_dropped"] += 1
            return
        self._rows.append(row)
        self._base.append(feedback.base_sequence)
        self._span.append(feedback.status_count)
        self._received.append(len(feedback.received))
        self._numbers += feedback.received
        self._arrivals += feedback.arrival_us

    def take(self, viewers: Viewers) -> FeedbackBatch | None:
        """Everything since the last call, joined with the viewers' send history; None when there was nothing."""
        if not self._rows:
            return None
        report_rows = np.array(self._rows, np.int64)
        received = np.array(self._received, np.int64)
        reported = _newly_reported(viewers, report_rows, np.array(self._base), np.array(self._span))
        numbers = np.array(self._numbers, np.int64)
        arrivals = np.array(self._arrivals, np.float64) / 1e6
        packet_rows = np.repeat(report_rows, received)
        self._rows, self._base, self._span, self._received, self._numbers, self._arrivals = [], [], [], [], [], []
        self._told.clear()
        rows, entry = np.unique(report_rows, return_inverse=True)
        reported = np.bincount(entry, reported, len(rows)).astype(np.int64)
        sends = _consume(viewers, packet_rows, numbers)
        genuine = sends != NOT_SENT
        self.counts["feedback_unknown"] += int(len(sends) - np.count_nonzero(genuine))
        packet_entry = np.repeat(entry, received)[genuine]
        sends, arrivals = sends[genuine], arrivals[genuine]
        if (np.diff(packet_entry) < 0).any():
            order = np.argsort(packet_entry, kind="stable")
            packet_entry, sends, arrivals = packet_entry[order], sends[order], arrivals[order]
        counts = np.bincount(packet_entry, minlength=len(rows))
        return FeedbackBatch(
            rows=rows,
            reported=reported,
            lost=reported - counts,
            first=np.cumsum(counts) - counts,
            packet_entry=packet_entry,
            send_s=viewers.send_time[sends],
            arrival_s=arrivals,
            size=viewers.send_size[sends].astype(np.int64),
        )


def _newly_reported(
    viewers: Viewers, rows: npt.NDArray[np.int64], base: npt.NDArray[np.int64], span: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """How many numbers each report is the first to speak of, of those sent; moves `Viewers.reported` on."""
    count = np.zeros(len(rows), np.int64)
    ends = (base + span) & 0xFFFF
    remaining = np.arange(len(rows))
    while len(remaining):  # nearly always once: a viewer's second report must come after its first
        each, position = np.unique(rows[remaining], return_index=True)
        now = remaining[position]
        following, reported = viewers.number[each].astype(np.int64), viewers.reported[each].astype(np.int64)
        newer = (ends[now] - reported) & 0xFFFF
        valid = ((following - ends[now]) & 0xFFFF < HISTORY) & (newer <= (following - reported) & 0xFFFF)
        count[now] = np.where(valid, np.minimum(newer, HISTORY), 0)
        viewers.reported[each] = np.where(valid, ends[now], reported)
        remaining = np.delete(remaining, position)
    return count


def _consume(viewers: Viewers, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """The send of each number, NOT_SENT where there is none (any more); each is given out once."""
    recent = ((viewers.number[rows] - 1 - numbers) & 0xFFFF) < HISTORY
    place = (rows * HISTORY + (numbers & (HISTORY - 1)))[recent]
    history = viewers.history.reshape(-1)
    found = history[place]
    marks = np.arange(len(place), dtype=np.uint32)
    history[place] = marks  # a number that is said twice keeps the later mark
    found[history[place] != marks] = NOT_SENT
    history[place] = NOT_SENT
    sends = np.full(len(rows), NOT_SENT, np.uint32)
    sends[recent] = found
    return sends
