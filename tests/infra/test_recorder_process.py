"""Which recordings the recorder may close by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.errors import CatalogUnavailable
from infra.data_directory import make_data_directory
from infra.database import migrate, open_database, sessions_of
from infra.recorder_process import is_over
from infra.settings import Settings
from school.lessons import Lessons
from school.tables import LessonKind, LessonRecording


async def test_a_recording_is_over_when_it_was_stopped_or_its_lesson_has_ended(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, _env_file=None)
    make_data_directory(settings)
    await migrate(settings)
    engine = open_database(settings)
    lessons = Lessons(sessions_of(engine))
    lesson = await lessons.create("Волны", LessonKind.FULL, 1.0)
    name = f"{lesson.id}-0"
    assert not await is_over(lessons, name)
    await lessons.set_recording(lesson.id, LessonRecording.PAUSED, 0)
    assert not await is_over(lessons, name)
    await lessons.set_recording(lesson.id, LessonRecording.OFF, 0)
    assert await is_over(lessons, name)
    await lessons.set_recording(lesson.id, LessonRecording.ON, 1)
    assert await is_over(lessons, name)
    assert not await is_over(lessons, f"{lesson.id}-1")
    await lessons.end(lesson.id, 2.0)
    assert await is_over(lessons, f"{lesson.id}-1")
    assert await is_over(lessons, "another-0")
    assert await is_over(lessons, "no name")
    await engine.dispose()


async def test_a_database_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "nowhere", _env_file=None)
    engine = open_database(settings)
    with pytest.raises(CatalogUnavailable):
        await is_over(Lessons(sessions_of(engine)), "lesson-0")
    await engine.dispose()
