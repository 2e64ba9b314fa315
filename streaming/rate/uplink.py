"""What a publisher's way up to us carries, as far as it is too little: from its packets' arrival and its page's word.

Its browser controls its own congestion, and may lower first what we need most. So we look as well: while packets queue
in front of the link, what arrives is what it carries. The page adds what its browser believes. The limit follows at
once when it is too high; it rises by what is shown to fit, and is tried again from time to time.
"""

from __future__ import annotations

import math
from typing import Final

QUEUE_HIGH_S: Final = 0.060
BASE_WINDOW_S: Final = 30.0
"""The least delay is that of this window and the one before: clocks drift, routes change."""
BUSY_S: Final = 0.25
"""A queue has to stay for so long before its rate counts: a keyframe of all encodings makes one as well."""
FALLING_S: Final = 0.005
"""A queue that shrinks by so much is going away by itself."""
LESS: Final = 0.93
"""Less than this share of what was asked for has to arrive."""
CARRIED_SHARE: Final = 0.95
BELIEVED_SHARE: Final = 0.9
LOWER_INTERVAL_S: Final = 3.0
LEAST_BPS: Final = 150_000.0
"""Sound and the smallest picture are sent in any case."""
WORD_S: Final = 12.0
"""A page's word holds for so long; it speaks every five seconds."""
RETRY_S: Final = 15.0
RETRY_MOST_S: Final = 120.0
RETRY_FACTOR: Final = 1.25
FAILED_S: Final = 10.0
"""A limit that was raised and is reached within this time was raised too far."""
AMPLE: Final = 1.5
AMPLE_S: Final = 10.0
"""A limit that is so many times what is wanted, for so long, is none."""
SEND_TIME_BITS: Final = 24
SEND_TIME_HZ: Final = 1 << 18
OVERHEAD_BYTES: Final = 28 + 16
"""IPv4, UDP and the SRTP tag."""


class Uplink:
    """Of one publisher. Time passed in. `limit_bps`: what may be asked of it in all, on the wire; infinity: no limit is
    known. `queue_s`: one-way delay above its long minimum."""

    def __init__(self) -> None:
        self.limit_bps = math.inf
        self.queue_s = 0.0
        self._base_s = self._former_base_s = math.inf
        self._base_turn_s = -math.inf
        self._latest_send = -1
        self._send_epoch = 0
        self._least_s = math.inf
        """Least transit of the packets since the last tick."""
        self._bytes = 0
        self._busy_since_s = math.inf
        self._busy_bytes = 0
        self._busy_queue_s = 0.0
        self._ample_since_s = math.inf
        self._lowered_s = self._raised_s = -math.inf
        self._retry_s = RETRY_S
        self._believed_bps = 0.0
        self._short = False
        self._told_s = -math.inf

    # ------------------------------------------------------------ what is seen and said

    def arrived(self, send_time: int | None, length: int, now: float) -> None:
        """One packet of decrypted `length`. `send_time`: its abs-send-time, 24 bits; None where it has none."""
        self._bytes += length + OVERHEAD_BYTES
        if send_time is not None:
            self._least_s = min(self._least_s, now - self._unwrapped(send_time) / SEND_TIME_HZ)

    def _unwrapped(self, send_time: int) -> int:
        if self._latest_send < 0:
            self._latest_send = send_time
        half = 1 << (SEND_TIME_BITS - 1)
        step = ((send_time - self._latest_send + half) & (2 * half - 1)) - half
        found = self._latest_send + step
        self._latest_send = max(self._latest_send, found)
        return found

    def told(self, believed_bps: float, short: bool, now: float) -> None:
        """The page's word. `believed_bps`: what its browser's own control thinks is there, 0 where it does not say;
        `short`: it sends less than it was told to for want of it."""
        self._believed_bps, self._short, self._told_s = believed_bps, short, now

    # ------------------------------------------------------------ time

    def tick(self, wanted_bps: float, now: float) -> None:
        """Some times a second. `wanted_bps`: what the publisher sends in all, if it sends what it has been told to."""
        self._measure(now)
        carried = self._carried_bps(now)
        fresh = now - self._told_s < WORD_S
        if fresh and self._short and self._believed_bps > 0:
            carried = min(carried, self._believed_bps)
        if carried < LESS * min(wanted_bps, self.limit_bps):
            self._lower(carried, now)
        elif math.isfinite(self.limit_bps):
            self._raise(wanted_bps, now, self._believed_bps if fresh and not self._short else 0.0)

    def _measure(self, now: float) -> None:
        if now - self._base_turn_s >= BASE_WINDOW_S:
            self._base_turn_s, self._former_base_s, self._base_s = now, self._base_s, math.inf
        if math.isfinite(self._least_s):
            self._base_s = min(self._base_s, self._least_s)
            self.queue_s = self._least_s - min(self._base_s, self._former_base_s)
        if self.queue_s <= QUEUE_HIGH_S:
            self._busy_since_s = math.inf
        elif math.isinf(self._busy_since_s):
            self._begin_busy(now)
        else:
            self._busy_bytes += self._bytes
        self._least_s, self._bytes = math.inf, 0

    def _carried_bps(self, now: float) -> float:
        """What came while the link was busy; infinity while it is not."""
        busy_s = now - self._busy_since_s
        if busy_s < BUSY_S:
            return math.inf
        falling = self.queue_s < self._busy_queue_s - FALLING_S
        carried = math.inf if falling else self._busy_bytes * 8 / busy_s
        self._begin_busy(now)
        return carried

    def _begin_busy(self, now: float) -> None:
        self._busy_since_s, self._busy_bytes, self._busy_queue_s = now, 0, self.queue_s

    def _lower(self, carried_bps: float, now: float) -> None:
        if now - self._lowered_s < LOWER_INTERVAL_S:
            return
        if now - self._raised_s < FAILED_S:
            self._retry_s = min(self._retry_s * 2, RETRY_MOST_S)
        self.limit_bps = max(CARRIED_SHARE * carried_bps, LEAST_BPS)
        self._lowered_s = now

    def _raise(self, wanted_bps: float, now: float, believed_bps: float) -> None:
        self.limit_bps = max(self.limit_bps, BELIEVED_SHARE * believed_bps)
        if now - max(self._lowered_s, self._raised_s) >= self._retry_s:
            if now - self._lowered_s > RETRY_MOST_S:
                self._retry_s = RETRY_S
            self.limit_bps *= RETRY_FACTOR
            self._raised_s = now
        self._ample_since_s = min(self._ample_since_s, now) if self.limit_bps > AMPLE * wanted_bps else math.inf
        if now - self._ample_since_s >= AMPLE_S:
            self.limit_bps = math.inf
