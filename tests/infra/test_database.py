from __future__ import annotations

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from archive.search_tables import DATABASES_OWN  # with it, all tables of the archive
from infra.database import MIGRATIONS, known_revisions, migrate, open_database
from infra.errors import DatabaseTooNew
from infra.settings import Settings
from school.tables import Base


def differences(connection: Connection) -> list[object]:
    def ours(_item: object, name: str | None, *_: object) -> bool:
        return name not in DATABASES_OWN

    context = MigrationContext.configure(connection, opts={"include_object": ours})
    return list(compare_metadata(context, Base.metadata))


@pytest.fixture
def either(settings: Settings, database_url: str) -> Settings:
    """Settings with an empty database, once of each kind."""
    return settings.model_copy(update={"database_url": database_url})


async def test_migrations_make_exactly_the_tables_of_the_code(either: Settings) -> None:
    await migrate(either)
    engine = open_database(either)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_many_processes_may_start_at_once(either: Settings) -> None:
    await asyncio.gather(*(migrate(either) for _ in range(4)))


async def test_a_database_of_a_later_version_is_refused(either: Settings) -> None:
    await migrate(either)
    engine = open_database(either)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(DatabaseTooNew, match="9999"):
        await migrate(either)


async def test_sqlite_is_durable_and_keeps_references(settings: Settings) -> None:
    await migrate(settings)
    engine = open_database(settings)
    async with engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [await connection.scalar(text(f"PRAGMA {name}")) for name in pragmas]
        assert found == ["wal", 2, 1, 10_000]
        orphan = "INSERT INTO feed_span (lesson_id, participant, started_at) VALUES ('nothing', 'x', 1)"
        with pytest.raises(IntegrityError):
            await connection.execute(text(orphan))
    await engine.dispose()


def test_migration_files_are_named_by_their_revision() -> None:
    for revision in known_revisions():
        (file,) = MIGRATIONS.glob(f"versions/{revision}_*.py")
        assert f'revision = "{revision}"' in file.read_text()
