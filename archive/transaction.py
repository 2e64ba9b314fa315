"""One transaction of the catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.errors import CatalogUnavailable


@asynccontextmanager
async def transaction(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """Committed at its end, undone when something is raised. Raises `CatalogUnavailable`."""
    try:
        async with sessions.begin() as session:
            yield session
    except SQLAlchemyError as error:
        raise CatalogUnavailable(f"the database: {type(error).__name__}") from error
