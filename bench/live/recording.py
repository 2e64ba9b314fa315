"""What was seen during one scenario. All times are wall-clock seconds."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from bench.link.model import LinkConditions, LinkCounters, LinkModel
from bench.link.relay import Lateness
from tests.footage import CAMERA_FPS

MTU_BITS = 1_500 * 8
CAPTURED_SHARE_MIN = 0.8
LATE_SHARE_MAX = 0.02
"""With more datagrams handed on more than MUCH_LATE_S late, the link was another than the one asked for."""


class Sound(NamedTuple):
    """Counters of `inbound-rtp`: samples played, those made up, those of them that were silence."""

    useful_bytes: int
    useful_packets: int
    samples: int
    concealed: int
    silent_concealed: int


class Picture(NamedTuple):
    """Counters of `inbound-rtp`; useful is payload that was not sent twice."""

    useful_bytes: int
    useful_packets: int
    frames: int
    height: int
    freezes: int
    frozen_s: float
    jitter_buffer_s: float
    keyframe_requests: int
    retransmissions_asked: int


class Received(NamedTuple):
    """One look at getStats; counters are since the connection began. None before the first packet."""

    at: float
    sound: Sound | None
    picture: Picture | None
    rtt_s: float | None
    remote_port: int | None


class Frame(NamedTuple):
    """A picture that was shown."""

    at: float
    height: int


class Estimated(NamedTuple):
    """The server's own view, every 2 s."""

    at: float
    estimate_bps: int
    bitrate_bps: int
    loss: float
    encoding: int  # of the teacher's picture; -1: none
    temporal: int


class LinkLook(NamedTuple):
    """The way down, every 50 ms: its queue, and what has gone in and come out since the scenario's start."""

    at: float
    queue_s: float
    pushed_bytes: int
    delivered_bytes: int


@dataclass(frozen=True, slots=True)
class Phase:
    """For `length_s` the link is like this."""

    length_s: float
    down: LinkConditions
    up: LinkConditions


@dataclass(frozen=True, slots=True)
class Played:
    """A phase that is over: what the way down did with what was put into it, while it lasted."""

    phase: Phase
    since: float
    until: float
    pushed: int
    delivered_bytes: int
    dropped_tail: int
    dropped_loss: int
    through: int
    """Packets that left the bottleneck, the lost ones among them."""

    def problems(self, before: LinkConditions | None) -> list[str]:
        """Why the conditions did not take effect; empty when they did. `before` are those of the phase before."""
        down = self.phase.down
        found = []
        if not self.pushed:
            found.append("nothing was sent")
        flying_bits = before.rate_bps * before.delay_s if before is not None else 0.0
        may_pass = down.rate_bps * (self.until - self.since) + flying_bits + MTU_BITS
        if self.delivered_bytes * 8 > may_pass:
            found.append(f"{self.delivered_bytes * 8} bit passed a link for {may_pass:.0f}")
        spread = 4 * math.sqrt(self.through * down.loss * (1 - down.loss)) + 4
        if abs(self.dropped_loss - down.loss * self.through) > spread:
            found.append(f"{self.dropped_loss} of {self.through} packets lost")
        return found


@dataclass(slots=True)
class Recording:
    """One scenario's run. `connected` is when the viewer's connection was up, the first phase's start."""

    connected: float = 0.0
    received: list[Received] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    estimates: list[Estimated] = field(default_factory=list)
    link: list[LinkLook] = field(default_factory=list)
    queued: list[tuple[float, float]] = field(default_factory=list)
    """Of each packet that came through: when, and how long the bottleneck had held it."""
    played: list[Played] = field(default_factory=list)
    source: dict[str, Any] = field(default_factory=dict)
    """What the teacher's browser sent: proof that there was something to see."""
    captured_fps: float = 0.0
    """Of the teacher's camera: a machine too busy for its browser captures less than CAMERA_FPS."""
    late: Lateness = field(default_factory=Lateness)
    """How much later than the model the relay was."""

    def problems(self) -> list[str]:
        """Why this run says nothing about its conditions; empty when it does."""
        found = []
        if self.late.much_share > LATE_SHARE_MAX:
            found.append(f"machine too busy: the relay was late with {self.late.much_share:.0%} of the packets")
        if self.captured_fps < CAMERA_FPS * CAPTURED_SHARE_MIN:
            found.append(f"machine too busy: {self.captured_fps:.1f} of {CAMERA_FPS} pictures a second captured")
        before = None
        for number, played in enumerate(self.played, 1):
            found += [f"phase {number}: {problem}" for problem in played.problems(before)]
            before = played.phase.down
        round_trips = [look.rtt_s for look in self.received if look.rtt_s]
        least_s = min((played.phase.down.delay_s + played.phase.up.delay_s for played in self.played), default=0.0)
        if round_trips and min(round_trips) < least_s:
            found.append(f"a round trip of {min(round_trips):.3f} s")
        return found

    def link_figures(self) -> dict[str, Any]:
        """That packets were really delayed, queued and lost, phase by phase; and by how much the relay was late."""
        phases = [
            {
                "pushed": played.pushed,
                "delivered_bps": round(played.delivered_bytes * 8 / (played.until - played.since)),
                "dropped_tail": played.dropped_tail,
                "dropped_loss": played.dropped_loss,
                "max_queue_ms": self._max_queue_ms(played),
            }
            for played in self.played
        ]
        return {"phases": phases, "late": self._late_figures()}

    def _late_figures(self) -> dict[str, float]:
        return {
            "mean_ms": round(self.late.mean_s * 1000, 2),
            "max_ms": round(self.late.max_s * 1000, 1),
            "much_share": round(self.late.much_share, 4),
        }

    def _max_queue_ms(self, played: Played) -> int:
        waits = (look.queue_s for look in self.link if played.since <= look.at < played.until)
        return round(max(waits, default=0.0) * 1000)

    def as_json(self) -> dict[str, Any]:
        """Everything, for plots."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class LinkState:
    """The way down at one moment."""

    counters: LinkCounters
    flying: int


def link_state(link: LinkModel[Any]) -> LinkState:
    """A copy, for comparing with a later one."""
    return LinkState(copy(link.counters), link.flying)


def played(phase: Phase, since: float, until: float, before: LinkState, after: LinkState) -> Played:
    """The phase's own share of the counters."""
    earlier, later = before.counters, after.counters
    lost = later.dropped_loss - earlier.dropped_loss
    return Played(
        phase,
        since,
        until,
        later.pushed - earlier.pushed,
        later.delivered_bytes - earlier.delivered_bytes,
        later.dropped_tail - earlier.dropped_tail,
        lost,
        later.delivered - earlier.delivered + after.flying - before.flying + lost,
    )
