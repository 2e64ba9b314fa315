"""The school that an invitation is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("invitation", sa.Column("place", sa.String(100), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("invitation", "place")
