"""What one publisher is told about its encodings: what its viewers need, as far as its uplink carries it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from streaming.control import Source
from streaming.rate.audience import Audience
from streaming.rate.track_control import TrackControl, Wanted
from streaming.uptrack.uptrack import UpTrack

ORDER: Final = (Source.SCREEN, Source.CAMERA)
"""Pictures in order of what the uplink is given to. Sound has it before all of them."""
LEAST_BPS: Final = 70_000.0
"""Kept for the smallest picture of those that come later."""

FULL_SHARE: Final = 0.8
"""Of its limit: from here on an uplink is what keeps rates down."""


class PublisherControl:
    """Of all Tracks of one publisher. Time passed in."""

    def __init__(self) -> None:
        self._controls: dict[UpTrack, TrackControl] = {}

    def update(
        self, tracks: Mapping[Source, UpTrack], audiences: Mapping[UpTrack, Audience], limit_bps: float, now: float
    ) -> list[tuple[Source, list[Wanted]]]:
        """What is to be told now, by source. `limit_bps`: what the uplink carries, infinity where that is not known."""
        told = []
        sounds = [source for source, track in tracks.items() if track.audio]
        pictures = sorted((source for source in tracks if source not in sounds), key=_place)
        left = limit_bps
        for place, source in enumerate([*sounds, *pictures]):
            control = self._control(tracks[source], source, now)
            later = len(sounds) + len(pictures) - place - 1 if source in pictures else 0
            budget = max(left - later * LEAST_BPS, 0.0)
            wanted = control.update(audiences.get(tracks[source], Audience()), now, budget)
            if wanted is not None:
                told.append((source, wanted))
            left -= control.sent_bps(now)
        return told

    def sent_bps(self, now: float) -> float:
        """What the publisher sends if it makes all that it has been told to make, on the wire."""
        return sum(control.sent_bps(now) for control in self._controls.values())

    def short(self, limit_bps: float, now: float) -> bool:
        """Viewers get less because of the uplink."""
        withheld = any(each.withheld for track in self._controls for each in track.encodings)
        return math.isfinite(limit_bps) and (withheld or self.sent_bps(now) > FULL_SHARE * limit_bps)

    def _control(self, track: UpTrack, source: Source, now: float) -> TrackControl:
        if track not in self._controls:
            self._controls[track] = TrackControl(track, now, sharp=source is Source.SCREEN)
        return self._controls[track]


def _place(source: Source) -> int:
    return ORDER.index(source) if source in ORDER else len(ORDER)
