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
from streaming.wire.feedback import parse_reports

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
        self._packets: list[bytes] = []
        self._told: dict[int, int] = {}
        self.counts: Counter[str] = Counter()

    def add(self, row: int, packet: bytes) -> None:
        """Keep a viewer's RTCP packet, which is one transport-wide feedback, until the next `take`."""
        told = self._told.get(row, 0)
        if told >= REPORTS_PER_VIEWER or len(self._rows) >= REPORTS_MAX:
            self.counts["feedback_dropped"] += 1
            return
        self._told[row] = told + 1
        self._rows.append(row)
        self._packets.append(packet)

    def take(self, viewers: Viewers) -> FeedbackBatch | None:
        """Everything since the last call, joined with the viewers' send history; None when there was nothing."""
        if not self._rows:
            return None
        reports = parse_reports(self._packets)
        rows = np.array(self._rows, np.int64)[reports.places]
        once = len(self._told) == len(self._rows)
        self._rows, self._packets, self._told = [], [], {}
        self.counts += reports.refused
        if not len(rows):
            return None
        reported = _newly_reported(viewers, rows, reports.base_sequence, reports.status_count, once)
        sends = _consume(viewers, np.repeat(rows, reports.received), reports.numbers, once)
        entry = np.arange(len(rows))
        if not once:
            rows, entry = np.unique(rows, return_inverse=True)
            reported = np.bincount(entry, reported, len(rows)).astype(np.int64)
        return self._batch(viewers, rows, reported, np.repeat(entry, reports.received), sends, reports.arrival_us / 1e6)

    def _batch(
        self,
        viewers: Viewers,
        rows: npt.NDArray[np.int64],
        reported: npt.NDArray[np.int64],
        packet_entry: npt.NDArray[np.int64],
        sends: npt.NDArray[np.uint32],
        arrivals: npt.NDArray[np.float64],
    ) -> FeedbackBatch:
        """Packets that were sent, grouped by entry."""
        genuine = sends != NOT_SENT
        unknown = len(sends) - int(np.count_nonzero(genuine))
        if unknown:
            self.counts["feedback_unknown"] += unknown
            packet_entry, sends, arrivals = packet_entry[genuine], sends[genuine], arrivals[genuine]
        if (packet_entry[1:] < packet_entry[:-1]).any():
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
    viewers: Viewers,
    rows: npt.NDArray[np.int64],
    base: npt.NDArray[np.int64],
    span: npt.NDArray[np.int64],
    once: bool,
) -> npt.NDArray[np.int64]:
    """How many numbers each report is the first to speak of, of those sent; moves `Viewers.reported` on.

    `once`: there is one report of each row, else a viewer's second report comes after its first.
    """
    ends = (base + span) & 0xFFFF
    if once:
        return _move_reported(viewers, rows, ends)
    count = np.zeros(len(rows), np.int64)
    remaining = np.arange(len(rows))
    while len(remaining):
        each, position = np.unique(rows[remaining], return_index=True)
        now = remaining[position]
        count[now] = _move_reported(viewers, each, ends[now])
        remaining = np.delete(remaining, position)
    return count


def _move_reported(viewers: Viewers, rows: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of rows that differ: how far each one's report goes beyond those before it."""
    following, reported = viewers.number[rows].astype(np.int64), viewers.reported[rows].astype(np.int64)
    newer = (ends - reported) & 0xFFFF
    valid = ((following - ends) & 0xFFFF < HISTORY) & (newer <= (following - reported) & 0xFFFF)
    viewers.reported[rows] = np.where(valid, ends, reported)
    return np.where(valid, np.minimum(newer, HISTORY), 0)


def _consume(
    viewers: Viewers, rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], once: bool
) -> npt.NDArray[np.uint32]:
    """The send of each number, NOT_SENT where there is none (any more); each is given out once.

    `once`: no number of a row is there twice.
    """
    place = rows * HISTORY + (numbers & (HISTORY - 1))
    recent = ((viewers.number[rows] - 1 - numbers) & 0xFFFF) < HISTORY
    all_recent = bool(recent.all())
    if not all_recent:
        place = place[recent]
    history = viewers.history.reshape(-1)
    found = history[place]
    if not once:
        marks = np.arange(len(place), dtype=np.uint32)
        history[place] = marks  # a number that is said twice keeps the later mark
        found[history[place] != marks] = NOT_SENT
    history[place] = NOT_SENT
    if all_recent:
        return found
    sends = np.full(len(rows), NOT_SENT, np.uint32)
    sends[recent] = found
    return sends
