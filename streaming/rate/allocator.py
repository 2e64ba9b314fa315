"""Which layer of each slot every viewer gets: sound first, then pictures by priority, within the viewer's budget.

Columnar: one pass per slot decides for all rows. A page's visible height bounds the resolution. Going down happens at
once; going up needs some time since the last step down, and more of it after each step up that did not last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import FanOut
from streaming.rate.columns import Columns
from streaming.rate.options import Option, picture_options, sound_options
from streaming.rate.redundancy import REPEATED_SHARE, Redundancy

UP_MARGIN: Final = 1.03
HELD_MARGIN: Final = 1.3
"""An encoding that has failed before is tried at once again where there is so much room."""
BEARABLE: Final = 1.1
"""Measured rates swing: a layer is kept up to this much above the budget, and the pacer evens it out."""
HOLD_S: Final = 1.5
HOLD_MOST_S: Final = 20.0
SETTLE_S: Final = 0.7
"""After a step up a keyframe comes first: nothing further is tried meanwhile."""
SHORT_S: Final = 8.0
"""A step up that lasts less has failed."""
SOUND_FULL_BPS: Final = 100_000.0
"""From this budget on sound comes in its full quality, where a publisher sends it in two."""
SOUND_HYSTERESIS: Final = 1.2


@dataclass(frozen=True, slots=True)
class Allocation:
    """By row. `next_bps`: what all would cost with the next better picture, `best_bps` with the best one in its place;
    NaN where there is none to be had. `patient`: of pictures only still ones are given, which may take their time."""

    cost_bps: npt.NDArray[np.float64]
    next_bps: npt.NDArray[np.float64]
    best_bps: npt.NDArray[np.float64]
    patient: npt.NDArray[np.bool_]


class _Steps(Columns):
    """When each row of one slot last went up and down, and how long it waits after a step down."""

    down_s: npt.NDArray[np.float64]
    up_s: npt.NDArray[np.float64]
    hold_s: npt.NDArray[np.float64]
    temporal: npt.NDArray[np.int64]
    """The temporal layer last chosen; the pacer may have left out more since."""

    def __init__(self) -> None:
        super().__init__({"down_s": -np.inf, "up_s": -np.inf, "hold_s": HOLD_S, "temporal": 0})


class Allocator:
    """Remembers the steps of each row of each slot. Time passed in."""

    def __init__(self) -> None:
        self._steps: dict[str, _Steps] = {}
        self._redundancy = Redundancy()

    def forget(self, row: int) -> None:
        """Another viewer takes the row."""
        for steps in self._steps.values():
            if row < steps.rows:
                steps.clear(row)
        if row < self._redundancy.rows:
            self._redundancy.clear(row)

    def allocate(
        self,
        fanouts: list[FanOut],
        budget_bps: npt.NDArray[np.float64],
        now: float,
        unproven: npt.NDArray[np.bool_],
        crisis: npt.NDArray[np.bool_],
        inherent_loss: npt.NDArray[np.float64],
        blind: npt.NDArray[np.bool_],
    ) -> Allocation:
        """Set the targets of every row of `fanouts`, which come in order of priority. `inherent_loss`: share of packets
        that each row's link loses without any queue.

        Rows that are `unproven` (nothing has spoken against more yet) get the cheapest layer of the first picture even
        beyond their budget: a publisher may have none that fits a cautious start. Only newcomers are given motion so,
        and those that are `blind` (without transport-wide feedback, so that no probe can find out more); whoever else
        had it before gets still pictures. Rows in `crisis` get no more than the cheapest moving layer of each picture,
        and what they had ceases at once.
        """
        left = budget_bps.copy()
        self._redundancy.update(inherent_loss)
        for fanout in fanouts:
            fanout.desired.clear()
            fanout.room_bps = np.full(len(left), np.nan)
            fanout.downtracks.reserve(len(left))
            if fanout.audio and fanout.source is not None:
                self._sound(fanout, budget_bps, left, now)
        spare = unproven.copy()
        step_bps = np.full((2, len(left)), np.nan)
        kinds = np.zeros((2, len(left)), np.bool_)
        for fanout in fanouts:
            if not fanout.audio and fanout.source is not None:
                heights = fanout.downtracks.height
                allowed = fanout.allowed()
                for height in np.unique(heights[allowed]).tolist():
                    rows = np.flatnonzero(allowed & (heights == height))
                    fanout.room_bps[rows] = left[rows]
                    options = picture_options(fanout.source, now, height, fanout.sharp)
                    if options:
                        self._pictures(fanout, options, rows, left, spare, crisis, blind, step_bps, kinds, now)
        cost = budget_bps - left
        still, moving = kinds
        return Allocation(cost, cost + step_bps[0], cost + step_bps[1], still & ~moving)

    def _sound(
        self,
        fanout: FanOut,
        budget_bps: npt.NDArray[np.float64],
        left: npt.NDArray[np.float64],
        now: float,
    ) -> None:
        """Full quality where the budget has room for a picture besides, else the saving one if there is one."""
        assert fanout.source is not None
        options = sound_options(fanout.source, now)
        rows = np.flatnonzero(fanout.allowed()[: len(left)])
        if not options or not len(rows):
            return
        saving, full = options[0], options[-1]
        fully = fanout.downtracks.target_encoding[rows] == full.encoding
        wants_full = budget_bps[rows] >= np.where(fully, SOUND_FULL_BPS, SOUND_FULL_BPS * SOUND_HYSTERESIS)
        if saving is not full and not wants_full.all():
            fanout.desired.add(saving.encoding)
        if wants_full.any():
            fanout.desired.add(full.encoding)
        takes_full = wants_full | (not saving.awake)
        encodings = np.where(takes_full, full.encoding, saving.encoding)
        fanout.aim_rows(rows, encodings, np.full(len(rows), full.temporal))
        cost = np.where(takes_full, full.bitrate_bps, saving.bitrate_bps)
        left[rows] -= cost + self._repeat(fanout, rows, cost, budget_bps[rows])

    def _repeat(
        self,
        fanout: FanOut,
        rows: npt.NDArray[np.int64],
        sound_bps: npt.NDArray[np.float64],
        budget_bps: npt.NDArray[np.float64],
    ) -> npt.NDArray[np.float64]:
        """Let those rows have redundant sound that need it; what that costs more."""
        tracks = fanout.downtracks
        repeats = self._redundancy.choose(rows, sound_bps, budget_bps, tracks.redundant[rows])
        if repeats.any():
            repeats &= tracks.takes("red")[rows]
        wanted = np.zeros(tracks.rows, np.bool_)
        wanted[rows] = repeats
        fanout.set_redundant(wanted)
        return np.where(repeats, REPEATED_SHARE * sound_bps, 0.0)

    def _pictures(
        self,
        fanout: FanOut,
        options: list[Option],
        rows: npt.NDArray[np.int64],
        left: npt.NDArray[np.float64],
        spare: npt.NDArray[np.bool_],
        crisis: npt.NDArray[np.bool_],
        blind: npt.NDArray[np.bool_],
        step_bps: npt.NDArray[np.float64],
        kinds: npt.NDArray[np.bool_],
        now: float,
    ) -> None:
        """Choose for rows that show the slot at one height; takes what they cost off `left`. `kinds`: (2, rows), which
        have still and which moving pictures."""
        tracks = fanout.downtracks
        awake = [option for option in options if option.awake]
        rates = np.array([option.bitrate_bps for option in awake])
        current = _current(awake, tracks.target_encoding[rows], tracks.target_temporal[rows])
        steps = self._steps_of(fanout.slot, len(left))
        steps.down_s[rows[(tracks.target_temporal[rows] < steps.temporal[rows]) & (current >= 0)]] = now
        may_rise = (now - steps.down_s[rows] >= HOLD_S) | (current < 0)
        reachable = np.searchsorted(rates * UP_MARGIN, left[rows], side="right") - 1
        held = (now - steps.down_s[rows] < steps.hold_s[rows]) & (current >= 0)
        easily = np.searchsorted(rates * HELD_MARGIN, left[rows], side="right") - 1
        reachable = np.where(held, np.maximum(easily, np.minimum(reachable, _last_of(awake)[current])), reachable)
        bearable = np.searchsorted(rates, left[rows] * BEARABLE, side="right") - 1
        chosen = np.where(may_rise & (reachable > current), reachable, np.minimum(current, bearable))
        moving = sum(option.still for option in awake)  # place of the cheapest that moves
        chosen = np.where(crisis[rows], np.minimum(chosen, moving), chosen)
        if awake:
            # A newcomer begins on the lowest encoding, whose keyframe is small, and rises once it has a picture.
            waiting = tracks.encoding[rows] == NONE
            first = max(index for index, option in enumerate(awake) if option.encoding == awake[0].encoding)
            chosen = np.where(waiting, np.minimum(chosen, np.where(current < 0, first, current)), chosen)
            cheapest = np.where((tracks.packets[rows] == 0) | blind[rows], moving, 0)
            forced = (chosen < cheapest) & spare[rows]
            chosen[forced] = cheapest[forced]
            spare[rows[forced]] = False
        free = ~crisis[rows]
        encodings = np.array([option.encoding for option in awake] + [NONE])
        stills = np.array([option.still for option in awake] + [False])
        other = encodings[current] != encodings[chosen]
        self._note_steps(steps, rows[free], current[free], chosen[free], other[free], now)
        kinds[0, rows] |= stills[chosen]
        kinds[1, rows] |= ~stills[chosen] & (chosen >= 0)
        temporals = np.array([option.temporal for option in awake] + [0])
        fanout.aim_rows(rows, encodings[chosen], temporals[chosen])
        fanout.abandon(rows[crisis[rows] & (tracks.encoding[rows] != encodings[chosen])])
        steps.temporal[rows] = temporals[chosen]
        spent = np.append(rates, 0.0)[chosen]
        settled = (now - steps.up_s[rows] >= SETTLE_S) & (tracks.encoding[rows] == encodings[chosen])
        mine = rows[settled]
        self._note_next(fanout, options, mine, spent[settled], held[settled], left[mine], step_bps)
        left[rows] -= spent

    def _note_steps(
        self,
        steps: _Steps,
        rows: npt.NDArray[np.int64],
        current: npt.NDArray[np.int64],
        chosen: npt.NDArray[np.int64],
        other: npt.NDArray[np.bool_],
        now: float,
    ) -> None:
        """`other`: the step leads to another encoding, which costs a keyframe; only such a step can have failed."""
        up = rows[(chosen > current) & (current >= 0) & other]
        down = rows[chosen < current]
        steps.up_s[up] = now
        steps.down_s[down] = now
        fallen = rows[(chosen < current) & other]
        failed = now - steps.up_s[fallen] < SHORT_S
        steps.hold_s[fallen] = np.where(failed, np.minimum(steps.hold_s[fallen] * 2, HOLD_MOST_S), HOLD_S)
        steps.up_s[fallen] = -np.inf

    def _note_next(
        self,
        fanout: FanOut,
        options: list[Option],
        rows: npt.NDArray[np.int64],
        spent: npt.NDArray[np.float64],
        held: npt.NDArray[np.bool_],
        left: npt.NDArray[np.float64],
        step_bps: npt.NDArray[np.float64],
    ) -> None:
        """What the next better layer costs more, for rows that have no better slot to improve; and which encodings
        viewers have or could have, so that their publisher sends them."""
        rates = np.array([option.bitrate_bps for option in options])
        following = np.searchsorted(rates, spent + 1.0, side="left")
        better = following < len(rates)
        following = np.minimum(following, len(rates) - 1)
        # Who is held back must find more room than the layer costs.
        step = rates[following] * np.where(held, HELD_MARGIN, 1.0) - spent
        better &= np.isnan(step_bps[0, rows])
        step_bps[0, rows[better]] = step[better]
        step_bps[1, rows[better]] = np.maximum(rates[-1] - spent[better], step[better])
        affordable = np.searchsorted(rates * UP_MARGIN, left, side="right") - 1
        for index in np.unique(affordable).tolist():
            fanout.desired.add(options[max(index, 0)].encoding)

    def _steps_of(self, slot: str, rows: int) -> _Steps:
        steps = self._steps.setdefault(slot, _Steps())
        if steps.rows < rows:
            steps.reserve(rows)
        return steps


def _last_of(options: list[Option]) -> npt.NDArray[np.int64]:
    """Index of the fullest option of each option's own encoding."""
    last = {option.encoding: index for index, option in enumerate(options)}
    return np.array([last[option.encoding] for option in options] + [NONE])


def _current(
    options: list[Option], encodings: npt.NDArray[np.int8], temporals: npt.NDArray[np.int8]
) -> npt.NDArray[np.int64]:
    """Index of each row's present target among the options, -1 where it is not (any more) among them."""
    result = np.full(len(encodings), -1, np.int64)
    for index, option in enumerate(options):
        result[(encodings == option.encoding) & (temporals == option.temporal)] = index
    return result
