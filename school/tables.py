"""The tables. Every time is Unix time in seconds, UTC; every secret that a person holds is stored only as its hash.

Rows are handed out detached: read them, and change them only through the classes of this folder.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class LessonKind(StrEnum):
    """How a lesson is held (glossary: Lesson)."""

    FULL = "full"
    PARTIAL = "partial"


class LessonState(StrEnum):
    WAITING = "waiting"
    LIVE = "live"
    ENDED = "ended"


class LessonRecording(StrEnum):
    """Whether the lesson is recorded while it is live."""

    ON = "on"
    PAUSED = "paused"
    OFF = "off"


class InvitationRole(StrEnum):
    """What an invitation lets its bearer be in the classroom."""

    TEACHER = "teacher"
    CO_TEACHER = "co_teacher"
    CLASS = "class"
    VIEWER = "viewer"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Lesson(Base):
    __tablename__ = "lesson"
    __table_args__ = (
        CheckConstraint("kind IN ('full', 'partial')", name="kind"),
        CheckConstraint("state IN ('waiting', 'live', 'ended')", name="state"),
        CheckConstraint("recording IN ('on', 'paused', 'off')", name="recording"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(index=True)
    live_since: Mapped[float | None]
    ended_at: Mapped[float | None]
    recording: Mapped[str] = mapped_column(String(16), server_default=LessonRecording.ON.value)
    recording_number: Mapped[int] = mapped_column(server_default="0")
    """Rises with each recording that was stopped and begun anew."""


class Invitation(Base):
    """A link into one lesson. Its token is derived from the row, so it is never stored."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("role IN ('teacher', 'co_teacher', 'class', 'viewer')", name="role"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lesson.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(100), default="")
    place: Mapped[str] = mapped_column(String(100), default="", server_default="")
    """The school it is for: who comes by invitations for one place comes through one link."""
    expires_at: Mapped[int]
    revoked_at: Mapped[float | None]
    created_at: Mapped[float]
    created_by: Mapped[str] = mapped_column(String(64))


class Administrator(Base):
    __tablename__ = "administrator"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(256))
    created_at: Mapped[float]


class SignInLink(Base):
    """A one-time way to sign in, deleted by its use; `hash` is SHA-256 of the link's token."""

    __tablename__ = "sign_in_link"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    administrator_id: Mapped[str] = mapped_column(ForeignKey("administrator.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[float]


class SignInSession(Base):
    """A browser that is signed in; `hash` is SHA-256 of its cookie."""

    __tablename__ = "sign_in_session"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    administrator_id: Mapped[str] = mapped_column(ForeignKey("administrator.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[float] = mapped_column(index=True)


class LinkCapacity(Base):
    """What a link into a school last proved to carry. `link` is a keyed hash; there is no address and no name here."""

    __tablename__ = "link_capacity"

    link: Mapped[str] = mapped_column(String(64), primary_key=True)
    bps: Mapped[int]
    seen_on: Mapped[date] = mapped_column(index=True)


class LinkTest(Base):
    """What a link test found. `link` is a keyed hash, "" within the server's own network; `place` is what people call
    the school or class there. Words of `Verdict` (`link_tests`) for receiving and sending; rates in bit/s."""

    __tablename__ = "link_test"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    link: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(String(100))
    receiving: Mapped[str] = mapped_column(String(16))
    sending: Mapped[str] = mapped_column(String(16))
    transport: Mapped[str] = mapped_column(String(8))
    down_bps: Mapped[int]
    up_bps: Mapped[int]
    loss_down: Mapped[float]
    loss_up: Mapped[float]
    rtt_ms: Mapped[float]
    queue_ms: Mapped[float]
    jitter_ms: Mapped[float]
    tested_at: Mapped[float] = mapped_column(index=True)


class FeedSpan(Base):
    """Partial lessons: one stretch of time during which a class had the live feed switched on."""

    __tablename__ = "feed_span"
    __table_args__ = (
        Index(
            "uq_feed_span_open",
            "lesson_id",
            "participant",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    lesson_id: Mapped[str] = mapped_column(ForeignKey("lesson.id", ondelete="CASCADE"), index=True)
    participant: Mapped[str] = mapped_column(String(100))
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
