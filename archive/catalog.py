"""Recordings as they are looked for and replayed."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import case, exists, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import CatalogUnavailable, NotFound
from archive.indexing import index_recording
from archive.playlists import HOLE_S, Rendition, SegmentRow, Span
from archive.search import Found, Query, Sight, find
from archive.store import ObjectInfo
from archive.tables import ID_CHARS, Access, MediaGap, MediaSegment, Recording, Run
from school.text import TITLE_MAX_CHARS, clean_line

SEGMENTS_KEPT = 5000
RENDITIONS_KEPT = 64
RECORDINGS_KEPT = 200
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Track:
    """What there is of one slot. `spans` rise and lie apart."""

    slot: str
    renditions: tuple[Rendition, ...]
    spans: tuple[Span, ...]


class Catalog:
    """Rows are handed out detached. Every method raises `CatalogUnavailable`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        # What does not change, or is known to have changed, is read once; the oldest is forgotten first.
        self._segments: OrderedDict[tuple[str, str, int, int], ObjectInfo] = OrderedDict()
        self._renditions: OrderedDict[tuple[str, str, int], list[SegmentRow]] = OrderedDict()
        self._tracks: OrderedDict[str, tuple[tuple[float, str], list[Track]]] = OrderedDict()

    async def find(self, query: Query, sight: Sight) -> tuple[list[Recording], Found]:
        """The recordings of one page, in its order; what the page leaves out is in `Found`."""
        async with self._reading() as session:
            found = await find(session, query, sight)
            rows = await session.scalars(select(Recording).where(Recording.id.in_(found.recording_ids)))
            by_id = {recording.id: recording for recording in rows}
        return [by_id[recording_id] for recording_id in found.recording_ids if recording_id in by_id], found

    async def find_one(self, recording_id: str) -> Recording | None:
        async with self._reading() as session:
            return await session.get(Recording, recording_id[:ID_CHARS])

    async def change(self, recording_id: str, *, title: str | None, access: Access | None) -> Recording:
        """What is None stays. Raises `NotFound` and `school.errors.BadText`."""
        async with self._reading() as session, session.begin():
            recording = await _get(session, recording_id)
            if title is not None:
                recording.title = clean_line(title, "title", TITLE_MAX_CHARS)
            if access is not None:
                recording.access = access.value
            await session.flush()
            await index_recording(session, recording_id)
            return recording

    async def track(self, recording: Recording, slot: str) -> Track:
        """Raises `NotFound`."""
        for track in await self.tracks(recording):
            if track.slot == slot:
                return track
        raise NotFound("this recording has no such track")

    async def tracks(self, recording: Recording) -> list[Track]:
        """By the names of the slots. Counted anew only when the recording has grown: viewers ask again and again."""
        grown = (recording.duration_s, recording.state)
        known = self._tracks.get(recording.id)
        if known is None or known[0] != grown:
            known = (grown, await self._count_tracks(recording.id))
            _keep(self._tracks, recording.id, known, RECORDINGS_KEPT)
        return known[1]

    async def _count_tracks(self, recording_id: str) -> list[Track]:
        at_least_1_s = case((MediaSegment.duration_s > 1, MediaSegment.duration_s), else_=1.0)
        totals = (
            select(
                MediaSegment.slot,
                MediaSegment.encoding,
                MediaSegment.run,
                func.min(MediaSegment.start_s),
                func.max(MediaSegment.start_s + MediaSegment.duration_s),
                func.max(MediaSegment.size * 8 / at_least_1_s),
                func.sum(MediaSegment.size) * 8,
                func.sum(MediaSegment.duration_s),
            )
            .where(MediaSegment.recording_id == recording_id, MediaSegment.damage == "")
            .group_by(MediaSegment.slot, MediaSegment.encoding, MediaSegment.run)
        )
        inits = select(Run.slot, Run.encoding, Run.codecs, Run.width, Run.height)
        async with self._reading() as session:
            stretches = [_Stretch(*row) for row in await session.execute(totals)]
            kinds = [
                _Kind(*row)
                for row in await session.execute(inits.where(Run.recording_id == recording_id).order_by(Run.run))
            ]
        return _tracks(stretches, kinds)

    async def gaps(self, recording_id: str) -> list[MediaGap]:
        query = select(MediaGap).where(MediaGap.recording_id == recording_id).order_by(MediaGap.start_s, MediaGap.slot)
        async with self._reading() as session:
            return list(await session.scalars(query))

    async def rendition(self, recording_id: str, slot: str, encoding: int) -> tuple[list[int], list[SegmentRow]]:
        """The runs that have an initialisation segment, and all segments that are whole. Raises `NotFound`.

        Segments are only ever added at the end: those that are known are not read again, unless a repair has marked
        some of them.
        """
        place = (recording_id, slot, encoding)
        of_rendition = (
            (MediaSegment.recording_id == recording_id)
            & (MediaSegment.slot == slot)
            & (MediaSegment.encoding == encoding)
        )
        columns = (
            MediaSegment.index,
            MediaSegment.run,
            MediaSegment.start_s,
            MediaSegment.duration_s,
            MediaSegment.wall,
        )
        damaged = select(exists().where(of_rendition, MediaSegment.damage != ""))
        runs = select(Run.run).where(Run.recording_id == recording_id, Run.slot == slot, Run.encoding == encoding)
        async with self._reading() as session:
            init_runs = list(await session.scalars(runs.order_by(Run.run)))
            if not init_runs:
                raise NotFound("this recording has no such rendition")
            known = [] if await session.scalar(damaged) else self._renditions.get(place, [])
            segments = select(*columns).where(of_rendition, MediaSegment.damage == "", MediaSegment.index >= len(known))
            found = await session.execute(segments.order_by(MediaSegment.index))
            known = known + [SegmentRow(*row) for row in found]
        if known and known[-1].index == len(known) - 1:
            _keep(self._renditions, place, known, RENDITIONS_KEPT)
        return init_runs, known

    async def segment_object(self, recording_id: str, slot: str, encoding: int, index: int) -> ObjectInfo:
        """Raises `NotFound`. A segment's row never changes, and a class's browsers ask for it one after the other."""
        place = (recording_id, slot, encoding, index)
        if place in self._segments:
            return self._segments[place]
        query = select(MediaSegment.object_key, MediaSegment.size, MediaSegment.sha256).where(
            MediaSegment.recording_id == recording_id,
            MediaSegment.slot == slot,
            MediaSegment.encoding == encoding,
            MediaSegment.index == index,
        )
        async with self._reading() as session:
            row = (await session.execute(query)).first()
        if row is None:
            raise NotFound("this recording has no such segment")
        found = ObjectInfo(*row)
        _keep(self._segments, place, found, SEGMENTS_KEPT)
        return found

    async def init_object(self, recording_id: str, slot: str, encoding: int, run: int) -> ObjectInfo:
        """Raises `NotFound`."""
        query = select(Run.object_key, Run.size, Run.sha256).where(
            Run.recording_id == recording_id, Run.slot == slot, Run.encoding == encoding, Run.run == run
        )
        async with self._reading() as session:
            row = (await session.execute(query)).first()
        if row is None:
            raise NotFound("this recording has no such run")
        return ObjectInfo(*row)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions() as session:
                yield session
        except SQLAlchemyError as error:
            raise CatalogUnavailable(f"the database: {type(error).__name__}") from error


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


async def _get(session: AsyncSession, recording_id: str) -> Recording:
    recording = await session.get(Recording, recording_id)
    if recording is None:
        raise NotFound("no such recording")
    return recording


@dataclass(frozen=True, slots=True)
class _Stretch:
    slot: str
    encoding: int
    run: int
    begin_s: float
    end_s: float
    peak_bps: float | Decimal
    bits: float | Decimal
    seconds: float


@dataclass(frozen=True, slots=True)
class _Kind:
    slot: str
    encoding: int
    codecs: str
    width: int
    height: int


def _tracks(stretches: Sequence[_Stretch], kinds: Sequence[_Kind]) -> list[Track]:
    by_slot: dict[str, dict[int, list[_Stretch]]] = defaultdict(lambda: defaultdict(list))
    for stretch in stretches:
        by_slot[stretch.slot][stretch.encoding].append(stretch)
    tracks = []
    for slot, encodings in sorted(by_slot.items()):
        renditions = []
        for encoding, own in sorted(encodings.items()):
            its = [kind for kind in kinds if (kind.slot, kind.encoding) == (slot, encoding)]
            if not its:
                continue
            tallest = max(its, key=lambda kind: kind.height)
            renditions.append(
                Rendition(
                    slot,
                    encoding,
                    tuple(dict.fromkeys(kind.codecs for kind in its)),
                    tallest.width,
                    tallest.height,
                    round(max(stretch.peak_bps for stretch in own)),
                    round(
                        float(sum(stretch.bits for stretch in own)) / max(1.0, sum(stretch.seconds for stretch in own))
                    ),
                )
            )
        tracks.append(Track(slot, tuple(renditions), _union([each for own in encodings.values() for each in own])))
    return tracks


def _union(stretches: Sequence[_Stretch]) -> tuple[Span, ...]:
    """The time that any of them covers; holes that no playlist has are closed."""
    spans: list[Span] = []
    for each in sorted(stretches, key=lambda stretch: stretch.begin_s):
        if spans and each.begin_s - spans[-1][1] <= HOLE_S:
            spans[-1] = (spans[-1][0], max(spans[-1][1], each.end_s))
        else:
            spans.append((each.begin_s if each.begin_s > HOLE_S else 0.0, each.end_s))
    return tuple(spans)
