"""`webclass check`: rows against objects. It may run beside a server that records and deletes.

A recording's objects are stored before their rows and deleted after them, so an object that a row names must be there;
one that no row names is wrong only when it is old and its recording complete.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import undefer

from archive.check_rows import OF_OBJECT, Finding, Kind, Rows, init_of, row_findings
from archive.errors import CatalogUnavailable, ObjectMissing
from archive.store import ObjectInfo, ObjectStore
from archive.tables import Garbage, MediaGap, MediaSegment, Recording, RecordingState, Run

FOLDER: Final = "recordings/"
YOUNG_S: Final = 3600.0
"""An object may wait so long for its row, and garbage for being removed."""
AT_ONCE: Final = 8
PAGE: Final = 500
_T = TypeVar("_T")
_Holder = Run | MediaSegment


class Checker:
    """`now` is Unix time; `quick` believes the store's own word on sizes and sums instead of reading every object;
    `advance` is told how many more objects were looked at. Methods raise `ArchiveError` when they cannot check."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        store: ObjectStore,
        now: float,
        *,
        quick: bool = False,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._now = now
        self._quick = quick
        self._advance = advance

    async def total(self) -> int:
        """How many objects the rows name."""
        async with self._reading() as session:
            counts = [await session.scalar(select(func.count()).select_from(kind)) for kind in (Run, MediaSegment)]
        return sum(count or 0 for count in counts)

    async def findings(self) -> AsyncIterator[Finding]:
        """Recording by recording, then what no row names."""
        async with self._reading() as session:
            ids = list(await session.scalars(select(Recording.id).order_by(Recording.id)))
        for recording_id in ids:
            for finding in await self._recording(recording_id):
                yield finding
        async for finding in self._orphans():
            yield finding
        async with self._reading() as session:
            left = await session.scalars(select(Garbage.object_key).where(Garbage.since < self._now - YOUNG_S))
        for key in left:
            yield Finding(Kind.GARBAGE, _recording_of(key), key, "it was to be deleted and still is not")

    # ------------------------------------------------------------ what rows name

    async def _recording(self, recording_id: str) -> list[Finding]:
        rows = await self._rows(recording_id)
        if rows is None:
            return []
        runs = await self._broken(rows.runs)
        segments = await self._broken(rows.segments)
        found = row_findings(rows, self._now)
        found += _of_inits(rows, runs)
        for each in rows.segments:
            kind = segments.get(each.object_key)
            if kind is not None and not each.damage:
                found.append(_of_holder(each, kind))
            elif kind is None and each.damage in OF_OBJECT:
                init = init_of(each, rows.runs)
                if init is not None and init.object_key not in runs:
                    found.append(_of_holder(each, Kind.WHOLE_AGAIN))
        return found if found and await self._is_there(recording_id) else []

    async def _rows(self, recording_id: str) -> Rows | None:
        """The recording first: what was complete then is whole now. Runs last: each segment's is among them."""
        async with self._reading() as session:
            recording = await session.get(Recording, recording_id, options=[undefer(Recording.checkpoint)])
            if recording is None:
                return None
            gaps = await session.scalars(select(MediaGap).where(MediaGap.recording_id == recording_id))
            segments = await session.scalars(select(MediaSegment).where(MediaSegment.recording_id == recording_id))
            return Rows(
                recording,
                gaps=list(gaps),
                segments=list(segments),
                runs=list(await session.scalars(select(Run).where(Run.recording_id == recording_id))),
            )

    async def _is_there(self, recording_id: str) -> bool:
        """Not deleted while we looked."""
        async with self._reading() as session:
            return await session.scalar(select(Recording.id).where(Recording.id == recording_id)) is not None

    async def _broken(self, holders: Sequence[_Holder]) -> dict[str, Kind]:
        """The keys of objects that are not as their rows say."""
        broken: dict[str, Kind] = {}
        for page in _pages(iter(holders), AT_ONCE):
            kinds = await asyncio.gather(*(self._look_at(each) for each in page))
            broken |= {each.object_key: kind for each, kind in zip(page, kinds, strict=True) if kind is not None}
            self._advance(len(page))
        return broken

    async def _look_at(self, holder: _Holder) -> Kind | None:
        try:
            found = await (self._store.info(holder.object_key) if self._quick else self._read(holder.object_key))
        except ObjectMissing:
            return Kind.OBJECT_MISSING
        if found.size != holder.size:
            return Kind.WRONG_SIZE
        return Kind.WRONG_SHA256 if found.sha256 != holder.sha256 else None

    async def _read(self, key: str) -> ObjectInfo:
        size, sha256 = 0, hashlib.sha256()
        async for chunk in self._store.read(key):
            size += len(chunk)
            sha256.update(chunk)
        return ObjectInfo(key, size, sha256.hexdigest())

    # ------------------------------------------------------------ what no row names

    async def _orphans(self) -> AsyncIterator[Finding]:
        old: list[str] = []
        async for info in self._store.list(FOLDER):
            if info.stored_at < self._now - YOUNG_S:
                old.append(info.key)
            if len(old) == PAGE:
                for finding in await self._without_row(old):
                    yield finding
                old = []
        for finding in await self._without_row(old):
            yield finding

    async def _without_row(self, keys: Sequence[str]) -> list[Finding]:
        async with self._reading() as session:
            named: set[str] = set()
            # Garbage last: what a deletion moves meanwhile is seen in one place or the other.
            for table in (MediaSegment, Run, Garbage):
                named |= set(await session.scalars(select(table.object_key).where(table.object_key.in_(keys))))
            orphans = [key for key in keys if key not in named]
            its = Recording.id.in_({_recording_of(key) for key in orphans})
            rows = await session.execute(select(Recording.id, Recording.state).where(its))
            states = {row.id: row.state for row in rows}
        found = []
        for key in orphans:
            recording_id = _recording_of(key)
            state = states.get(recording_id)
            # The recorder may still come back to what it could not write into the database.
            if state == RecordingState.RECORDING or not await self._exists(key):
                continue
            detail = "no row names it" if state else "no row names it, nor its recording"
            found.append(Finding(Kind.ORPHAN, recording_id, key, detail))
        return found

    async def _exists(self, key: str) -> bool:
        try:
            await self._store.info(key)
        except ObjectMissing:
            return False
        return True

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncSession]:
        try:
            async with self._sessions() as session:
                yield session
        except (SQLAlchemyError, OSError) as error:
            raise CatalogUnavailable(f"the database: {type(error).__name__}") from error


def _of_inits(rows: Rows, broken: dict[str, Kind]) -> Iterator[Finding]:
    """Broken initialisation segments, but for those without which every segment is known to be unplayable."""
    users: dict[str, list[MediaSegment]] = defaultdict(list)
    for each in rows.segments:
        init = init_of(each, rows.runs)
        if init is not None:
            users[init.object_key].append(each)
    for run in rows.runs:
        kind = broken.get(run.object_key)
        if kind is not None and not (users[run.object_key] and all(each.damage for each in users[run.object_key])):
            yield _of_holder(run, kind)


_DETAILS: Final = {
    Kind.OBJECT_MISSING: "the store has no such object",
    Kind.WRONG_SIZE: "the object is longer or shorter than it was",
    Kind.WRONG_SHA256: "the object's content has changed",
    Kind.WHOLE_AGAIN: "it was marked as damaged and is whole",
}


def _of_holder(holder: _Holder, kind: Kind) -> Finding:
    detail, place = _DETAILS[kind], (holder.slot, holder.encoding)
    if isinstance(holder, Run):
        return Finding(Kind.BROKEN_INIT, holder.recording_id, holder.object_key, detail, *place)
    return Finding(kind, holder.recording_id, holder.object_key, detail, *place, holder.start_s, holder.duration_s)


def _recording_of(key: str) -> str:
    return key.split("/", 2)[1]


def _pages(source: Iterator[_T], size: int) -> Iterator[list[_T]]:
    while page := list(islice(source, size)):
        yield page


def as_json(finding: Finding, *, repaired: bool) -> dict[str, Any]:
    """For scripts."""
    return {
        "kind": finding.kind.value,
        "recording_id": finding.recording_id,
        "object_key": finding.object_key,
        "detail": finding.detail,
        "slot": finding.slot,
        "start_s": round(finding.start_s, 3),
        "duration_s": round(finding.duration_s, 3),
        "repaired": repaired,
    }
