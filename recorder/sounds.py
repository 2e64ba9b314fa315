"""One slot of sound: Opus packets laid end to end on recorded time, cut where the slot's picture is cut.

Where the clock says that a packet belongs more than `TOLERANCE` later than there is sound, silence is laid before it; a
packet that belongs so much earlier is left out. The teacher's sound is laid from recorded time 0 to the end, whether
there is a microphone or not: players keep time by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from archive.media import Gap, Made
from recorder import fmp4, opus
from recorder.configuration import Configuration
from recorder.frames import Frame, Part
from recorder.rendition import Rendition
from recorder.timeline import LeastDifference, RecordedClock
from recorder.track import SOUND_CLOCK, Track

TOLERANCE: Final = 30 * SOUND_CLOCK // 1000
HALF_PACKET: Final = opus.SILENCE_TICKS // 2
LATE: Final = 1.5
"""Of the cadence: no segment gets longer."""
WAIT_S: Final = 1.5
"""For so long a cut waits for sound that may still come."""
FRAMES_MAX: Final = 8192
CUTS_MAX: Final = 64
SEGMENTS_MAX: Final = 64
"""Segments of silence made in one go."""
GAP_MIN: Final = 2 * opus.SILENCE_TICKS
OPUS: Final = Configuration("opus", 0, 0, fmp4.opus_entry().hex())
_SILENT: Final = fmp4.Sample(opus.SILENCE, opus.SILENCE_TICKS)
Place = Callable[[int], int]


@dataclass(slots=True)
class Laid:
    """A packet in its place; without a part, so many packets of silence."""

    duration: int
    part: Part | None = None
    silent: int = 0


@dataclass(slots=True)
class SoundLane:
    """All times in samples. `start`: of the segment that is being laid, -1 for none; `head`: up to where it is laid."""

    slot: str
    continuous: bool
    rendition: Rendition
    start: int = -1
    head: int = 0
    track: Track | None = None
    frames: list[Frame] = field(default_factory=list)
    laid: list[Laid] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)

    def take(self, frame: Frame) -> None:
        """A packet of sound; RTP time rises."""
        if not self.frames or frame.ticks > self.frames[-1].ticks:
            self.frames.append(frame)
            if len(self.frames) > FRAMES_MAX:
                del self.frames[0]

    def cut_at(self, recorded: int) -> None:
        """The slot's picture is cut here."""
        self.cuts.append(recorded)
        del self.cuts[:-CUTS_MAX]

    def advance(
        self, now: float, clock: RecordedClock, publisher: LeastDifference, cadence_s: float, with_picture: bool
    ) -> list[Made]:
        """Write the segments that are complete; `with_picture`: cuts of the slot's picture may be expected."""
        made: list[Made] = []
        place = self._placing(clock, publisher)
        here = round(clock.at(now) * SOUND_CLOCK)
        for _ in range(SEGMENTS_MAX):
            if not self._begin(place):
                break
            end = self._next_cut(cadence_s, with_picture)
            newest = place(self.frames[-1].ticks) if self.frames else 0
            if here < end or (newest < end + HALF_PACKET and here < end + WAIT_S * SOUND_CLOCK):
                break
            made += self._complete(place, end, clock)
        return made

    def settle(self, clock: RecordedClock, publisher: LeastDifference, cadence_s: float) -> list[Made]:
        """The track ends: its packets are laid while its clock is known. The segment goes on where sound does."""
        place = self._placing(clock, publisher)
        made: list[Made] = []
        if self.frames and self._begin(place):
            end = place(self.frames[-1].ticks) + opus.SILENCE_TICKS
            made += self._complete_before(place, end, clock, cadence_s)
            made += self._lay(place, end)
        self.frames.clear()
        return made if self.continuous else made + self._stop(clock)

    def close(self, now: float, clock: RecordedClock, publisher: LeastDifference, cadence_s: float) -> list[Made]:
        """Write all there is: recording pauses or ends now."""
        end = round(clock.at(now) * SOUND_CLOCK)
        place = self._placing(clock, publisher)
        made: list[Made] = []
        if self._begin(place):
            made += self._complete_before(place, end, clock, cadence_s)
            made += self._lay(place, end + HALF_PACKET)
            if self.continuous:
                self._fill(end)
        self.frames.clear()
        return made + (self._write(clock) if self.continuous else self._stop(clock))

    def parts(self) -> Iterator[Part]:
        if self.track is not None:
            yield from self.track.parts()
        for frame in self.frames:
            yield from frame.parts
        for laid in self.laid:
            if laid.part is not None:
                yield laid.part

    def _placing(self, clock: RecordedClock, publisher: LeastDifference) -> Place:
        track = self.track
        if track is None:
            return lambda ticks: 0
        return lambda ticks: round(clock.at(track.clock.at(ticks, publisher)) * SOUND_CLOCK)

    def _begin(self, place: Place) -> bool:
        """Whether there is a segment to lay; one begins where its first packet belongs."""
        if self.start < 0 and self.continuous:
            self.start = self.head
        elif self.start < 0 and self.frames:
            self.start = self.head = max(self.head, place(self.frames[0].ticks))
        return self.start >= 0

    def _next_cut(self, cadence_s: float, with_picture: bool) -> int:
        while self.cuts and self.cuts[0] < self.start + opus.SILENCE_TICKS:
            del self.cuts[0]
        latest = self.start + round(LATE * cadence_s * SOUND_CLOCK)
        if self.cuts:
            return min(self.cuts[0], latest)
        return latest if with_picture else self.start + round(cadence_s * SOUND_CLOCK)

    def _complete_before(self, place: Place, end: int, clock: RecordedClock, cadence_s: float) -> list[Made]:
        made: list[Made] = []
        while (cut := self._next_cut(cadence_s, with_picture=False)) < end:
            made += self._complete(place, cut, clock)
        return made

    def _complete(self, place: Place, end: int, clock: RecordedClock) -> list[Made]:
        made = self._lay(place, end)
        self._fill(end)
        return made + self._write(clock)

    def _stop(self, clock: RecordedClock) -> list[Made]:
        made = self._write(clock)
        self.start = -1
        self.cuts.clear()
        return made

    def _lay(self, place: Place, end: int) -> list[Made]:
        """Lay the packets that belong before `end`, and say where some are lost."""
        made: list[Made] = []
        taken = 0
        for frame in self.frames:
            belongs = place(frame.ticks)
            if belongs >= end - HALF_PACKET:
                break
            taken += 1
            ahead = belongs - self.head
            if ahead < -TOLERANCE or not frame.complete:
                continue
            if ahead > TOLERANCE:
                if frame.after_loss and ahead > GAP_MIN:
                    made.append(Gap(self.slot, self.head / SOUND_CLOCK, ahead / SOUND_CLOCK, "loss"))
                self._silence(round(ahead / opus.SILENCE_TICKS))
            self.laid.append(Laid(frame.duration, frame.parts[0]))
            self.head += frame.duration
        del self.frames[:taken]
        return made

    def _fill(self, end: int) -> None:
        """Silence up to `end`, as far as whole packets go."""
        if end > self.head:
            self._silence((end - self.head) // opus.SILENCE_TICKS)

    def _silence(self, packets: int) -> None:
        if packets > 0:
            self.laid.append(Laid(opus.SILENCE_TICKS * packets, None, packets))
            self.head += opus.SILENCE_TICKS * packets

    def _write(self, clock: RecordedClock) -> list[Made]:
        samples: list[fmp4.Sample] = []
        for laid in self.laid:
            if laid.part is None:
                samples += [_SILENT] * laid.silent
            else:
                samples.append(fmp4.Sample(laid.part.data, laid.duration))
        self.laid.clear()
        if not samples:
            return []
        source = 0 if self.continuous or self.track is None else self.track.source
        made = self.rendition.write(OPUS, source, self.start, clock.wall_at(self.start / SOUND_CLOCK), samples)
        self.start = self.head
        return made
