"""The shelves of the archive: profile → course → topic, and which recording stands where."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import NotEmpty, NotFound
from archive.indexing import index_recording, index_topics
from archive.tables import ID_CHARS, Access, Course, Profile, Recording, Topic
from archive.transaction import transaction
from school.errors import BadText
from school.text import TITLE_MAX_CHARS, clean_line, clean_text

GRADE_MAX = 11
DESCRIPTION_MAX_CHARS = 4000


@dataclass(frozen=True, slots=True)
class CourseData:
    """What a course says of itself (archive.tables.Course)."""

    title: str
    subject: str
    grade_from: int = 0
    grade_to: int = 0
    author: str = ""
    organisation: str = ""
    language: str = "ru"
    licence: str = ""
    access: Access = Access.NAMED
    description: str = ""

    def cleaned(self) -> CourseData:
        """Raises `BadText`."""
        if not 0 <= self.grade_from <= self.grade_to <= GRADE_MAX:
            raise BadText(f"grades go from 1 to {GRADE_MAX}, the first not above the last")
        return CourseData(
            title=clean_line(self.title, "title", TITLE_MAX_CHARS),
            subject=clean_line(self.subject, "subject", 100),
            grade_from=self.grade_from,
            grade_to=self.grade_to,
            author=clean_line(self.author, "author", 100, min_chars=0),
            organisation=clean_line(self.organisation, "organisation", 200, min_chars=0),
            language=clean_line(self.language, "language", 16),
            licence=clean_line(self.licence, "licence", 64, min_chars=0),
            access=self.access,
            description=clean_text(self.description, "description", DESCRIPTION_MAX_CHARS),
        )


@dataclass(frozen=True, slots=True)
class TopicShelf:
    topic: Topic
    recordings: int


@dataclass(frozen=True, slots=True)
class CourseShelf:
    course: Course
    topics: tuple[TopicShelf, ...]


@dataclass(frozen=True, slots=True)
class ProfileShelf:
    profile: Profile
    courses: tuple[CourseShelf, ...]


_Row = TypeVar("_Row", Profile, Course, Topic, Recording)


class Shelves:
    """Every method raises `CatalogUnavailable`; those that are given an id `NotFound`, those given text `BadText`."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def all(self, sees: Sequence[Access] | None = None) -> list[ProfileShelf]:
        """The whole tree in order; `sees`: only courses of these kinds of access, and counts of such recordings."""
        counting = select(Recording.topic_id, func.count()).where(Recording.topic_id.is_not(None))
        courses = select(Course).order_by(Course.position, Course.title, Course.id)
        if sees is not None:
            counting = counting.where(Recording.access.in_(sees))
            courses = courses.where(Course.access.in_(sees))
        async with transaction(self._sessions) as session:
            counts = {row[0]: row[1] for row in await session.execute(counting.group_by(Recording.topic_id))}
            topics: dict[str, list[TopicShelf]] = defaultdict(list)
            for topic in await session.scalars(select(Topic).order_by(Topic.position, Topic.title, Topic.id)):
                topics[topic.course_id].append(TopicShelf(topic, counts.get(topic.id, 0)))
            by_profile: dict[str, list[CourseShelf]] = defaultdict(list)
            for course in await session.scalars(courses):
                by_profile[course.profile_id].append(CourseShelf(course, tuple(topics[course.id])))
            profiles = await session.scalars(select(Profile).order_by(Profile.position, Profile.title, Profile.id))
            return [ProfileShelf(profile, tuple(by_profile[profile.id])) for profile in profiles]

    # ------------------------------------------------------------ profiles

    async def add_profile(self, title: str) -> Profile:
        async with transaction(self._sessions) as session:
            position = await _end(session, select(func.max(Profile.position)))
            profile = Profile(id=_new_id(), title=clean_line(title, "title", TITLE_MAX_CHARS), position=position)
            session.add(profile)
            return profile

    async def rename_profile(self, profile_id: str, title: str) -> Profile:
        async with transaction(self._sessions) as session:
            profile = await _get(session, Profile, profile_id)
            profile.title = clean_line(title, "title", TITLE_MAX_CHARS)
            courses = select(Course.id).where(Course.profile_id == profile_id)
            await _index_courses(session, list(await session.scalars(courses)))
            return profile

    async def remove_profile(self, profile_id: str) -> None:
        """Raises `NotEmpty` while it has courses."""
        async with transaction(self._sessions) as session:
            profile = await _get(session, Profile, profile_id)
            if await session.scalar(select(func.count()).where(Course.profile_id == profile_id)):
                raise NotEmpty("the profile still has courses")
            await session.delete(profile)

    # ------------------------------------------------------------ courses

    async def add_course(self, profile_id: str, data: CourseData) -> Course:
        async with transaction(self._sessions) as session:
            await _get(session, Profile, profile_id)
            position = await _end(session, select(func.max(Course.position)).where(Course.profile_id == profile_id))
            course = Course(id=_new_id(), profile_id=profile_id, position=position, **asdict(data.cleaned()))
            session.add(course)
            return course

    async def change_course(self, course_id: str, data: CourseData, profile_id: str | None = None) -> Course:
        """Recordings of the course whose access was the course's follow it."""
        async with transaction(self._sessions) as session:
            course = await _get(session, Course, course_id)
            before = course.access
            for name, value in asdict(data.cleaned()).items():
                setattr(course, name, value)
            if profile_id is not None:
                course.profile_id = (await _get(session, Profile, profile_id)).id
            topics = select(Topic.id).where(Topic.course_id == course_id)
            following = update(Recording).where(Recording.topic_id.in_(topics), Recording.access == before)
            await session.execute(following.values(access=course.access))
            await _index_courses(session, [course_id])
            return course

    async def remove_course(self, course_id: str) -> None:
        """Raises `NotEmpty` while it has topics."""
        async with transaction(self._sessions) as session:
            course = await _get(session, Course, course_id)
            if await session.scalar(select(func.count()).where(Topic.course_id == course_id)):
                raise NotEmpty("the course still has topics")
            await session.delete(course)

    # ------------------------------------------------------------ topics

    async def add_topic(self, course_id: str, title: str) -> Topic:
        async with transaction(self._sessions) as session:
            await _get(session, Course, course_id)
            position = await _end(session, select(func.max(Topic.position)).where(Topic.course_id == course_id))
            clean = clean_line(title, "title", TITLE_MAX_CHARS)
            topic = Topic(id=_new_id(), course_id=course_id, title=clean, position=position)
            session.add(topic)
            return topic

    async def rename_topic(self, topic_id: str, title: str) -> Topic:
        async with transaction(self._sessions) as session:
            topic = await _get(session, Topic, topic_id)
            topic.title = clean_line(title, "title", TITLE_MAX_CHARS)
            await index_topics(session, [topic_id])
            return topic

    async def order_topics(self, course_id: str, topic_ids: Sequence[str]) -> None:
        """Topics in this order; those left out come after, as they were."""
        async with transaction(self._sessions) as session:
            await _get(session, Course, course_id)
            query = select(Topic).where(Topic.course_id == course_id).order_by(Topic.position, Topic.title, Topic.id)
            topics = list(await session.scalars(query))
            wanted = {topic_id: number for number, topic_id in enumerate(topic_ids)}
            topics.sort(key=lambda topic: wanted.get(topic.id, len(wanted)))
            for position, topic in enumerate(topics):
                topic.position = position

    async def remove_topic(self, topic_id: str) -> None:
        """Raises `NotEmpty` while recordings stand in it."""
        async with transaction(self._sessions) as session:
            topic = await _get(session, Topic, topic_id)
            if await session.scalar(select(func.count()).where(Recording.topic_id == topic_id)):
                raise NotEmpty("the topic still has recordings")
            await session.delete(topic)

    async def place(self, recording_id: str, topic_id: str | None) -> Recording:
        """Put a recording into a topic, from where it takes its access; None takes it off the shelves."""
        async with transaction(self._sessions) as session:
            recording = await _get(session, Recording, recording_id)
            if topic_id is not None:
                topic = await _get(session, Topic, topic_id)
                recording.access = (await _get(session, Course, topic.course_id)).access
            recording.topic_id = topic_id
            await session.flush()
            await index_recording(session, recording_id)
            return recording

    async def place_of(self, recording_id: str) -> tuple[Profile, Course, Topic] | None:
        """Where a recording stands."""
        query = (
            select(Profile, Course, Topic)
            .join(Course, Course.profile_id == Profile.id)
            .join(Topic, Topic.course_id == Course.id)
            .join(Recording, Recording.topic_id == Topic.id)
            .where(Recording.id == recording_id)
        )
        async with transaction(self._sessions) as session:
            row = (await session.execute(query)).first()
            return None if row is None else (row[0], row[1], row[2])


async def _get(session: AsyncSession, table: type[_Row], row_id: str) -> _Row:
    found = await session.get(table, row_id[:ID_CHARS])
    if found is None:
        raise NotFound(f"no such {table.__tablename__}")
    return found


async def _end(session: AsyncSession, highest: Select[Any]) -> int:
    """The position after the highest one."""
    found: int | None = await session.scalar(highest)
    return 0 if found is None else found + 1


async def _index_courses(session: AsyncSession, course_ids: Sequence[str]) -> None:
    topics = await session.scalars(select(Topic.id).where(Topic.course_id.in_(course_ids)))
    await index_topics(session, list(topics))


def _new_id() -> str:
    return secrets.token_hex(10)
