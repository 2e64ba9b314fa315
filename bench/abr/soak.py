"""A long lesson in virtual time: a link that keeps changing, viewers who come and go; memory and behaviour stay."""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path
from typing import Final

import numpy as np

from bench.abr.cases import Figures, Scenario, Wanted, proved
from bench.abr.clock import Path as LinkPath
from bench.abr.lesson import SimulatedLesson
from bench.link.model import LinkConditions
from streaming.control import Source

PART_S: Final = 30.0
"""The link changes, and somebody comes or goes, this often."""
ROUNDS_MIN: Final = 8
RATES_BPS: Final = (250e3, 500e3, 800e3, 1.2e6, 2e6)
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
SETTLED_SHARE: Final = 0.25
"""Growth counts from here on: by then every cache has been filled once."""

SOAK: Final = Scenario(
    16,
    "long lesson, changing link, viewers coming and going",
    "memory grows < 5 %, no drift of what is received (< 10 %) or of the estimate (< 15 %)",
    {},
    (
        Wanted("rss_growth", most=0.05),
        Wanted("received_drift", -0.10, 0.10),
        Wanted("estimate_drift", -0.15, 0.15),
    ),
)


def _resident_kb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1024


def _conditions(source: random.Random, rate_bps: float) -> LinkConditions:
    return LinkConditions(rate_bps=rate_bps, delay_s=0.05, loss=source.choice((0, 0.01)))


class _Lesson:
    """One steady viewer, and a second seat that somebody else takes in every part."""

    def __init__(self, seed: int, part_s: float) -> None:
        self.part_s = part_s
        self.lesson = SimulatedLesson(seed)
        self.lesson.begin(Source.CAMERA)
        self.lesson.run(1.0)
        self.random = random.Random(seed)
        self.down: LinkPath = self.lesson.path(LinkConditions(rate_bps=1e6, delay_s=0.05))
        self.way_back = self.lesson.path(LinkConditions(delay_s=0.05))
        self.viewer = self.lesson.join("class", self.down, self.way_back)
        self.visitors = 0

    def part(self, rate_bps: float) -> tuple[float, float]:
        """One part; bits received, and the estimate at its end as a share of the rate."""
        self.down.set(_conditions(self.random, rate_bps))
        name = f"visitor-{self.visitors}"
        self.visitors += 1
        apart = self.lesson.path(_conditions(self.random, self.random.choice(RATES_BPS)))
        self.lesson.join(name, apart, self.lesson.path(LinkConditions(delay_s=0.05)))
        before = self.viewer.received_bytes
        self.lesson.run(self.lesson.now + self.part_s)
        self.lesson.leave(name)
        self.viewer.forget()
        return (self.viewer.received_bytes - before) * 8, self.lesson.estimate_bps("class") / rate_bps


def soak(hours: float, seed: int, part_s: float = PART_S) -> Figures:
    """Every round has all rates in an order of its own, so that rounds compare."""
    lesson = _Lesson(seed, part_s)
    rounds = max(ROUNDS_MIN, round(hours * 3600 / part_s / len(RATES_BPS)))
    resident, received, estimates = [], [], []
    for _ in range(rounds):
        order = lesson.random.sample(RATES_BPS, len(RATES_BPS))
        parts = [lesson.part(rate_bps) for rate_bps in order]
        received.append(sum(bits for bits, _ in parts))
        estimates.append(sum(share for _, share in parts))
        resident.append(_resident_kb())
    counters = lesson.down.model.counters
    proved(counters.dropped_loss > 0 and counters.max_queue_bytes > 1000, "the link neither lost nor queued anything")
    settled = int(rounds * SETTLED_SHARE)
    third = max(1, (rounds - settled) // 3)
    return {
        "virtual_hours": rounds * len(RATES_BPS) * part_s / 3600,
        "rss_growth": _drift(resident, settled, third),
        "rss_mb": resident[-1] / 1024,
        "received_drift": _drift(received, settled, third),
        "estimate_drift": _drift(estimates, settled, third),
        "visitors": float(lesson.visitors),
        "concealed": lesson.viewer.sound.concealed_share,
    }


def _drift(values: list[float], settled: int, span: int) -> float:
    """The last values against the first after settling, as a share."""
    first, last = np.mean(values[settled : settled + span]), np.mean(values[-span:])
    return float(last / first - 1)
