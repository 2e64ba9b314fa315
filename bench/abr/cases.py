"""What a scenario is: conditions, media, run, check; and how figures of many seeds become one verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from bench.abr.encoder import SimulcastEncoder
from bench.abr.run import Change, Run
from streaming.control import Slot, Source

Figures = dict[str, float | list[float]]
"""Name with unit -> value of one run; a list holds single cases (joins) that are pooled over all seeds."""


class ConditionsError(AssertionError):
    """The link did not do what the scenario says, so its figures mean nothing."""


def proved(did: bool, what: str) -> None:
    """Raises ConditionsError unless the conditions took effect."""
    if not did:
        raise ConditionsError(what)


@dataclass(frozen=True, slots=True)
class Media:
    """What the teacher sends, and which slot is judged. `encoders` None: a camera."""

    shows: tuple[Source, ...] = (Source.CAMERA,)
    slot: Slot = Slot.TEACHER_VIDEO
    encoders: Callable[[int], dict[Source, SimulcastEncoder]] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`prepare` adds to a run what its conditions do not say (other traffic, other viewers); `proof` raises
    ConditionsError."""

    conditions: tuple[Change, ...]
    seconds: float
    check: Callable[[Run], Figures]
    proof: Callable[[Run], None]
    media: Media = Media()
    prepare: Callable[[Run], None] | None = None

    def run(self, seed: int) -> Run:
        run = Run(seed, self.conditions, self.media.encoders, self.media.shows, self.media.slot)
        if self.prepare is not None:
            self.prepare(run)
        return run.watch(self.seconds)

    def figures(self, run: Run) -> Figures:
        """Raises ConditionsError."""
        self.proof(run)
        return self.check(run)


class Wanted(NamedTuple):
    """Bounds of a figure; they hold for every seed."""

    figure: str
    least: float = -math.inf
    most: float = math.inf

    def distance(self, value: float) -> float:
        """How far beyond the bounds; below zero within them."""
        return max(self.least - value, value - self.most)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`cases`: name (a suffix of the figures' names) -> case."""

    number: int
    title: str
    target: str
    cases: Mapping[str, Case]
    wanted: tuple[Wanted, ...]
    lacking: str = ""
    """What the target asks for and the product does not have: the scenario does not pass."""

    def verdict(self, runs: Sequence[Figures]) -> dict[str, Any]:
        """One scenario of the bench's answer: the median over seeds of each figure, and the worst of those judged."""
        bounds = {each.figure: each for each in self.wanted}
        figures: dict[str, Any] = {}
        passed = not self.lacking
        for name in runs[0]:
            values = [run[name] for run in runs]
            judged = _judged(values)
            bound = bounds.get(name, Wanted(name))
            passed = passed and all(bound.least <= value <= bound.most for value in judged)
            figures[name] = _number(float(np.median(judged)))
            if name in bounds:
                figures[f"{name}_worst"] = _number(max(judged, key=bound.distance))
        figures["seeds"] = len(runs)
        figures["seeds_passed"] = sum(_passes(run, self.wanted) for run in runs)
        if self.lacking:
            figures["lacking"] = self.lacking
        return {"id": self.number, "title": self.title, "figures": figures, "target": self.target, "pass": passed}


def _passes(run: Figures, wanted: Sequence[Wanted]) -> bool:
    for each in wanted:
        value = run[each.figure]
        if any(each.distance(judged) > 0 for judged in _judged([value])):
            return False
    return True


def _judged(values: Sequence[float | list[float]]) -> list[float]:
    """What must keep within a bound: each seed's figure; of pooled ones the 95th percentile of all."""
    pooled = [single for value in values if isinstance(value, list) for single in value]
    if not pooled:
        return [value for value in values if not isinstance(value, list)]
    return [float(np.percentile(pooled, 95, method="higher"))]


DIGITS: Final = 4


def _number(value: float) -> float | None:
    """Four digits; None where it never happened."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
