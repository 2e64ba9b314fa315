from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from school.tables import Base


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """A real SQLite file with the tables of this folder."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'school.db'}")
    event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()
