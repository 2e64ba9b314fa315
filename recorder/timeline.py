"""From RTP time to recorded time.

A sender report says which NTP time of its publisher an RTP time is; a publisher's tracks share that NTP clock, so sound
and picture stay together whatever the network does. NTP time becomes time of arrival by the least difference seen,
which is a report that waited in no queue. Before a track's first report, arrival times serve. Recorded time is time of
arrival since the recording began, with pauses cut out. All state is plain data, and time comes in with the records.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Final

from streaming.tap_records import RecordingState, StateRecord
from streaming.wire.sequence import diff32

SETTLING_S: Final = 5.0
RISE: Final = 500e-6
"""How fast the least difference may grow: clocks differ by up to 300 ppm."""
FALL: Final = 0.02
"""How fast it may shrink once it has settled; sound and picture feel it alike."""
JUMP_S: Final = 10.0
"""RTP time this far off its arrival does not tell time: its publisher has begun another count."""
STEP_S: Final = 0.3
"""A report this far off the one before means that a clock was set, or that the media's clock slipped."""
FIRST_STEP_S: Final = 2.0
"""The same for a track's first report against arrival times."""
OFF_MAX_S: Final = 5.0
"""Whatever reports say, nothing is placed further from its arrival."""
ANCHORS_MAX: Final = 64
OUTAGE_MAX_S: Final = 3600.0
"""Longer than this no media process is away during a lesson: the wall clock was set."""


@dataclass(slots=True)
class RecordedClock:
    """Time of arrival -> recorded seconds and wall time."""

    epoch: str = ""
    running: bool = False
    t: float = 0.0
    recorded: float = 0.0
    wall: float = 0.0
    """All three are of the same instant: the latest change."""

    def at(self, t: float) -> float:
        """Recorded seconds; never before the latest change."""
        return self.recorded + max(0.0, t - self.t) if self.running else self.recorded

    def wall_at(self, recorded: float) -> float:
        return self.wall + recorded - self.recorded

    def change(self, record: StateRecord, now: float) -> None:
        """Take a state; `now` is the latest time of the epoch before. Recorded time and wall time never go back."""
        if not self.epoch:
            self.wall = record.wall
        elif record.epoch == self.epoch:
            self.recorded, self.wall = self.at(record.t), max(record.wall, self.wall_at(self.at(record.t)))
        else:
            here = self.at(now)
            away = record.wall - (self.wall + now - self.t)
            outage = min(away, OUTAGE_MAX_S) if away > 0 and self.running else 0.0
            self.wall = max(record.wall, self.wall_at(here))
            self.recorded = here + outage
        self.epoch, self.t = record.epoch, record.t
        self.running = record.state is RecordingState.RUNNING


@dataclass(slots=True)
class LeastDifference:
    """The least difference between arrival and sending, followed as clocks drift."""

    value: float = 0.0
    at: float = 0.0
    began: float = -1.0

    @property
    def known(self) -> bool:
        return self.began >= 0

    def take(self, sample: float, t: float) -> None:
        if self.began < 0:
            self.value, self.at, self.began = sample, t, max(t, 0.0)
            return
        elapsed = max(0.0, t - self.at)
        self.at = max(self.at, t)
        if sample >= self.value:
            self.value += min(sample - self.value, RISE * elapsed)
        elif t - self.began < SETTLING_S:
            self.value = sample
        else:
            self.value -= min(self.value - sample, FALL * elapsed)


@dataclass(slots=True)
class Anchor:
    """A sender report: publisher's seconds at an RTP time that never wraps."""

    ticks: int
    seconds: float


@dataclass(slots=True)
class TrackClock:
    """RTP time of one track -> time of arrival."""

    rate: int
    highest: int = -1
    """Newest unwrapped RTP time; -1 before the first."""
    arrival: LeastDifference = field(default_factory=LeastDifference)
    anchors: list[Anchor] = field(default_factory=list)
    set_by: float = 0.0
    """Seconds added to reports since the publisher's clock was set."""

    def ticks(self, rtp_time: int, t: float, newest: int, shift: int) -> tuple[int, int]:
        """(unwrapped time of a frame, shift of its encoding), which changes where the count begins anew.

        `newest`: the encoding's unwrapped time so far, -1 for none; `shift`: as returned for its frame before.
        """
        raw = self._unwrap(rtp_time)
        ticks = raw + shift
        if self.arrival.known:
            expected = round((t - self.arrival.value) * self.rate)
            limit = JUMP_S * self.rate
            if abs(ticks - expected) > limit:
                ticks = raw if abs(raw - expected) <= limit else expected
                if newest >= 0:
                    ticks = max(ticks, newest + 1)
                shift = ticks - raw
        self.arrival.take(t - ticks / self.rate, t)
        return ticks, shift

    def _unwrap(self, rtp_time: int) -> int:
        if self.highest < 0:
            self.highest = rtp_time + (1 << 32)
        raw = self.highest + diff32(rtp_time, self.highest)
        self.highest = max(self.highest, raw)
        return raw

    def report(self, ntp: int, rtp_time: int, t: float, shift: int, publisher: LeastDifference) -> None:
        """Take a sender report; `publisher` is shared by the tracks of one publisher."""
        if self.highest < 0:
            return
        ticks = self._unwrap(rtp_time) + shift
        seconds = ntp / 2**32 + self.set_by
        if publisher.known:
            if self.anchors:
                predicted, limit = self._after(self.anchors[-1], ticks), STEP_S
            else:
                predicted, limit = self._arrival(ticks) - publisher.value, FIRST_STEP_S
            if abs(seconds - predicted) > limit:
                by_report, by_ticks = (abs(t - each - publisher.value) for each in (seconds, predicted))
                if by_ticks < by_report:  # the publisher's wall clock was set
                    self.set_by += predicted - seconds
                    seconds = predicted
        if self.anchors and (ticks <= self.anchors[-1].ticks or seconds <= self.anchors[-1].seconds):
            self.anchors.clear()
        self.anchors.append(Anchor(ticks, seconds))
        if len(self.anchors) > ANCHORS_MAX:
            del self.anchors[0]
        publisher.take(t - seconds, t)

    def at(self, ticks: int, publisher: LeastDifference) -> float:
        """When a frame of this time would have arrived without any queue."""
        arrival = self._arrival(ticks)
        if not self.anchors:
            return arrival
        reported = self._between(ticks) + publisher.value
        return min(max(reported, arrival - OFF_MAX_S), arrival + OFF_MAX_S)

    def _arrival(self, ticks: int) -> float:
        return ticks / self.rate + self.arrival.value

    def _after(self, anchor: Anchor, ticks: int) -> float:
        return anchor.seconds + (ticks - anchor.ticks) / self.rate

    def _between(self, ticks: int) -> float:
        """Publisher's seconds, piecewise: a sound card's clock does not run evenly."""
        anchors = self.anchors
        after = bisect_right(anchors, ticks, key=lambda anchor: anchor.ticks)
        if after in (0, len(anchors)):
            return self._after(anchors[max(after - 1, 0)], ticks)
        left, right = anchors[after - 1], anchors[after]
        share = (ticks - left.ticks) / (right.ticks - left.ticks)
        return left.seconds + share * (right.seconds - left.seconds)
