"""Results of link tests, by place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "link_test",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("link", sa.String(64), nullable=False),
        sa.Column("place", sa.String(100), nullable=False),
        sa.Column("receiving", sa.String(16), nullable=False),
        sa.Column("sending", sa.String(16), nullable=False),
        sa.Column("transport", sa.String(8), nullable=False),
        sa.Column("down_bps", sa.Integer, nullable=False),
        sa.Column("up_bps", sa.Integer, nullable=False),
        sa.Column("loss_down", sa.Double, nullable=False),
        sa.Column("loss_up", sa.Double, nullable=False),
        sa.Column("rtt_ms", sa.Double, nullable=False),
        sa.Column("queue_ms", sa.Double, nullable=False),
        sa.Column("jitter_ms", sa.Double, nullable=False),
        sa.Column("tested_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_link_test"),
    )
    op.create_index("ix_link_test_tested_at", "link_test", ["tested_at"])


def downgrade() -> None:
    op.drop_table("link_test")
