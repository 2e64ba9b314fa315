"""TCP beside the lesson: a greedy CUBIC sender (RFC 9438) that shares the bottleneck's queue.

Packet numbers rise with every transmission (RFC 9002 style), so that loss is known from what was acknowledged after.
What is sent has no meaning: a lost packet is not sent again, the next one takes its place.
"""

from __future__ import annotations

import math
from typing import Final

from bench.abr.clock import Clock, Path

PACKET_BYTES: Final = 1472
"""UDP-sized so that the path's own headers make 1,500."""
INITIAL_WINDOW: Final = 10.0
BETA: Final = 0.7
C: Final = 0.4
REORDERING: Final = 3
TIMEOUT_MIN_S: Final = 0.2


class TcpFlow:
    """Sends from `start()` to `stop()`. Acknowledgements come back after `return_s`, without loss. Implements
    `clock.Receiver`."""

    def __init__(self, clock: Clock, path: Path, return_s: float) -> None:
        self.delivered_bytes = 0
        self.lost = 0
        self.timeouts = 0
        self._clock = clock
        self._path = path
        self._return_s = return_s
        self._running = False
        self._window = INITIAL_WINDOW
        self._threshold = math.inf
        self._peak = 0.0
        self._epoch_s = -1.0
        self._next = 0
        self._flying: dict[int, float] = {}
        self._recover = 0
        self._rtt_s = 0.0
        self._heard_s = clock.now

    def start(self) -> None:
        """Begin anew, in slow start."""
        self._running = True
        self._window, self._threshold, self._epoch_s = INITIAL_WINDOW, math.inf, -1.0
        self._flying.clear()
        self._heard_s = self._clock.now
        self._send()
        self._clock.at(self._clock.now + TIMEOUT_MIN_S, self._check_timeout)

    def stop(self) -> None:
        self._running = False

    def receive(self, data: bytes, at: float) -> None:
        """A packet has come through; its acknowledgement is on the way back."""
        number = int.from_bytes(data, "big")
        self.delivered_bytes += PACKET_BYTES
        self._clock.at(self._clock.now + self._return_s, lambda: self._acknowledged(number))

    def _send(self) -> None:
        while self._running and len(self._flying) < self._window:
            self._flying[self._next] = self._clock.now
            self._path.send(self, self._next.to_bytes(4, "big"), PACKET_BYTES)
            self._next += 1

    def _acknowledged(self, number: int) -> None:
        sent = self._flying.pop(number, None)
        if sent is None:
            return
        now = self._clock.now
        self._heard_s = now
        self._rtt_s = now - sent if self._rtt_s == 0 else 0.875 * self._rtt_s + 0.125 * (now - sent)
        lost = [each for each in self._flying if each <= number - REORDERING]
        for each in lost:
            del self._flying[each]
        self.lost += len(lost)
        if lost and lost[-1] >= self._recover:
            self._reduce()
        elif number >= self._recover:
            self._grow()
        self._send()

    def _grow(self) -> None:
        if self._window < self._threshold:
            self._window += 1
            return
        now = self._clock.now
        if self._epoch_s < 0:
            self._epoch_s = now
            self._peak = max(self._peak, self._window)
        climb_s = math.cbrt(self._peak * (1 - BETA) / C)
        cubic = C * (now - self._epoch_s + self._rtt_s - climb_s) ** 3 + self._peak
        reno = self._peak * BETA + 3 * (1 - BETA) / (1 + BETA) * (now - self._epoch_s) / max(self._rtt_s, 1e-3)
        target = min(max(cubic, reno, self._window), 1.5 * self._window)
        self._window += (target - self._window) / self._window

    def _reduce(self) -> None:
        """Once for all that was under way."""
        self._recover = self._next
        self._peak = self._window
        self._window = self._threshold = max(2.0, self._window * BETA)
        self._epoch_s = -1.0

    def _check_timeout(self) -> None:
        if not self._running:
            return
        timeout_s = max(TIMEOUT_MIN_S, 2 * self._rtt_s)
        if self._flying and self._clock.now - self._heard_s > timeout_s:
            self.timeouts += 1
            self._flying.clear()
            self._threshold = max(2.0, self._window / 2)
            self._window, self._epoch_s, self._recover = 1.0, -1.0, self._next
            self._heard_s = self._clock.now
            self._send()
        self._clock.at(self._clock.now + timeout_s / 2, self._check_timeout)
