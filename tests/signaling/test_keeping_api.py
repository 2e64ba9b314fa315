"""How long recordings are kept, over HTTP."""

from __future__ import annotations

from archive.recordings_log import SqlRecordingLog
from signaling.services import Services
from tests.signaling.test_api import sign_in
from tests.signaling.web import Client, School, make_lesson


async def test_a_recording_on_hold_is_deleted_only_after_the_hold(
    client: Client, services: Services, school: School
) -> None:
    lesson = await make_lesson(services)
    log = SqlRecordingLog(school.sessions)
    await log.begin("kept", lesson.lesson_id, 1.0)
    admin = await sign_in(client, services)
    path = "/api/recordings/kept"
    assert (await admin("DELETE", path, None, 409))["code"] == "wrong_state"
    await log.finish("kept", 2.0, 1.0)
    held = {"legal_hold": True, "retention_until": 2_000_000_000.0}
    await admin("PUT", f"{path}/keeping", held, 204)
    assert await admin("GET", f"{path}/keeping", None, 200) == held
    assert (await admin("DELETE", path, None, 409))["code"] == "on_hold"
    await admin("PUT", f"{path}/keeping", {**held, "legal_hold": False}, 204)
    await admin("DELETE", path, None, 204)
    await admin("GET", path, None, 404)
    assert (await admin("PUT", f"{path}/keeping", {**held, "retention_until": -1}, 400))["code"] == "bad_message"
