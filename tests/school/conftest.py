from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.tables import Base
from tests.databases import sessions_with


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Once in SQLite and once in PostgreSQL."""
    async with sessions_with(Base.metadata, database_url) as made:
        yield made
