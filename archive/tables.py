"""The archive's tables. Times are Unix time in seconds, `…_s` seconds of recorded time (pauses cut out)."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from school.tables import Base

ID_CHARS = 32
TITLE_CHARS = 200
KEY_CHARS = 200


class RecordingState(StrEnum):
    """`RECORDING` until everything that was recorded is stored."""

    RECORDING = "recording"
    READY = "ready"


class Access(StrEnum):
    """Who may replay, beside administrators and whoever holds an invitation into the lesson."""

    OPEN = "open"
    PROFILE = "profile"
    NETWORK = "network"
    NAMED = "named"


class Profile(Base):
    """A direction of study: physics and mathematics, humanities … The first shelf of the archive."""

    __tablename__ = "profile"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    position: Mapped[int] = mapped_column(default=0)


class Course(Base):
    """A profile course. What it says of itself holds for the recordings in its topics as well.

    Grades are 1 to 11, both 0 where the course is for no grade; `language` as in BCP 47, `licence` as in SPDX or in
    words.
    """

    __tablename__ = "course"
    __table_args__ = (
        CheckConstraint("access IN ('open', 'profile', 'network', 'named')", name="access"),
        CheckConstraint("0 <= grade_from AND grade_from <= grade_to AND grade_to <= 11", name="grades"),
    )

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    profile_id: Mapped[str] = mapped_column(ForeignKey("profile.id"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    position: Mapped[int] = mapped_column(default=0)
    subject: Mapped[str] = mapped_column(String(100))
    grade_from: Mapped[int]
    grade_to: Mapped[int]
    author: Mapped[str] = mapped_column(String(100))
    organisation: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(16))
    licence: Mapped[str] = mapped_column(String(64))
    access: Mapped[str] = mapped_column(String(16))
    description: Mapped[str] = mapped_column(String(4000))


class Topic(Base):
    __tablename__ = "topic"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    course_id: Mapped[str] = mapped_column(ForeignKey("course.id"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    position: Mapped[int] = mapped_column(default=0)


class Recording(Base):
    """What was recorded of one lesson, or was made elsewhere and brought here."""

    __tablename__ = "recording"
    __table_args__ = (
        CheckConstraint("state IN ('recording', 'ready')", name="state"),
        CheckConstraint("access IN ('open', 'profile', 'network', 'named')", name="access"),
    )

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    lesson_id: Mapped[str | None] = mapped_column(ForeignKey("lesson.id"), index=True)
    topic_id: Mapped[str | None] = mapped_column(ForeignKey("topic.id"), index=True)
    title: Mapped[str] = mapped_column(String(TITLE_CHARS))
    author: Mapped[str] = mapped_column(String(100), default="")
    language: Mapped[str] = mapped_column(String(16), default="ru")
    licence: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16))
    access: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[float] = mapped_column(index=True)
    ended_at: Mapped[float | None]
    duration_s: Mapped[float] = mapped_column(default=0.0)
    retention_until: Mapped[float | None]
    legal_hold: Mapped[bool] = mapped_column(default=False)
    checkpoint: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class Run(Base):
    """A stretch of one rendition, and its initialisation segment. A run without a row decodes with that before it."""

    __tablename__ = "run"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(32), primary_key=True)
    encoding: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    codecs: Mapped[str] = mapped_column(String(64))
    width: Mapped[int]
    height: Mapped[int]
    object_key: Mapped[str] = mapped_column(String(KEY_CHARS), unique=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))


class MediaSegment(Base):
    """One CMAF segment (archive.media.Segment) and the object that holds it.

    `damage`: what `webclass check --repair` found wrong with it (archive.check.Kind); playlists leave it out then. ""
    where nothing is known to be wrong.
    """

    __tablename__ = "media_segment"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(32), primary_key=True)
    encoding: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run: Mapped[int]
    start_s: Mapped[float]
    duration_s: Mapped[float]
    wall: Mapped[float]
    media_bytes: Mapped[int]
    object_key: Mapped[str] = mapped_column(String(KEY_CHARS), unique=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    damage: Mapped[str] = mapped_column(String(32), default="", server_default="")


class MediaGap(Base):
    """Recorded time of a slot of which nothing could be kept."""

    __tablename__ = "media_gap"

    recording_id: Mapped[str] = mapped_column(ForeignKey("recording.id"), primary_key=True)
    slot: Mapped[str] = mapped_column(String(32), primary_key=True)
    start_s: Mapped[float] = mapped_column(primary_key=True)
    duration_s: Mapped[float]
    reason: Mapped[str] = mapped_column(String(100))


class Garbage(Base):
    """An object that no row names any more, and that is to be deleted: the row stays until the object is gone."""

    __tablename__ = "garbage"

    object_key: Mapped[str] = mapped_column(String(KEY_CHARS), primary_key=True)
    since: Mapped[float] = mapped_column(index=True)
