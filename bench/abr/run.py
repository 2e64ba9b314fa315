"""One run of a scenario: conditions that change by a script, what is published, and a record of what came of it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from bench.abr.encoder import SimulcastEncoder
from bench.abr.lesson import START, SimulatedLesson
from bench.abr.viewer import ViewerClient
from bench.link.model import LinkConditions
from streaming.control import Slot, Source

SAMPLE_S: Final = 0.05
JOIN_S: Final = 1.0
"""The lesson runs for so long before the viewer comes."""


class Change(NamedTuple):
    """From `at` seconds after the viewer's coming on."""

    at: float
    conditions: LinkConditions


@dataclass(slots=True)
class Trace:
    """Samples every SAMPLE_S; times in seconds after the viewer's coming."""

    time: list[float] = field(default_factory=list)
    rate_bps: list[float] = field(default_factory=list)
    estimate_bps: list[float] = field(default_factory=list)
    received_bytes: list[int] = field(default_factory=list)
    shown_bytes: list[int] = field(default_factory=list)
    sent_bytes: list[int] = field(default_factory=list)
    """Into the link, by everybody."""
    queue_s: list[float] = field(default_factory=list)
    height: list[int] = field(default_factory=list)

    def span(self, start: float, end: float) -> slice:
        """Samples in [start, end)."""
        return slice(bisect.bisect_left(self.time, start), bisect.bisect_left(self.time, end))


class Run:
    """A viewer named "class" behind one link, watched for `seconds`."""

    def __init__(
        self,
        seed: int,
        changes: Sequence[Change],
        encoders: Callable[[int], dict[Source, SimulcastEncoder]] | None = None,
        shows: Sequence[Source] = (Source.CAMERA,),
        slot: Slot = Slot.TEACHER_VIDEO,
    ) -> None:
        self.seed = seed
        self.lesson = SimulatedLesson(seed, encoders(seed) if encoders else None)
        self.lesson.begin(*shows)
        self.path = self.lesson.path(changes[0].conditions)
        self.trace = Trace()
        self.slot = slot
        self.lesson.run(JOIN_S)
        self._way_back = self.lesson.path(LinkConditions(delay_s=changes[0].conditions.delay_s))
        self.viewer: ViewerClient = self.lesson.join("class", self.path, self._way_back)
        for change in changes[1:]:
            self.at(change.at, partial(self._change, change.conditions))
        self.lesson.clock.every(SAMPLE_S, self._sample)

    def at(self, seconds: float, call: Callable[[], object]) -> None:
        """`call` that many seconds after the viewer's coming."""
        self.lesson.clock.at(START + JOIN_S + seconds, call)

    def _change(self, conditions: LinkConditions) -> None:
        """Delays and outages hold for the way back as well."""
        self.path.set(conditions)
        outage = 1.0 if conditions.loss == 1 else 0.0
        self._way_back.set(LinkConditions(delay_s=conditions.delay_s, loss=outage))

    def join_beside(self) -> None:
        """One more viewer behind the same link."""
        self.lesson.join(f"beside-{len(self.lesson.viewers)}", self.path, self._way_back)

    def join_apart(self, conditions: LinkConditions) -> None:
        """One more viewer behind a link of its own."""
        lesson = self.lesson
        way_back = lesson.path(LinkConditions(delay_s=conditions.delay_s))
        lesson.join(f"apart-{len(lesson.viewers)}", lesson.path(conditions), way_back)

    def watch(self, seconds: float) -> Run:
        self.lesson.run(JOIN_S + seconds)
        for viewer in self.lesson.viewers.values():
            viewer.finish()
        return self

    def _sample(self) -> None:
        trace, viewer = self.trace, self.viewer
        picture = viewer.pictures[self.slot]
        trace.time.append(self.lesson.now - JOIN_S)
        trace.rate_bps.append(self.path.model.conditions.rate_bps)
        trace.estimate_bps.append(self.lesson.estimate_bps("class"))
        trace.received_bytes.append(viewer.received_bytes)
        trace.shown_bytes.append(picture.bytes)
        trace.sent_bytes.append(self.path.model.counters.pushed_bytes)
        trace.queue_s.append(self.path.queue_s())
        trace.height.append(picture.height)

    # ------------------------------------------------------------ questions

    def first(self, start: float, end: float, low_bps: float, high_bps: float) -> float:
        """Seconds from `start` until the estimate is first within the band; infinity if never before `end`."""
        for index in range(*self.trace.span(start, end).indices(len(self.trace.time))):
            if low_bps <= self.trace.estimate_bps[index] <= high_bps:
                return self.trace.time[index] - start
        return float("inf")

    def estimates(self, start: float, end: float) -> list[float]:
        return self.trace.estimate_bps[self.trace.span(start, end)]

    def queue_p95_s(self, start: float = 0.0, end: float = float("inf")) -> float:
        return float(np.percentile(self.trace.queue_s[self.trace.span(start, end)], 95))

    def received_bps(self, start: float, end: float) -> float:
        """Everything that came for this viewer, as IP packets."""
        span = self.viewer.received_between(START + JOIN_S + start, START + JOIN_S + end)
        return span * 8 / (end - start)

    def sent_bps(self, start: float, end: float) -> float:
        """What was sent into the link, by everybody, as IP packets."""
        sent = self.trace.sent_bytes[self.trace.span(start, end)]
        return (sent[-1] - sent[0]) * 8 / (SAMPLE_S * (len(sent) - 1))

    def layer(self, at: float, window: float = 0.5) -> tuple[int, int]:
        """(height, highest temporal layer) on the screen in the window before `at`; (0, 0) for no picture."""
        shown = self.viewer.pictures[self.slot].shown
        moment = START + JOIN_S + at
        last = bisect.bisect_right(shown, moment, key=lambda frame: frame.at)
        first = bisect.bisect_left(shown, moment - window, key=lambda frame: frame.at)
        recent = [frame for frame in shown[first:last] if frame.height == shown[last - 1].height]
        return (recent[-1].height, max(frame.temporal for frame in recent)) if recent else (0, 0)

    def reaches(self, start: float, end: float, wanted: tuple[int, int]) -> float:
        """Seconds from `start` until the screen shows at least this layer."""
        at = start
        while at < end:
            if self.layer(at) >= wanted:
                return at - start
            at += 0.1
        return float("inf")

    def next_frame(self, start: float) -> float:
        """Seconds from `start` to the next frame shown."""
        moment = START + JOIN_S + start
        return next((f.at - moment for f in self.viewer.pictures[self.slot].shown if f.at >= moment), float("inf"))

    def longest_freeze_s(self, start: float = 0.0) -> float:
        moment = START + JOIN_S + start
        freezes = self.viewer.pictures[self.slot].freezes
        return max((length for at, length in freezes if at + length >= moment), default=0.0)
