from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.directory_store import DirectoryStore
from archive.s3_store import S3Store
from archive.search_tables import SearchDocument  # with it, all tables of the archive
from archive.store import ObjectStore
from tests.archive.minio_server import MinioServer
from tests.databases import sessions_with


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """One server for all tests that leave it as it was."""
    server = MinioServer(tmp_path_factory.mktemp("minio"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["directory", "s3"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ObjectStore]:
    """Each implementation in turn, empty."""
    made: DirectoryStore | S3Store
    if request.param == "directory":
        made = DirectoryStore(tmp_path / "store")
    else:
        server: MinioServer = request.getfixturevalue("minio")
        made = S3Store(server.address(f"bucket-{tmp_path.name[-40:].lower().strip('_-').replace('_', '-')}"))
        await made.set_up()
    yield made
    await made.close()


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """With all tables, once in SQLite and once in PostgreSQL."""
    async with sessions_with(SearchDocument.metadata, database_url) as made:
        yield made
