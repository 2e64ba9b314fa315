"""Recordings as rows: what the recorder writes, and what is found again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.catalog import Catalog
from archive.errors import CatalogUnavailable, NotFound
from archive.media import Gap, Init, RenditionKey, Segment
from archive.recordings import Checkpoint, Stored
from archive.recordings_log import SqlRecordingLog
from archive.store import ObjectInfo
from archive.tables import Access, MediaGap, MediaSegment, RecordingState, Run
from school.invitations import Invitations
from school.lessons import Lessons
from school.tables import InvitationRole, LessonKind

NOW = 1_700_000_000.0
Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
def log(sessions: Sessions) -> SqlRecordingLog:
    return SqlRecordingLog(sessions)


@pytest.fixture
def catalog(sessions: Sessions) -> Catalog:
    return Catalog(sessions)


async def make_lesson(sessions: Sessions, title: str = "Физика. Волны", teacher: str = "") -> str:
    lesson = await Lessons(sessions).create(title, LessonKind.FULL, NOW)
    await Invitations(sessions, b"k" * 32).create(
        lesson.id, InvitationRole.TEACHER, valid_hours=1, created_by="test", now=NOW, label=teacher
    )
    return lesson.id


async def begun(sessions: Sessions, recording_id: str = "r", **about: str) -> str:
    await SqlRecordingLog(sessions).begin(recording_id, await make_lesson(sessions, **about), NOW)
    return recording_id


def stored(piece: Init | Segment, of: str = "r") -> Stored:
    number = f"{piece.run}" if isinstance(piece, Init) else f"{piece.run}-{piece.index}"
    name = f"recordings/{of}/{piece.key.slot}/{piece.key.encoding}/{type(piece).__name__.lower()}-{number}"
    return Stored(replace(piece, data=b""), ObjectInfo(name, 6000, "0" * 64))


def run(
    start_s: float, count: int, number: int = 0, *, index: int = 0, slot: str = "teacher_video", encoding: int = 0
) -> list[Stored]:
    """An initialisation segment and `count` segments of six seconds."""
    key = RenditionKey(slot, encoding)
    size = (0, 0) if slot.endswith("audio") else (320 << encoding, 180 << encoding)
    pieces: list[Init | Segment] = [Init(key, number, "opus" if size[0] == 0 else "vp09.00.11.08", *size, b"")]
    for each in range(count):
        begin = start_s + 6 * each
        pieces.append(Segment(key, number, index + each, begin, 6.0, NOW + begin, 5900, b""))
    return [stored(piece) for piece in pieces]


def point(state: bytes = b"{}") -> Checkpoint:
    return Checkpoint("r", state)


async def test_from_beginning_to_end(sessions: Sessions, log: SqlRecordingLog, catalog: Catalog) -> None:
    await begun(sessions, teacher="Анна Петровна")
    assert await log.unfinished() == ["r"]
    assert await log.checkpoint("r") is None
    await log.add(point(b"1"), run(0, 3), [Gap("teacher_video", 18.0, 4.0, "lost")])
    assert await log.checkpoint("r") == point(b"1")
    recording = await catalog.find_one("r")
    assert recording is not None
    assert (recording.title, recording.author, recording.access) == ("Физика. Волны", "Анна Петровна", Access.NAMED)
    assert (recording.state, recording.duration_s) == (RecordingState.RECORDING, 18.0)
    await log.finish("r", NOW + 30, 22.0)
    await log.finish("r", NOW + 30, 22.0)
    assert await log.unfinished() == []
    recording = await catalog.find_one("r")
    assert recording is not None
    assert (recording.state, recording.duration_s, recording.ended_at) == (RecordingState.READY, 22.0, NOW + 30)
    assert [(gap.slot, gap.start_s) for gap in await catalog.gaps("r")] == [("teacher_video", 18.0)]


async def test_everything_twice_is_as_once(sessions: Sessions, log: SqlRecordingLog, catalog: Catalog) -> None:
    recording_id = await begun(sessions)
    first = await catalog.find_one(recording_id)
    assert first is not None
    assert first.lesson_id is not None
    await log.begin(recording_id, first.lesson_id, NOW + 5)
    gap = Gap("teacher_video", 18.0, 4.0, "lost")
    for state in (b"1", b"2"):
        await log.add(point(state), run(0, 3), [gap])
    async with sessions() as session:
        counts = [
            await session.scalar(select(func.count()).select_from(each)) for each in (Run, MediaSegment, MediaGap)
        ]
    assert counts == [1, 3, 1]
    again = await catalog.find_one(recording_id)
    assert again is not None
    assert again.started_at == NOW


async def test_all_of_an_addition_or_nothing(sessions: Sessions, log: SqlRecordingLog) -> None:
    await begun(sessions)
    await log.add(point(b"1"), run(0, 1), [])
    taken = run(6, 1, 1, index=1)[1:]
    clash = [taken[0], Stored(replace(taken[0].piece, index=2), taken[0].object)]  # type: ignore[arg-type]
    with pytest.raises(CatalogUnavailable):
        await log.add(point(b"2"), clash, [])
    assert await log.checkpoint("r") == point(b"1")
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(MediaSegment)) == 1


async def test_what_was_not_begun(sessions: Sessions, log: SqlRecordingLog, catalog: Catalog) -> None:
    with pytest.raises(NotFound):
        await log.begin("r", "no-such-lesson", NOW)
    with pytest.raises(NotFound):
        await log.add(point(), run(0, 1), [])
    assert await log.checkpoint("r") is None
    assert await catalog.find_one("r") is None
    with pytest.raises(NotFound):
        await catalog.rendition("r", "teacher_video", 0)
    with pytest.raises(NotFound):
        await catalog.segment_object("r", "teacher_video", 0, 0)
    with pytest.raises(NotFound):
        await catalog.init_object("r", "teacher_video", 0, 0)


async def test_tracks_renditions_and_spans(sessions: Sessions, log: SqlRecordingLog, catalog: Catalog) -> None:
    """The top encoding comes late and leaves early; the slot is there whenever one of its encodings is."""
    await begun(sessions)
    await log.add(point(), run(0.1, 3) + run(24, 2, 1, index=3), [])
    await log.add(point(), run(6.1, 1, encoding=1), [])
    await log.add(point(), run(0, 6, slot="teacher_audio"), [])
    recording = await catalog.find_one("r")
    assert recording is not None
    audio, video = await catalog.tracks(recording)
    assert (audio.slot, audio.spans, audio.renditions[0].is_picture) == ("teacher_audio", ((0.0, 36.0),), False)
    assert [(begin, round(end, 6)) for begin, end in video.spans] == [(0.0, 18.1), (24.0, 36.0)]
    assert [(each.encoding, each.height, each.average_bps) for each in video.renditions] == [
        (0, 180, 8000),
        (1, 360, 8000),
    ]
    init_runs, segments = await catalog.rendition("r", "teacher_video", 0)
    assert init_runs == [0, 1]
    assert [segment.index for segment in segments] == [0, 1, 2, 3, 4]
    assert (await catalog.segment_object("r", "teacher_video", 0, 3)).key.endswith("segment-1-3")
    assert (await catalog.init_object("r", "teacher_video", 0, 1)).key.endswith("init-1")
    assert await catalog.track(recording, "teacher_audio") == audio
    with pytest.raises(NotFound):
        await catalog.track(recording, "screen_video")


async def test_what_is_read_again_has_grown(sessions: Sessions, log: SqlRecordingLog, catalog: Catalog) -> None:
    await begun(sessions)
    for count in (1, 2, 5):
        await log.add(point(), run(0, count), [])
        _, segments = await catalog.rendition("r", "teacher_video", 0)
        assert [segment.index for segment in segments] == list(range(count))
        recording = await catalog.find_one("r")
        assert recording is not None
        assert (await catalog.track(recording, "teacher_video")).spans == ((0.0, 6.0 * count),)
        assert len((await catalog.rendition("r", "teacher_video", 0))[1]) == count
