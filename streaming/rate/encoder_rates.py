"""The rates that one Track's encodings are to have, following the best ladder for its viewers in steps.

Down at once, since somebody has no room for what there is. Up soon where viewers' links are proven to carry more.
Where their estimates only say so, a little more is tried after a while, and later each time when that did not last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from streaming.rate.audience import Audience
from streaming.rate.ladder import FIT, Rung, best_rates, rung
from streaming.uptrack.encoding import Encoding
from streaming.uptrack.uptrack import ENCODINGS_MAX

INTERVAL_S: Final = 0.5
LOWER: Final = 0.94
RAISE: Final = 1.12
"""A wish within these shares of the present rate changes nothing."""
SOON_S: Final = 0.5
LASTS_S: Final = 2.0
"""More room counts when it has lasted for so long, if it is proven and if it is not; the least of that time is given
out."""
TRIAL: Final = 1.15
"""At most so many times the present rate is tried where nothing is proven."""
HOLD_S: Final = 4.0
HOLD_MOST_S: Final = 60.0
"""Between lowering a rate and trying more again."""
FAILED_S: Final = 12.0
"""A raised rate that has to be lowered within this time was too much."""
HEEDLESS: Final = 1.25
HEEDLESS_S: Final = 5.0
"""A publisher that makes so many times what it was told, for so long, does not heed it."""


@dataclass(slots=True)
class _Wish:
    """More than there is, `bps` at least since `since_s`."""

    since_s: float = math.inf
    bps: float = math.inf

    def renew(self, bps: float, now: float) -> float:
        """How long it has lasted by now."""
        self.bps = bps if math.isinf(self.since_s) else min(self.bps, bps)
        self.since_s = min(self.since_s, now)
        return now - self.since_s

    def clear(self) -> None:
        self.since_s = math.inf


@dataclass(slots=True)
class _Step:
    """One encoding: `rate_bps` that is asked for."""

    rung: Rung
    rate_bps: float
    proven: _Wish = field(default_factory=_Wish)
    hoped: _Wish = field(default_factory=_Wish)
    raised_s: float = -math.inf
    lowered_s: float = -math.inf
    hold_s: float = HOLD_S
    exceeded_s: float = math.inf
    """Since when more comes than is asked for."""

    def exceeded(self, measured_bps: float, now: float) -> bool:
        """More has come for long."""
        self.exceeded_s = min(self.exceeded_s, now) if measured_bps > HEEDLESS * self.rate_bps else math.inf
        return now - self.exceeded_s >= HEEDLESS_S

    def follow(self, wanted_bps: float, proven_bps: float, now: float) -> None:
        """`wanted_bps`: in the best ladder by what viewers' links are believed to carry, `proven_bps`: by what is
        proven."""
        proven_bps = min(proven_bps, wanted_bps)
        if proven_bps <= RAISE * self.rate_bps:
            self.proven.clear()
        if wanted_bps <= RAISE * self.rate_bps:
            self.hoped.clear()
        if wanted_bps < LOWER * self.rate_bps:
            failed = now - self.raised_s < FAILED_S
            self.hold_s = min(self.hold_s * 2, HOLD_MOST_S) if failed else HOLD_S
            self.rate_bps, self.lowered_s = wanted_bps, now
        elif proven_bps > RAISE * self.rate_bps:
            if self.proven.renew(proven_bps, now) >= SOON_S:
                self._raise(self.proven.bps, now)
        elif wanted_bps > RAISE * self.rate_bps:
            lasts_s = self.hoped.renew(wanted_bps, now)
            if lasts_s >= LASTS_S and now - max(self.lowered_s, self.raised_s) >= self.hold_s:
                self._raise(min(self.hoped.bps, max(TRIAL * self.rate_bps, self.rung.floor_bps)), now)

    def _raise(self, rate_bps: float, now: float) -> None:
        self.rate_bps, self.raised_s = rate_bps, now
        self.proven.clear()
        self.hoped.clear()


class Rate(NamedTuple):
    """`bps` on the wire, 0: not to be sent; `usual`: what a page sends by itself."""

    bps: float
    usual: bool


class EncoderRates:
    """Time passed in. `sharp`: the Track is a shared screen."""

    def __init__(self, *, sharp: bool) -> None:
        self._sharp = sharp
        self._steps: dict[int, _Step] = {}
        self._next_s = -math.inf
        self._heeded = True

    def rate_bps(self, index: int) -> float:
        """0: not known, or not to be sent."""
        return self._steps[index].rate_bps if index in self._steps else 0.0

    def update(
        self, encodings: list[Encoding], audience: Audience, now: float, budget_bps: float = math.inf
    ) -> dict[int, Rate]:
        """Rates by index, of encodings whose size is known; none for a publisher that does not heed them. What each
        encoding can be expected to cost is told to it."""
        if not self._heeded:
            return {}
        ordered = sorted((each for each in encodings if each.width), key=lambda each: each.width * each.height)
        if not ordered:
            return {}
        for each in ordered:
            found = rung(each.width, each.height, sharp=self._sharp)
            if each.index not in self._steps or self._steps[each.index].rung != found:
                self._steps[each.index] = _Step(found, found.usual_bps)
        if now >= self._next_s and (len(audience.room_bps) or math.isfinite(budget_bps)):
            self._next_s = now + INTERVAL_S
            wanted = self._best(ordered, audience, audience.room_bps, budget_bps)
            proven = self._best(ordered, audience, audience.proven_bps, budget_bps)
            for each, wanted_bps, proven_bps in zip(ordered, wanted, proven, strict=True):
                step = self._steps[each.index]
                if each.resting:
                    step.rate_bps = wanted_bps
                elif math.isfinite(budget_bps) or _between(audience, wanted_bps, step.rate_bps):
                    step.follow(wanted_bps, proven_bps, now)
                else:  # lowering it would help nobody
                    step.follow(max(wanted_bps, step.rate_bps), proven_bps, now)
                each.expect(step.rate_bps, step.rung.ceiling_bps)
                if each.flowing(now) and step.exceeded(sum(each.bitrate_bps), now):
                    self._give_up(ordered)
                    return {}
        return {index: Rate(step.rate_bps, step.rate_bps == step.rung.usual_bps) for index, step in self._steps.items()}

    def _give_up(self, encodings: list[Encoding]) -> None:
        """The publisher sends as it likes: its encodings cost what is measured."""
        self._heeded = False
        self._steps.clear()
        for each in encodings:
            each.expect(0.0, 0.0)

    def _best(
        self, ordered: list[Encoding], audience: Audience, room_bps: npt.NDArray[np.float64], budget_bps: float
    ) -> list[float]:
        heights = np.array([each.height for each in ordered])
        enough = np.searchsorted(heights, audience.height, side="left")
        most = np.where(audience.height > 0, np.minimum(enough, len(ordered) - 1), len(ordered) - 1)
        # An estimate that nothing limits says no more than "at least this": it is no reason to lower what is taken.
        kept = np.zeros(ENCODINGS_MAX + 1)  # the last: of who takes nothing
        for index, step in self._steps.items():
            kept[index] = step.rate_bps / FIT
        room = np.where(audience.limited, room_bps, np.maximum(room_bps, kept[audience.taken]))
        return best_rates([self._steps[each.index].rung for each in ordered], room, most, budget_bps)


def _between(audience: Audience, lower_bps: float, upper_bps: float) -> bool:
    """Somebody has the room for the lower rate and none for the upper one."""
    room = FIT * audience.room_bps
    return bool(((room >= lower_bps) & (room < upper_bps)).any())
