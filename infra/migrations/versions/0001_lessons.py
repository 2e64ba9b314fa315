"""Lessons, invitations, administrators and feed spans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "lesson",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("live_since", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_lesson"),
        sa.CheckConstraint("kind IN ('full', 'partial')", name=op.f("ck_lesson_kind")),
        sa.CheckConstraint("state IN ('waiting', 'live', 'ended')", name=op.f("ck_lesson_state")),
    )
    op.create_index("ix_lesson_created_at", "lesson", ["created_at"])
    op.create_table(
        "invitation",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("lesson_id", sa.String(32), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("expires_at", sa.Integer, nullable=False),
        sa.Column("revoked_at", sa.Double),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("created_by", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name="fk_invitation_lesson_id", ondelete="CASCADE"),
        sa.CheckConstraint("role IN ('teacher', 'co_teacher', 'class', 'viewer')", name=op.f("ck_invitation_role")),
    )
    op.create_index("ix_invitation_lesson_id", "invitation", ["lesson_id"])
    op.create_table(
        "administrator",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("password_hash", sa.String(256)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_administrator"),
        sa.UniqueConstraint("name", name="uq_administrator_name"),
    )
    for table in ("sign_in_link", "sign_in_session"):
        op.create_table(
            table,
            sa.Column("hash", sa.String(64), nullable=False),
            sa.Column("administrator_id", sa.String(32), nullable=False),
            sa.Column("expires_at", sa.Double, nullable=False),
            sa.PrimaryKeyConstraint("hash", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(
                ["administrator_id"], ["administrator.id"], name=f"fk_{table}_administrator_id", ondelete="CASCADE"
            ),
        )
        op.create_index(f"ix_{table}_administrator_id", table, ["administrator_id"])
    op.create_index("ix_sign_in_session_expires_at", "sign_in_session", ["expires_at"])
    op.create_table(
        "feed_span",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("lesson_id", sa.String(32), nullable=False),
        sa.Column("participant", sa.String(100), nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_feed_span"),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name="fk_feed_span_lesson_id", ondelete="CASCADE"),
    )
    op.create_index("ix_feed_span_lesson_id", "feed_span", ["lesson_id"])
    still_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_feed_span_open",
        "feed_span",
        ["lesson_id", "participant"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )


def downgrade() -> None:
    for table in ("feed_span", "sign_in_session", "sign_in_link", "administrator", "invitation", "lesson"):
        op.drop_table(table)
