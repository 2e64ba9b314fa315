"""How a browser plays sound: NetEq's adaptive delay, time stretching and concealment, reduced to durations.

Delay: the 95th percentile of the greatest relative delay in every half second, with forgetting. Stretching: a packet is
played somewhat faster or slower while the buffer is above or below that delay; that is not concealment. Concealment:
there is nothing to play.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from streaming.wire.sequence import Unwrapper32

CLOCK: Final = 48_000
QUANTILE: Final = 0.95
BUCKET_S: Final = 0.02
BUCKETS: Final = 100
FORGET: Final = 0.983
INTERVAL_S: Final = 0.5
HISTORY_S: Final = 2.0
START_DELAY_S: Final = 0.08
LOW_SHARE: Final = 0.75
LOW_DISTANCE_S: Final = 0.085
HIGH_MIN_S: Final = 0.02
FASTER, FASTEST, SLOWER = 0.8, 0.6, 1.25
CONCEAL_S: Final = 0.01
REINIT_S: Final = 1.0
"""After this much concealment play begins anew with whatever comes."""


class DelayTarget:
    """NetEq's DelayManager."""

    def __init__(self) -> None:
        self.target_s = START_DELAY_S
        self._arrivals: deque[tuple[float, float]] = deque()  # (arrival, transit), only those that may become the least
        self._weights = [0.0] * BUCKETS
        self._greatest = 0.0
        self._interval_end = float("inf")
        self._added = 0

    def arrived(self, at: float, media_s: float) -> None:
        transit = at - media_s
        arrivals = self._arrivals
        if not arrivals:
            self._interval_end = at + INTERVAL_S
        while arrivals and arrivals[-1][1] >= transit:
            arrivals.pop()
        arrivals.append((at, transit))
        while arrivals[0][0] < at - HISTORY_S:
            arrivals.popleft()
        self._greatest = max(self._greatest, transit - arrivals[0][1])
        if at >= self._interval_end:
            self._interval_end = at + INTERVAL_S
            self._add(self._greatest)
            self._greatest = 0.0

    def _add(self, delay_s: float) -> None:
        self._added += 1
        keep = min(FORGET, 1 - 2 / (self._added + 1))  # learns quickly at first
        self._weights = [weight * keep for weight in self._weights]
        self._weights[min(BUCKETS - 1, int(delay_s / BUCKET_S))] += 1 - keep
        total, reached = sum(self._weights), 0.0
        for bucket, weight in enumerate(self._weights):
            reached += weight
            if reached >= QUANTILE * total:
                self.target_s = (bucket + 1) * BUCKET_S
                return


class SoundReceiver:
    """Play-out of one stream. Seconds of what was played and concealed since the first packet."""

    def __init__(self) -> None:
        self.played_s = 0.0
        self.concealed_s = 0.0
        self.longest_concealed_s = 0.0
        self.packets = 0
        self.late = 0
        self.repaired = 0
        """Frames that came only as repeated ones."""
        self.concealments: list[tuple[float, float]] = []
        """(when, seconds) of each concealed piece."""
        self.delay = DelayTarget()
        self._unwrapper = Unwrapper32()
        self._buffer: dict[int, float] = {}  # media time in samples -> duration
        self._next = -1
        self._play_s = 0.0
        self._run_s = 0.0

    def receive(self, rtp_time: int, duration_s: float, at: float) -> None:
        """The newest frame of a packet."""
        self.advance(at)
        media = self._unwrapper.unwrap(rtp_time)
        self.packets += 1
        self.delay.arrived(at, media / CLOCK)
        if self._next < 0:
            self._next, self._play_s = media, at + self.delay.target_s
        if media < self._next:
            self.late += 1
            return
        self._buffer[media] = duration_s

    def repeat(self, rtp_time: int, duration_s: float, at: float) -> None:
        """A frame once more, in the packet after it; to be told before that packet's own."""
        self.advance(at)
        media = self._unwrapper.unwrap(rtp_time)
        if self._next >= 0 and media >= self._next and media not in self._buffer:
            self._buffer[media] = duration_s
            self.repaired += 1

    def advance(self, now: float) -> None:
        """Play up to `now`."""
        while self._next >= 0 and self._play_s <= now:
            duration_s = self._buffer.pop(self._next, None)
            if duration_s is not None:
                self._play(duration_s)
            elif self._buffer and self._run_s >= self._leap_s():
                self._next = min(self._buffer)
            else:
                self._conceal()

    def _leap_s(self) -> float:
        """How long concealment must have lasted before the next packet there is may be played."""
        return min((min(self._buffer) - self._next) / CLOCK, REINIT_S)

    def _play(self, duration_s: float) -> None:
        target = self.delay.target_s
        low = max(target * LOW_SHARE, target - LOW_DISTANCE_S)
        high = max(target, low + HIGH_MIN_S)
        level = sum(self._buffer.values())
        stretch = FASTEST if level > 4 * high else FASTER if level > high else SLOWER if level < low - 0.02 else 1.0
        self._next += round(duration_s * CLOCK)
        self._play_s += duration_s * stretch
        self.played_s += duration_s * stretch
        self._run_s = 0.0

    def _conceal(self) -> None:
        self.concealments.append((self._play_s, CONCEAL_S))
        self._play_s += CONCEAL_S
        self.concealed_s += CONCEAL_S
        self._run_s += CONCEAL_S
        self.longest_concealed_s = max(self.longest_concealed_s, self._run_s)

    @property
    def concealed_share(self) -> float:
        return self.concealed_s / max(self.concealed_s + self.played_s, 1e-9)

    def concealed_between(self, start: float, end: float) -> float:
        """Share of a span that was concealed."""
        return sum(length for at, length in self.concealments if start <= at < end) / max(end - start, 1e-9)
