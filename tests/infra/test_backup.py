"""The drill: a backup while a writer goes on, restored elsewhere, where `check` finds nothing."""

from __future__ import annotations

import asyncio
import random
import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from archive.check import Checker
from archive.media import Init, RenditionKey, Segment
from archive.object_copies import BadCopy
from archive.recordings_log import SqlRecordingLog
from archive.tables import MediaSegment
from infra.backup import CannotRestore, back_up, restore
from infra.database import open_database, sessions_of
from infra.object_store import open_store
from infra.preparation import prepare
from infra.settings import Settings
from tests.archive.corruption import fill
from tests.archive.material import keep


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Settings:
    return Settings(data_dir=tmp_path / "running", database_url=database_url)


async def write_on(settings: Settings, recording_id: str, stop: asyncio.Event) -> int:
    """A recorder: a segment after the other, the object first."""
    engine, store = open_database(settings), open_store(settings)
    log, source, index = SqlRecordingLog(sessions_of(engine)), random.Random(3), 0
    key = RenditionKey("teacher_audio", 0)
    await log.begin(recording_id, "lesson", time.time())
    await keep(store, log, recording_id, [Init(key, 0, "opus", 0, 0, b"init")])
    while not stop.is_set():
        data = source.randbytes(100)
        await keep(store, log, recording_id, [Segment(key, 0, index, index * 6.0, 6.0, time.time(), 100, data)])
        index += 1
    await store.close()
    await engine.dispose()
    return index


async def whole(settings: Settings) -> int:
    """How many segments there are, of which nothing is wrong."""
    engine, store = open_database(settings), open_store(settings)
    sessions = sessions_of(engine)
    assert [each async for each in Checker(sessions, store, time.time() + 7200).findings()] == []
    async with sessions() as session:
        count = await session.scalar(select(func.count()).select_from(MediaSegment))
    await store.close()
    await engine.dispose()
    return count or 0


async def prepared(settings: Settings) -> None:
    await prepare(settings)
    engine, store = open_database(settings), open_store(settings)
    await fill(sessions_of(engine), store, recordings=2, segments=10)
    await store.close()
    await engine.dispose()


async def test_a_backup_beside_a_writer_is_whole_elsewhere(running: Settings, tmp_path: Path) -> None:
    await prepared(running)
    stop, folder = asyncio.Event(), tmp_path / "backup"
    writing = asyncio.create_task(write_on(running, "going-on", stop))
    first = await back_up(running, folder)
    second = await back_up(running, folder)
    stop.set()
    written = await writing
    assert (first.missing, second.missing) == ([], [])
    assert second.copied == second.objects - first.objects, "only what is new"

    # Elsewhere: a new data directory, on SQLite whatever it came from.
    other = Settings(data_dir=tmp_path / "restored")
    assert await restore(other, folder, force=False) == second.objects
    assert 60 < await whole(other) <= 60 + written
    key = other.secrets_dir / "server.key"
    assert key.read_bytes() == (running.secrets_dir / "server.key").read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    with pytest.raises(CannotRestore, match="not empty"):
        await restore(other, folder, force=False)
    assert await restore(other, folder, force=True) == second.objects
    await whole(other)


async def test_a_backup_comes_back_into_the_same_kind_of_database(running: Settings, tmp_path: Path) -> None:
    await prepared(running)
    folder = tmp_path / "backup"
    await back_up(running, folder)
    await restore(running, folder, force=True)
    assert await whole(running) == 60


async def test_a_backup_that_has_changed_or_is_not_whole_is_refused(tmp_path: Path) -> None:
    running, folder = Settings(data_dir=tmp_path / "running"), tmp_path / "backup"
    await prepared(running)
    await back_up(running, folder)
    copy = folder / "objects/recordings/recording-0/teacher_audio/0/0-3.m4s"
    data = copy.read_bytes()
    copy.write_bytes(data[::-1])
    with pytest.raises(BadCopy, match="0-3"):
        await restore(Settings(data_dir=tmp_path / "a"), folder, force=False)
    copy.write_bytes(data)
    with (folder / "tables" / "lesson.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(BadCopy, match="lesson"):
        await restore(Settings(data_dir=tmp_path / "b"), folder, force=False)
    (folder / "manifest.json").unlink()
    with pytest.raises(CannotRestore, match="no whole backup"):
        await restore(Settings(data_dir=tmp_path / "c"), folder, force=False)
