"""Recordings as rows, without media: what catalog and search are tested on."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from archive.indexing import index_recording
from archive.tables import Access, Recording, RecordingState
from school.tables import Lesson

AUTUMN_2026 = 1_790_000_000.0


async def add_lesson(session: AsyncSession, lesson_id: str) -> None:
    session.add(
        Lesson(
            id=lesson_id, title="A lesson", kind="full", state="ended", created_at=1.0, live_since=None, ended_at=None
        )
    )
    await session.flush()


async def add_recording(
    session: AsyncSession,
    recording_id: str,
    title: str,
    *,
    author: str = "",
    access: Access = Access.OPEN,
    lesson_id: str | None = None,
    topic_id: str | None = None,
    started_at: float = AUTUMN_2026,
) -> None:
    session.add(
        Recording(
            id=recording_id,
            lesson_id=lesson_id,
            topic_id=topic_id,
            title=title,
            author=author,
            language="ru",
            licence="",
            state=RecordingState.READY.value,
            access=access.value,
            started_at=started_at,
            ended_at=None,
            duration_s=60.0,
            retention_until=None,
            legal_hold=False,
            checkpoint=None,
        )
    )
    await session.flush()
    await index_recording(session, recording_id)
