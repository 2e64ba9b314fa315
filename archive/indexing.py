"""Keeping the search index in step: called in the transaction that changes what a recording is found by."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from archive.search import Facet, document
from archive.search_tables import SearchDocument
from archive.tables import Course, Profile, Recording, Topic

SCHOOL_YEAR_BEGINS_MONTH = 9


async def index_recording(session: AsyncSession, recording_id: str) -> None:
    """Renew the document of one recording; one that is not there has none."""
    recording = await session.get(Recording, recording_id)
    if recording is None:
        return
    shelf = (
        select(Topic, Course, Profile)
        .join(Course, Course.id == Topic.course_id)
        .join(Profile, Profile.id == Course.profile_id)
        .where(Topic.id == recording.topic_id)
    )
    row = (await session.execute(shelf)).first()
    made = _document(recording, *(row or (None, None, None)))
    present = await session.scalar(select(SearchDocument).where(SearchDocument.recording_id == recording_id))
    if present is None:
        session.add(SearchDocument(recording_id=recording_id, words=made))
    elif present.words != made:
        present.words = made
    await session.flush()


async def index_topics(session: AsyncSession, topic_ids: list[str]) -> None:
    """Renew the documents of all recordings in these topics."""
    await session.flush()
    for recording_id in await session.scalars(select(Recording.id).where(Recording.topic_id.in_(topic_ids))):
        await index_recording(session, recording_id)


def _document(recording: Recording, topic: Topic | None, course: Course | None, profile: Profile | None) -> str:
    facets = [
        (Facet.STATE, recording.state),
        (Facet.ACCESS, recording.access),
        (Facet.LESSON, recording.lesson_id or ""),
        (Facet.AUTHOR, recording.author),
        (Facet.LANGUAGE, recording.language),
        (Facet.LICENCE, recording.licence),
        (Facet.YEAR, str(school_year(recording.started_at))),
    ]
    rest = [recording.author]
    if topic is not None and course is not None and profile is not None:
        facets += [
            (Facet.TOPIC, topic.id),
            (Facet.COURSE, course.id),
            (Facet.PROFILE, profile.id),
            (Facet.SUBJECT, course.subject),
            (Facet.AUTHOR, course.author),
            (Facet.ORGANISATION, course.organisation),
            *((Facet.GRADE, str(grade)) for grade in range(course.grade_from, course.grade_to + 1) if grade),
        ]
        rest += [topic.title, course.title, course.subject, course.author, course.organisation, profile.title]
    return document(recording.title, " ".join(rest), facets)


def school_year(at: float) -> int:
    """The year in which the school year of this moment begins."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.year if moment.month >= SCHOOL_YEAR_BEGINS_MONTH else moment.year - 1
