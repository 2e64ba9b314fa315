"""One rendition of a slot: numbers its runs and segments, and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archive.media import Init, Made, RenditionKey, Segment
from recorder import fmp4
from recorder.configuration import Configuration


@dataclass(slots=True)
class Rendition:
    """`end` is that of its latest segment, in its timescale; -1 before the first. `source` names who feeds the slot."""

    slot: str
    encoding: int
    timescale: int
    run: int = -1
    index: int = 0
    end: int = -1
    source: int = -1
    configuration: Configuration | None = None

    def write(
        self, configuration: Configuration, source: int, start: int, wall: float, samples: Sequence[fmp4.Sample]
    ) -> list[Made]:
        """A segment, after an Init where decoding cannot simply go on from the segment before."""
        key = RenditionKey(self.slot, self.encoding)
        made: list[Made] = []
        if configuration != self.configuration or source != self.source or start != self.end:
            self.configuration, self.source = configuration, source
            self.run += 1
            entry = bytes.fromhex(configuration.entry)
            data = fmp4.initialisation(entry, self.timescale, configuration.width, configuration.height)
            made.append(Init(key, self.run, configuration.codecs, configuration.width, configuration.height, data))
        ticks = sum(sample.duration for sample in samples)
        media_bytes = sum(len(sample.data) for sample in samples)
        data = fmp4.media_segment(self.index + 1, start, samples)
        start_s, duration_s = start / self.timescale, ticks / self.timescale
        made.append(Segment(key, self.run, self.index, start_s, duration_s, wall, media_bytes, data))
        self.index += 1
        self.end = start + ticks
        return made
