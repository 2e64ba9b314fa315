"""What the recorder writes while a lesson runs: `RecordingLog` over the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import NotFound
from archive.indexing import index_recording
from archive.media import Gap, Init, Segment
from archive.recordings import Checkpoint, Stored
from archive.tables import Access, MediaGap, MediaSegment, Recording, RecordingState, Run
from archive.transaction import transaction
from school.tables import Invitation, InvitationRole, Lesson


class SqlRecordingLog:
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def begin(self, recording_id: str, lesson_id: str, started_at: float) -> None:
        """Only administrators and those invited may replay it until somebody opens it. Raises `NotFound`."""
        async with transaction(self._sessions) as session:
            lesson = await session.get(Lesson, lesson_id)
            if lesson is None:
                raise NotFound(f"no lesson {lesson_id[:32]!r}")
            author = await _author(session, lesson_id)
            row = {
                "id": recording_id,
                "lesson_id": lesson_id,
                "title": lesson.title,
                "author": author,
                "language": "ru",
                "licence": "",
                "state": RecordingState.RECORDING.value,
                "access": Access.NAMED.value,
                "started_at": started_at,
                "duration_s": 0.0,
                "legal_hold": False,
            }
            await _insert_new(session, Recording.__table__, [row])
            await index_recording(session, recording_id)

    async def add(self, checkpoint: Checkpoint, pieces: Sequence[Stored], gaps: Sequence[Gap]) -> None:
        """Raises `NotFound` for a recording that was not begun."""
        recording_id = checkpoint.recording_id
        runs = [_run(recording_id, each) for each in pieces if isinstance(each.piece, Init)]
        segments = [_segment(recording_id, each) for each in pieces if isinstance(each.piece, Segment)]
        holes = [
            {
                "recording_id": recording_id,
                "slot": gap.slot,
                "start_s": gap.start_s,
                "duration_s": gap.duration_s,
                "reason": gap.reason[:100],
            }
            for gap in gaps
        ]
        end_s = max((row["start_s"] + row["duration_s"] for row in segments), default=0.0)
        async with transaction(self._sessions) as session:
            recording = await session.get(Recording, recording_id)
            if recording is None:
                raise NotFound(f"no recording {recording_id[:32]!r}")
            recording.checkpoint = checkpoint.state
            recording.duration_s = max(recording.duration_s, end_s)
            await _insert_new(session, Run.__table__, runs)
            await _insert_new(session, MediaSegment.__table__, segments)
            await _insert_new(session, MediaGap.__table__, holes)

    async def checkpoint(self, recording_id: str) -> Checkpoint | None:
        async with transaction(self._sessions) as session:
            state = await session.scalar(select(Recording.checkpoint).where(Recording.id == recording_id))
        return None if state is None else Checkpoint(recording_id, state)

    async def finish(self, recording_id: str, ended_at: float, duration_s: float) -> None:
        done = {"state": RecordingState.READY.value, "ended_at": ended_at, "duration_s": duration_s}
        async with transaction(self._sessions) as session:
            await session.execute(update(Recording).where(Recording.id == recording_id).values(done))
            await index_recording(session, recording_id)

    async def unfinished(self) -> list[str]:
        query = select(Recording.id).where(Recording.state == RecordingState.RECORDING.value)
        async with transaction(self._sessions) as session:
            return list(await session.scalars(query.order_by(Recording.started_at, Recording.id)))


async def _author(session: AsyncSession, lesson_id: str) -> str:
    """How the teacher's invitation names them, if it does."""
    query = (
        select(Invitation.label)
        .where(Invitation.lesson_id == lesson_id, Invitation.role == InvitationRole.TEACHER.value)
        .where(Invitation.label != "")
        .order_by(Invitation.created_at, Invitation.id)
        .limit(1)
    )
    return await session.scalar(query) or ""


def _run(recording_id: str, stored: Stored) -> dict[str, Any]:
    init = stored.piece
    assert isinstance(init, Init)
    return _object(recording_id, stored) | {
        "run": init.run,
        "codecs": init.codecs,
        "width": init.width,
        "height": init.height,
    }


def _segment(recording_id: str, stored: Stored) -> dict[str, Any]:
    segment = stored.piece
    assert isinstance(segment, Segment)
    return _object(recording_id, stored) | {
        "index": segment.index,
        "run": segment.run,
        "start_s": segment.start_s,
        "duration_s": segment.duration_s,
        "wall": segment.wall,
        "media_bytes": segment.media_bytes,
    }


def _object(recording_id: str, stored: Stored) -> dict[str, Any]:
    return {
        "recording_id": recording_id,
        "slot": stored.piece.key.slot,
        "encoding": stored.piece.key.encoding,
        "object_key": stored.object.key,
        "size": stored.object.size,
        "sha256": stored.object.sha256,
    }


async def _insert_new(session: AsyncSession, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose primary keys are not there yet."""
    assert isinstance(table, Table)
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    await session.execute(insert.on_conflict_do_nothing(index_elements=keys), list(rows))
