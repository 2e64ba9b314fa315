"""What schools' links have proven to carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "link_capacity",
        sa.Column("link", sa.String(64), nullable=False),
        sa.Column("bps", sa.Integer, nullable=False),
        sa.Column("seen_on", sa.Date, nullable=False),
        sa.PrimaryKeyConstraint("link", name="pk_link_capacity"),
    )
    op.create_index("ix_link_capacity_seen_on", "link_capacity", ["seen_on"])


def downgrade() -> None:
    op.drop_table("link_capacity")
