"""`webclass check --repair`: what is broken is left out of playlists, so that replay goes on around it.

No media is ever deleted that is not in the archive a second time; only `remove_orphans` deletes what no row names.
"""

from __future__ import annotations

import re
from typing import Final

from sqlalchemy import Update, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.check_rows import ROWS_LOST, Finding, Kind
from archive.store import ObjectStore
from archive.tables import Garbage, MediaGap, MediaSegment, Recording, Run
from archive.transaction import transaction

_SEGMENT_KEY: Final = re.compile(r"recordings/[^/]+/([a-z_]+)/([0-9]{1,9})/[0-9]{1,9}-([0-9]{1,9})\.m4s")


class Repair:
    """Methods raise `ArchiveError`; each may be done again."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], store: ObjectStore, *, remove_orphans: bool = False
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._remove_orphans = remove_orphans

    async def mend(self, finding: Finding) -> bool:
        """Whether it is put right, as far as it can be."""
        match finding.kind:
            case Kind.OBJECT_MISSING | Kind.WRONG_SIZE | Kind.WRONG_SHA256 | Kind.BAD_TIME:
                return await self._mark(finding, finding.kind)
            case Kind.WHOLE_AGAIN:
                return await self._mark(finding, "")
            case Kind.BROKEN_INIT:
                return await self._mark_run(finding)
            case Kind.INDEX_HOLE:
                return await self._explain(finding)
            case Kind.WRONG_DURATION:
                done = update(Recording).where(Recording.id == finding.recording_id)
                return await self._change(done.values(duration_s=finding.duration_s))
            case Kind.ORPHAN:
                return await self._remove_spare(finding)
            case Kind.GARBAGE:
                return await self._remove_garbage(finding)
            case Kind.NO_END:
                return False

    async def _mark(self, finding: Finding, damage: str) -> bool:
        done = update(MediaSegment).where(MediaSegment.object_key == finding.object_key)
        return await self._change(done.values(damage=damage))

    async def _mark_run(self, finding: Finding) -> bool:
        """All segments that decode with it, or the one that nothing decodes."""
        async with transaction(self._sessions) as session:
            run = await session.scalar(select(Run).where(Run.object_key == finding.object_key))
        if run is None:
            return await self._mark(finding, Kind.BROKEN_INIT)
        same = (Run.recording_id == run.recording_id, Run.slot == run.slot, Run.encoding == run.encoding)
        following = select(func.min(Run.run)).where(*same, Run.run > run.run).scalar_subquery()
        its = update(MediaSegment).where(
            MediaSegment.recording_id == run.recording_id,
            MediaSegment.slot == run.slot,
            MediaSegment.encoding == run.encoding,
            MediaSegment.run >= run.run,
            MediaSegment.run < func.coalesce(following, 1 << 30),
            MediaSegment.damage == "",
        )
        return await self._change(its.values(damage=Kind.BROKEN_INIT.value))

    async def _explain(self, finding: Finding) -> bool:
        """Rows that are gone become a gap; the playlists have it already."""
        async with transaction(self._sessions) as session:
            key = (finding.recording_id, finding.slot, finding.start_s)
            gap = await session.get(MediaGap, key)
            reason = f"{ROWS_LOST} ({finding.encoding})"
            if gap is None:
                session.add(
                    MediaGap(
                        recording_id=finding.recording_id,
                        slot=finding.slot,
                        start_s=finding.start_s,
                        duration_s=finding.duration_s,
                        reason=reason,
                    )
                )
            else:
                gap.reason = reason
        return True

    async def _remove_spare(self, finding: Finding) -> bool:
        """Only where a whole row holds the same place."""
        if not self._remove_orphans and not await self._is_spare(finding):
            return False
        await self._store.delete(finding.object_key)
        return True

    async def _is_spare(self, finding: Finding) -> bool:
        parts = _SEGMENT_KEY.fullmatch(finding.object_key)
        if parts is None:
            return False
        query = select(MediaSegment.object_key).where(
            MediaSegment.recording_id == finding.recording_id,
            MediaSegment.slot == parts[1],
            MediaSegment.encoding == int(parts[2]),
            MediaSegment.index == int(parts[3]),
            MediaSegment.damage == "",
        )
        async with transaction(self._sessions) as session:
            return await session.scalar(query) is not None

    async def _remove_garbage(self, finding: Finding) -> bool:
        await self._store.delete(finding.object_key)
        async with transaction(self._sessions) as session:
            await session.execute(delete(Garbage).where(Garbage.object_key == finding.object_key))
        return True

    async def _change(self, statement: Update) -> bool:
        async with transaction(self._sessions) as session:
            await session.execute(statement)
        return True
