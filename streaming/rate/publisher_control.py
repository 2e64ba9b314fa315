"""What a publisher need not send: layers that no viewer takes or could take are switched off, and on again in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from streaming.uptrack.uptrack import UpTrack

REST_AFTER_S: Final = 8.0
"""An encoding that nobody has wanted for so long is switched off."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One encoding of a Track, by index."""

    index: int
    active: bool


class PublisherControl:
    """One Track's. Time passed in. Of pictures the lowest encoding always stays on, of sound the fullest: whoever comes
    should not wait."""

    def __init__(self, track: UpTrack, now: float) -> None:
        self._track = track
        self._wanted_s: dict[int, float] = {}
        self._since_s = now
        self._told: list[Wanted] = []

    def update(self, desired: set[int], now: float) -> list[Wanted] | None:
        """Who wants what now; returns all encodings when there is something to tell the publisher."""
        encodings = self._track.encodings
        if len(encodings) < 2:
            return None
        for index in desired:
            self._wanted_s[index] = now
        always = self._always()
        wanted = []
        for encoding in encodings:
            last = self._wanted_s.get(encoding.index, self._since_s if not encoding.resting else float("-inf"))
            wanted.append(Wanted(encoding.index, always in (encoding.index, None) or now - last < REST_AFTER_S))
        # A publisher begins with everything on but what it offered as resting.
        told = self._told or [Wanted(encoding.index, not encoding.resting) for encoding in encodings]
        if wanted == told:
            return None
        self._told = wanted
        for each in wanted:
            encodings[each.index].resting = not each.active
        return wanted

    def _always(self) -> int | None:
        """Of sound the fullest, of pictures the smallest; None while their sizes are not known."""
        encodings = self._track.encodings
        if self._track.audio:
            return len(encodings) - 1
        if not all(encoding.height for encoding in encodings):
            return None
        return min(encodings, key=lambda encoding: encoding.height).index
