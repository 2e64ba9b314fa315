"""Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01).

One log per transport: numbers and arrival times since the last report. The arrival is the time of the socket read.
"""

from __future__ import annotations

from typing import Final

from streaming.wire.feedback import TICK_US

INTERVAL_S: Final = 0.05
PENDING_MAX: Final = 2000
JUMP: Final = 0x2000
"""A step of more numbers than this, either way, begins a new numbering: one report could not span both."""
TICK_S: Final = TICK_US / 1e6


class ArrivalLog:
    """Sans-IO. Numbers are reported once, in order; what comes late is reported in the next report."""

    def __init__(self) -> None:
        self._highest = -1  # unwrapped
        self._arrivals: dict[int, float] = {}  # unwrapped number -> arrival in seconds
        self.count = 0
        """Feedback packet count (8 bits) of the next report."""
        self._next_due_s = 0.0
        self.dropped = 0

    def arrived(self, sequence: int, now: float) -> None:
        arrivals = self._arrivals
        if len(arrivals) >= PENDING_MAX:
            self.dropped += 1
            return
        step = ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
        if self._highest < 0 or not -JUMP <= step <= JUMP:
            self.dropped += len(arrivals)
            arrivals.clear()
            self._highest, step = sequence + 0x10000, 0  # a circle up: its neighbours are never negative
        number = self._highest + step
        if step > 0:
            self._highest = number
        if number not in arrivals:
            arrivals[number] = now

    def due(self, now: float) -> list[tuple[int, int]]:
        """(16-bit number, arrival tick) in order of numbers when a report is due; empty otherwise."""
        if not self._arrivals or now < self._next_due_s:
            return []
        self._next_due_s = now + INTERVAL_S
        report = [(number & 0xFFFF, int(at / TICK_S)) for number, at in sorted(self._arrivals.items())]
        self._arrivals.clear()
        return report
