"""Loss list of one Encoding: which sequence numbers to ask the publisher for again (generic NACK, RFC 4585 §6.2.1)."""

from __future__ import annotations

from typing import Final

MISSING_MAX: Final = 300
GIVE_UP_S: Final = 1.0
TRIES_MAX: Final = 8
FIRST_WAIT_S: Final = 0.010
"""Reordering is no loss yet."""


class LossList:
    """Sans-IO; unwrapped sequence numbers, `now` in seconds."""

    def __init__(self) -> None:
        self._missing: dict[int, tuple[float, float, int]] = {}  # number -> (since, ask again at, tries)
        self.lost = 0
        """Packets given up for good."""
        self.recovered = 0

    def gap(self, first: int, end: int, now: float) -> None:
        """Numbers `first` … `end - 1` were skipped. A gap too large for retransmission is given up at once."""
        if len(self._missing) + end - first > MISSING_MAX:
            self.lost += len(self._missing) + end - first
            self._missing.clear()
            return
        for number in range(first, end):
            self._missing[number] = (now, now + FIRST_WAIT_S, 0)

    def arrived(self, number: int) -> None:
        if self._missing.pop(number, None) is not None:
            self.recovered += 1

    def due(self, now: float, rtt_s: float) -> list[int]:
        """Numbers to ask for now, ascending; each again after a round trip, until it is too old to help."""
        asked: list[int] = []
        for number, (since, at, tries) in list(self._missing.items()):
            if now - since > GIVE_UP_S or tries >= TRIES_MAX:
                del self._missing[number]
                self.lost += 1
            elif at <= now:
                self._missing[number] = (since, now + max(0.02, rtt_s * 1.2), tries + 1)
                asked.append(number)
        return sorted(asked)

    def clear(self) -> None:
        self._missing.clear()
