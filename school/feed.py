"""Partial lessons: when each class had the live feed switched on, and the minutes that makes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.tables import FeedSpan
from school.text import LABEL_MAX_CHARS, clean_line


class FeedSpans:
    """`participant` is the class's name in the lesson; `now` is Unix time in seconds."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def begin(self, lesson_id: str, participant: str, now: float) -> None:
        """Open a span; nothing changes when one is open already. Raises `BadText`."""
        name = clean_line(participant, "participant", LABEL_MAX_CHARS)
        async with self._sessions.begin() as session:
            if await _open_span(session, lesson_id, name) is None:
                session.add(FeedSpan(lesson_id=lesson_id, participant=name, started_at=now, ended_at=None))

    async def finish(self, lesson_id: str, participant: str, now: float) -> None:
        """Close the open span; nothing changes when there is none."""
        name = clean_line(participant, "participant", LABEL_MAX_CHARS)
        async with self._sessions.begin() as session:
            span = await _open_span(session, lesson_id, name)
            if span is not None:
                span.ended_at = max(now, span.started_at)

    async def minutes(self, lesson_id: str, now: float) -> dict[str, float]:
        """Minutes by class, in the order of the names; a span that is still open counts until now."""
        query = select(FeedSpan).where(FeedSpan.lesson_id == lesson_id).order_by(FeedSpan.participant)
        totals: dict[str, float] = {}
        async with self._sessions() as session:
            for span in await session.scalars(query):
                end = now if span.ended_at is None else span.ended_at
                totals[span.participant] = totals.get(span.participant, 0.0) + max(0.0, end - span.started_at) / 60
        return totals


async def _open_span(session: AsyncSession, lesson_id: str, participant: str) -> FeedSpan | None:
    query = select(FeedSpan).where(
        FeedSpan.lesson_id == lesson_id, FeedSpan.participant == participant, FeedSpan.ended_at.is_(None)
    )
    return await session.scalar(query)
