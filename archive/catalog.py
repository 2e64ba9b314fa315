"""Recordings as they are looked for and replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import CatalogUnavailable, NotFound
from archive.indexing import index_recording
from archive.playlists import HOLE_S, Rendition, SegmentRow, Span
from archive.search import Found, Query, Sight, find
from archive.store import ObjectInfo
from archive.tables import ID_CHARS, Access, MediaGap, MediaSegment, Recording, Run
from school.text import TITLE_MAX_CHARS, clean_line


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

    async def track(self, recording_id: str, slot: str) -> Track:
        """Raises `NotFound`."""
        for track in await self.tracks(recording_id, slot):
            return track
        raise NotFound("this recording has no such track")

    async def tracks(self, recording_id: str, slot: str | None = None) -> list[Track]:
        """By the names of the slots, or only one of them. The cost grows with the number of segments."""
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
        if slot is not None:
            totals = totals.where(MediaSegment.slot == slot)
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
        """The runs that have an initialisation segment, and all segments, for `media_playlist`. Raises `NotFound`."""
        of_rendition = (
            (MediaSegment.recording_id == recording_id) & (MediaSegment.slot == slot) & (MediaSegment.damage == "")
        )
        columns = (
            MediaSegment.index,
            MediaSegment.run,
            MediaSegment.start_s,
            MediaSegment.duration_s,
            MediaSegment.wall,
        )
        segments = select(*columns).where(of_rendition, MediaSegment.encoding == encoding).order_by(MediaSegment.index)
        runs = select(Run.run).where(Run.recording_id == recording_id, Run.slot == slot, Run.encoding == encoding)
        async with self._reading() as session:
            init_runs = list(await session.scalars(runs.order_by(Run.run)))
            if not init_runs:
                raise NotFound("this recording has no such rendition")
            return init_runs, [SegmentRow(*row) for row in await session.execute(segments)]

    async def segment_object(self, recording_id: str, slot: str, encoding: int, index: int) -> ObjectInfo:
        """Raises `NotFound`."""
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
        return ObjectInfo(*row)

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
