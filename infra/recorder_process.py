"""The recorder process: its wiring."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy.exc import SQLAlchemyError

from archive.deletion import Deletion
from archive.errors import CatalogUnavailable
from archive.recordings_log import SqlRecordingLog
from infra.database import open_database, sessions_of
from infra.object_store import open_store
from infra.preparation import prepare
from infra.settings import Settings
from infra.supervise import wait_for_stop_signal
from infra.upkeep import keep_tidy
from recorder.assembler import Assembler
from recorder.metrics import serve_metrics
from recorder.process import Recorder, RecorderConfig
from school.errors import NotFound
from school.lessons import Lessons
from school.tables import LessonRecording, LessonState
from signaling.recording import split_recording_id


async def run_recorder_process(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Raises `InfraError` when it cannot start."""
    await prepare(settings)
    engine, store = open_database(settings), open_store(settings)
    sessions = sessions_of(engine)
    lessons = Lessons(sessions)
    recorder = Recorder(
        RecorderConfig(
            spool_dir=settings.spool_dir,
            taps=tuple(settings.tap_path(index) for index in range(settings.media_count)),
            free_bytes=settings.spool_free_mb * 1024 * 1024,
        ),
        store,
        SqlRecordingLog(sessions),
        lambda state: Assembler(settings.recording_segment_s, state),
        lambda recording_id: is_over(lessons, recording_id),
        time.monotonic,
    )
    server = await serve_metrics(recorder, settings.recorder_path)
    tidying = asyncio.create_task(keep_tidy(settings, Deletion(sessions), store))
    try:
        await recorder.run(wait_for_stop_signal())
    finally:
        tidying.cancel()
        await asyncio.gather(tidying, return_exceptions=True)
        server.close()
        await store.close()
        await engine.dispose()


async def is_over(lessons: Lessons, recording_id: str) -> bool:
    """Whether nothing more is recorded under this name: its lesson has ended, or the teacher has stopped it.

    Raises `CatalogUnavailable`.
    """
    lesson_id, number = split_recording_id(recording_id) or ("", 0)
    try:
        lesson = await lessons.get(lesson_id)
    except NotFound:
        return True
    except SQLAlchemyError as error:
        raise CatalogUnavailable(f"the database: {type(error).__name__}") from error
    stopped = lesson.recording == LessonRecording.OFF or lesson.recording_number != number
    return stopped or lesson.state == LessonState.ENDED
