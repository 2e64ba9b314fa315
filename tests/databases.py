"""Real databases with tables in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import MetaData, event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


@asynccontextmanager
async def sessions_with(tables: MetaData, database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """An empty database is given these tables; references are kept, also by SQLite."""
    engine = create_async_engine(database_url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    async with engine.begin() as connection:
        await connection.run_sync(tables.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()
