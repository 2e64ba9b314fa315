"""What one Track's publisher need send: layers that no viewer takes or could take are switched off, and on again in
time; the rates of the others follow what their viewers have room for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from streaming.rate.audience import Audience
from streaming.rate.encoder_rates import EncoderRates
from streaming.rate.ladder import WIRE
from streaming.uptrack.uptrack import UpTrack

REST_AFTER_S: Final = 8.0
"""An encoding that nobody has wanted for so long is switched off."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One encoding of a Track, by index. `max_bitrate_bps`: of what its encoder makes, 0 is no limit of ours;
    `withheld`: the publisher's uplink does not carry it."""

    index: int
    active: bool
    max_bitrate_bps: int = 0
    withheld: bool = False


class TrackControl:
    """Time passed in. Of pictures the lowest encoding always stays on, of sound the fullest: whoever comes should not
    wait. `sharp`: a shared screen."""

    def __init__(self, track: UpTrack, now: float, *, sharp: bool = False) -> None:
        self.track = track
        self._rates = EncoderRates(sharp=sharp)
        self._wanted_s: dict[int, float] = {}
        self._since_s = now
        self._told: list[Wanted] = []

    def update(self, audience: Audience, now: float, budget_bps: float = math.inf) -> list[Wanted] | None:
        """Who wants what now; returns all encodings when there is something to tell the publisher. `budget_bps`: what
        its uplink carries of this Track, on the wire."""
        encodings = self.track.encodings
        if len(encodings) < 2:
            return None
        for index in audience.desired:
            self._wanted_s[index] = now
        rates = {} if self.track.audio else self._rates.update(encodings, audience, now, budget_bps)
        always = self._always()
        wanted = []
        for encoding in encodings:
            last = self._wanted_s.get(encoding.index, -math.inf if encoding.asleep else self._since_s)
            rate = rates.get(encoding.index)
            withheld = rate is not None and rate.bps <= 0
            active = (always in (encoding.index, None) or now - last < REST_AFTER_S) and not withheld
            limit = int(rate.bps / WIRE) if rate is not None and active and not rate.usual else 0
            wanted.append(Wanted(encoding.index, active, limit, withheld))
        # A publisher begins with everything on but what it offered as resting.
        told = self._told or [Wanted(encoding.index, not encoding.asleep) for encoding in encodings]
        if wanted == told:
            return None
        self._told = wanted
        for each in wanted:
            encodings[each.index].resting = not each.active and not each.withheld
            encodings[each.index].withheld = each.withheld
        return wanted

    def sent_bps(self, now: float) -> float:
        """What its encodings that are on make at most, on the wire; sound as it is measured. 0 while nothing comes."""
        encodings = self.track.encodings
        if not any(each.flowing(now) for each in encodings):
            return 0.0
        return sum(self._rates.rate_bps(each.index) or sum(each.bitrate_bps) for each in encodings if not each.asleep)

    def _always(self) -> int | None:
        """Of sound the fullest, of pictures the smallest; None while their sizes are not known."""
        encodings = self.track.encodings
        if self.track.audio:
            return len(encodings) - 1
        if not all(encoding.height for encoding in encodings):
            return None
        return min(encodings, key=lambda encoding: encoding.height).index
