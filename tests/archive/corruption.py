"""An archive of many small recordings, and ways to break it. The media is arbitrary bytes: what `check` reads of it is
its length and its sum."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.check_rows import Kind
from archive.media import Init, RenditionKey, Segment
from archive.recordings import Checkpoint, Stored
from archive.recordings_log import SqlRecordingLog
from archive.store import ObjectStore
from archive.tables import Garbage, MediaSegment, Run
from tests.archive.shelf import add_lesson

RUN_SEGMENTS = 8
SEGMENT_S = 6.0
STARTED_AT = 1_700_000_000.0
RENDITIONS = (("teacher_audio", 0), ("teacher_video", 0), ("teacher_video", 1))


@dataclass(frozen=True)
class Planted:
    kind: Kind
    recording_id: str
    object_key: str


async def fill(
    sessions: async_sessionmaker[AsyncSession], store: ObjectStore, recordings: int, segments: int, seed: int = 1
) -> None:
    """Complete recordings of three renditions, stored as the recorder does, eight objects at once."""
    source, log = random.Random(seed), SqlRecordingLog(sessions)
    places = asyncio.Semaphore(8)

    async def put(recording_id: str, piece: Init | Segment) -> Stored:
        name = f"init-{piece.run}.mp4" if isinstance(piece, Init) else f"{piece.run}-{piece.index}.m4s"
        async with places:
            key = f"recordings/{recording_id}/{piece.key.slot}/{piece.key.encoding}/{name}"
            return Stored(replace(piece, data=b""), await store.put(key, piece.data))

    async with sessions.begin() as session:
        await add_lesson(session, "lesson")
    for number in range(recordings):
        recording_id = f"recording-{number}"
        await log.begin(recording_id, "lesson", STARTED_AT)
        made = [each for slot, encoding in RENDITIONS for each in _rendition(source, slot, encoding, segments)]
        stored = await asyncio.gather(*(put(recording_id, each) for each in made))
        await log.add(Checkpoint(recording_id, b"{}"), stored, [])
        await log.finish(recording_id, STARTED_AT + segments * SEGMENT_S, segments * SEGMENT_S)


def _rendition(source: random.Random, slot: str, encoding: int, segments: int) -> Iterator[Init | Segment]:
    key = RenditionKey(slot, encoding)
    for index in range(segments):
        run, start = index // RUN_SEGMENTS, index * SEGMENT_S
        if index % RUN_SEGMENTS == 0:
            yield Init(key, run, "opus", 0, 0, source.randbytes(40))
        data = source.randbytes(source.randint(50, 200))
        yield Segment(key, run, index, start, SEGMENT_S, STARTED_AT + start, len(data), data)


class Vandal:
    """Breaks `count` different places, of eight kinds in turn. No two neighbours are broken, so that each one is
    answerable for itself."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], store: ObjectStore, seed: int) -> None:
        self._sessions = sessions
        self._store = store
        self._random = random.Random(seed)
        self.derived: set[str] = set()
        """Objects that rightly come up a second time: those whose row was taken away."""

    async def plant(self, count: int) -> list[Planted]:
        async with self._sessions() as session:
            by_place = select(MediaSegment).where(MediaSegment.index % 2 == 1).order_by(MediaSegment.object_key)
            segments = list(await session.scalars(by_place))
            runs = list(await session.scalars(select(Run).order_by(Run.object_key)))
        self._random.shuffle(segments)
        self._random.shuffle(runs)
        on_segments: list[Callable[[MediaSegment], Awaitable[Planted]]] = [
            self._lose,
            self._shorten,
            self._alter,
            self._overlap,
            self._forget_row,
        ]
        planted = []
        for number, way in zip(range(count), cycle(range(8)), strict=False):
            if way < len(on_segments):
                planted.append(await on_segments[way](segments.pop()))
            elif way == 5:
                run = runs.pop()
                await self._store.delete(run.object_key)
                planted.append(Planted(Kind.BROKEN_INIT, run.recording_id, run.object_key))
            elif way == 6:
                planted.append(await self._leave(segments[0].recording_id, number))
            else:
                planted.append(await self._litter(number))
        return planted

    async def _lose(self, segment: MediaSegment) -> Planted:
        await self._store.delete(segment.object_key)
        return Planted(Kind.OBJECT_MISSING, segment.recording_id, segment.object_key)

    async def _shorten(self, segment: MediaSegment) -> Planted:
        await self._replace(segment, self._random.randbytes(segment.size - self._random.randint(1, 49)))
        return Planted(Kind.WRONG_SIZE, segment.recording_id, segment.object_key)

    async def _alter(self, segment: MediaSegment) -> Planted:
        await self._replace(segment, self._random.randbytes(segment.size))
        return Planted(Kind.WRONG_SHA256, segment.recording_id, segment.object_key)

    async def _replace(self, segment: MediaSegment, data: bytes) -> None:
        await self._store.delete(segment.object_key)
        await self._store.put(segment.object_key, data)

    async def _overlap(self, segment: MediaSegment) -> Planted:
        back = self._random.uniform(0.2, 2 * SEGMENT_S)
        async with self._sessions.begin() as session:
            its = update(MediaSegment).where(MediaSegment.object_key == segment.object_key)
            await session.execute(its.values(start_s=segment.start_s - back))
        return Planted(Kind.BAD_TIME, segment.recording_id, segment.object_key)

    async def _forget_row(self, segment: MediaSegment) -> Planted:
        """Told as a hole before the segment that follows, or by its object when it is the last one."""
        async with self._sessions.begin() as session:
            await session.execute(delete(MediaSegment).where(MediaSegment.object_key == segment.object_key))
        self.derived |= {segment.object_key, segment.recording_id}
        return Planted(Kind.ORPHAN, segment.recording_id, segment.object_key)

    async def _leave(self, recording_id: str, number: int) -> Planted:
        key = f"recordings/{recording_id}/teacher_video/0/99-{number}.m4s"
        await self._store.put(key, b"left behind")
        return Planted(Kind.ORPHAN, recording_id, key)

    async def _litter(self, number: int) -> Planted:
        async with self._sessions.begin() as session:
            key = f"recordings/deleted-{number}/teacher_audio/0/0-0.m4s"
            session.add(Garbage(object_key=key, since=STARTED_AT))
        return Planted(Kind.GARBAGE, f"deleted-{number}", key)
