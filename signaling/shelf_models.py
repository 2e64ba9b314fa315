"""Bodies of the API of the archive's shelves: profile → course → topic."""

from __future__ import annotations

from pydantic import Field

from signaling.api_models import Body
from signaling.archive_models import RecordingAccess


class Titled(Body):
    title: str = Field(min_length=1, max_length=400)


class CourseIn(Body):
    """Grades from 1 to 11, both 0 where the course is for no grade; `language` as in BCP 47."""

    title: str = Field(min_length=1, max_length=400)
    subject: str = Field(min_length=1, max_length=200)
    grade_from: int = Field(default=0, ge=0, le=11)
    grade_to: int = Field(default=0, ge=0, le=11)
    author: str = Field(default="", max_length=200)
    organisation: str = Field(default="", max_length=400)
    language: str = Field(default="ru", min_length=1, max_length=16)
    licence: str = Field(default="", max_length=128)
    access: RecordingAccess = "named"
    description: str = Field(default="", max_length=8000)


class ChangeCourse(CourseIn):
    profile_id: str | None = None
    """Moves the course to another profile."""


class TopicOut(Body):
    topic_id: str
    title: str
    recordings: int


class CourseOut(CourseIn):
    course_id: str
    topics: list[TopicOut] = Field(default_factory=list)


class ProfileOut(Body):
    profile_id: str
    title: str
    courses: list[CourseOut] = Field(default_factory=list)


class ShelvesOut(Body):
    profiles: list[ProfileOut]


class OrderTopics(Body):
    topic_ids: list[str] = Field(max_length=1000)


class Place(Body):
    """None takes the recording off the shelves."""

    topic_id: str | None
