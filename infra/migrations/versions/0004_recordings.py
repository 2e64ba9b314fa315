"""Recordings: their media, and the shelves of profile, course and topic."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SHELVES = (("profile", None), ("course", "profile"), ("topic", "course"))


def _object_columns() -> tuple[sa.Column[str], sa.Column[int], sa.Column[str]]:
    return (
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )


def _rendition_columns() -> tuple[sa.Column[str], sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("recording_id", sa.String(32), nullable=False),
        sa.Column("slot", sa.String(32), nullable=False),
        sa.Column("encoding", sa.Integer, autoincrement=False, nullable=False),
    )


def _about_courses() -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("grade_from", sa.Integer, nullable=False),
        sa.Column("grade_to", sa.Integer, nullable=False),
        sa.Column("author", sa.String(100), nullable=False),
        sa.Column("organisation", sa.String(200), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("licence", sa.String(64), nullable=False),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("description", sa.String(4000), nullable=False),
        sa.CheckConstraint("access IN ('open', 'profile', 'network', 'named')", name=op.f("ck_course_access")),
        sa.CheckConstraint(
            "0 <= grade_from AND grade_from <= grade_to AND grade_to <= 11", name=op.f("ck_course_grades")
        ),
    )


def upgrade() -> None:
    for shelf, above in _SHELVES:
        columns: list[sa.schema.SchemaItem] = [
            sa.Column("id", sa.String(32), nullable=False),
            sa.Column("title", sa.String(200), nullable=False),
            sa.Column("position", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{shelf}"),
        ]
        if above is not None:
            columns.append(sa.Column(f"{above}_id", sa.String(32), nullable=False))
            columns.append(sa.ForeignKeyConstraint([f"{above}_id"], [f"{above}.id"], name=f"fk_{shelf}_{above}_id"))
        if shelf == "course":
            columns += _about_courses()
        op.create_table(shelf, *columns)
        if above is not None:
            op.create_index(f"ix_{shelf}_{above}_id", shelf, [f"{above}_id"])
    _create_recording()
    _create_media()


def _create_recording() -> None:
    op.create_table(
        "recording",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("lesson_id", sa.String(32)),
        sa.Column("topic_id", sa.String(32)),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("author", sa.String(100), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("licence", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("access", sa.String(16), nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("duration_s", sa.Double, nullable=False),
        sa.Column("retention_until", sa.Double),
        sa.Column("legal_hold", sa.Boolean, nullable=False),
        sa.Column("checkpoint", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_recording"),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name="fk_recording_lesson_id"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_recording_topic_id"),
        sa.CheckConstraint("state IN ('recording', 'ready')", name=op.f("ck_recording_state")),
        sa.CheckConstraint("access IN ('open', 'profile', 'network', 'named')", name=op.f("ck_recording_access")),
    )
    for column in ("lesson_id", "topic_id", "started_at"):
        op.create_index(f"ix_recording_{column}", "recording", [column])


def _create_media() -> None:
    op.create_table(
        "run",
        *_rendition_columns(),
        sa.Column("run", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("codecs", sa.String(64), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        *_object_columns(),
        sa.PrimaryKeyConstraint("recording_id", "slot", "encoding", "run", name="pk_run"),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name="fk_run_recording_id"),
        sa.UniqueConstraint("object_key", name="uq_run_object_key"),
    )
    op.create_table(
        "media_segment",
        *_rendition_columns(),
        sa.Column("index", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("duration_s", sa.Double, nullable=False),
        sa.Column("wall", sa.Double, nullable=False),
        sa.Column("media_bytes", sa.Integer, nullable=False),
        *_object_columns(),
        sa.PrimaryKeyConstraint("recording_id", "slot", "encoding", "index", name="pk_media_segment"),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name="fk_media_segment_recording_id"),
        sa.UniqueConstraint("object_key", name="uq_media_segment_object_key"),
    )
    op.create_table(
        "media_gap",
        sa.Column("recording_id", sa.String(32), nullable=False),
        sa.Column("slot", sa.String(32), nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("duration_s", sa.Double, nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "slot", "start_s", name="pk_media_gap"),
        sa.ForeignKeyConstraint(["recording_id"], ["recording.id"], name="fk_media_gap_recording_id"),
    )


def downgrade() -> None:
    for table in ("media_gap", "media_segment", "run", "recording", "topic", "course", "profile"):
        op.drop_table(table)
