"""Packets of one encoding in the order of their numbers; late ones are waited for, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from recorder.frames import Packet
from streaming.wire.sequence import diff32

PATIENCE_S: Final = 1.0
"""For so long later packets wait for a missing one."""
WAITING_MAX: Final = 512
AHEAD_MAX: Final = 4096
"""A number further ahead than this begins another numbering."""


@dataclass(slots=True)
class Reorder:
    """Numbers are taken modulo 2^32. Iterating over what `take` and `expire` return moves the state on."""

    next: int = -1
    """The number that is due; -1 before the first one."""
    since: float = 0.0
    """When the first of those that wait came."""
    waiting: dict[int, Packet] = field(default_factory=dict)
    dropped: int = 0
    """Came too late, or twice."""

    def take(self, number: int, packet: Packet) -> list[tuple[Packet, bool]]:
        """Packets that are due now, each with whether some before it are missing for good."""
        if number == self.next and not self.waiting:
            self.next = (number + 1) & 0xFFFF_FFFF
            return [(packet, False)]
        if self.next < 0:
            self.next = number
        ahead = diff32(number, self.next)
        if not -AHEAD_MAX < ahead < AHEAD_MAX:
            ready = list(self._release(give_up=True))
            self.next = (number + 1) & 0xFFFF_FFFF
            return [*ready, (packet, True)]
        if ahead < 0 or number in self.waiting:
            self.dropped += 1
            return []
        if not self.waiting:
            self.since = packet.t
        self.waiting[number] = packet
        ready = list(self._release(give_up=False))
        return ready + self.expire(packet.t)

    def expire(self, now: float) -> list[tuple[Packet, bool]]:
        """Packets that have waited long enough."""
        ready: list[tuple[Packet, bool]] = []
        while self.waiting and (now - self.since > PATIENCE_S or len(self.waiting) > WAITING_MAX):
            first = min(self.waiting, key=lambda number: diff32(number, self.next))
            ready.append((self.waiting.pop(first), True))
            self.next = (first + 1) & 0xFFFF_FFFF
            ready += self._release(give_up=False)
            self.since = min((packet.t for packet in self.waiting.values()), default=now)
        return ready

    def flush(self) -> list[tuple[Packet, bool]]:
        """Everything that waits; nothing more comes."""
        return list(self._release(give_up=True))

    def _release(self, give_up: bool) -> Iterator[tuple[Packet, bool]]:
        while self.waiting:
            packet = self.waiting.pop(self.next, None)
            if packet is not None:
                self.next = (self.next + 1) & 0xFFFF_FFFF
                yield packet, False
            elif give_up:
                first = min(self.waiting, key=lambda number: diff32(number, self.next))
                self.next = (first + 1) & 0xFFFF_FFFF
                yield self.waiting.pop(first), True
            else:
                break
