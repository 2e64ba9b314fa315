from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from school.tables import Base
from signaling.services import Services
from tests.signaling.fake_media import FakeMedia
from tests.signaling.web import Client, School, web_process


@pytest.fixture
async def media(tmp_path: Path) -> AsyncIterator[FakeMedia]:
    fake = FakeMedia(tmp_path / "media-0.sock")
    await fake.start()
    yield fake
    await fake.kill()


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[School]:
    """A database without anything in it, and the socket of one media process."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'school.db'}")

    def quick(connection: object, _: object) -> None:
        connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]

    event.listen(engine.sync_engine, "connect", quick)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield School(async_sessionmaker(engine, expire_on_commit=False), [tmp_path / "media-0.sock"])
    await engine.dispose()


@pytest.fixture
def services(school: School) -> Services:
    return school.services()


@pytest.fixture
async def client(media: FakeMedia, services: Services) -> AsyncIterator[Client]:
    async with web_process(services) as running:
        yield running
