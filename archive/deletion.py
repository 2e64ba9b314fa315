"""Deletion of recordings, and how long they are kept.

First one transaction removes a recording's rows and leaves a row of `Garbage` for each of its objects; then the objects
are deleted, then their garbage rows. Wherever this is cut off, no row names an object that is gone, and no object is
forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, delete, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import NotFound, OnHold, StillRecording
from archive.store import ObjectStore
from archive.tables import ID_CHARS, Garbage, MediaGap, MediaSegment, Recording, RecordingState, Run
from archive.transaction import transaction

EXPIRED_AT_ONCE: Final = 10
OBJECTS_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Keeping:
    """`retention_until`: Unix time after which it is deleted; None: as the server's setting says. A legal hold keeps it
    whatever that says, and from whoever wants to delete it."""

    legal_hold: bool
    retention_until: float | None


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep has removed."""

    recordings: int
    objects: int


class Deletion:
    """Every method raises `CatalogUnavailable`, and `NotFound` where it is about one recording."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def delete(self, recording_id: str, now: float) -> None:
        """Gone from the archive when this returns; the next sweep deletes the objects. Raises `OnHold` and
        `StillRecording`."""
        async with transaction(self._sessions) as session:
            # For SQLite too, a write comes first: nobody can put a hold on it meanwhile.
            its = update(Recording).where(Recording.id == recording_id[:ID_CHARS])
            await session.execute(its.values(legal_hold=Recording.legal_hold))
            recording = await _get(session, recording_id)
            if recording.legal_hold:
                raise OnHold("a legal hold keeps this recording: take the hold off first")
            if recording.state != RecordingState.READY:
                raise StillRecording("the recording is not complete yet: end the lesson, then delete it")
            for table in (Run, MediaSegment):
                keys = select(table.object_key, literal(now)).where(table.recording_id == recording.id)
                await session.execute(insert(Garbage).from_select(["object_key", "since"], keys))
            for rows in (Run, MediaSegment, MediaGap):
                await session.execute(delete(rows).where(rows.recording_id == recording.id))
            await session.execute(delete(Recording).where(Recording.id == recording.id))

    async def keeping(self, recording_id: str) -> Keeping:
        async with transaction(self._sessions) as session:
            recording = await _get(session, recording_id)
            return Keeping(recording.legal_hold, recording.retention_until)

    async def keep(self, recording_id: str, keeping: Keeping) -> None:
        async with transaction(self._sessions) as session:
            recording = await _get(session, recording_id)
            recording.legal_hold = keeping.legal_hold
            recording.retention_until = keeping.retention_until

    async def expired(self, now: float, retention_s: float | None) -> list[str]:
        """Some of the complete recordings that need not be kept any longer. `retention_s`: how long those are kept of
        which nothing else is said; None: for ever."""
        over = Recording.retention_until < now
        if retention_s is not None:
            over = or_(over, and_(Recording.retention_until.is_(None), Recording.started_at < now - retention_s))
        query = select(Recording.id).where(
            Recording.state == RecordingState.READY.value, Recording.legal_hold.is_(False), over
        )
        async with transaction(self._sessions) as session:
            return list(await session.scalars(query.order_by(Recording.started_at).limit(EXPIRED_AT_ONCE)))

    async def garbage(self) -> list[str]:
        """Some of the objects to be deleted, the oldest first."""
        query = select(Garbage.object_key).order_by(Garbage.since, Garbage.object_key).limit(OBJECTS_AT_ONCE)
        async with transaction(self._sessions) as session:
            return list(await session.scalars(query))

    async def forget(self, keys: list[str]) -> None:
        """These objects are gone."""
        async with transaction(self._sessions) as session:
            await session.execute(delete(Garbage).where(Garbage.object_key.in_(keys)))

    async def sweep(self, store: ObjectStore, now: float, retention_s: float | None) -> Swept:
        """Delete a bounded number of recordings whose time is over, and of objects. Raises `StoreError`; what is left
        is for the next sweep."""
        recordings = 0
        for recording_id in await self.expired(now, retention_s):
            try:
                await self.delete(recording_id, now)
                recordings += 1
            except (NotFound, OnHold):  # somebody was quicker
                continue
        keys = await self.garbage()
        for key in keys:
            await store.delete(key)
        await self.forget(keys)
        return Swept(recordings, len(keys))


async def _get(session: AsyncSession, recording_id: str) -> Recording:
    recording = await session.get(Recording, recording_id[:ID_CHARS])
    if recording is None:
        raise NotFound("no such recording")
    return recording
