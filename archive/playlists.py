"""HLS playlists (RFC 8216bis) of a recording, made from rows. Pure: no database, no clock.

The standard playlists begin at recorded time 0, and where nothing was kept EXT-X-GAP holds the time: so all of a
recording's playlists share one timeline, which is that of the segments' own decode times. The packed ones leave that
time out, since no player gets over long gaps well.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

HOLE_S: Final = 0.2
"""A shorter hole between segments is put onto the one before it: nobody sees it, and players stumble over slivers."""
GAP_S: Final = 6.0
TARGET_DURATION_S: Final = 12
"""At least; a growing playlist may not change it, and segments may be stretched to half again their cadence."""
WALL_STEP_S: Final = 0.25
_NEVER_S: Final = 0.001
"""No segment is so short."""
Span = tuple[float, float]
"""From and until, in seconds of recorded time."""
_HEADER: Final = ("#EXTM3U", "#EXT-X-VERSION:8", "#EXT-X-INDEPENDENT-SEGMENTS")


@dataclass(slots=True)
class SegmentRow:
    """As `archive.media.Segment` has them; made by the thousand, and never changed."""

    index: int
    run: int
    start_s: float
    duration_s: float
    wall: float


@dataclass(frozen=True, slots=True)
class Rendition:
    """One quality of one slot. `codecs` of all its runs (RFC 6381); width and height are 0 for sound."""

    slot: str
    encoding: int
    codecs: tuple[str, ...]
    width: int
    height: int
    peak_bps: int
    average_bps: int

    @property
    def is_picture(self) -> bool:
        return self.height > 0


def multivariant_playlist(pictures: Sequence[Rendition], sound: Rendition, language: str = "") -> str:
    """The pictures with the sound as their audio group, and the sound alone for links that carry no picture. Addresses
    are relative to the recording's folder."""
    spoken = f',LANGUAGE="{language}"' if language.isalnum() else ""
    lines = [
        *_HEADER,
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="sound",DEFAULT=YES,AUTOSELECT=YES{spoken},'
        f'URI="{sound.slot}/{sound.encoding}.m3u8"',
    ]
    for picture in sorted(pictures, key=lambda each: each.average_bps):
        lines += _variant((picture, sound), ',AUDIO="sound"', f"{picture.slot}/{picture.encoding}.m3u8")
    lines += _variant((sound,), ',AUDIO="sound"', f"{sound.slot}/{sound.encoding}.m3u8")
    return "\n".join(lines) + "\n"


def slot_playlist(renditions: Sequence[Rendition]) -> str:
    """The renditions of one slot, for players that put the tracks together themselves. Addresses are relative to the
    slot's folder."""
    lines = [*_HEADER]
    for each in sorted(renditions, key=lambda rendition: rendition.average_bps):
        lines += _variant((each,), "", f"packed-{each.encoding}.m3u8")
    return "\n".join(lines) + "\n"


def _variant(parts: Sequence[Rendition], group: str, uri: str) -> Iterator[str]:
    """`parts` are what is played together, the picture first."""
    codecs = ",".join(dict.fromkeys(codec for part in parts for codec in part.codecs))
    size = f",RESOLUTION={parts[0].width}x{parts[0].height}" if parts[0].is_picture else ""
    yield (
        f"#EXT-X-STREAM-INF:BANDWIDTH={max(1, sum(part.peak_bps for part in parts))}"
        f",AVERAGE-BANDWIDTH={max(1, sum(part.average_bps for part in parts))}"
        f',CODECS="{codecs}"{size}{group}'
    )
    yield uri


def media_playlist(
    encoding: int, init_runs: Sequence[int], segments: Sequence[SegmentRow], ended_s: float | None
) -> str:
    """One rendition on the recording's timeline. `segments` in order; `init_runs` (rising): the runs that have an
    initialisation segment of their own. `ended_s`: the recording's length once it is ready; None while it grows."""
    body = _Body(encoding, init_runs)
    body.stretch(segments, 0.0, ended_s, new_runs_break=True)
    return body.playlist(grows=ended_s is None)


def packed_playlist(
    encoding: int, init_runs: Sequence[int], segments: Sequence[SegmentRow], spans: Sequence[Span], *, grows: bool
) -> str:
    """One rendition of a slot on the slot's own timeline, in which the time between its `spans` (`Track.spans`) is left
    out: players that put the tracks together themselves so never meet a gap of the whole slot. Every rendition has the
    same discontinuities: one where each further span begins."""
    body = _Body(encoding, init_runs)
    for number, (begin, end) in enumerate(spans):
        own = [each for each in segments if begin - HOLE_S <= each.start_s < end - _NEVER_S]
        last = not segments or segments[-1].start_s < end - _NEVER_S
        if grows and last and not own:
            break
        if number:
            body.lines.append("#EXT-X-DISCONTINUITY")
        body.stretch(own, begin, None if grows and last else end, new_runs_break=False)
        if grows and last:
            break
    return body.playlist(grows=grows)


class _Body:
    """The part of a media playlist that grows."""

    def __init__(self, encoding: int, init_runs: Sequence[int]) -> None:
        self.lines: list[str] = []
        self._encoding = encoding
        self._init_runs = init_runs
        self._run = -1
        self._longest_s = 0.0

    def playlist(self, *, grows: bool) -> str:
        head = [
            *_HEADER,
            f"#EXT-X-TARGETDURATION:{max(TARGET_DURATION_S, math.ceil(self._longest_s))}",
            f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if grows else 'VOD'}",
        ]
        return "\n".join([*head, *self.lines, *([] if grows else ["#EXT-X-ENDLIST"])]) + "\n"

    def stretch(
        self, segments: Sequence[SegmentRow], begin_s: float, until_s: float | None, *, new_runs_break: bool
    ) -> None:
        """Segments, and gaps before, between and, up to `until_s`, behind them."""
        at, wall = begin_s, -math.inf
        if self._run < 0 and segments:
            self._begin_run(segments[0].run)
        for begin, end, segment in _timed(segments, begin_s):
            self.lines += _gap(self._encoding, at, begin)
            if segment.run != self._run:
                if new_runs_break:
                    self.lines.append("#EXT-X-DISCONTINUITY")
                self._begin_run(segment.run)
                wall = -math.inf
            if abs(segment.wall - wall) > WALL_STEP_S:
                self.lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.wall)}")
            self.lines += (f"#EXTINF:{end - begin:.6f},", f"{self._encoding}/{segment.index}.m4s")
            self._longest_s = max(self._longest_s, end - begin)
            at, wall = end, segment.wall + (end - begin)
        if until_s is not None:
            self.lines += _gap(self._encoding, at, until_s)

    def _begin_run(self, run: int) -> None:
        """A run without an initialisation segment of its own decodes with the one before it."""
        place = bisect_right(self._init_runs, run) - 1
        init_run = self._init_runs[place] if place >= 0 else run
        self.lines.append(f'#EXT-X-MAP:URI="{self._encoding}/init-{init_run}.mp4"')
        self._run = run


def _timed(segments: Sequence[SegmentRow], begin_s: float) -> Iterator[tuple[float, float, SegmentRow]]:
    """Begin and end of each in the playlist, where the sum of all durations must not drift from recorded time."""
    at = begin_s
    for segment, following in zip_longest(segments, segments[1:]):
        begin = segment.start_s if segment.start_s - at > HOLE_S else at
        end = segment.start_s + segment.duration_s
        if following is not None and following.start_s - end <= HOLE_S:
            end = following.start_s
        at = max(end, begin + _NEVER_S)
        yield begin, at, segment


def _gap(encoding: int, begin: float, end: float) -> Iterable[str]:
    if end - begin <= HOLE_S:
        return
    count = math.ceil((end - begin) / GAP_S)
    # Nobody loads it, but FFmpeg refuses a playlist with an address that has no known extension.
    for _ in range(count):
        yield "#EXT-X-GAP"
        yield f"#EXTINF:{(end - begin) / count:.6f},"
        yield f"{encoding}/gap.mp4"


def _date_time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
