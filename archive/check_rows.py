"""What `webclass check` can tell from rows alone: lost segments, times that go back or overlap, missing runs. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from archive.tables import MediaGap, MediaSegment, Recording, RecordingState, Run

SLACK_S: Final = 0.05
"""Segments may overlap by that much: clocks are rounded."""
FORGOTTEN_S: Final = 24 * 3600.0
ROWS_LOST: Final = "segments lost"
"""Begins the reason of gaps that stand for rows that are gone."""


class Kind(StrEnum):
    """What can be wrong."""

    OBJECT_MISSING = "object_missing"
    WRONG_SIZE = "wrong_size"
    WRONG_SHA256 = "wrong_sha256"
    BROKEN_INIT = "broken_init"
    """The object of an initialisation segment is missing or altered, or a run has none."""
    INDEX_HOLE = "index_hole"
    BAD_TIME = "bad_time"
    """A segment begins before the one before it ends, or not after 0, or lasts no time."""
    WRONG_DURATION = "wrong_duration"
    NO_END = "no_end"
    """A recording that is marked ready has no end, or one that nobody makes any more is not ready."""
    WHOLE_AGAIN = "whole_again"
    """Was marked as damaged and no longer is, say after a restore."""
    ORPHAN = "object_without_row"
    GARBAGE = "garbage_left"


OF_OBJECT: Final = frozenset({Kind.OBJECT_MISSING, Kind.WRONG_SIZE, Kind.WRONG_SHA256, Kind.BROKEN_INIT})
"""Damage that is mended when the object is whole again."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. `detail` is an English sentence part; `slot` … `duration_s` as far as they apply."""

    kind: Kind
    recording_id: str
    object_key: str
    detail: str
    slot: str = ""
    encoding: int = 0
    start_s: float = 0.0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one recording."""

    recording: Recording
    runs: Sequence[Run]
    segments: Sequence[MediaSegment]
    gaps: Sequence[MediaGap]


def row_findings(rows: Rows, now: float) -> list[Finding]:
    found: list[Finding] = []
    for _, segments in _renditions(rows):
        found += _index_holes(segments, rows.gaps)
        found += _bad_times([each for each in segments if not each.damage])
    found += [
        _of_segment(Kind.BROKEN_INIT, each, f"run {each.run} has no initialisation segment")
        for each in rows.segments
        if not each.damage and init_of(each, rows.runs) is None
    ]
    return found + list(_about_the_whole(rows, now, mended=not found))


def init_of(segment: MediaSegment, runs: Sequence[Run]) -> Run | None:
    """The run that a segment decodes with: its own, or the last one before that has an initialisation segment."""
    own = sorted(
        (run for run in runs if (run.slot, run.encoding) == (segment.slot, segment.encoding)), key=lambda run: run.run
    )
    place = bisect_right([run.run for run in own], segment.run)
    return own[place - 1] if place else None


def _renditions(rows: Rows) -> Iterator[tuple[tuple[str, int], list[MediaSegment]]]:
    by_rendition: dict[tuple[str, int], list[MediaSegment]] = defaultdict(list)
    for each in sorted(rows.segments, key=lambda segment: segment.index):
        by_rendition[each.slot, each.encoding].append(each)
    yield from sorted(by_rendition.items())


def _index_holes(segments: Sequence[MediaSegment], gaps: Sequence[MediaGap]) -> Iterator[Finding]:
    """Indexes count from 0 without a hole, but for those that a repair has explained by a gap."""
    index, end = 0, 0.0
    for each in segments:
        begin, length = end, max(0.0, each.start_s - end)
        if each.index > index and not _explained(each.slot, begin, gaps):
            lost = f"{index}" if each.index == index + 1 else f"{index} to {each.index - 1}"
            detail = f"segment {lost} of {each.slot}/{each.encoding} has no row"
            yield Finding(
                Kind.INDEX_HOLE, each.recording_id, each.object_key, detail, each.slot, each.encoding, begin, length
            )
        index, end = each.index + 1, each.start_s + each.duration_s


def _explained(slot: str, begin_s: float, gaps: Sequence[MediaGap]) -> bool:
    return any(
        gap.slot == slot and gap.reason.startswith(ROWS_LOST) and abs(gap.start_s - begin_s) <= SLACK_S for gap in gaps
    )


def _bad_times(segments: Sequence[MediaSegment]) -> Iterator[Finding]:
    """Those without which the others follow each other in time."""
    kept: list[MediaSegment] = []
    for each, following in zip(segments, [*segments[1:], None], strict=True):
        if not _possible(each):
            yield _of_segment(Kind.BAD_TIME, each, f"begins at {each.start_s:.3f} s and lasts {each.duration_s:.3f} s")
            continue
        last = kept[-1] if kept else None
        if last is not None and not _fits(last, each):
            before = kept[-2] if len(kept) > 1 else None
            last_is_wrong = following is not None and not _fits(last, following) and _fits(before, each)
            wrong = kept.pop() if last_is_wrong else each
            yield _of_segment(Kind.BAD_TIME, wrong, f"at {wrong.start_s:.3f} s it overlaps its neighbour or goes back")
            if wrong is each:
                continue
        kept.append(each)


def _possible(segment: MediaSegment) -> bool:
    finite = math.isfinite(segment.start_s) and math.isfinite(segment.duration_s)
    return finite and segment.start_s >= -SLACK_S and segment.duration_s > 0


def _fits(first: MediaSegment | None, second: MediaSegment) -> bool:
    if first is None:
        return True
    follows = second.start_s > first.start_s and second.start_s >= first.start_s + first.duration_s - SLACK_S
    return follows and second.run >= first.run


def _about_the_whole(rows: Rows, now: float, *, mended: bool) -> Iterator[Finding]:
    """`mended`: nothing else is wrong with the rows, so that their end can be believed."""
    recording = rows.recording
    if recording.state == RecordingState.READY:
        if recording.checkpoint is not None and recording.ended_at is None:
            yield Finding(Kind.NO_END, recording.id, "", "it is ready, but has no time of its end")
        if mended and rows.segments and not any(each.damage for each in rows.segments):
            end = max(each.start_s + each.duration_s for each in rows.segments)
            if abs(end - recording.duration_s) > SLACK_S:
                detail = f"{recording.duration_s:.3f} s long, but its segments end at {end:.3f} s"
                yield Finding(Kind.WRONG_DURATION, recording.id, "", detail, duration_s=end)
        return
    heard = max((each.wall for each in rows.segments), default=recording.started_at)
    if heard < now - FORGOTTEN_S:
        yield Finding(Kind.NO_END, recording.id, "", "nothing was recorded for a day, and it is not complete")


def _of_segment(kind: Kind, segment: MediaSegment, detail: str) -> Finding:
    return Finding(
        kind,
        segment.recording_id,
        segment.object_key,
        detail,
        segment.slot,
        segment.encoding,
        segment.start_s,
        segment.duration_s,
    )
