"""`webclass check` finds everything that is wrong and nothing else; `--repair` lets replay go on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.catalog import Catalog
from archive.check import Checker
from archive.check_rows import Finding, Kind
from archive.directory_store import DirectoryStore
from archive.playlists import media_playlist
from archive.recordings_log import SqlRecordingLog
from archive.repair import Repair
from archive.store import ObjectStore
from archive.tables import MediaSegment, Recording, RecordingState
from tests.archive.corruption import SEGMENT_S, STARTED_AT, Vandal, fill

Sessions = async_sessionmaker[AsyncSession]
LATER_S = 2 * 3600.0
"""Everything that the tests have stored is old then."""
together = pytest.mark.parametrize(
    ("database_url", "store"), [("sqlite", "directory"), ("postgresql", "s3")], indirect=True
)


async def check(sessions: Sessions, store: ObjectStore, *, quick: bool = False) -> list[Finding]:
    return [each async for each in Checker(sessions, store, time.time() + LATER_S, quick=quick).findings()]


@together
async def test_a_thousand_corruptions_are_all_found_and_nothing_else(sessions: Sessions, store: ObjectStore) -> None:
    await fill(sessions, store, recordings=14, segments=72)
    assert await check(sessions, store) == []
    vandal = Vandal(sessions, store, seed=7)
    planted = await vandal.plant(1000)

    found = {(each.kind, each.recording_id, each.object_key) for each in await check(sessions, store)}
    wanted = {(each.kind, each.recording_id, each.object_key) for each in planted}
    assert len(wanted) == 1000
    assert wanted - found == set()
    false_alarms = {each for each in found - wanted if each[0] != Kind.INDEX_HOLE}
    assert false_alarms == set()
    holes = [each for each in found if each[0] == Kind.INDEX_HOLE]
    assert 0 < len(holes) <= len(vandal.derived)


@together
async def test_after_a_repair_only_kept_media_is_left_to_tell_of(sessions: Sessions, store: ObjectStore) -> None:
    await fill(sessions, store, recordings=2, segments=24)
    vandal = Vandal(sessions, store, seed=8)
    await vandal.plant(40)
    objects = {each.key async for each in store.list("recordings/")}
    repair = Repair(sessions, store)
    for finding in await check(sessions, store):
        await repair.mend(finding)

    assert {each.kind for each in await check(sessions, store)} <= {Kind.ORPHAN}
    left = {each.key async for each in store.list("recordings/")}
    assert left <= objects
    assert all("/99-" in key for key in objects - left), "spares of segments that are whole"

    thorough = Repair(sessions, store, remove_orphans=True)
    for finding in await check(sessions, store):
        assert await thorough.mend(finding)
    assert {each.kind for each in await check(sessions, store)} <= {Kind.WRONG_DURATION}


async def test_playlists_go_around_a_broken_segment_until_it_is_whole_again(sessions: Sessions, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    await fill(sessions, store, recordings=1, segments=4)
    key = "recordings/recording-0/teacher_video/1/0-2.m4s"
    path = tmp_path / "store" / "objects" / key
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    assert await check(sessions, store, quick=True) == []
    (finding,) = await check(sessions, store)
    assert (finding.kind, finding.object_key) == (Kind.WRONG_SHA256, key)
    await Repair(sessions, store).mend(finding)
    assert path.exists()
    text = await playlist(sessions)
    assert "1/2.m4s" not in text
    assert "1/gap.mp4" in text

    path.write_bytes(whole)
    (finding,) = await check(sessions, store)
    assert finding.kind == Kind.WHOLE_AGAIN
    await Repair(sessions, store).mend(finding)
    assert await check(sessions, store) == []
    assert "1/2.m4s" in await playlist(sessions)
    await store.close()


async def playlist(sessions: Sessions) -> str:
    runs, segments = await Catalog(sessions).rendition("recording-0", "teacher_video", 1)
    return media_playlist(1, runs, segments, 4 * SEGMENT_S)


async def test_a_broken_initialisation_segment_takes_its_run_out_of_playlists(
    sessions: Sessions, tmp_path: Path
) -> None:
    store = DirectoryStore(tmp_path / "store")
    await fill(sessions, store, recordings=1, segments=16)
    await store.delete("recordings/recording-0/teacher_video/1/init-1.mp4")
    (finding,) = await check(sessions, store)
    await Repair(sessions, store).mend(finding)
    assert await check(sessions, store) == []
    _, segments = await Catalog(sessions).rendition("recording-0", "teacher_video", 1)
    assert [each.run for each in segments] == [0] * 8
    await store.close()


async def test_what_is_young_or_still_recorded_is_no_orphan(sessions: Sessions, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    await fill(sessions, store, recordings=1, segments=2)
    await SqlRecordingLog(sessions).begin("going-on", "lesson", time.time() + LATER_S)
    await store.put("recordings/going-on/teacher_audio/0/0-0.m4s", b"its row is on its way")
    await store.put("recordings/nobody/teacher_audio/0/0-0.m4s", b"nobody's")
    assert [each async for each in Checker(sessions, store, time.time()).findings()] == []
    (finding,) = await check(sessions, store)
    assert (finding.kind, finding.recording_id) == (Kind.ORPHAN, "nobody")
    assert not await Repair(sessions, store).mend(finding)
    await store.close()


async def test_ends_and_lengths_are_checked(sessions: Sessions, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    await fill(sessions, store, recordings=1, segments=2)
    async with sessions.begin() as session:
        await session.execute(update(Recording).values(duration_s=99.0))
    (finding,) = await check(sessions, store)
    assert finding.kind == Kind.WRONG_DURATION
    await Repair(sessions, store).mend(finding)
    assert await check(sessions, store) == []
    async with sessions.begin() as session:
        await session.execute(update(Recording).values(state=RecordingState.RECORDING.value))
    (finding,) = await check(sessions, store)
    assert finding.kind == Kind.NO_END
    await store.close()


async def test_a_wrong_length_is_the_culprit_and_not_its_neighbour(sessions: Sessions, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    await fill(sessions, store, recordings=1, segments=6)
    key = "recordings/recording-0/teacher_audio/0/0-2.m4s"
    async with sessions.begin() as session:
        its = update(MediaSegment).where(MediaSegment.object_key == key)
        await session.execute(its.values(duration_s=3 * SEGMENT_S))
    (finding,) = await check(sessions, store)
    assert (finding.kind, finding.object_key, finding.start_s) == (Kind.BAD_TIME, key, 2 * SEGMENT_S)
    async with sessions() as session:
        assert await session.scalar(select(func.max(MediaSegment.wall))) == STARTED_AT + 5 * SEGMENT_S
    await store.close()
