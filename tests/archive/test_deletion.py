"""Deletion leaves nothing behind and loses nothing, wherever it is cut off."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.check import Checker
from archive.deletion import Deletion, Keeping, Swept
from archive.errors import NotFound, OnHold, StillRecording
from archive.recordings_log import SqlRecordingLog
from archive.store import ObjectStore
from archive.tables import Garbage
from tests.archive.corruption import STARTED_AT, fill

Sessions = async_sessionmaker[AsyncSession]
together = pytest.mark.parametrize(
    ("database_url", "store"), [("sqlite", "directory"), ("postgresql", "s3")], indirect=True
)
OBJECTS = 3 * (4 + 1)
"""Of one recording of `fill`, with four segments."""
DAY_S = 24 * 3600.0


async def keys(store: ObjectStore) -> list[str]:
    return [each.key async for each in store.list("recordings/")]


async def wrong(sessions: Sessions, store: ObjectStore, later_s: float) -> list[str]:
    return [each.kind async for each in Checker(sessions, store, time.time() + later_s).findings()]


@together
async def test_a_recording_is_deleted_with_all_its_objects(sessions: Sessions, store: ObjectStore) -> None:
    await fill(sessions, store, recordings=2, segments=4)
    deletion, now = Deletion(sessions), time.time()
    await deletion.delete("recording-0", now)
    with pytest.raises(NotFound):
        await deletion.delete("recording-0", now)
    assert len(await keys(store)) == 2 * OBJECTS
    assert await wrong(sessions, store, later_s=0) == []

    # As if the process had died after some objects.
    for key in (await deletion.garbage())[:5]:
        await store.delete(key)
    assert await wrong(sessions, store, later_s=0) == []
    assert set(await wrong(sessions, store, later_s=7200)) == {"garbage_left"}

    assert await deletion.sweep(store, now, None) == Swept(0, OBJECTS)
    assert await deletion.sweep(store, now, None) == Swept(0, 0)
    left = await keys(store)
    assert len(left) == OBJECTS
    assert all(key.startswith("recordings/recording-1/") for key in left)
    assert await wrong(sessions, store, later_s=7200) == []
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Garbage)) == 0
        assert await session.scalar(text("SELECT count(*) FROM search_document")) == 1


async def test_a_hold_and_a_running_lesson_refuse_deletion(sessions: Sessions, store: ObjectStore) -> None:
    await fill(sessions, store, recordings=1, segments=1)
    deletion = Deletion(sessions)
    await deletion.keep("recording-0", Keeping(legal_hold=True, retention_until=STARTED_AT))
    with pytest.raises(OnHold):
        await deletion.delete("recording-0", time.time())
    assert await deletion.sweep(store, time.time(), 1.0) == Swept(0, 0)
    await SqlRecordingLog(sessions).begin("going-on", "lesson", STARTED_AT)
    with pytest.raises(StillRecording):
        await deletion.delete("going-on", time.time())
    await deletion.keep("recording-0", Keeping(legal_hold=False, retention_until=None))
    await deletion.delete("recording-0", time.time())


async def test_recordings_expire_by_their_own_date_or_by_the_setting(sessions: Sessions, store: ObjectStore) -> None:
    await fill(sessions, store, recordings=3, segments=1)
    deletion = Deletion(sessions)
    now = STARTED_AT + 10 * DAY_S
    await deletion.keep("recording-0", Keeping(legal_hold=False, retention_until=now - 1))
    await deletion.keep("recording-1", Keeping(legal_hold=False, retention_until=now + 1))
    assert await deletion.expired(now, None) == ["recording-0"]
    assert await deletion.expired(now, 11 * DAY_S) == ["recording-0"]
    assert sorted(await deletion.expired(now, 9 * DAY_S)) == ["recording-0", "recording-2"]
    assert (await deletion.sweep(store, now, 9 * DAY_S)).recordings == 2
    assert await deletion.keeping("recording-1") == Keeping(legal_hold=False, retention_until=now + 1)
