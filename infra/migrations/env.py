"""Alembic's entry: migrations run over the connection that infra.database passes in."""

from __future__ import annotations

from alembic import context

import archive.tables  # noqa: F401 - its tables belong to the same database
from school.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
