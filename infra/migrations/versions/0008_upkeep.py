"""Upkeep: objects to be deleted, and segments that are known to be damaged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "garbage",
        sa.Column("object_key", sa.String(200), nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("object_key", name="pk_garbage"),
    )
    op.create_index("ix_garbage_since", "garbage", ["since"])
    op.add_column("media_segment", sa.Column("damage", sa.String(32), nullable=False, server_default=""))
