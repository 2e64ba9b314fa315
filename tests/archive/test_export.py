"""An exported recording is played by a player that knows nothing of webclass."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path

import av
import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.catalog import Catalog
from archive.errors import NotEmpty, StillRecording, StoreError
from archive.export import Export
from archive.recordings_log import SqlRecordingLog
from archive.store import ObjectStore
from tests.archive.material import FPS, STARTED_AT, keep, lesson, number_of
from tests.archive.shelf import add_lesson

Sessions = async_sessionmaker[AsyncSession]
LENGTH_S = 12.0
pytestmark = pytest.mark.parametrize(
    ("database_url", "store"), [("sqlite", "directory"), ("postgresql", "s3")], indirect=True
)


async def recorded(sessions: Sessions, store: ObjectStore) -> None:
    log = SqlRecordingLog(sessions)
    async with sessions.begin() as session:
        await add_lesson(session, "lesson")
    await log.begin("exported", "lesson", STARTED_AT)
    await keep(store, log, "exported", lesson(LENGTH_S))


async def export(sessions: Sessions, store: ObjectStore, folder: Path) -> int:
    catalog = Catalog(sessions)
    recording = await catalog.find_one("exported")
    assert recording is not None
    return await Export(catalog, store, folder).run(recording)


async def test_every_frame_plays_and_every_sum_holds(sessions: Sessions, store: ObjectStore, tmp_path: Path) -> None:
    await recorded(sessions, store)
    with pytest.raises(StillRecording):
        await export(sessions, store, tmp_path / "out")
    await SqlRecordingLog(sessions).finish("exported", time.time(), LENGTH_S)
    folder = tmp_path / "out"
    files = await export(sessions, store, folder)

    summing = ("sha256sum", "-c", "SHA256SUMS")
    summed = await asyncio.to_thread(subprocess.run, summing, cwd=folder, capture_output=True, text=True, check=True)
    assert summed.stdout.count(": OK") == files - 1
    assert sum(path.is_file() for path in folder.rglob("*")) == files
    about = json.loads((folder / "metadata.json").read_text())
    assert (about["identifier"], about["title"], about["extent"]) == ("exported", "A lesson", "PT12.000S")
    assert "/api/" not in "".join(path.read_text() for path in folder.rglob("*.m3u8"))

    with av.open(str(folder / "screen_video" / "packed-1.m3u8")) as container:
        numbers = [number_of(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    assert numbers == list(range(int(LENGTH_S / 3 * FPS)))
    with av.open(str(folder / "index.m3u8")) as container:
        assert len(container.streams.video) == 3
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert heard / 48_000 == pytest.approx(LENGTH_S, abs=0.1)
    with pytest.raises(NotEmpty):
        await export(sessions, store, folder)


async def test_what_has_changed_in_the_store_is_not_passed_on(
    sessions: Sessions, store: ObjectStore, tmp_path: Path
) -> None:
    await recorded(sessions, store)
    await SqlRecordingLog(sessions).finish("exported", time.time(), LENGTH_S)
    key = "recordings/exported/teacher_audio/0/0-1.m4s"
    await store.delete(key)
    await store.put(key, b"something else")
    with pytest.raises(StoreError, match="webclass check"):
        await export(sessions, store, tmp_path / "out")
