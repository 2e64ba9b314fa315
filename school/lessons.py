"""Lessons: made, listed, begun and ended."""

from __future__ import annotations

import secrets

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.errors import NotFound, WrongState
from school.tables import FeedSpan, Lesson, LessonKind, LessonRecording, LessonState
from school.text import TITLE_MAX_CHARS, clean_line

LIST_MAX = 500

_MAY_BECOME = {
    LessonState.WAITING: {LessonState.LIVE, LessonState.ENDED},
    LessonState.LIVE: {LessonState.ENDED},
    LessonState.ENDED: set[LessonState](),
}


class Lessons:
    """`now` is Unix time in seconds everywhere."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def create(self, title: str, kind: LessonKind, now: float, *, record: bool = True) -> Lesson:
        """`record`: whether it is recorded when it is live.

        Raises `BadText` for a title that is empty, longer than 200 characters or holds control characters."""
        lesson = Lesson(
            id=secrets.token_hex(10),
            title=clean_line(title, "title", TITLE_MAX_CHARS),
            kind=kind.value,
            state=LessonState.WAITING.value,
            created_at=now,
            live_since=None,
            ended_at=None,
            recording=(LessonRecording.ON if record else LessonRecording.OFF).value,
            recording_number=0,
        )
        async with self._sessions.begin() as session:
            session.add(lesson)
        return lesson

    async def get(self, lesson_id: str) -> Lesson:
        """Raises `NotFound`."""
        async with self._sessions() as session:
            return await _get(session, lesson_id)

    async def list(self, limit: int = LIST_MAX) -> list[Lesson]:
        """The newest lessons first, `LIST_MAX` at most."""
        query = select(Lesson).order_by(Lesson.created_at.desc(), Lesson.id).limit(min(limit, LIST_MAX))
        async with self._sessions() as session:
            return list(await session.scalars(query))

    async def change(self, lesson_id: str, *, title: str | None = None, kind: LessonKind | None = None) -> Lesson:
        """Raises `NotFound`, `BadText`, and `WrongState` for another kind once the lesson has begun or any change
        after it has ended."""
        async with self._sessions.begin() as session:
            lesson = await _get(session, lesson_id)
            if lesson.state == LessonState.ENDED:
                raise WrongState("the lesson has ended")
            if title is not None:
                lesson.title = clean_line(title, "title", TITLE_MAX_CHARS)
            if kind is not None and kind != lesson.kind:
                if lesson.state != LessonState.WAITING:
                    raise WrongState("the kind of a lesson that has begun cannot be changed")
                lesson.kind = kind.value
            return lesson

    async def set_state(self, lesson_id: str, state: LessonState, now: float) -> Lesson:
        """Waiting → live → ended, or waiting → ended; the present state again changes nothing.

        Ending closes the feed spans that are still open. Raises `NotFound` or `WrongState`.
        """
        async with self._sessions.begin() as session:
            lesson = await _get(session, lesson_id)
            if lesson.state == state:
                return lesson
            if state not in _MAY_BECOME[LessonState(lesson.state)]:
                raise WrongState(f"a lesson that is {lesson.state} cannot become {state}")
            lesson.state = state.value
            if state is LessonState.LIVE:
                lesson.live_since = now
            else:
                lesson.ended_at = now
                still_open = (FeedSpan.lesson_id == lesson_id) & FeedSpan.ended_at.is_(None)
                await session.execute(update(FeedSpan).where(still_open).values(ended_at=now))
            return lesson

    async def set_recording(self, lesson_id: str, recording: LessonRecording, number: int) -> None:
        """What the teacher has chosen. Raises `NotFound`."""
        async with self._sessions.begin() as session:
            lesson = await _get(session, lesson_id)
            lesson.recording, lesson.recording_number = recording.value, number

    async def end(self, lesson_id: str, now: float) -> Lesson:
        """`set_state` to ended; idempotent."""
        return await self.set_state(lesson_id, LessonState.ENDED, now)


async def _get(session: AsyncSession, lesson_id: str) -> Lesson:
    lesson = await session.get(Lesson, lesson_id)
    if lesson is None:
        raise NotFound(f"no lesson {lesson_id[:32]!r}")
    return lesson
