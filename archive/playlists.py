"""HLS playlists (RFC 8216bis) of a recording, made from rows. Pure: no database, no clock.

Every playlist begins at recorded time 0, and where nothing was kept EXT-X-GAP holds the time: so all of a recording's
playlists share one timeline, which is that of the segments' own decode times.
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
_HEADER: Final = ("#EXTM3U", "#EXT-X-VERSION:8", "#EXT-X-INDEPENDENT-SEGMENTS")


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """As `archive.media.Segment` has them."""

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
        lines += _variant((each,), "", f"{each.encoding}.m3u8")
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
    """One rendition. `segments` in order; `init_runs` (rising): the runs that have an initialisation segment of their
    own. `ended_s`: the recording's length once it is ready; None while it grows."""
    timed = list(_timed(segments))
    longest = max((end - begin for begin, end, _ in timed), default=0.0)
    lines = [
        *_HEADER,
        f"#EXT-X-TARGETDURATION:{max(TARGET_DURATION_S, math.ceil(longest))}",
        f"#EXT-X-PLAYLIST-TYPE:{'EVENT' if ended_s is None else 'VOD'}",
    ]
    if segments:
        lines.append(_map(encoding, init_runs, segments[0].run))
    at, run, wall = 0.0, segments[0].run if segments else 0, -math.inf
    for begin, end, segment in timed:
        lines += _gap(encoding, at, begin)
        if segment.run != run:
            lines += ("#EXT-X-DISCONTINUITY", _map(encoding, init_runs, segment.run))
            run, wall = segment.run, -math.inf
        if abs(segment.wall - wall) > WALL_STEP_S:
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(segment.wall)}")
        lines += (f"#EXTINF:{end - begin:.6f},", f"{encoding}/{segment.index}.m4s")
        at, wall = end, segment.wall + (end - begin)
    if ended_s is not None:
        lines += _gap(encoding, at, ended_s)
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _timed(segments: Sequence[SegmentRow]) -> Iterator[tuple[float, float, SegmentRow]]:
    """Begin and end of each in the playlist, where the sum of all durations must not drift from recorded time."""
    at = 0.0
    for segment, following in zip_longest(segments, segments[1:]):
        begin = segment.start_s if segment.start_s - at > HOLE_S else at
        end = segment.start_s + segment.duration_s
        if following is not None and following.start_s - end <= HOLE_S:
            end = following.start_s
        at = max(end, begin + 0.001)
        yield begin, at, segment


def _gap(encoding: int, begin: float, end: float) -> Iterable[str]:
    if end - begin <= HOLE_S:
        return
    count = math.ceil((end - begin) / GAP_S)
    for _ in range(count):
        yield "#EXT-X-GAP"
        yield f"#EXTINF:{(end - begin) / count:.6f},"
        yield f"{encoding}/gap"


def _map(encoding: int, init_runs: Sequence[int], run: int) -> str:
    """A run without an initialisation segment of its own decodes with the one before it."""
    place = bisect_right(init_runs, run) - 1
    return f'#EXT-X-MAP:URI="{encoding}/init-{init_runs[place] if place >= 0 else run}.mp4"'


def _date_time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
