"""The database engine, and bringing the database to the version that this program needs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from infra.data_directory import lock
from infra.errors import DatabaseTooNew
from infra.settings import Settings

BUSY_TIMEOUT_MS = 10_000
MIGRATIONS = Path(__file__).with_name("migrations")


def open_database(settings: Settings) -> AsyncEngine:
    """SQLite by default: readers never wait for the writer (WAL), writers wait for each other up to 10 s."""
    engine = create_async_engine(settings.database)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    return engine


def sessions_of(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Rows stay readable after their session has ended."""
    return async_sessionmaker(engine, expire_on_commit=False)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def migrate(settings: Settings) -> None:
    """Bring the database to this program's version, one process at a time. Raises `DatabaseTooNew`."""
    await asyncio.to_thread(_migrate_locked, settings)


def _migrate_locked(settings: Settings) -> None:
    with lock(settings, "migrate"):
        asyncio.run(_migrate(settings))


async def _migrate(settings: Settings) -> None:
    engine = open_database(settings)
    if engine.dialect.name == "sqlite":
        # Python's driver opens no transaction before DDL by itself: without this, a kill would leave half a step.
        event.listen(engine.sync_engine, "connect", _leave_transactions_to_us)
        event.listen(engine.sync_engine, "begin", _begin_immediately)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade)
            await connection.commit()
    finally:
        await engine.dispose()


def upgrade(connection: Connection) -> None:
    """Bring an open connection's database to the newest revision. Raises `DatabaseTooNew`.

    Alembic takes long to import: a database that is up to date does without, so that processes start quickly.
    """
    current = current_revision(connection)
    known = known_revisions()
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise DatabaseTooNew(
            f"a later version of webclass wrote the database (revision {current}; this one knows up to {known[-1]}): "
            "update webclass"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def current_revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def known_revisions() -> list[str]:
    """All revisions of this program, oldest first: a migration's file is named `<revision>_<subject>.py`."""
    return sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))
