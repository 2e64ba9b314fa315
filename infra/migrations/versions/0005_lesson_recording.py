"""Whether a lesson is recorded, and how many recordings it has had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("lesson") as lesson:
        lesson.add_column(sa.Column("recording", sa.String(16), nullable=False, server_default="on"))
        lesson.add_column(sa.Column("recording_number", sa.Integer, nullable=False, server_default="0"))
        lesson.create_check_constraint("recording", "recording IN ('on', 'paused', 'off')")


def downgrade() -> None:
    with op.batch_alter_table("lesson") as lesson:
        lesson.drop_constraint("recording", type_="check")
        lesson.drop_column("recording_number")
        lesson.drop_column("recording")
