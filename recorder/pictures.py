"""One video slot: frames of all encodings, cut into segments at the keyframes that they have in common.

An *interval* is the time between two cuts; of each encoding that brought frames in it one segment is made, or several
where its size changed or a stretch of it is lost. Intervals follow each other without a gap until the track ends, falls
silent or loses what it needs; the next one then begins at a keyframe where the clock says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from archive.media import Gap, Made
from recorder import av1, fmp4, h264, vpx
from recorder.configuration import Configuration
from recorder.frames import Frame, Part, all_parts
from recorder.rendition import Rendition
from recorder.spans import Span, common
from recorder.timeline import LeastDifference, RecordedClock
from recorder.track import PICTURE_CLOCK, Track

EARLY: Final = 0.9
"""Of the cadence: keyframes are asked for by timers, and answered sooner or later."""
LATE: Final = 1.5
"""Of the cadence: when so long no frame came, the interval is over."""
SAME_KEY: Final = PICTURE_CLOCK // 10
"""Keyframes of two encodings within so many ticks are of the same picture."""
WAIT_S: Final = 1.5
"""For so long a cut waits for the keyframe of an encoding whose packets come."""
STRETCH: Final = 0.05
"""An interval is made this much longer or shorter at most, to follow the clock."""
HOLD_S: Final = 30.0
HOLD_BYTES: Final = 32 << 20
HOLD_FRAMES: Final = 20_000
LOST_STRETCH: Final = PICTURE_CLOCK
"""When so many ticks of an encoding are lost, the picture does not stand still meanwhile: a new run begins."""
GAP_MIN_S: Final = 0.1
FRAME_TICKS: Final = PICTURE_CLOCK // 30
FRAME_TICKS_MAX: Final = PICTURE_CLOCK // 5


@dataclass(slots=True)
class Keyframe:
    ticks: int
    t: float


@dataclass(slots=True)
class Interval:
    """Frames since the last cut. `start` is recorded time in ticks; -1: the clock tells when it is written."""

    key: int
    t: float
    start: int = -1
    newest_t: float = 0.0
    frames: dict[int, list[Frame]] = field(default_factory=dict)
    keyframes: list[Keyframe] = field(default_factory=list)
    bytes: int = 0


@dataclass(slots=True)
class PictureLane:
    """`end`: recorded ticks up to which the slot is written; nothing is written before it again."""

    slot: str
    end: int = 0
    track: Track | None = None
    interval: Interval | None = None
    renditions: dict[int, Rendition] = field(default_factory=dict)

    def take(self, encoding: int, frame: Frame, cadence_s: float) -> None:
        """A frame that can be decoded; its interval begins with a keyframe."""
        interval = self.interval
        if interval is None:
            if not frame.keyframe:
                return
            interval = self.interval = Interval(frame.ticks, frame.t)
        interval.frames.setdefault(encoding, []).append(frame)
        interval.newest_t = max(interval.newest_t, frame.t)
        interval.bytes += sum(len(part.payload) for part in frame.parts)
        due = frame.keyframe and frame.ticks - interval.key >= EARLY * cadence_s * PICTURE_CLOCK
        if due and all(abs(frame.ticks - other.ticks) > SAME_KEY for other in interval.keyframes):
            interval.keyframes.append(Keyframe(frame.ticks, frame.t))

    def cut(self, now: float, clock: RecordedClock, publisher: LeastDifference) -> list[Made]:
        """Write what lies before the first keyframe that all encodings have, if there is one."""
        interval, track = self.interval, self.track
        if interval is None or track is None:
            return []
        for key in list(interval.keyframes):
            verdict = self._common(interval, track, key, now)
            if verdict is None:
                return []
            if verdict:
                return self._cut_at(interval, track, key, clock, publisher)
            interval.keyframes.remove(key)
        return []

    def check(self, now: float, clock: RecordedClock, publisher: LeastDifference, cadence_s: float) -> list[Made]:
        """To be called now and then: ends an interval that gets no frames, or no keyframe."""
        interval = self.interval
        if interval is None:
            return []
        silent = now - interval.newest_t > LATE * cadence_s
        held = now - interval.t > max(HOLD_S, 2 * cadence_s) or interval.bytes > HOLD_BYTES
        held = held or sum(map(len, interval.frames.values())) > HOLD_FRAMES
        return self.close(now, clock, publisher) if silent or held else self.cut(now, clock, publisher)

    def close(self, now: float, clock: RecordedClock, publisher: LeastDifference) -> list[Made]:
        """Write what there is; what follows begins with a keyframe."""
        interval, track = self.interval, self.track
        if track is None:
            return []
        made: list[Made] = []
        if interval is not None:
            last = max(_end(frames) for frames in interval.frames.values())
            bounds = self._bounds(interval, last, track, clock, publisher)
            made = self._write(interval, Interval(last, now), track, bounds, last, clock)
        for encoding in track.encodings.values():
            if encoding.picture is not None:
                encoding.picture.await_keyframe()
        self.interval = None
        return made

    def lost_tail(self, until_s: float, now: float) -> list[Made]:
        """The gap at the end of a closed track of which nothing could be kept any more."""
        track = self.track
        if track is None:
            return []
        flowing = [track.encodings[index].picture for index in track.flowing(now)]
        if not flowing or not all(picture is not None and picture.lost for picture in flowing):
            return []
        return self._gap(self.end, round(until_s * PICTURE_CLOCK), "loss")

    def parts(self) -> Iterator[Part]:
        if self.track is not None:
            yield from self.track.parts()
        if self.interval is not None:
            for frames in self.interval.frames.values():
                yield from all_parts(frames)

    # ------------------------------------------------------------ where to cut

    def _common(self, interval: Interval, track: Track, key: Keyframe, now: float) -> bool | None:
        """Whether all encodings that flow have this keyframe; None: that is not known yet."""
        flowing = track.flowing(now)
        for index in track.encodings:
            frames = interval.frames.get(index, [])
            if _index_of(frames, key.ticks) is not None:
                continue
            if frames and frames[0].ticks < key.ticks - SAME_KEY and frames[-1].ticks > key.ticks + SAME_KEY:
                return False
            if index in flowing and now - key.t < WAIT_S and not (frames and frames[-1].ticks > key.ticks):
                return None
        return True

    def _cut_at(
        self, interval: Interval, track: Track, key: Keyframe, clock: RecordedClock, publisher: LeastDifference
    ) -> list[Made]:
        rest = Interval(key.ticks, key.t, newest_t=interval.newest_t)
        for index, encoding in track.encodings.items():
            frames = interval.frames.get(index, [])
            place = _index_of(frames, key.ticks)
            if place is None:
                place = next((at for at, frame in enumerate(frames) if frame.ticks > key.ticks), len(frames))
            if place < len(frames):
                interval.frames[index], rest.frames[index] = frames[:place], frames[place:]
            elif encoding.picture is not None:
                encoding.picture.await_keyframe()
        rest.keyframes = [each for each in interval.keyframes if each.ticks > key.ticks + SAME_KEY]
        rest.bytes = sum(len(part.payload) for frames in rest.frames.values() for part in all_parts(frames))
        start, end = self._bounds(interval, key.ticks, track, clock, publisher)
        made = self._write(interval, rest, track, (start, end), key.ticks, clock)
        rest.start = self.end = end
        self.interval = rest
        return made

    def _bounds(
        self, interval: Interval, last: int, track: Track, clock: RecordedClock, publisher: LeastDifference
    ) -> tuple[int, int]:
        """Recorded time, in ticks, of the interval's keyframe and of RTP time `last`."""

        def recorded(ticks: int) -> int:
            return round(clock.at(track.clock.at(ticks, publisher)) * PICTURE_CLOCK)

        start = interval.start
        if start < 0:
            start = max(recorded(interval.key), self.end, round(clock.recorded * PICTURE_CLOCK))
        ticks = last - interval.key
        end = min(max(recorded(last), start + round((1 - STRETCH) * ticks)), start + round((1 + STRETCH) * ticks))
        return start, max(end, start + 1)

    # ------------------------------------------------------------ writing

    def _write(
        self, interval: Interval, rest: Interval, track: Track, bounds: Span, last: int, clock: RecordedClock
    ) -> list[Made]:
        """Segments of an interval; `bounds`: where its keyframe and RTP time `last` are in recorded time."""
        made: list[Made] = []
        lost: list[list[Span]] = []
        for index in sorted(interval.frames):
            frames = [frame for frame in interval.frames[index] if frame.complete]
            if not frames:
                continue
            following = rest.frames.get(index, [])[:1]
            place = _placing(frames, following, interval.key, last, bounds)
            spans = [(place(a.ticks) + FRAME_TICKS, place(b.ticks)) for a, b in pairwise(frames) if b.after_loss]
            if frames[0].after_loss:
                spans.append((self.end, place(frames[0].ticks)))
            if following and following[0].after_loss:
                spans.append((place(frames[-1].ticks) + FRAME_TICKS, bounds[1]))
            lost.append(spans)
            made += self._write_encoding(index, frames, place, bounds[1], track, clock)
        for begin, until in common(lost):
            made += self._gap(begin, until, "loss")
        self.end = max([self.end, *(rendition.end for rendition in self.renditions.values())])
        return made

    def _write_encoding(
        self, index: int, frames: list[Frame], place: Callable[[int], int], end: int, track: Track, clock: RecordedClock
    ) -> list[Made]:
        """Segments of one encoding, up to `end` where its frames reach so far."""
        rendition = self.renditions.get(index)
        if rendition is None:
            rendition = self.renditions[index] = Rendition(self.slot, index, PICTURE_CLOCK)
        made: list[Made] = []
        pieces = list(_pieces(frames, track.codec, rendition.configuration))
        for number, (configuration, piece) in enumerate(pieces):
            shown = [place(frame.ticks) for frame in piece]
            following = place(pieces[number + 1][1][0].ticks) if number + 1 < len(pieces) else end
            decoded = _rising(sorted(shown), following)
            over = decoded[-1] + _nominal(piece)
            if following - over < LOST_STRETCH:
                over = max(following, decoded[-1] + 1)
            samples = _samples(piece, track.codec, shown, decoded, over)
            if decoded[0] >= rendition.end:
                wall = clock.wall_at(decoded[0] / PICTURE_CLOCK)
                made += rendition.write(configuration, track.source, decoded[0], wall, samples)
        return made

    def _gap(self, begin: int, until: int, reason: str) -> list[Made]:
        seconds = (until - begin) / PICTURE_CLOCK
        return [Gap(self.slot, begin / PICTURE_CLOCK, seconds, reason)] if seconds > GAP_MIN_S else []


def _index_of(frames: list[Frame], ticks: int) -> int | None:
    """Place of the keyframe of that picture."""
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        if frame.ticks < ticks - SAME_KEY:
            return None
        if frame.keyframe and frame.ticks <= ticks + SAME_KEY:
            return index
    return None


def _nominal(frames: list[Frame]) -> int:
    """Ticks that a last frame is shown."""
    if len(frames) < 2:
        return FRAME_TICKS
    return min(max(frames[-1].ticks - frames[-2].ticks, 1), FRAME_TICKS_MAX)


def _end(frames: list[Frame]) -> int:
    return frames[-1].ticks + _nominal(frames) if frames else 0


def _placing(frames: list[Frame], following: list[Frame], key: int, last: int, bounds: Span) -> Callable[[int], int]:
    """RTP time of an encoding -> recorded ticks. Keyframes of one picture are at one time in all encodings."""
    start, end = bounds
    begin = frames[0].ticks if abs(frames[0].ticks - key) <= SAME_KEY else key
    until = following[0].ticks if following and abs(following[0].ticks - last) <= SAME_KEY else last
    scale = (end - start) / max(until - begin, 1)
    return lambda ticks: start + round((ticks - begin) * scale)


def _rising(times: list[int], end: int) -> list[int]:
    """The times one by one before `end`."""
    for index in range(len(times) - 1, -1, -1):
        times[index] = end = min(times[index], end - 1)
    return times


def _pieces(
    frames: list[Frame], codec: str, configuration: Configuration | None
) -> Iterator[tuple[Configuration, list[Frame]]]:
    """Frames that one decoder can decode in one go, each piece beginning with a keyframe."""
    piece: list[Frame] = []
    former = configuration
    for frame in frames:
        found = CONFIGURATIONS[codec](_payloads(frame)) or former if frame.keyframe else former
        lost = bool(piece) and frame.after_loss and frame.ticks - piece[-1].ticks > LOST_STRETCH
        if piece and frame.keyframe and former is not None and (found != former or lost):
            yield former, piece
            piece = []
        if piece or (frame.keyframe and found is not None):
            piece.append(frame)
            former = found
    if piece and former is not None:
        yield former, piece


def _samples(frames: list[Frame], codec: str, shown: list[int], decoded: list[int], end: int) -> list[fmp4.Sample]:
    """`shown` and `decoded`: when, in the order of decoding; they differ where pictures are sent out of order."""
    return [
        fmp4.Sample(SAMPLES[codec](_payloads(frame)), until - time, frame.keyframe, shows - time)
        for frame, shows, time, until in zip(frames, shown, decoded, [*decoded[1:], end], strict=True)
    ]


def _payloads(frame: Frame) -> list[bytes]:
    return [part.data for part in frame.parts]


SAMPLES: Final = {"vp8": vpx.sample, "vp9": vpx.sample, "h264": h264.sample, "av1": av1.sample}
CONFIGURATIONS: Final = {
    "vp8": vpx.vp8_configuration,
    "vp9": vpx.vp9_configuration,
    "h264": h264.configuration,
    "av1": av1.configuration,
}
