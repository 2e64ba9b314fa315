"""Transport-wide feedback to a publisher (draft-holmer-rmcat-transport-wide-cc-extensions-01).

One log per transport: numbers and arrival times since the last report. The arrival is the time of the socket read.
"""

from __future__ import annotations

from typing import Final

from streaming.wire.feedback import TICK_US
from streaming.wire.sequence import Unwrapper16

INTERVAL_S: Final = 0.05
PENDING_MAX: Final = 2000
JUMP: Final = 0x2000
"""A step of more numbers than this, either way, begins a new numbering: one report could not span both."""
TICK_S: Final = TICK_US / 1e6


class ArrivalLog:
    """Sans-IO. Numbers are reported once, in order; what comes late is reported in the next report."""

    def __init__(self) -> None:
        self._unwrapper = Unwrapper16()
        self._highest = -1
        self._arrivals: dict[int, int] = {}  # unwrapped number -> arrival in 250 us ticks
        self.count = 0
        """Feedback packet count (8 bits) of the next report."""
        self._next_due_s = 0.0
        self.dropped = 0

    def arrived(self, sequence: int, now: float) -> None:
        if len(self._arrivals) >= PENDING_MAX:
            self.dropped += 1
            return
        number = self._unwrapper.unwrap(sequence)
        if self._highest >= 0 and abs(number - self._highest) > JUMP:
            self.dropped += len(self._arrivals)
            self._arrivals.clear()
            self._unwrapper = Unwrapper16()
            self._highest = number = self._unwrapper.unwrap(sequence)
        self._highest = max(self._highest, number)
        self._arrivals.setdefault(number, int(now / TICK_S))

    def due(self, now: float) -> list[tuple[int, int]]:
        """(16-bit number, arrival tick) in order of numbers when a report is due; empty otherwise."""
        if not self._arrivals or now < self._next_due_s:
            return []
        self._next_due_s = now + INTERVAL_S
        report = [(number & 0xFFFF, tick) for number, tick in sorted(self._arrivals.items())]
        self._arrivals.clear()
        return report
